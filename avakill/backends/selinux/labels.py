"""What the lines of a crowd really label: at each path, what its object refuses and which row is to blame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from avakill.backends.selinux.ground import Ground, merged
from avakill.backends.selinux.model import Closed
from avakill.backends.selinux.units import Unit, owner, settle
from avakill.paths.glob import split


class Seen(NamedTuple):
    """At one path: the units of the policy by rank, what the object's label refuses, and the units that made the label.

    `crossing` is the pattern whose shared label it bears.
    """

    here: tuple[Unit, ...]
    closed: int
    makers: tuple[Unit, ...]
    crossing: Unit | None = None

    def blamed(self, bit: int) -> Unit | None:
        """The unit for which the label refuses an effect."""
        if self.crossing is not None:
            return self.crossing
        found = owner(self.makers, bit)
        if (found is None or not found.denies) and bit == Closed.EXEC:
            found = owner(self.makers, Closed.READ)
        return found if found is not None and found.denies else next((unit for unit in self.makers if unit.denies), None)


@dataclass(frozen=True)
class Labels:
    """`denied` is what the shared label refuses, `alone` the literal paths with labels of their own.

    `ordered`: the lines of patterns stand in the reverse order of the rules, and no label is shared.
    """

    over: Ground
    denied: int
    ordered: bool
    alone: dict[tuple[str, ...], int]
    known: dict[tuple[str, bool], Seen] = field(default_factory=dict)

    def of_object(self, path: str) -> Seen:
        return self._of(path, False)

    def of_directory(self, path: str) -> Seen:
        return self._of(path, self.ordered)

    def _of(self, path: str, is_directory: bool) -> Seen:
        found = self.known.get((path, is_directory))
        if found is None:
            found = self._ordered(path, is_directory) if self.ordered else self._shared(path)
            self.known[path, is_directory] = found
        return found

    def _shared(self, path: str) -> Seen:
        names = split(path)
        node, holders = self.over.look(path, names)
        is_node = node.path == names
        literal = node.here if is_node else node.below
        here = merged(literal, holders)
        apart = self.alone.get(names) if is_node else None
        if apart is not None:
            return Seen(here, refused(apart), (*here, *node.below))
        for unit in holders:
            if unit.denies:
                return Seen(here, refused(self.denied), (unit,), unit)
        return Seen(here, refused(node.closed_here if is_node else node.closed_below), literal)

    def _ordered(self, path: str, is_directory: bool) -> Seen:
        names = split(path)
        here = self.over.here(path)
        apart = self.alone.get(names)
        if apart is not None:
            return Seen(here, refused(apart), (*here, *self.over.node(names).below))
        # a hole for files alone labels no directory
        makers = tuple([unit for unit in here if unit.denies or unit.reaches_below]) if is_directory else here
        return Seen(here, refused(settle(makers)), makers)


def refused(closed: int) -> int:
    """What cannot be read cannot be run either."""
    return closed | Closed.EXEC if closed & Closed.READ else closed
