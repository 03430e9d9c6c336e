"""Globs by their literal prefix, and behind it by what their names must be: which of them may hold a path."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from avakill.paths.glob import Glob, Wild, Wildcard, holds_parts

Names = tuple[str, ...]
Orders = tuple[int, ...]
"""Places of rules in the policy, rising."""

NEVER = 1 << 60
"""The order of no rule."""

HERE = ""
"""The key of a node's own `Stop`: no name is empty."""


@dataclass(slots=True)
class Tails:
    """The globs with one literal prefix of `depth` names, by what they ask behind it."""

    depth: int
    by_last: dict[str, list[int]] = field(default_factory=dict)
    by_any: dict[str, list[int]] = field(default_factory=dict)
    by_end: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    others: list[tuple[int, Glob]] = field(default_factory=list)
    fold: bool = False

    def add(self, rest: Glob, order: int) -> None:
        match rest.parts:
            case (Wildcard.DEEP, str(name)) if not self.fold:
                (self.by_any if rest.below else self.by_last).setdefault(name, []).append(order)
            case (Wildcard.DEEP, Wild(atoms)) if not rest.below and not self.fold and (end := _end(atoms)):
                self.by_end.setdefault(len(end), {}).setdefault(end, []).append(order)
            case _:
                self.others.append((order, replace(rest, fold=True) if self.fold else rest))

    def finish(self) -> None:
        self.others.sort(key=lambda entry: entry[0])

    def orders(self, names: Names) -> Iterator[int]:
        """Those whose globs hold `names`, in no order; `names` are longer than the prefix."""
        rest = names[self.depth :]
        if not rest:
            yield from (order for order, glob in self.others if holds_parts(glob, ()))
            return
        last = rest[-1]
        yield from self.by_last.get(last, ())
        if self.by_any:
            for name in rest:
                yield from self.by_any.get(name, ())
        for length, ends in self.by_end.items():
            yield from ends.get(last[-length:], ())
        for order, glob in self.others:
            if holds_parts(glob, rest):
                yield order

    def least(self, names: Names, below: int) -> int:
        """The least of `orders`, and of `below`."""
        rest = names[self.depth :]
        if rest:
            last = rest[-1]
            below = _least(self.by_last.get(last), below)
            if self.by_any:
                for name in rest:
                    below = _least(self.by_any.get(name), below)
            for length, ends in self.by_end.items():
                below = _least(ends.get(last[-length:]), below)
        for order, glob in self.others:
            if order >= below:
                break
            if holds_parts(glob, rest):
                return order
        return below


def _least(orders: list[int] | None, below: int) -> int:
    return orders[0] if orders is not None and orders[0] < below else below


def _end(atoms: tuple[Any, ...]) -> str:
    """The text that a name must end in, of `*TEXT`; empty for any other pattern."""
    if len(atoms) < 2 or atoms[0] is not Wildcard.SOME or not all(isinstance(atom, str) for atom in atoms[1:]):
        return ""
    return "".join(atoms[1:])


@dataclass(slots=True)
class Stop:
    """What a node knows: `least` of the trees at it and above, `trees` and `exact` at it, the tails at it and above."""

    least: int = NEVER
    trees: list[int] = field(default_factory=list)
    exact: list[int] = field(default_factory=list)
    own: Tails | None = None
    tails: tuple[Tails, ...] = ()


Node = dict[str, Any]
"""Names to nodes, and under `HERE` the node's `Stop`. Plain dictionaries, because a walk is a dozen of their lookups."""


@dataclass(slots=True)
class PathIndex:
    """A trie over literal prefixes. Globs are added in the order of their rules; `finish` comes before any question."""

    fold: bool = False
    root: Node = field(default_factory=dict)
    everything: list[int] = field(default_factory=list)

    def add(self, prefix: Names, rest: Glob, order: int) -> None:
        """`rest` is what the glob asks behind `prefix`; `Glob((), below)` asks for nothing more."""
        self.everything.append(order)
        node = self.root
        for name in prefix:
            if self.fold:
                name = name.casefold()
            after = node.get(name)
            if after is None:
                after = node[name] = {}
            node = after
        stop = node.get(HERE)
        if stop is None:
            stop = node[HERE] = Stop()
        if rest.parts:
            if stop.own is None:
                stop.own = Tails(len(prefix), fold=self.fold)
            stop.own.add(rest, order)
        else:
            (stop.trees if rest.below else stop.exact).append(order)

    def finish(self) -> None:
        """Hand down what stands above, so that a question looks at the last node only."""
        nothing = Stop()
        todo: list[tuple[Node, Stop]] = [(self.root, nothing)]
        while todo:
            node, above = todo.pop()
            stop: Stop | None = node.get(HERE)
            if stop is None:
                node[HERE] = below = above
            else:
                stop.least = min(above.least, stop.trees[0]) if stop.trees else above.least
                stop.tails = above.tails
                if stop.own is not None:
                    stop.own.finish()
                    stop.tails = (*above.tails, stop.own)
                below = Stop(stop.least, tails=stop.tails) if stop.trees or stop.own is not None else above
            todo.extend([(after, below) for name, after in node.items() if name])

    def least(self, names: Iterable[str]) -> int:
        """The order of the first rule of which a glob holds the path; NEVER where none does."""
        node = self.root
        for name in names:
            after = node.get(name)
            if after is None:
                stop: Stop = node[HERE]
                least = stop.least
                break
            node = after
        else:
            stop = node[HERE]
            least = stop.least
            if stop.exact and stop.exact[0] < least:
                least = stop.exact[0]
        if stop.tails:
            names = tuple(names)
            for tails in stop.tails:
                least = tails.least(names, least)
        return least

    def orders(self, names: Names) -> Iterator[int]:
        """All rules of which a glob holds the path, in no order."""
        if self.fold:
            names = tuple(name.casefold() for name in names)
        node = self.root
        stop: Stop = node[HERE]
        yield from stop.trees
        for name in names:
            after = node.get(name)
            if after is None:
                break
            node = after
            stop = node[HERE]
            yield from stop.trees
        else:
            yield from stop.exact
        for tails in stop.tails:
            yield from tails.orders(names)
