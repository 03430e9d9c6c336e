"""Names that are open in a whole that is closed: nothing new may be put there, since a move could put anything there.

The other way to keep the law's no gain, for a deny of everything: to stop every move at its source would stop all deletes.
"""

from __future__ import annotations

from avakill.backends.judge import KEPT
from avakill.backends.sbpl.claims import NEW_NAMES
from avakill.backends.sbpl.field import Level, PathPiece, denied_also, is_wide
from avakill.backends.sbpl.filters import spellings
from avakill.backends.sbpl.ground import Ground
from avakill.backends.sbpl.model import Paths
from avakill.backends.sbpl.parents import parents_of
from avakill.backends.sbpl.shape import place
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Lost, Witness
from avakill.paths.glob import Glob, join

NO_NEW_NAME = "a name that is open under a deny of everything else cannot be made anew: a move could put anything there"


def is_sourced(ground: Ground, effect: Effect) -> bool:
    """Whether all that is denied of `effect` is stopped at its source."""
    wide = (level for level in ground.field.levels if effect in level.effects and level.layer.denies and is_wide(level))
    return all(stops_at_source(ground, level, effect) for level in wide)


def stops_at_source(ground: Ground, level: Level, effect: Effect) -> bool:
    """Whether moves out of a region without bounds are stopped at the old name rather than at the new one."""
    field = ground.field
    if denied_also(field, level, effect, Effect.DELETE) and denied_also(field, level, effect, Effect.CREATE):
        return True
    return not all(_is_plain(hole.piece) for hole in field.holes(effect, level.order, level.pieces))


def _is_plain(piece: PathPiece) -> bool:
    return len(piece.within) == 1 and not piece.without and isinstance(piece.within[0], Glob) and bool(place(piece)[1:])


def close_names(ground: Ground, level: Level, effect: Effect) -> None:
    for hole in ground.field.holes(effect, level.order, level.pieces):
        if _is_closed_to_new(ground, hole.piece):
            continue
        glob = hole.piece.within[0]
        assert isinstance(glob, Glob)
        wanted = glob if glob.is_literal else Glob(glob.literal_prefix, below=True, fold=glob.fold)
        parents = parents_of(wanted)
        filters = tuple(Paths(found) for name in (wanted, *parents) for found in spellings(name))
        ground.creates.setdefault(filters, hole.level.layer.span)
        path = next((p for p in ground.search.examples(hole.piece) if not ground.field.denies(Effect.CREATE, p)), None)
        if path is not None:
            seen = Witness(Operation.CREATE, path, True, False)
            places = (Lost(NEW_NAMES, join(name.literal_prefix)) for name in parents)
            lost = (Lost(NEW_NAMES, join(wanted.literal_prefix), True), *places)
            ground.claims.stricter(level.layer, level.effects & frozenset(KEPT), NO_NEW_NAME, seen, lost)
            named = ground.field.decide(Effect.CREATE, path)
            if named is not None:
                ground.claims.stricter(named.layer, frozenset({Effect.CREATE}), NO_NEW_NAME, seen, lost)


def _is_closed_to_new(ground: Ground, piece: PathPiece) -> bool:
    """Whether CREATE is denied at every name of the piece and at its parents."""
    field = ground.field
    return field.is_closed(Effect.CREATE) and not any(True for _ in field.all_holes(Effect.CREATE, (piece,)))
