"""Moves of a directory that take something out of a region and that no clause stops: WEAKER, with that move."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from avakill.backends.judge import KEPT
from avakill.backends.plan import FLOOR
from avakill.backends.sbpl.field import Level, PathPiece, meet
from avakill.backends.sbpl.ground import MOVABLE, Ground, representatives
from avakill.backends.sbpl.shape import Shape, is_closed, place
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Witness
from avakill.paths.automaton import Pattern, covers
from avakill.paths.glob import join, split

PARENT_MOVES = "a directory above it that the pattern does not hold can be renamed, and what is inside leaves the region"
UNDECIDED = "whether a directory can be moved with something of the region inside could not be decided"
ELSEWHERE = ("/moved", "/tmp/moved")
MAX_HOLES = 20
LEAVING = (Shape.LOOSE, Shape.FLOATING)
"""Pieces whose objects a moved directory could take out."""


def confess_escapes(ground: Ground, level: Level) -> None:
    for effect in representatives(ground, level, MOVABLE):
        for piece in level.pieces:
            kind = ground.shape(piece)
            if kind not in LEAVING or ground.first.setdefault((effect, piece), level) is not level:
                continue  # or decided by the level above that has the same piece
            leaves = kind is Shape.LOOSE or (kind is Shape.FLOATING and _may_land(ground, effect, level, piece))
            if leaves and _confess(ground, effect, level, piece, kind):
                return


def _confess(ground: Ground, effect: Effect, level: Level, piece: PathPiece, kind: Shape) -> bool:
    landings = () if ground.budget.is_spent else tuple(_landings(ground, effect, level, piece))
    found = _escape(ground, effect, level, piece, landings)
    about = level.effects & frozenset(MOVABLE)
    if found is not None:
        ground.claims.weaker(level.layer, about, PARENT_MOVES, found)
        return True
    floats = kind is Shape.FLOATING and all(ground.field.denies(Effect.CREATE, to) for to in landings)
    if floats or _is_held(ground, piece) or _is_shadowed(ground, effect, level, piece):
        return False
    ground.claims.unenforceable(level.layer, about, UNDECIDED)
    return True


def _is_shadowed(ground: Ground, effect: Effect, level: Level, piece: PathPiece) -> bool:
    """Whether a level above surely decides on all of the piece: what leaves it is then that level's to answer for."""
    for above in ground.field.levels[: level.order]:
        for other in above.pieces if effect in above.effects else ():
            ground.budget.pairs -= 1
            if other == piece or _covers(ground, other, piece):
                return True
            if ground.budget.is_spent:
                return False
    return False


def _covers(ground: Ground, big: PathPiece, small: PathPiece) -> bool:
    if len(big.within) != 1 or big.without or ground.budget.automata <= 0:
        return False
    ground.budget.automata -= 1
    return any(covers(big.within[0], atom) for atom in small.within)


def _may_land(ground: Ground, effect: Effect, level: Level, piece: PathPiece) -> bool:
    """Whether a moved parent could bring an object of a floating piece into a hole above it. No move reaches /dev."""
    for hole in ground.field.holes(effect, level.order, (piece,)):
        if hole.level.layer.index == FLOOR and place(hole.piece).startswith("/dev/"):
            continue
        if ground.budget.is_spent:
            return True
        if not meet(hole.piece, piece, ground.budget):
            continue
        shared = _in_both(ground, hole.piece, piece)
        if not shared or not ground.field.denies(effect, shared[0]):
            return True
    return False


def _escape(ground: Ground, effect: Effect, level: Level, piece: PathPiece, landings: tuple[str, ...]) -> Witness | None:
    """A rename of a directory that lets something of the piece go, tried out as long as the allowance lasts."""
    for path in _candidates(ground, effect, level, piece):
        if ground.budget.is_spent:
            return Witness(Operation.RENAME, join(split(path)[:-1]), False, True, "/moved")
        found = _move_of(ground, effect, path, (*landings, *_elsewhere(ground)))
        if found is not None:
            return found
    return None


def _elsewhere(ground: Ground) -> tuple[str, ...]:
    """New names to try for any directory: ordinary ones, and those beside what is allowed."""
    if not ground.elsewhere:
        holes = islice(ground.field.allows.related(()), MAX_HOLES)
        beside = (f"{place(entry.piece).rstrip('/')}/moved" for entry in holes)
        ground.elsewhere = tuple(dict.fromkeys((*ELSEWHERE, *beside)))
    return ground.elsewhere


def _move_of(ground: Ground, effect: Effect, path: str, targets: tuple[str, ...]) -> Witness | None:
    names = split(path)
    for cut in range(len(names) - 1, 0, -1):
        old, below = join(names[:cut]), names[cut:]
        if names[:cut] in ground.ancestors or not ground.is_removable(old):
            continue
        for to in (*targets, f"{join(names[: cut - 1]).rstrip('/')}/moved"):
            if to == old or to.startswith(old + "/") or not ground.is_creatable(to):
                continue
            new = join((*split(to), *below))
            if ground.field.denies(effect, path) and not ground.field.denies(effect, new):
                return Witness(Operation.RENAME, old, False, True, to)
    return None


def _candidates(ground: Ground, effect: Effect, level: Level, piece: PathPiece) -> Iterator[str]:
    """Paths on which the deny decides; where deletes are denied elsewhere, in the holes of those too."""
    field = ground.field
    for path in ground.search.examples(piece):
        moved = f"/moving/{split(path)[-1]}"
        yield from (found for found in (path, moved) if ground.budget.is_spent or field.decide(effect, found) is level)
    if ground.budget.is_spent:
        return
    for hole in islice(field.holes(effect, level.order, (piece,)), MAX_HOLES):
        for path in _in_both(ground, hole.piece, piece):
            moved = f"/moving/{split(path)[-1]}"
            if field.decide(effect, moved) is level:
                yield moved
    simple = _plain_above(ground, effect, level)
    near = [entry.piece for entry in islice(field.all_holes(Effect.DELETE, (piece,)), MAX_HOLES)]
    for opened in (Piece(), *near):
        for path in _in_both(ground, opened, piece, simple):
            if field.decide(effect, path) is level:
                yield path


def _plain_above(ground: Ground, effect: Effect, level: Level) -> tuple[Pattern, ...]:
    above = (other for other in ground.field.levels[: min(level.order, 64)] if effect in other.effects)
    plain = (p.within[0] for other in above for p in other.pieces if len(p.within) == 1 and not p.without)
    return tuple(islice(plain, 12))


def _in_both(ground: Ground, one: PathPiece, other: PathPiece, without: tuple[Pattern, ...] = ()) -> tuple[str, ...]:
    if not meet(one, other, ground.budget):
        return ()
    return ground.search.exact(Piece((*one.within, *other.within), (*one.without, *other.without)), without)


def _landings(ground: Ground, effect: Effect, level: Level, piece: PathPiece) -> Iterator[str]:
    """New names for a moved directory at which what is inside would be open."""
    for hole in islice(ground.field.holes(effect, level.order, (piece,)), MAX_HOLES):
        if hole.level.layer.index == FLOOR:
            continue
        for path in (*ground.search.examples(hole.piece), *_in_both(ground, hole.piece, piece)):
            if piece.holds(path):
                yield join(split(path)[:-1])


# -- where nothing can be moved --


def _is_held(ground: Ground, piece: PathPiece) -> bool:
    """Whether no directory around the piece can be moved: removal, or every new name, is denied, with no hole to try."""
    field = ground.field
    for effect in (Effect.DELETE, *(e for e in KEPT if e in ground.sourced)):
        if field.is_closed(effect) and not any(True for _ in field.all_holes(effect, (piece,))):
            return True
        held = _closed_around(ground, effect, place(piece))
        if held is not None and not any(is_closed(hole.piece) for hole in field.holes(effect, held.order, (piece,))):
            return True
    return field.is_closed(Effect.CREATE) and sum(1 for _ in field.all_holes(Effect.CREATE, (Piece(),))) <= MAX_HOLES


def _closed_around(ground: Ground, effect: Effect, path: str) -> Level | None:
    """The deny that holds `path` and all below it, if the parents of `path` cannot be moved either."""
    level = ground.field.decide(effect, path)
    if level is None or not level.layer.denies:
        return None
    holding = [piece for piece in level.pieces if is_closed(piece) and piece.holds(path)]
    if not holding:
        return None
    if any(ground.shape(piece) is Shape.FLOATING for piece in holding):
        return level
    names = split(path)
    parents = (names[:end] for end in range(1, len(names)))
    if any(names not in ground.ancestors and ground.is_removable(join(names)) for names in parents):
        return None
    return level
