"""The layers of all file effects in one order, indexed: who decides on a path, and which holes could meet a region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from avakill.backends.plan import DEFAULT, FLOOR, SELF_PROTECTION, Layer, Plan
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


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A layer, and the effects that have it with this region. A smaller `order` decides first."""

    order: int
    layer: Layer
    effects: frozenset[Effect]

    @property
    def pieces(self) -> tuple[PathPiece, ...]:
        return self.layer.region.pieces


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One piece of a level."""

    level: Level
    piece: PathPiece
    is_plain: bool = False
    """Whether the literal prefix says all: nothing of a path is left to be asked."""


class Shelf:
    """The entries with one literal prefix: what holds that path, what also holds all below it, and what must be asked.

    `asked` are by the last name that a path must have (None: any), `needing` by a name that it must have somewhere.
    """

    __slots__ = ("asked", "below", "exact", "needing", "trees")

    def __init__(self) -> None:
        self.exact: list[Entry] = []
        self.trees: list[Entry] = []
        self.asked: dict[str | None, list[Entry]] = {}
        self.needing: dict[str, list[Entry]] = {}
        self.below: dict[str, Shelf] = {}


@dataclass(slots=True)
class Field:
    """`groups` are the effects with the same levels together; `last` is the level below which an effect has none."""

    levels: tuple[Level, ...]
    groups: tuple[frozenset[Effect], ...]
    last: Mapping[Effect, Level]
    folds: bool
    budget: Budget
    allows: PrefixIndex[Entry] = field(default_factory=PrefixIndex)
    denied: set[Effect] = field(default_factory=set)
    holed: dict[frozenset[Effect], None] = field(default_factory=dict)
    shelves: Shelf = field(default_factory=Shelf)
    known: dict[str, dict[Effect, Level]] = field(default_factory=dict)

    def prefix(self, piece: PathPiece) -> tuple[str, ...]:
        """The literal names that every path of the piece begins with."""
        if len(piece.within) == 1 and not self.folds:
            return piece.within[0].literal_prefix
        names = max((atom.literal_prefix for atom in piece.within if isinstance(atom, Glob)), key=len, default=())
        return tuple(name.casefold() for name in names) if self.folds else names

    def decide(self, effect: Effect, path: str) -> Level | None:
        """The level that decides on the path; None where none does."""
        return self.deciders(path).get(effect)

    def denies(self, effect: Effect, path: str) -> bool:
        found = self.deciders(path).get(effect)
        return found is not None and found.layer.denies

    def deciders(self, path: str) -> Mapping[Effect, Level]:
        known = self.known.get(path)
        if known is None:
            known = self.known[path] = {}
            open_effects = set(self.last)
            for entry in sorted(self._near(path), key=_order):
                self.budget.steps -= 1
                wanted = open_effects & entry.level.effects
                if wanted and (entry.is_plain or entry.piece.holds(path)):
                    known.update(dict.fromkeys(wanted, entry.level))
                    open_effects -= wanted
                    if not open_effects:
                        break
        return known

    def _near(self, path: str) -> list[Entry]:
        """Entries that could hold the path, by the names that they begin with and those that they need."""
        names = split(path.casefold() if self.folds else path)
        last = names[-1] if names else ""
        shelf: Shelf | None = self.shelves
        near: list[Entry] = []
        depth = 0
        while shelf is not None:
            near += shelf.trees
            if shelf.asked:
                near += shelf.asked.get(None, ())
                near += shelf.asked.get(last, ())
            if shelf.needing:
                for name in dict.fromkeys(names[depth:]):
                    near += shelf.needing.get(name, ())
            if depth == len(names):
                near += shelf.exact
                break
            shelf = shelf.below.get(names[depth])
            depth += 1
        return near

    def holes(self, effect: Effect, order: int, pieces: tuple[PathPiece, ...]) -> Iterator[Entry]:
        """The pieces of allow levels of `effect` in front of `order` that could meet one of `pieces`."""
        seen: set[int] = set()
        for piece in pieces:
            for entry in self.allows.related(self.prefix(piece)):
                self.budget.pairs -= 1
                if entry.level.order < order and effect in entry.level.effects and id(entry) not in seen:
                    seen.add(id(entry))
                    yield entry

    def all_holes(self, effect: Effect, pieces: tuple[PathPiece, ...]) -> Iterator[Entry]:
        return self.holes(effect, len(self.levels), pieces)

    def is_closed(self, effect: Effect) -> bool:
        """Whether what no rule opens is denied."""
        last = self.last.get(effect)
        return last is not None and last.layer.denies and last.layer.region.is_everything


def _order(entry: Entry) -> int:
    return entry.level.order


def make_field(plan: Plan) -> Field:
    """The layers of each effect up to one that holds everything, those that several effects share as one level."""
    found: dict[tuple[int, object, bool], tuple[Layer, list[Effect]]] = {}
    whole: dict[int, bool] = {}
    for effect in FILE_EFFECTS:
        for layer in plan.layers[effect]:
            rank = RANKS.get(layer.index, layer.index)
            # the floor's regions are made for each effect anew
            region = layer.region if layer.index == FLOOR else id(layer.region)
            key = (rank, region, layer.denies)
            known = found.get(key)
            if known is None:
                known = found[key] = (layer, [])
                whole[id(layer.region)] = _is_whole(layer)
            known[1].append(effect)
            if whole.get(id(layer.region)) or (layer.index == FLOOR and _is_whole(layer)):
                break
    sets: dict[tuple[Effect, ...], frozenset[Effect]] = {}
    levels = tuple(
        Level(order, layer, sets.setdefault(tuple(effects), frozenset(effects)))
        for order, (_, (layer, effects)) in enumerate(sorted(found.items(), key=lambda item: item[0][0]))
    )
    count = len(levels)
    budget = Budget(max(2_000, 60_000 - 30 * count) + 12 * count, 20_000 + 12 * count, max(0, 400 - count))
    last = {effect: level for level in levels for effect in level.effects}
    result = Field(levels, _groups(sets), last, plan.target.ignores_case, budget)
    for level in levels:
        _add(result, level)
    return result


def _is_whole(layer: Layer) -> bool:
    return any(not piece.without and all(atom.is_everything for atom in piece.within) for piece in layer.region.pieces)


RANKS = {SELF_PROTECTION: -2, FLOOR: -1, DEFAULT: 2**62}
"""Where the rows stand that no rule has."""


def _groups(sets: Mapping[tuple[Effect, ...], frozenset[Effect]]) -> tuple[frozenset[Effect], ...]:
    """Effects that no level tells apart."""
    groups: dict[tuple[bool, ...], list[Effect]] = {}
    for effect in FILE_EFFECTS:
        groups.setdefault(tuple(effect in effects for effects in sets.values()), []).append(effect)
    return tuple(map(frozenset, groups.values()))


def _add(into: Field, level: Level) -> None:
    denies = level.layer.denies
    if denies:
        into.denied |= level.effects
    else:
        into.holed[level.effects] = None
    for piece in level.pieces:
        prefix = into.prefix(piece)
        only = piece.within[0] if len(piece.within) == 1 and not piece.without and not into.folds else None
        plain = isinstance(only, Glob) and len(prefix) == len(only.parts)
        entry = Entry(level, piece, plain)
        if not denies:
            into.allows.add(prefix, entry)
        shelf = into.shelves
        for name in prefix:
            after = shelf.below.get(name)
            if after is None:
                after = shelf.below[name] = Shelf()
            shelf = after
        if not isinstance(only, Glob):
            shelf.asked.setdefault(None, []).append(entry)
        elif plain:
            (shelf.trees if only.below else shelf.exact).append(entry)
        else:
            _put(shelf, only, len(prefix), entry)


def _put(shelf: Shelf, glob: Glob, start: int, entry: Entry) -> None:
    last = glob.parts[-1]
    if not glob.below and isinstance(last, str):
        shelf.asked.setdefault(last, []).append(entry)
        return
    need = next((part for part in glob.parts[start:] if isinstance(part, str)), None)
    if need is not None:
        shelf.needing.setdefault(need, []).append(entry)
    else:
        shelf.asked.setdefault(None, []).append(entry)


def is_wide(level: Level) -> bool:
    """Whether some piece of it is bounded by no pattern."""
    return any(all(atom.is_everything for atom in piece.within) for piece in level.pieces)


def meet(one: PathPiece, other: PathPiece, budget: Budget) -> bool:
    """Whether two pieces could share a path; True where it cannot be decided."""
    return not any(_apart(a, b, budget) for a in one.within for b in other.within)


def _apart(one: Pattern, other: Pattern, budget: Budget) -> bool:
    if isinstance(one, Glob) and isinstance(other, Glob) and not one.fold and not other.fold:
        names, others = one.literal_prefix, other.literal_prefix
        shared = min(len(names), len(others))
        if names[:shared] != others[:shared]:
            return True
        if one.is_tree and other.is_tree:
            return False
    if budget.automata <= 0:
        return False
    budget.automata -= 1
    return disjoint(one, other)


def denied_also(field: Field, level: Level, effect: Effect, other: Effect) -> bool:
    """Whether all that `level` denies of `effect` is surely denied of `other` too."""
    if effect == other:
        return True
    order = level.order
    if other not in level.effects:
        if not field.is_closed(other):
            return False
        order = field.last[other].order
    elif not any(other in effects and effect not in effects for effects in field.holed):
        return True
    for hole in field.holes(other, order, level.pieces):
        if effect in hole.level.effects and hole.level.order < level.order:
            continue
        if field.budget.is_spent or any(meet(hole.piece, piece, field.budget) for piece in level.pieces):
            return False
    return True
