"""Holes that may name a directory without what is below it: moved, it would take out what is still denied."""

from __future__ import annotations

from dataclasses import replace

from avakill.backends.plan import FLOOR
from avakill.backends.sbpl.claims import RENAMES
from avakill.backends.sbpl.field import Level, PathPiece, is_wide, meet
from avakill.backends.sbpl.filters import piece_filters
from avakill.backends.sbpl.ground import MOVABLE, Ground, representatives
from avakill.backends.sbpl.shape import is_closed, place
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Lost, Witness
from avakill.paths.glob import Glob
from avakill.paths.substring import Substring

NO_DIRECTORY = "a directory that an allowed pattern matches cannot be renamed or removed: what is below it is still denied"


def hold_directories(ground: Ground, level: Level) -> None:
    if level.layer.index == FLOOR:
        return
    for piece in level.pieces:
        if is_closed(piece):
            continue
        for effect in representatives(ground, level, MOVABLE):
            deny = _deny_below(ground, effect, level, piece)
            if deny is not None:
                _hold(ground, effect, level, piece, deny)


def _deny_below(ground: Ground, effect: Effect, level: Level, piece: PathPiece) -> Level | None:
    """A deny under the hole that could hold what is below its objects."""
    field = ground.field
    prefix = field.prefix(piece)
    for below in field.levels[level.order + 1 :]:
        if not below.layer.denies or effect not in below.effects:
            continue
        if ground.budget.is_spent:
            return below
        if is_wide(below) and effect not in ground.sourced and effect is not Effect.DELETE:
            continue
        for other in below.pieces:
            ground.budget.pairs -= 1
            names = field.prefix(other)
            shared = min(len(names), len(prefix))
            if names[:shared] == prefix[:shared] and other not in level.pieces and _could_hold_below(ground, piece, other):
                return below
    return None


def _could_hold_below(ground: Ground, hole: PathPiece, deny: PathPiece) -> bool:
    if any(isinstance(atom, Substring) for atom in hole.within):
        return True
    under: PathPiece = Piece(tuple(replace(atom, below=True) for atom in hole.within if isinstance(atom, Glob)))
    return meet(under, deny, ground.budget)


def _hold(ground: Ground, effect: Effect, level: Level, piece: PathPiece, deny: Level) -> None:
    ground.directories.setdefault(piece_filters(piece), level.layer.span)
    free = (p for p in ground.search.examples(piece) if ground.budget.is_spent or ground.is_removable(p))
    path = next(free, None)
    if path is None:
        return
    group = next(group for group in ground.field.groups if effect in group)
    effects = group & frozenset(MOVABLE)
    seen = Witness(Operation.RMDIR, path, True, False)
    lost = (Lost(RENAMES, place(piece), True),)
    ground.claims.stricter(deny.layer, effects, NO_DIRECTORY, seen, lost)
    ground.claims.stricter(level.layer, effects, NO_DIRECTORY, seen, lost)
