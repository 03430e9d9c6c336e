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


@dataclass(slots=True)
class Budget:
    """How much may still be compared: past it, answers are the cautious ones and witnesses are not tried out."""

    steps: int
    pairs: int
    automata: int

    @property
    def is_spent(self) -> bool:
        return self.steps <= 0 or self.pairs <= 0


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
    budget: Budget
    every: PrefixIndex[Entry] = field(default_factory=PrefixIndex)
    allows: PrefixIndex[Entry] = field(default_factory=PrefixIndex)
    positions: dict[int, int] = field(default_factory=dict)

    @property
    def has_denies(self) -> bool:
        return any(layer.denies for layer in self.layers)

    def prefix(self, piece: PathPiece) -> tuple[str, ...]:
        """The literal names that every path of the piece begins with."""
        if len(piece.within) == 1 and not self.folds:
            only = piece.within[0]
            return only.literal_prefix
        names = max((atom.literal_prefix for atom in piece.within if isinstance(atom, Glob)), key=len, default=())
        return tuple(name.casefold() for name in names) if self.folds else names

    def decide(self, path: str) -> Layer | None:
        """The layer that decides on the path; None where none does."""
        names = split(path.casefold() if self.folds else path)
        best: Entry | None = None
        for entry in self.every.above(names):
            self.budget.steps -= 1
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
                self.budget.pairs -= 1
                if entry.position < position and id(entry) not in seen:
                    seen.add(id(entry))
                    yield entry


def make_stacks(plan: Plan) -> tuple[Stack, ...]:
    """One for each group of file effects with the same layers."""
    groups = plan.effect_groups()
    count = sum(len(layers) for _, layers in groups)
    budget = Budget(max(2_000, 60_000 - 30 * count) + 2 * count, 20_000 + 4 * count, max(0, 400 - count))
    return tuple(_stack(effects, layers, plan.target.ignores_case, budget) for effects, layers in groups)


def _stack(effects: tuple[Effect, ...], layers: tuple[Layer, ...], folds: bool, budget: Budget) -> Stack:
    end = next((n for n, layer in enumerate(layers) if layer.region.is_everything), len(layers) - 1)
    stack = Stack(frozenset(effects), layers[: end + 1], folds, budget)
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


def meet(one: PathPiece, other: PathPiece, budget: Budget) -> bool:
    """Whether two pieces could share a path; True where it cannot be decided."""
    return not any(_apart(a, b, budget) for a in one.within for b in other.within)


def _apart(one: Pattern, other: Pattern, budget: Budget) -> bool:
    if isinstance(one, Glob) and isinstance(other, Glob):
        names, others = one.literal_prefix, other.literal_prefix
        shared = min(len(names), len(others))
        if not one.fold and not other.fold and names[:shared] != others[:shared]:
            return True
        if one.is_tree and other.is_tree and not one.fold:
            return False
    if budget.automata <= 0:
        return False
    budget.automata -= 1
    return disjoint(one, other)


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
    for hole in other.holes_above(there, layer.region.pieces):
        if stack.budget.is_spent or not _matched(hole, stack, position, layer):
            return False
    return True


def _same_deny(one: Layer, other: Layer) -> bool:
    return one.denies and (one.region is other.region or one.region == other.region)


def _matched(hole: Entry, stack: Stack, position: int, layer: Layer) -> bool:
    """Whether a hole of another effect opens nothing of `layer` that is closed in `stack`."""
    here = stack.positions.get(hole.layer.index)
    if here is not None and here < position:
        twin = stack.layers[here]
        if not twin.denies and (twin.region is hole.layer.region or hole.piece in twin.region.pieces):
            return True
    return not any(meet(hole.piece, piece, stack.budget) for piece in layer.region.pieces)
