"""What the ordered entries of one effect say at one path: who decides it, and what may be decided below."""

from __future__ import annotations

from dataclasses import dataclass

from avakill.backends.landlock.model import Entry
from avakill.backends.landlock.track import Status, Trail, next_literal, status, step


@dataclass(frozen=True, slots=True)
class Node:
    """`own` decides the path itself, `tail` what no trail that goes on decides; None: nobody, so it is allowed."""

    own: Entry | None
    ahead: tuple[Trail, ...]
    tail: Entry | None

    @property
    def is_denied(self) -> bool:
        return self.own is not None and self.own.denies

    @property
    def tail_denies(self) -> bool:
        return self.tail is not None and self.tail.denies

    @property
    def may_deny_below(self) -> bool:
        return self.tail_denies or any(trail.entry.denies for trail in self.ahead)

    @property
    def may_allow_below(self) -> bool:
        return not self.tail_denies or any(not trail.entry.denies for trail in self.ahead)

    @property
    def firmly_denies_below(self) -> bool:
        """Whether something below is denied, or would be if it existed, and must be kept out of every grant."""
        return self.tail_denies or any(trail.entry.denies and not trail.loose for trail in self.ahead)


def settle(trails: list[Trail], tail: Entry | None) -> Node:
    """`trails` in order, each alive at the path; one that covers the path ends the list."""
    own: Entry | None = None
    decided = False
    ahead: list[Trail] = []
    for trail in trails:
        found = status(trail)
        if found is None:
            continue
        if found is not Status.AHEAD and not decided:
            own, decided = trail.entry, True
        if found is Status.COVERS:
            return Node(own, _useful(ahead, trail.entry), trail.entry)
        if found is not Status.HERE:
            ahead.append(trail)
    return Node(own if decided else tail, _useful(ahead, tail), tail)


def _useful(ahead: list[Trail], tail: Entry | None) -> tuple[Trail, ...]:
    """Trails that all say what the tail says decide nothing."""
    denies = tail is not None and tail.denies
    return () if all(trail.entry.denies == denies for trail in ahead) else tuple(ahead)


class Fork:
    """A node's trails by the name under which they go on, so that a child asks only those that concern it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._named: dict[str, list[Trail]] = {}
        self._wild: list[Trail] = []
        for trail in node.ahead:
            name = next_literal(trail)
            if name is None:
                self._wild.append(trail)
            else:
                self._named.setdefault(name, []).append(trail)

    def child(self, name: str) -> Node:
        found = [after for trail in (*self._named.get(name, ()), *self._wild) if (after := step(trail, name)) is not None]
        found.sort(key=_order)
        return settle(found, self._node.tail)


def _order(trail: Trail) -> int:
    return trail.order
