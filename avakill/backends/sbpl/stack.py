"""The layers of some effects, indexed: who decides on a path, and which holes could meet a region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from avakill.backends.plan import Layer, Plan
from avakill.ir.effect import FILE_EFFECTS, Effect
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern, disjoint
from avakill.paths.glob import Glob, split
from avakill.paths.index import PrefixIndex

PathPiece = Piece[Pattern]


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of the layer at `position`; a smaller position decides first."""

    position: int
    layer: Layer
    piece: PathPiece


@dataclass(slots=True)
class Stack:
    """What decides on `effects`. Nothing stands below a layer that holds everything."""

    effects: frozenset[Effect]
    layers: tuple[Layer, ...]
    folds: bool
    every: PrefixIndex[Entry] = field(default_factory=PrefixIndex)
    allows: PrefixIndex[Entry] = field(default_factory=PrefixIndex)
    positions: dict[int, int] = field(default_factory=dict)

    @property
    def has_denies(self) -> bool:
        return any(layer.denies for layer in self.layers)

    def prefix(self, piece: PathPiece) -> tuple[str, ...]:
        names = max((atom.literal_prefix for atom in piece.within if isinstance(atom, Glob)), key=len, default=())
        return tuple(name.casefold() for name in names) if self.folds else names

    def decide(self, path: str) -> Layer | None:
        """The layer that decides on the path; None where none does."""
        names = split(path.casefold() if self.folds else path)
        best: Entry | None = None
        for entry in self.every.above(names):
            if (best is None or entry.position < best.position) and entry.piece.holds(path):
                best = entry
        return None if best is None else best.layer

    def denies(self, path: str) -> bool:
        found = self.decide(path)
        return found is not None and found.denies

    def holes_above(self, position: int, pieces: tuple[PathPiece, ...]) -> Iterator[Entry]:
        """The pieces of allow layers in front of `position` that could meet one of `pieces`."""
        seen: set[int] = set()
        for piece in pieces:
            for entry in self.allows.related(self.prefix(piece)):
                if entry.position < position and id(entry) not in seen:
                    seen.add(id(entry))
                    yield entry


def make_stacks(plan: Plan) -> tuple[Stack, ...]:
    """One for each group of file effects with the same layers."""
    return tuple(_stack(effects, layers, plan.target.ignores_case) for effects, layers in plan.effect_groups())


def _stack(effects: tuple[Effect, ...], layers: tuple[Layer, ...], folds: bool) -> Stack:
    end = next((n for n, layer in enumerate(layers) if layer.region.is_everything), len(layers) - 1)
    stack = Stack(frozenset(effects), layers[: end + 1], folds)
    for position, layer in enumerate(stack.layers):
        stack.positions[layer.index] = position
        for piece in layer.region.pieces:
            entry = Entry(position, layer, piece)
            prefix = stack.prefix(piece)
            stack.every.add(prefix, entry)
            if not layer.denies:
                stack.allows.add(prefix, entry)
    return stack


def by_effect(stacks: tuple[Stack, ...]) -> dict[Effect, Stack]:
    return {effect: stack for effect in FILE_EFFECTS for stack in stacks if effect in stack.effects}


def is_wide(layer: Layer) -> bool:
    """Whether some piece of it is bounded by no pattern."""
    return any(all(atom.is_everything for atom in piece.within) for piece in layer.region.pieces)


def meet(one: PathPiece, other: PathPiece) -> bool:
    """Whether two pieces could share a path; True where it cannot be decided."""
    return not any(disjoint(a, b) for a in one.within for b in other.within)


def denied_also(stack: Stack, position: int, other: Stack) -> bool:
    """Whether all that the deny at `position` denies is surely denied by `other` too."""
    layer = stack.layers[position]
    if other is stack:
        return True
    there = other.positions.get(layer.index)
    if there is None or not _same_deny(other.layers[there], layer):
        last = len(other.layers) - 1
        if last < 0 or not other.layers[last].denies or not other.layers[last].region.is_everything:
            return False
        there = last
    return all(_matched(hole, stack, position, layer) for hole in other.holes_above(there, layer.region.pieces))


def _same_deny(one: Layer, other: Layer) -> bool:
    return one.denies and (one.region is other.region or one.region == other.region)


def _matched(hole: Entry, stack: Stack, position: int, layer: Layer) -> bool:
    """Whether a hole of another effect opens nothing of `layer` that is closed in `stack`."""
    here = stack.positions.get(hole.layer.index)
    if here is not None and here < position:
        twin = stack.layers[here]
        if not twin.denies and (twin.region is hole.layer.region or hole.piece in twin.region.pieces):
            return True
    return not any(meet(hole.piece, piece) for piece in layer.region.pieces)
