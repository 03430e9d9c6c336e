"""The layers of all effects as one field of patterns: who decides a path, without comparing all with all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avakill.backends.landlock.model import is_loose
from avakill.backends.plan import DEFAULT, FLOOR, SELF_PROTECTION, Layer
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.glob import Glob, Wild, split

Names = tuple[str, ...]

READ, WRITE, EXEC, CREATE, DELETE = 1, 2, 4, 8, 16
BIT = {Effect.READ: READ, Effect.WRITE: WRITE, Effect.EXEC: EXEC, Effect.CREATE: CREATE, Effect.DELETE: DELETE}
"""Effects as bits of an int: an enum's sets are too slow for a thousand rules."""

OBJECTS = READ | WRITE | EXEC
NAMES = CREATE | DELETE
"""What rights are asked of: the object itself, or the directory that the name stands in."""

RANK = {SELF_PROTECTION: -2, FLOOR: -1, DEFAULT: 1 << 60}

EFFECT = {bit: effect for effect, bit in BIT.items()}


def bits_of(mask: int) -> tuple[int, ...]:
    return tuple(bit for bit in EFFECT if bit & mask)


class Unit:
    """One rule's region, and the effects (`mask`) that it decides in its turn (`order`)."""

    __slots__ = ("layer", "mask", "order", "spots")

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.mask = 0
        self.order = 0
        self.spots: tuple[Spot, ...] = ()


class Spot:
    """One piece of a unit, and what its shape says.

    Every path of it has the name `need`; for the effects `shadow` the same piece stood in an earlier unit.
    """

    __slots__ = ("exact", "literal", "loose", "need", "order", "piece", "plain", "prefix", "shadow", "tree", "unit")

    def __init__(self, unit: Unit, piece: Piece[Any]) -> None:
        self.unit = unit
        self.order = unit.order
        self.piece = piece
        self.shadow = 0
        self.need: str | None = None
        only = piece.within[0] if len(piece.within) == 1 and not piece.without else None
        if type(only) is Glob and only.is_literal:
            self.prefix: Names = only.literal_prefix
            self.literal = True
            self.plain = not only.fold
            self.exact = not only.below
            self.tree = only.below
            self.loose = False
            return
        self.prefix = prefix_of(piece)
        if type(only) is Glob and not only.fold:
            self.need = next((part for part in only.parts[len(self.prefix) :] if isinstance(part, str)), None)
        self.literal = self.plain = False
        self.exact = is_exact(piece)
        self.tree = is_tree(piece)
        self.loose = is_loose(piece)


# Spots at one prefix, by what the last name of a path must be or end with; None: anything.
Shelf = dict[str | None, list[Spot]]


class Field:
    """All units in order, and the spots by literal prefix."""

    def __init__(self, kept: Mapping[Effect, tuple[Layer, ...]]) -> None:
        self.units = _units(kept)
        self._shelves: dict[Names, Shelf] = {}
        self._deepest = 0
        seen: dict[Piece[Any], int] = {}
        for unit in self.units:
            for spot in unit.spots:
                self._put(spot)
                if spot.loose:
                    spot.shadow = seen.get(spot.piece, 0)
                    seen[spot.piece] = spot.shadow | unit.mask

    def _put(self, spot: Spot) -> None:
        prefix = spot.prefix
        shelf = self._shelves.get(prefix)
        if shelf is None:
            shelf = self._shelves[prefix] = {}
            self._deepest = max(self._deepest, len(prefix))
        key = None if spot.literal else _last_of(spot.piece)
        spots = shelf.get(key)
        if spots is None:
            shelf[key] = [spot]
        else:
            spots.append(spot)

    def first(self, path: str, bit: int, denies: bool = False) -> tuple[Spot | None, int]:
        """The spot that decides `path` (with `denies`: the first that denies it), and how many were looked at."""
        names = split(path)
        last = names[-1] if names else ""
        dot = last.rfind(".")
        end = last[dot:] if dot >= 0 else ""
        best: Spot | None = None
        order = len(self.units)
        work = 0
        for n in range(min(len(names), self._deepest) + 1):
            shelf = self._shelves.get(names[:n])
            if shelf is None:
                continue
            for key in (None, last, end) if end and end != last else (None, last):
                spots = shelf.get(key)
                if spots is None:
                    continue
                work += len(spots)
                for spot in spots:
                    if spot.order >= order:
                        break
                    if not spot.unit.mask & bit or (denies and not spot.unit.layer.denies):
                        continue
                    if spot.plain:
                        if not spot.tree and n != len(names):
                            continue
                    elif (spot.need is not None and spot.need not in names) or not spot.piece.holds(path):
                        continue
                    best, order = spot, spot.order
                    break
        return best, work


def _units(kept: Mapping[Effect, tuple[Layer, ...]]) -> tuple[Unit, ...]:
    found: dict[tuple[int, int], Unit] = {}
    for effect, layers in kept.items():
        bit = BIT[effect]
        for layer in layers:
            key = (layer.index, id(layer.region))
            unit = found.get(key)
            if unit is None:
                unit = found[key] = Unit(layer)
            unit.mask |= bit
    units = sorted(found.values(), key=lambda unit: RANK.get(unit.layer.index, unit.layer.index))
    for order, unit in enumerate(units):
        unit.order = order
        unit.spots = tuple(Spot(unit, piece) for piece in unit.layer.region.pieces)
    return tuple(units)


# -- shapes --


def prefix_of(piece: Piece[Any]) -> Names:
    return max((atom.literal_prefix for atom in piece.within), key=len, default=())


def is_tree(piece: Piece[Any]) -> bool:
    return not piece.without and all(isinstance(atom, Glob) and (atom.is_tree or atom.is_everything) for atom in piece.within)


def is_exact(piece: Piece[Any]) -> bool:
    """Whether it holds at most one path."""
    return any(isinstance(atom, Glob) and atom.is_literal and not atom.below for atom in piece.within)


def _last_of(piece: Piece[Any]) -> str | None:
    """The last name of every path of the piece, or how it ends from its last dot on; None where it may be any."""
    atom = piece.within[0] if piece.within else None
    if not isinstance(atom, Glob) or atom.below or atom.fold or not atom.parts:
        return None
    last = atom.parts[-1]
    if isinstance(last, str):
        return last
    if not isinstance(last, Wild):
        return None
    end = ""
    for char in reversed(last.atoms):
        if not isinstance(char, str):
            return None
        end = char + end
        if char == ".":
            return end
    return None
