"""Which units hold a path, and so which label it bears and its directory bears."""

from __future__ import annotations

from dataclasses import dataclass

from avakill.backends.selinux.holders import Spot, spots, walk
from avakill.backends.selinux.units import Node, Unit, label, settle
from avakill.paths.glob import split


@dataclass(frozen=True)
class Ground:
    """The tree of literal paths, and the patterns that cross it."""

    nodes: tuple[Node, ...]
    patterns: tuple[Unit, ...]
    by_path: dict[tuple[str, ...], Node]
    root: Spot

    def node(self, path: tuple[str, ...]) -> Node:
        """The deepest node at or above `path`."""
        spot, node = self.root, self.nodes[0]
        for name in path:
            after = spot.below.get(name)
            if after is None:
                break
            spot = after
            node = spot.node or node
        return node

    def holders(self, path: str) -> tuple[Unit, ...]:
        """The patterns that hold `path`, by rank."""
        return self.look(path, split(path))[1]

    def look(self, path: str, names: tuple[str, ...]) -> tuple[Node, tuple[Unit, ...]]:
        """The deepest node at or above `path`, and the patterns that hold it, by rank."""
        node, found = walk(self.root, path, names)
        if len(found) > 1:
            found.sort(key=_rank)
        return node, tuple(found)

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
    return Ground(nodes, patterns, {node.path: node for node in nodes}, spots(nodes, patterns))


def _rank(unit: Unit) -> int:
    return unit.rank


def merged(literal: tuple[Unit, ...], others: tuple[Unit, ...]) -> tuple[Unit, ...]:
    if not others:
        return literal
    return tuple(sorted((*literal, *others), key=_rank))


def parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"
