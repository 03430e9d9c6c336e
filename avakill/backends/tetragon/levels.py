"""Which holes belong to which denies: a deny above a hole that it meets goes to a level that the hole is not cut out of."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from avakill.backends.tetragon.shapes import Kind, Name, Shape, could_meet

T = TypeVar("T")


class Item(Protocol):
    """A deny or a hole. A hole without a shape cannot be cut out."""

    @property
    def shape(self) -> Shape | None: ...

    @property
    def is_hole(self) -> bool: ...


@dataclass(slots=True)
class Work:
    """Comparisons left; past them holes are closed rather than compared."""

    left: int

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


OVERFLOW = -1
"""The level of a hole that took too many comparisons: it stays closed."""


def find_levels(items: Sequence[Item], work: Work) -> list[set[int]]:
    """For each deny its level, for each hole the levels that it is cut out of; from the last item to the first."""
    ground = {0}
    levels: list[set[int]] = [ground] * len(items)
    shapes = [item.shape for item in items if item.is_hole]
    if not shapes:
        return levels
    partners = _Partners([shape for shape in shapes if shape is not None])
    denies, holes = _Levels(), _Levels()
    for at in range(len(items) - 1, -1, -1):
        item = items[at]
        shape = item.shape
        if shape is None:
            levels[at] = {OVERFLOW}
        elif item.is_hole:
            found = levels[at] = denies.meeting(shape, work)
            if found and OVERFLOW not in found:
                holes.add(shape, found)
                holes.list(shape, found)
        elif partners.has(shape):
            levels[at] = _above(holes, holes.meeting(shape, work), ground)
            denies.add(shape, levels[at])
            denies.list(shape, levels[at])
        else:
            levels[at] = _above(holes, holes.around(shape), ground)
            denies.add(shape, levels[at])
    return levels


def _above(holes: _Levels, met: set[int], ground: set[int]) -> set[int]:
    if OVERFLOW in met:
        return {holes.highest + 1}
    return {max(met) + 1} if met else ground


class _Partners:
    """Which denies have a hole to be compared with at all: most have none, and need not be listed for the holes."""

    def __init__(self, holes: Sequence[Shape]) -> None:
        self.index: Index[Shape] = Index()
        for shape in holes:
            self.index.add(shape, shape)
        self.some_anywhere = any(shape.is_anywhere for shape in holes)
        self.all_regions = all(shape.is_region for shape in holes)

    def has(self, shape: Shape) -> bool:
        if shape.is_anywhere:
            return not self.all_regions
        return self.index.touches(shape.base) or (self.some_anywhere and not shape.is_region)


class _Levels:
    """Shapes with their levels, asked for the levels of all that a shape could meet.

    Nearly every tree could hold a name that is denied anywhere, so those two are never compared one by one.
    """

    def __init__(self) -> None:
        self.index: Index[tuple[Shape, set[int]]] = Index()
        self.points: Index[tuple[Shape, set[int]]] = Index()
        self.regions: set[int] = set()
        self.anywhere: set[int] = set()
        self.highest = -1

    def add(self, shape: Shape, levels: set[int]) -> None:
        if shape.is_anywhere:
            self.anywhere |= levels
        elif shape.is_region:
            self.regions |= levels

    def list(self, shape: Shape, levels: set[int]) -> None:
        """To be compared one by one."""
        self.highest = max(self.highest, *levels)
        self.index.add(shape, (shape, levels))
        if not shape.is_anywhere and not shape.is_region:
            self.points.add(shape, (shape, levels))

    def around(self, shape: Shape) -> set[int]:
        """The levels that are told without a comparison."""
        if shape.is_anywhere:
            return self.regions
        return self.anywhere if shape.is_region else set()

    def meeting(self, shape: Shape, work: Work) -> set[int]:
        found = set(self.around(shape))
        for other, levels in self._near(shape):
            if levels <= found:
                continue
            if not work.spend():
                return {OVERFLOW}
            if could_meet(shape, other):
                found |= levels
        return found

    def _near(self, shape: Shape) -> Sequence[tuple[Shape, set[int]]]:
        if shape.is_anywhere:
            return (*self.points.related(shape), *self.index.ending(shape))
        return self.index.beginning(shape) if shape.is_region else self.index.related(shape)


class _Place(Generic[T]):
    """A directory of the index: what begins just there, and the directories in it."""

    __slots__ = ("below", "here")

    def __init__(self) -> None:
        self.here: list[T] = []
        self.below: dict[str, _Place[T]] = {}


class Index(Generic[T]):
    """Shapes that could meet: names anywhere below `/` are found by how they end, all else by how it begins."""

    def __init__(self) -> None:
        self.root: _Place[T] = _Place()
        self.ends: dict[str, list[T]] = {}
        self.longer: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self.root.here or self.root.below or self.ends)

    def add(self, shape: Shape, value: T) -> None:
        if shape.is_anywhere:
            ending = _ending(shape.name)
            if ending not in self.ends:
                self._note_ending(ending)
            self.ends.setdefault(ending, []).append(value)
            return
        place = self.root
        for name in shape.base:
            inner = place.below.get(name)
            if inner is None:
                inner = place.below[name] = _Place()
            place = inner
        place.here.append(value)

    def _note_ending(self, ending: str) -> None:
        """Link a new ending to the shorter ones."""
        if ending in self.longer:
            return
        while ending:
            shorter = ending[1:]
            known = self.longer.get(shorter)
            if known is not None:
                known.append(ending)
                return
            self.longer[shorter] = [ending]
            if shorter in self.ends:
                return
            ending = shorter

    def touches(self, base: tuple[str, ...]) -> bool:
        """Whether something begins at the base, at an ancestor of it, or below it."""
        place = self.root
        for name in base:
            if place.here:
                return True
            inner = place.below.get(name)
            if inner is None:
                return False
            place = inner
        return bool(place.here or place.below)

    def related(self, shape: Shape) -> list[T]:
        return [*self.beginning(shape), *self.ending(shape)]

    def beginning(self, shape: Shape) -> list[T]:
        """What begins at the base, at an ancestor of it, or below it."""
        place = self.root
        found = [*place.here]
        for name in shape.base:
            inner = place.below.get(name)
            if inner is None:
                return found
            place = inner
            found += place.here
        todo = [*place.below.values()]
        while todo:
            place = todo.pop()
            found += place.here
            todo += place.below.values()
        return found

    def ending(self, shape: Shape) -> list[T]:
        """The names anywhere that end as the shape's could."""
        if not self.ends:
            return []
        if shape.kind is Kind.EXACT and shape.base:
            return [value for end in _ends_of(shape.base[-1]) for value in self.ends.get(end, ())]
        if not shape.is_wild:
            return [value for values in self.ends.values() for value in values]
        ending = _ending(shape.name)
        found = [value for end in _ends_of(ending) for value in self.ends.get(end, ())]
        todo = list(self.longer.get(ending, ()))
        while todo:
            longer = todo.pop()
            found += self.ends.get(longer, ())
            todo += self.longer.get(longer, ())
        return found


def _ends_of(text: str) -> Iterator[str]:
    for at in range(len(text) + 1):
        yield text[at:]


def _ending(name: Name) -> str:
    return name.equal if name.equal is not None else name.suffix
