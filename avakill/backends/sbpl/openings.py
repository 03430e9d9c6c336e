"""Names that are open in a whole that is closed: nothing new may be put there, since a move could put anything there.

The other way to keep the law's no gain, for a deny of everything: to stop every move at its source would stop all deletes.
"""

from __future__ import annotations

from avakill.backends.judge import KEPT
from avakill.backends.sbpl.claims import NEW_NAMES
from avakill.backends.sbpl.field import Entry, Level, PathPiece, denied_also, is_wide, meet
from avakill.backends.sbpl.filters import spellings
from avakill.backends.sbpl.ground import Ground
from avakill.backends.sbpl.model import Paths
from avakill.backends.sbpl.parents import parents_of
from avakill.backends.sbpl.shape import Search, Shape, place
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Lost, Verdict, Witness
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
        wanted = glob if _is_named_by_itself(ground, hole.piece) else Glob(glob.literal_prefix, below=True, fold=glob.fold)
        parents = parents_of(wanted)
        filters = tuple(Paths(found) for name in (wanted, *parents) for found in spellings(name))
        ground.creates.setdefault(filters, hole.level.layer.span)
        _claim(ground, level, hole, wanted, parents)


def _is_named_by_itself(ground: Ground, piece: PathPiece) -> bool:
    """Whether nothing gets a name of the piece without its own last component, or a literal parent, being made."""
    return ground.shape(piece) in (Shape.ROOTED, Shape.EDGED)


def _claim(ground: Ground, level: Level, hole: Entry, wanted: Glob, parents: tuple[Glob, ...]) -> None:
    """Every row that lets one of these names be made loses it, whether or not the hole itself holds the name."""
    places = (Lost(NEW_NAMES, join(name.literal_prefix)) for name in parents)
    lost = (Lost(NEW_NAMES, join(wanted.literal_prefix), True), *places)
    known = ground.claims.found.get(_key(level))
    if known is not None:
        known.lost.update(dict.fromkeys(lost))
    for path in (*ground.search.examples(hole.piece), *(join(name.literal_prefix) for name in parents)):
        _charge(ground, level, path, lost)
    if (wanted, level.order) not in ground.closings:
        ground.closings.add((wanted, level.order))
        _claim_around(ground, level, wanted, lost)


def _claim_around(ground: Ground, level: Level, wanted: Glob, lost: tuple[Lost, ...]) -> None:
    around: PathPiece = Piece((wanted,))
    for path in ground.search.examples(around):
        _charge(ground, level, path, lost)
    for other in ground.field.allows.related(ground.field.prefix(around)):
        ground.names.pairs -= 1
        if ground.names.is_spent:
            _charge_all(ground, level, lost)
            return
        if Effect.CREATE not in other.level.effects or (_is_charged(ground, other.level) and _is_charged(ground, level)):
            continue
        for path in ground.search.examples(other.piece):
            if wanted.holds(path):
                _charge(ground, level, path, lost)
        if not _is_charged(ground, other.level) and meet(other.piece, around, ground.names):
            for path in Search(ground.names).exact(Piece((*other.piece.within, wanted), other.piece.without)):
                _charge(ground, level, path, lost)


def _charge(ground: Ground, level: Level, path: str, lost: tuple[Lost, ...]) -> None:
    """STRICTER for the deny and for the row that lets the name be made, if it may be made."""
    named = ground.field.decide(Effect.CREATE, path)
    if named is not None and named.layer.denies:
        return
    seen = Witness(Operation.CREATE, path, True, False)
    ground.claims.stricter(level.layer, level.effects & frozenset(KEPT), NO_NEW_NAME, seen, lost)
    if named is not None:
        ground.claims.stricter(named.layer, frozenset({Effect.CREATE}), NO_NEW_NAME, seen, lost)


def _charge_all(ground: Ground, level: Level, lost: tuple[Lost, ...]) -> None:
    """Too much to compare: whatever lets a name be made is said to lose some."""
    for other in ground.field.levels:
        opens = Effect.CREATE in other.effects and not other.layer.denies
        if not opens or (_is_charged(ground, other) and _is_charged(ground, level)):
            continue
        path = next((path for piece in other.pieces for path in ground.search.examples(piece)), "/")
        seen = Witness(Operation.CREATE, path, True, False)
        ground.claims.stricter(level.layer, level.effects & frozenset(KEPT), NO_NEW_NAME, seen, lost)
        ground.claims.stricter(other.layer, frozenset({Effect.CREATE}), NO_NEW_NAME, seen, lost)


def _key(level: Level) -> tuple[int, Verdict, str]:
    return level.layer.index, Verdict.STRICTER, NO_NEW_NAME


def _is_charged(ground: Ground, level: Level) -> bool:
    return _key(level) in ground.claims.found


def _is_closed_to_new(ground: Ground, piece: PathPiece) -> bool:
    """Whether CREATE is denied at every name of the piece and at its parents."""
    field = ground.field
    return field.is_closed(Effect.CREATE) and not any(True for _ in field.all_holes(Effect.CREATE, (piece,)))
