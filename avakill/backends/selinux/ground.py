"""Which units hold a path, and so which label it bears and its directory bears."""

from __future__ import annotations

from dataclasses import dataclass

from avakill.backends.selinux.holders import Holders
from avakill.backends.selinux.units import Node, Unit, label, settle
from avakill.paths.glob import join, split


@dataclass(frozen=True)
class Ground:
    """The tree of literal paths, and the patterns that cross it."""

    nodes: tuple[Node, ...]
    patterns: tuple[Unit, ...]
    by_path: dict[tuple[str, ...], Node]
    deepest: int
    index: Holders

    def node(self, path: tuple[str, ...]) -> Node:
        """The deepest node at or above `path`."""
        for length in range(min(len(path), self.deepest), 0, -1):
            found = self.by_path.get(path[:length])
            if found is not None:
                return found
        return self.by_path[()]

    def holders(self, path: str) -> tuple[Unit, ...]:
        """The patterns that hold `path`, by rank."""
        found = self.index.of(path) if self.patterns else []
        if len(found) > 1:
            found.sort(key=_rank)
        return tuple(found)

    def at(self, path: str) -> tuple[tuple[Unit, ...], tuple[Unit, ...]]:
        """The literal units that hold `path`, and those that hold every new name directly in it."""
        names = split(path)
        node = self.node(names)
        return (node.here if node.path == names else node.below), node.below

    def here(self, path: str) -> tuple[Unit, ...]:
        """The units that hold `path`, by rank."""
        names = split(path)
        node = self.node(names)
        literal = node.here if node.path == names else node.below
        return merged(literal, self.holders(path))

    def inside(self, path: str) -> tuple[Unit, ...]:
        """The units that hold every new name directly in `path`, by rank."""
        found = tuple(unit for unit in self.holders(path) if unit.reaches_below)
        return merged(self.node(split(path)).below, found)

    def of_directory(self, path: str) -> int:
        """The label of a directory: patterns that only open a hole label files alone."""
        node = self.node(split(path))
        literal = node.here if node.path == split(path) else node.below
        found = tuple(unit for unit in self.holders(path) if unit.denies or unit.reaches_below)
        return label(merged(literal, found), self.inside(path))

    def refuses(self, path: str) -> int:
        """What the policy refuses at `path`."""
        return settle(self.here(path))


def ground(nodes: tuple[Node, ...], patterns: tuple[Unit, ...]) -> Ground:
    return Ground(nodes, patterns, {node.path: node for node in nodes}, max(len(node.path) for node in nodes), Holders(patterns))


def _rank(unit: Unit) -> int:
    return unit.rank


def merged(literal: tuple[Unit, ...], others: tuple[Unit, ...]) -> tuple[Unit, ...]:
    if not others:
        return literal
    return tuple(sorted((*literal, *others), key=_rank))


def parent(path: str) -> str:
    return join(split(path)[:-1])
