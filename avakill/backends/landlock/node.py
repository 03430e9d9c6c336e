"""What the ordered entries of one effect say at one path: who decides it, and what may be decided below."""

from __future__ import annotations

from collections.abc import Hashable

from avakill.backends.landlock.alphabet import Alphabet, Letter
from avakill.backends.landlock.model import Entry
from avakill.backends.landlock.track import Status, Trail, next_literal, status, step


class Node:
    """`own` decides the path itself, `tail` what no trail that goes on decides; None: nobody, so it is allowed.

    `firmly_denies_below`: something below is denied, or would be if it existed, and must be kept out of every grant.
    """

    __slots__ = ("ahead", "firmly_denies_below", "fork", "is_denied", "may_allow_below", "may_deny_below", "own", "rows", "tail")

    def __init__(self, own: Entry | None, ahead: tuple[Trail, ...], tail: Entry | None) -> None:
        self.own = own
        self.ahead = ahead
        self.tail = tail
        self.fork: Fork | None = None
        tail_denies = tail is not None and tail.denies
        denying = [trail for trail in ahead if trail.entry.denies]
        self.is_denied = own is not None and own.denies
        self.may_deny_below = tail_denies or bool(denying)
        self.may_allow_below = not tail_denies or len(denying) < len(ahead)
        self.firmly_denies_below = tail_denies or any(not trail.loose for trail in denying)
        self.rows = frozenset(trail.entry.index for trail in denying)


class Nodes:
    """The nodes of one walk. Places of which all patterns say the same share one, so what lies below is asked once."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Node] = {}

    def settled(self, trails: list[Trail], tail: Entry | None) -> Node:
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
                return self._shared(own, _useful(ahead, trail.entry), trail.entry)
            if found is not Status.HERE:
                ahead.append(trail)
        return self._shared(own if decided else tail, _useful(ahead, tail), tail)

    def _shared(self, own: Entry | None, ahead: tuple[Trail, ...], tail: Entry | None) -> Node:
        key = (id(own), id(tail), tuple([trail.key for trail in ahead]))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Node(own, ahead, tail)
        return known

    def fork(self, node: Node) -> Fork:
        if node.fork is None:
            node.fork = Fork(node, self)
        return node.fork


def _useful(ahead: list[Trail], tail: Entry | None) -> tuple[Trail, ...]:
    """Trails that all say what the tail says decide nothing."""
    denies = tail is not None and tail.denies
    return () if all(trail.entry.denies == denies for trail in ahead) else tuple(ahead)


class Fork:
    """The ways from a node to the names in it: patterns are asked once for each letter of its alphabet."""

    def __init__(self, node: Node, nodes: Nodes) -> None:
        self._node = node
        self._nodes = nodes
        self._alphabet = Alphabet(node.ahead)
        self._after: dict[Letter, Node] = {}
        self._named: dict[str, list[Trail]] = {}
        self._wild: list[Trail] = []
        for trail in node.ahead:
            name = next_literal(trail)
            if name is None:
                self._wild.append(trail)
            else:
                self._named.setdefault(name, []).append(trail)

    def child(self, name: str) -> Node:
        letter = self._alphabet.letter(name)
        known = self._after.get(letter)
        if known is None:
            known = self._after[letter] = self._stepped(name)
        return known

    def _stepped(self, name: str) -> Node:
        found = [after for trail in (*self._named.get(name, ()), *self._wild) if (after := step(trail, name)) is not None]
        found.sort(key=_order)
        return self._nodes.settled(found, self._node.tail)


def _order(trail: Trail) -> int:
    return trail.order
