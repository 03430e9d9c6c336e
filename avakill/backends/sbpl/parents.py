"""Directories that stay where they are: the literal parents of what is denied, so that it does not leave with one."""

from __future__ import annotations

from avakill.backends.sbpl.claims import RENAMES
from avakill.backends.sbpl.field import Level, PathPiece
from avakill.backends.sbpl.ground import MOVABLE, Ground, representatives
from avakill.backends.sbpl.shape import Shape, fill, is_closed
from avakill.backends.sbpl.sources import NO_MOVE_OUT
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Lost, Verdict, Witness
from avakill.paths.glob import Anchor, Glob, join

NO_PARENT = "the parents of a pattern cannot be renamed or removed, whether or not anything there matches it"


def parents_of(glob: Glob) -> tuple[Glob, ...]:
    """The literal directories above a pattern, without the root; HOME and WORKSPACE stay parameters."""
    return tuple([_parent(glob, names) for names in _names_above(glob)])


def _names_above(glob: Glob) -> list[tuple[str, ...]]:
    names = glob.literal_prefix
    return [names[:end] for end in range(len(names) - (len(names) == len(glob.parts)), 0, -1)]


def _parent(glob: Glob, names: tuple[str, ...]) -> Glob:
    anchored = glob.anchor is not Anchor.ROOT and 0 < glob.anchor_length <= len(names)
    anchor, length = (glob.anchor, glob.anchor_length) if anchored else (Anchor.ROOT, 0)
    return Glob(names, anchor=anchor, anchor_length=length, fold=glob.fold)


def hold_parents(ground: Ground, level: Level) -> None:
    for piece in level.pieces:
        kind = ground.shape(piece)
        if kind not in (Shape.ROOTED, Shape.EDGED):
            continue
        glob = next(atom for atom in piece.within if isinstance(atom, Glob) and not atom.is_everything)
        if _may_be_opened(ground, level, glob) and all(
            _is_opened(ground, effect, glob, piece, kind) for effect in representatives(ground, level, MOVABLE)
        ):
            continue
        _hold(ground, level, glob)
        if kind is Shape.EDGED:
            _claim_edge(ground, level, glob)
        else:
            _claim_rooted(ground, level, glob)


def _hold(ground: Ground, level: Level, glob: Glob) -> None:
    for names in _names_above(glob):
        if names in ground.ancestors:
            break
        ground.ancestors[names] = (_parent(glob, names), level.layer.span)


def _may_be_opened(ground: Ground, level: Level, glob: Glob) -> bool:
    if ground.budget.is_spent:
        return False
    names = tuple(name.casefold() for name in glob.literal_prefix) if glob.fold else glob.literal_prefix
    return any(hole.level.order < level.order for hole in ground.field.allows.above(names))


def _is_opened(ground: Ground, effect: Effect, glob: Glob, piece: PathPiece, kind: Shape) -> bool:
    """Whether a hole above takes the whole piece."""
    path = join(glob.literal_prefix) if kind is Shape.ROOTED else fill(glob, "x")
    decider = ground.field.decide(effect, path)
    if decider is None or decider.layer.denies:
        return False
    if piece in decider.pieces:
        return True
    trees = (p.within[0] for p in decider.pieces if len(p.within) == 1 and is_closed(p))
    if kind is Shape.EDGED:
        base = join(glob.literal_prefix)
        return any(isinstance(atom, Glob) and atom.is_tree and atom.holds(base) for atom in trees)
    return any(atom.holds(path) for atom in trees) or not glob.below


def _claim_rooted(ground: Ground, level: Level, glob: Glob) -> None:
    """Where deletes are lost anyway, moves of its parents to a place that is as closed are lost too."""
    known = ground.claims.found.get((level.layer.index, Verdict.STRICTER, NO_MOVE_OUT))
    if known is not None:
        known.lost.update(dict.fromkeys(Lost((Operation.RENAME,), join(names)) for names in _names_above(glob)))


def _claim_edge(ground: Ground, level: Level, glob: Glob) -> None:
    places = tuple(map(join, _names_above(glob)))
    spent = ground.budget.is_spent
    free = next((where for where in places if spent or not ground.field.denies(Effect.DELETE, where)), None)
    if free is None:
        return
    lost = tuple(Lost(RENAMES, where) for where in places)
    seen = Witness(Operation.RMDIR, free, True, False)
    ground.claims.stricter(level.layer, level.effects & frozenset(MOVABLE), NO_PARENT, seen, lost)
    named = None if spent else ground.field.decide(Effect.DELETE, free)
    if named is not None:
        ground.claims.stricter(named.layer, frozenset({Effect.DELETE}), NO_PARENT, seen, lost)
