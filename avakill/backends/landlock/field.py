"""The layers of all effects as one field of patterns: who decides a path, without comparing all with all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avakill.backends.landlock.model import is_loose
from avakill.backends.plan import DEFAULT, FLOOR, SELF_PROTECTION, Layer
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.glob import Glob, Wild, holds_parts, split

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

    __slots__ = ("exact", "literal", "loose", "need", "only", "order", "piece", "plain", "prefix", "shadow", "tree", "unit")

    def __init__(self, unit: Unit, piece: Piece[Any]) -> None:
        self.unit = unit
        self.order = unit.order
        self.piece = piece
        self.shadow = 0
        self.need: str | None = None
        only = piece.within[0] if len(piece.within) == 1 and not piece.without else None
        self.only: Glob | None = only if type(only) is Glob else None
        if type(only) is Glob and len(only.literal_prefix) == len(only.parts):
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


class Shelf:
    """The spots with one literal prefix: what holds the path itself, what also holds all below it, and what must be asked.

    `asked` are by what the last name of a path must be or end with (None: anything), `needing` by a name that a path must
    have. `below` goes on by the next name.
    """

    __slots__ = ("asked", "below", "exact", "needing", "trees")

    def __init__(self) -> None:
        self.exact: list[Spot] = []
        self.trees: list[Spot] = []
        self.asked: dict[str | None, list[Spot]] = {}
        self.needing: dict[str, list[Spot]] = {}
        self.below: dict[str, Shelf] = {}


Decider = tuple[int, Spot]
"""The first spot that holds a path, for the effects of the mask."""


class Field:
    """All units in order, for each effect those that it has in turn, and the spots by literal prefix."""

    def __init__(self, kept: Mapping[Effect, tuple[Layer, ...]]) -> None:
        self.mask = sum(BIT[effect] for effect in kept)
        self.turns, self.units = _units(kept)
        self._root = Shelf()
        self._known: dict[str, tuple[Decider, ...]] = {}
        seen: dict[Piece[Any], int] = {}
        for unit in self.units:
            for spot in unit.spots:
                self._put(spot)
                if spot.loose:
                    spot.shadow = seen.get(spot.piece, 0)
                    seen[spot.piece] = spot.shadow | unit.mask

    def _put(self, spot: Spot) -> None:
        shelf = self._root
        for name in spot.prefix:
            after = shelf.below.get(name)
            if after is None:
                after = shelf.below[name] = Shelf()
            shelf = after
        if spot.plain:
            (shelf.trees if spot.tree else shelf.exact).append(spot)
            return
        last = None if spot.literal else _last_of(spot.piece)
        if last is None and spot.need is not None:
            shelf.needing.setdefault(spot.need, []).append(spot)
        else:
            shelf.asked.setdefault(last, []).append(spot)

    def deciders(self, path: str) -> tuple[tuple[Decider, ...], int]:
        """Who decides `path` for each effect, and how many patterns were newly asked."""
        known = self._known.get(path)
        if known is not None:
            return known, 0
        names = split(path)
        near = self._near(names)
        if not near:
            self._known[path] = ()
            return (), 0
        near.sort(key=_order)
        left = self.mask
        found: list[Decider] = []
        for spot in near:
            mask = spot.unit.mask & left
            if mask and _holds(spot, path, names):
                found.append((mask, spot))
                left &= ~mask
                if not left:
                    break
        self._known[path] = known = tuple(found)
        return known, len(near)

    def has_deny(self, path: str, bit: int) -> tuple[bool, int]:
        """Whether any spot denies `path`, decisive or not, and how many patterns were asked."""
        known, work = self.deciders(path)
        first = next((spot for mask, spot in known if mask & bit), None)
        if first is None or first.unit.layer.denies:
            return first is not None, work
        names = split(path)
        near = self._near(names)
        denying = (spot for spot in near if spot.unit.mask & bit and spot.unit.layer.denies)
        return any(_holds(spot, path, names) for spot in denying), work + len(near)

    def _near(self, names: Names) -> list[Spot]:
        """The spots that could hold the path."""
        last = names[-1] if names else ""
        dot = last.rfind(".")
        end = last[dot:] if dot >= 0 else None
        shelf: Shelf | None = self._root
        near: list[Spot] = []
        depth = 0
        while shelf is not None:
            near += shelf.trees
            if shelf.asked:
                near += shelf.asked.get(None, ())
                near += shelf.asked.get(last, ())
                if end is not None and end != last:
                    near += shelf.asked.get(end, ())
            if shelf.needing:
                for name in dict.fromkeys(names[depth:]):
                    near += shelf.needing.get(name, ())
            if depth == len(names):
                near += shelf.exact
                break
            shelf = shelf.below.get(names[depth])
            depth += 1
        return near


def _order(spot: Spot) -> int:
    return spot.order


def _holds(spot: Spot, path: str, names: Names) -> bool:
    if spot.plain:
        return True
    return holds_parts(spot.only, names) if spot.only is not None else spot.piece.holds(path)


def _units(kept: Mapping[Effect, tuple[Layer, ...]]) -> tuple[dict[Effect, tuple[Unit, ...]], tuple[Unit, ...]]:
    found: dict[tuple[int, int], Unit] = {}
    turns: dict[Effect, tuple[Unit, ...]] = {}
    for effect, layers in kept.items():
        bit = BIT[effect]
        turn: list[Unit] = []
        for layer in layers:
            key = (layer.index, id(layer.region))
            unit = found.get(key)
            if unit is None:
                unit = found[key] = Unit(layer)
            unit.mask |= bit
            turn.append(unit)
        turns[effect] = tuple(turn)
    units = sorted(found.values(), key=lambda unit: RANK.get(unit.layer.index, unit.layer.index))
    for order, unit in enumerate(units):
        unit.order = order
        unit.spots = tuple([Spot(unit, piece) for piece in unit.layer.region.pieces])
    return turns, tuple(units)


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
