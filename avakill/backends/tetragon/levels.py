"""Which holes belong to which denies: a deny above a hole that it meets goes to a level that the hole is not cut out of."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from avakill.backends.tetragon.shapes import Kind, Name, Shape, could_meet

T = TypeVar("T")
Names = tuple[str, ...]


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
    if not any(item.is_hole for item in items):
        return [ground for _ in items]
    levels: list[set[int]] = [ground] * len(items)
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
        else:
            met = holes.meeting(shape, work)
            if OVERFLOW in met:
                level = holes.highest + 1
            else:
                level = max(met) + 1 if met else 0
            levels[at] = {level} if level else ground
            denies.add(shape, levels[at])
    return levels


class _Levels:
    """Shapes with their levels, asked for the levels of all that a shape could meet.

    Nearly every tree could hold a name that is denied anywhere, so those two are never compared one by one.
    """

    def __init__(self) -> None:
        self.index: Index[tuple[Shape, set[int]]] = Index()
        self.regions: set[int] = set()
        self.points: Index[tuple[Shape, set[int]]] = Index()
        self.anywhere: set[int] = set()
        self.highest = -1

    def add(self, shape: Shape, levels: set[int]) -> None:
        self.index.add(shape, (shape, levels))
        self.highest = max(self.highest, *levels)
        if _is_anywhere(shape):
            self.anywhere |= levels
        elif shape.kind in (Kind.TREE, Kind.STRETCH):
            self.regions |= levels
        else:
            self.points.add(shape, (shape, levels))

    def meeting(self, shape: Shape, work: Work) -> set[int]:
        found: set[int] = set()
        if not self.index:
            return found
        if _is_anywhere(shape):
            found |= self.regions
            near = [*self.points.related(shape), *self.index.ending(shape)]
        elif shape.kind in (Kind.TREE, Kind.STRETCH):
            found |= self.anywhere
            near = self.index.beginning(shape)
        else:
            near = self.index.related(shape)
        for other, levels in near:
            if levels <= found:
                continue
            if not work.spend():
                return {OVERFLOW}
            if could_meet(shape, other):
                found |= levels
        return found


def _is_anywhere(shape: Shape) -> bool:
    """A name anywhere below `/`."""
    return shape.kind is Kind.NAMED and not shape.base


class Index(Generic[T]):
    """Shapes that could meet: names anywhere below `/` are found by how they end, all else by how it begins."""

    def __init__(self) -> None:
        self.starts: dict[Names, list[T]] = {}
        self.inner: dict[Names, list[Names]] = {}
        self.ends: dict[str, list[T]] = {}
        self.longer: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self.starts or self.ends)

    def add(self, shape: Shape, value: T) -> None:
        if _is_anywhere(shape):
            ending = _ending(shape.name)
            if ending not in self.ends:
                self._note_ending(ending)
            self.ends.setdefault(ending, []).append(value)
            return
        base = shape.base
        if base not in self.starts:
            self._note_base(base)
        self.starts.setdefault(base, []).append(value)

    def _note_base(self, base: Names) -> None:
        """Link a new base to its nearest linked ancestor."""
        if base in self.inner:
            return
        while base:
            above = base[:-1]
            known = self.inner.get(above)
            if known is not None:
                known.append(base)
                return
            self.inner[above] = [base]
            if above in self.starts:
                return
            base = above

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

    def related(self, shape: Shape) -> list[T]:
        return [*self.beginning(shape), *self.ending(shape)]

    def beginning(self, shape: Shape) -> list[T]:
        """What begins at the base, at an ancestor of it, or below it."""
        base = shape.base
        starts = self.starts
        found: list[T] = []
        for size in range(len(base) + 1):
            here = starts.get(base[:size])
            if here:
                found += here
        if base in self.inner:
            todo = list(self.inner[base])
            while todo:
                inner = todo.pop()
                found += starts.get(inner, ())
                todo += self.inner.get(inner, ())
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
