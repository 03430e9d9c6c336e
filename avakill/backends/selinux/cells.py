"""Patterns over the tree of literal paths: one label for each way in which they overlap, while these are few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avakill.backends.selinux.ground import Ground, merged
from avakill.backends.selinux.judged import directory_label
from avakill.backends.selinux.model import Context
from avakill.backends.selinux.units import Node, Unit, instance, label
from avakill.paths.automaton import Pattern, Undecided, witness
from avakill.paths.glob import Glob

MAX_PATTERNS = 14
MAX_NODES = 300
MAX_OVERLAPS = 90
MAX_CELLS = 600


@dataclass(frozen=True, slots=True)
class Overlap:
    """The patterns that hold the same objects, and one of these."""

    units: tuple[Unit, ...]
    within: tuple[Pattern, ...]
    without: tuple[Pattern, ...]
    sample: str

    @property
    def prefix(self) -> tuple[str, ...]:
        return max((atom.literal_prefix for atom in self.within), key=len, default=())


@dataclass(frozen=True, slots=True)
class Cell:
    """An overlap below one node: what it bears, what a directory in it bears, and one object of it.

    `is_new` says whether it needs a line, for its label is not that of the same overlap further up.
    """

    overlap: Overlap
    node: Node
    within: tuple[Pattern, ...]
    closed: int
    of_directory: int
    sample: str
    is_new: bool


def cells(ground: Ground) -> tuple[Cell, ...] | None:
    """All cells, the more telling ones later; None when there are too many."""
    if len(ground.patterns) > MAX_PATTERNS or len(ground.nodes) > MAX_NODES:
        return None
    try:
        overlaps = _overlaps(ground.patterns)
        found: list[Cell] = []
        for overlap in overlaps or ():
            found.extend(_over_nodes(ground, overlap))
            if len(found) > MAX_CELLS:
                return None
    except Undecided:
        return None
    if overlaps is None:
        return None
    found.sort(key=lambda cell: (len(cell.overlap.units), len(cell.node.path)))
    return tuple(found)


def _overlaps(units: tuple[Unit, ...]) -> list[Overlap] | None:
    """Every set of patterns that share an object."""
    found: list[Overlap] = []
    last: list[tuple[int, Overlap]] = [(-1, Overlap((), (), (), "/"))]
    while last:
        grown: list[tuple[int, Overlap]] = []
        for at, overlap in last:
            for index in range(at + 1, len(units)):
                unit = units[index]
                within = tuple(dict.fromkeys((*overlap.within, *unit.piece.within)))
                without = tuple(dict.fromkeys((*overlap.without, *unit.piece.without)))
                sample = example(within, without)
                if sample is not None:
                    grown.append((index, Overlap((*overlap.units, unit), within, without, sample)))
        found.extend(overlap for _, overlap in grown)
        if len(found) > MAX_OVERLAPS:
            return None
        last = grown
    return found


def example(within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> str | None:
    """An object of the set, with a name of ours where that is easy; None when the set is empty. Raises Undecided."""
    if len(within) == 1:
        made = instance(within[0])
        if made is not None and not any(pattern.holds(made) for pattern in without):
            return made
    return witness(within, without, frozenset({"/"}))


def _over_nodes(ground: Ground, overlap: Overlap) -> Iterator[Cell]:
    top = ground.node(overlap.prefix)
    labels: dict[int, tuple[int, int]] = {}
    for node in ground.nodes:
        if node is not top and (len(node.path) <= len(overlap.prefix) or node.path[: len(overlap.prefix)] != overlap.prefix):
            continue
        mine = _labels(node, overlap)
        above = labels.get(id(node.parent)) if node is not top else None
        labels[id(node)] = mine
        if node is top:
            yield Cell(overlap, node, overlap.within, *mine, overlap.sample, True)
            continue
        if mine == above and node.parent is not None and node.closed_below == node.parent.closed_below:
            continue
        within = (*overlap.within, Glob(node.path, below=True))
        sample = example(within, overlap.without)
        if sample is not None:
            yield Cell(overlap, node, within, *mine, sample, mine != above)
        else:
            labels[id(node)] = above if above is not None else mine


def _labels(node: Node, overlap: Overlap) -> tuple[int, int]:
    inside = merged(node.below, tuple(unit for unit in overlap.units if unit.reaches_below))
    telling = tuple(unit for unit in overlap.units if unit.denies or unit.reaches_below)
    return label(merged(node.below, overlap.units), inside), label(merged(node.below, telling), inside)


def alone(over: Ground, node: Node, closed: int) -> Iterator[Context]:
    """The lines of a literal path alone, the second for a directory of that name."""
    of_directory = directory_label(over, node, closed)
    if of_directory == closed:
        yield Context((Glob(node.path),), (), closed, origin=node.span)
        return
    yield Context((Glob(node.path),), (), closed, origin=node.span, is_wild=True)
    yield Context((Glob(node.path),), (), of_directory, kind="-d", origin=node.span, is_wild=False)


def contexts(found: tuple[Cell, ...]) -> Iterator[Context]:
    for cell in found:
        if not cell.is_new:
            continue
        span = cell.overlap.units[0].span
        yield Context(cell.within, cell.overlap.without, cell.closed, origin=span)
        if cell.of_directory != cell.closed:
            yield Context(cell.within, cell.overlap.without, cell.of_directory, kind="-d", origin=span)
