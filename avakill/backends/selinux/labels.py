"""What the lines of a crowd really label: at each path, what its object refuses and which row is to blame."""

from __future__ import annotations

from dataclasses import dataclass, field

from avakill.backends.selinux.ground import Ground, merged
from avakill.backends.selinux.model import Closed
from avakill.backends.selinux.units import Unit, owner, settle
from avakill.paths.glob import split


@dataclass(frozen=True, slots=True)
class Seen:
    """At one path: the units of the policy by rank, what the object's label refuses, and the units that made the label."""

    here: tuple[Unit, ...]
    closed: int
    makers: tuple[Unit, ...]

    def blamed(self, bit: int) -> Unit | None:
        """The unit for which the label refuses an effect."""
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
    directories: dict[str, Seen] = field(default_factory=dict)

    def of_object(self, path: str) -> Seen:
        return self._ordered(path, "") if self.ordered else self._shared(path)

    def of_directory(self, path: str) -> Seen:
        known = self.directories.get(path)
        if known is None:
            known = self._ordered(path, "-d") if self.ordered else self._shared(path)
            self.directories[path] = known
        return known

    def _shared(self, path: str) -> Seen:
        names = split(path)
        node = self.over.node(names)
        is_node = node.path == names
        literal = node.here if is_node else node.below
        holders = self.over.holders(path)
        here = merged(literal, holders)
        apart = self.alone.get(names) if is_node else None
        if apart is not None:
            return Seen(here, refused(apart), (*here, *node.below))
        crossing = tuple([unit for unit in holders if unit.denies])
        if crossing:
            return Seen(here, refused(self.denied), crossing)
        return Seen(here, refused(node.closed_here if is_node else node.closed_below), literal)

    def _ordered(self, path: str, kind: str) -> Seen:
        names = split(path)
        here = self.over.here(path)
        apart = self.alone.get(names)
        if apart is not None:
            return Seen(here, refused(apart), (*here, *self.over.node(names).below))
        # a hole for files alone labels no directory
        makers = tuple([unit for unit in here if unit.denies or unit.reaches_below]) if kind else here
        return Seen(here, refused(settle(makers)), makers)


def refused(closed: int) -> int:
    """What cannot be read cannot be run either."""
    return closed | Closed.EXEC if closed & Closed.READ else closed
