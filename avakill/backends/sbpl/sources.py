"""What may not leave its name: unlink and link are denied where READ, WRITE or EXEC is (semantics §2, no gain).

The kernel asks `file-write-unlink` at an old name, `file-link` for a further one, and never compares two names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from avakill.backends.judge import KEPT
from avakill.backends.sbpl.claims import REMOVALS
from avakill.backends.sbpl.field import Entry, Level, PathPiece, denied_also, meet
from avakill.backends.sbpl.filters import any_of, piece_filters, region_filters
from avakill.backends.sbpl.ground import Ground, Source
from avakill.backends.sbpl.model import LINK, UNLINK, All, Filter, Not
from avakill.backends.sbpl.shape import place
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Lost, Witness
from avakill.paths.automaton import Pattern
from avakill.paths.glob import join, split

NO_MOVE_OUT = "the kernel asks the same of a rename as of a delete, so what must not be moved out cannot be deleted either"
NO_LINK_OUT = "the kernel does not see where a hard link leads, so links that would gain nothing are denied too"
NO_DELETE_HOLE = "what a deny on reading, writing or running keeps from being moved out cannot be deleted either"


def is_free(ground: Ground, level: Level, effect: Effect) -> bool:
    """Whether deleting, linking and making anew are denied with it, and no hole tells them apart: the common case."""
    key = (level.effects, effect)
    known = ground.free.get(key)
    if known is None:
        others = {Effect.DELETE, Effect.CREATE, ground.links or effect}
        known = others <= level.effects and not any(others & effects and effect not in effects for effects in ground.field.holed)
        ground.free[key] = known
    return known and ground.links is not None


def stop_at_source(ground: Ground, level: Level, effect: Effect) -> None:
    """Deny unlink and link on what `level` denies of `effect`, where they are not denied yet; claim what that costs."""
    free_delete = denied_also(ground.field, level, effect, Effect.DELETE)
    free_create = denied_also(ground.field, level, effect, Effect.CREATE)
    operations: list[str] = []
    if not free_delete and effect is not ground.unlinks:
        operations += UNLINK
    if ground.links is None or not denied_also(ground.field, level, effect, ground.links):
        operations += LINK
    if operations:
        _add(ground, level, effect, operations)
    if not free_delete:
        _claim_removals(ground, level, effect)
    if not free_create:
        _claim_links(ground, level, effect)


def _add(ground: Ground, level: Level, effect: Effect, operations: list[str]) -> None:
    above = ground.field.holes(effect, level.order, level.pieces)
    holes = list(islice(above, 1)) if ground.budget.is_spent else list(above)
    if ground.budget.is_spent and holes:
        # too much to compare: the holes stay closed to moves, and that is said
        path = next(ground.search.examples(holes[0].piece), "/")
        seen = Witness(Operation.UNLINK, path, True, False)
        ground.claims.stricter(level.layer, _kept(level), NO_MOVE_OUT, seen, _lost(REMOVALS, level))
        holes = []
    key = (level.layer.index, id(level.layer.region), tuple(map(id, holes)))
    known = ground.sources.get(key)
    if known is None:
        extra: Filter | None = None
        if holes:
            openings = dict.fromkeys(found for hole in holes for found in piece_filters(hole.piece))
            extra = All((any_of(region_filters(level.layer.region)), Not(any_of(tuple(openings)))))
        known = ground.sources[key] = Source(level, extra, {})
    known.operations.update(dict.fromkeys(operations))


def _kept(level: Level) -> frozenset[Effect]:
    return level.effects & frozenset(KEPT)


def _lost(operations: tuple[Operation, ...], level: Level) -> tuple[Lost, ...]:
    return tuple(dict.fromkeys(Lost(operations, place(piece), True) for piece in level.pieces))


# -- deletes --


def _claim_removals(ground: Ground, level: Level, effect: Effect) -> None:
    path = _differing(ground, level, effect)
    if path is None:
        return
    seen = Witness(Operation.UNLINK, path, True, False)
    ground.claims.stricter(level.layer, _kept(level), NO_MOVE_OUT, seen, _lost(REMOVALS, level))
    for hole in () if ground.budget.is_spent else ground.field.all_holes(Effect.DELETE, level.pieces):
        shared = None if ground.budget.is_spent else _shared(ground, hole, Effect.DELETE, level, effect)
        if shared is not None:
            seen = Witness(Operation.UNLINK, shared, True, False)
            lost = (Lost(REMOVALS, place(hole.piece), True),)
            ground.claims.stricter(hole.level.layer, frozenset({Effect.DELETE}), NO_DELETE_HOLE, seen, lost)


def _differing(ground: Ground, level: Level, effect: Effect) -> str | None:
    """A path that `level` denies `effect` on and that may be deleted; None where there is none."""
    field = ground.field
    if ground.budget.is_spent:
        return next((path for piece in level.pieces for path in ground.search.examples(piece)), None)
    for piece in level.pieces:
        for path in ground.search.examples(piece):
            if field.decide(effect, path) is level and not field.denies(Effect.DELETE, path):
                return path
    for hole in field.all_holes(Effect.DELETE, level.pieces):
        found = None if ground.budget.is_spent else _shared(ground, hole, Effect.DELETE, level, effect)
        if found is not None:
            return found
    for piece in level.pieces:
        around = ground.search.exact(piece, _around(ground, level, effect, piece))
        for path in (*around, *_in_exceptions(ground, piece)):
            if field.decide(effect, path) is level and not field.denies(Effect.DELETE, path):
                return path
    return None


def _in_exceptions(ground: Ground, piece: PathPiece) -> Iterator[str]:
    """Paths of the piece in what other regions leave out."""
    ground.budget.pairs -= sum(len(level.pieces) for level in ground.field.levels[:64])
    left_out = dict.fromkeys(atom for level in ground.field.levels[:64] for other in level.pieces for atom in other.without)
    for atom in islice(left_out, 12):
        inside: PathPiece = Piece((*piece.within, atom), piece.without)
        if meet(Piece((atom,)), piece, ground.budget):
            yield from ground.search.exact(inside)


def _around(ground: Ground, level: Level, effect: Effect, piece: PathPiece) -> tuple[Pattern, ...]:
    """A few plain patterns that stand above the deny, or that deny deletes."""
    found: dict[Pattern, None] = {}
    for other in ground.field.levels[:64]:
        ground.budget.pairs -= len(other.pieces)
        above = other.order < level.order and effect in other.effects
        if above or (other.layer.denies and Effect.DELETE in other.effects):
            plain = (near for near in other.pieces if len(near.within) == 1 and not near.without)
            found.update((near.within[0], None) for near in plain if meet(near, piece, ground.budget))
    return tuple(atom for atom in found if not atom.is_everything)[:12]


def _shared(ground: Ground, hole: Entry, opened: Effect, level: Level, effect: Effect) -> str | None:
    """A path on which `hole` decides for `opened`, and `level` for `effect`."""
    field = ground.field
    for path in _in_both(ground, hole.piece, level):
        if field.decide(opened, path) is hole.level and field.decide(effect, path) is level:
            return path
    return None


def _in_both(ground: Ground, hole: PathPiece, level: Level) -> Iterator[str]:
    for piece in level.pieces:
        yield from ground.search.examples(piece)
    yield from ground.search.examples(hole)
    for piece in level.pieces:
        if meet(piece, hole, ground.budget):
            yield from ground.search.exact(Piece((*piece.within, *hole.within), (*piece.without, *hole.without)))


# -- links --


def _claim_links(ground: Ground, level: Level, effect: Effect) -> None:
    found = _linked(ground, level, effect)
    if found is None:
        return
    old, new = found
    seen = Witness(Operation.LINK, old, True, False, new)
    ground.claims.stricter(level.layer, _kept(level), NO_LINK_OUT, seen, _lost((Operation.LINK,), level))
    for hole in () if ground.budget.is_spent else ground.field.all_holes(Effect.CREATE, level.pieces):
        pair = None if ground.budget.is_spent else _linked_in_hole(ground, hole, level, effect)
        if pair is not None:
            seen = Witness(Operation.LINK, pair[0], True, False, pair[1])
            lost = (Lost((Operation.LINK,), place(hole.piece), True),)
            ground.claims.stricter(hole.level.layer, frozenset({Effect.CREATE}), NO_DELETE_HOLE, seen, lost)


def _linked(ground: Ground, level: Level, effect: Effect) -> tuple[str, str] | None:
    """A link inside of the region that f allows: the names have the same effects, and the new one may be made."""
    if ground.budget.is_spent:
        paths = tuple(islice((path for piece in level.pieces for path in ground.search.examples(piece)), 2))
        return (paths[0], paths[-1]) if paths else None
    for piece in level.pieces:
        known: list[str] = []
        for path in ground.search.examples(piece):
            if ground.field.decide(effect, path) is level:
                pairs = ((a, b) for other in known for a, b in ((other, path), (path, other)))
                found = next((p for p in pairs if not _is_above(*p) and _gains_nothing(ground, *p)), None)
                if found is not None:
                    return found
                known.append(path)
    for hole in ground.field.all_holes(Effect.CREATE, level.pieces):
        pair = None if ground.budget.is_spent else _linked_in_hole(ground, hole, level, effect)
        if pair is not None:
            return pair
    for piece in level.pieces:
        for path in _in_exceptions(ground, piece):
            pair = _linked_near(ground, path, level, effect)
            if pair is not None:
                return pair
    return None


def _linked_near(ground: Ground, path: str, level: Level, effect: Effect) -> tuple[str, str] | None:
    """A link of a path, or of what is in it, to a name beside: for what another deny leaves out."""
    *above, name = split(path)
    near = (path, f"{path}/x", f"{path}/y", f"{path}-new", join((*above, "new", name)))
    held = [one for one in near if ground.field.decide(effect, one) is level]
    pairs = ((old, new) for old in held for new in held if old != new and not _is_above(old, new))
    return next((pair for pair in pairs if _gains_nothing(ground, *pair)), None)


def _is_above(one: str, other: str) -> bool:
    return one.startswith(other + "/") or other.startswith(one + "/")


def _linked_in_hole(ground: Ground, hole: Entry, level: Level, effect: Effect) -> tuple[str, str] | None:
    old = _shared(ground, hole, Effect.CREATE, level, effect)
    if old is None:
        return None
    *above, name = split(old)
    beside = (f"{old}-new", join((*above, "new", name)))
    for new in (*beside, *_in_both(ground, hole.piece, level)):
        held = new != old and hole.piece.holds(new) and ground.field.decide(effect, new) is level
        if held and _gains_nothing(ground, old, new):
            return old, new
    return None


def _gains_nothing(ground: Ground, old: str, new: str) -> bool:
    before, after = ground.field.deciders(old), ground.field.deciders(new)
    made = after.get(Effect.CREATE)
    if made is not None and made.layer.denies:
        return False
    denied = (e for e in KEPT if (level := before.get(e)) is not None and level.layer.denies)
    return all((level := after.get(e)) is not None and level.layer.denies for e in denied)
