"""Patterns by literal prefix: which could meet which, without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("below", "here")

    def __init__(self) -> None:
        self.here: list[T] = []
        self.below: dict[str, _Node[T]] = {}


@dataclass(slots=True)
class PrefixIndex(Generic[T]):
    """A trie over literal prefixes. Two patterns can share a path only if one's prefix begins with the other's."""

    root: _Node[T] = field(default_factory=_Node)

    def add(self, prefix: tuple[str, ...], value: T) -> None:
        node = self.root
        for name in prefix:
            after = node.below.get(name)
            if after is None:
                after = node.below[name] = _Node()
            node = after
        node.here.append(value)

    def above(self, prefix: tuple[str, ...]) -> Iterator[T]:
        """What stands at `prefix` or at an ancestor of it, from the root down."""
        node = self.root
        yield from node.here
        for name in prefix:
            after = node.below.get(name)
            if after is None:
                return
            node = after
            if node.here:
                yield from node.here

    def related(self, prefix: tuple[str, ...]) -> Iterator[T]:
        """What stands at `prefix`, at an ancestor of it, or below it."""
        node = self.root
        yield from node.here
        for name in prefix:
            after = node.below.get(name)
            if after is None:
                return
            node = after
            if node.here:
                yield from node.here
        todo = list(reversed(node.below.values()))
        while todo:
            inner = todo.pop()
            yield from inner.here
            todo.extend(reversed(inner.below.values()))
