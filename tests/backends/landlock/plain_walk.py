"""The complement walk made the plain way, one path after the other, every pattern asked anew: what `expand` is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from avakill.backends.landlock.expand import KERNEL_TREES, MAX_DEPTH, Grant, Match, Split
from avakill.backends.landlock.model import Entry, Model, is_loose
from avakill.backends.landlock.rights import OBJECT_EFFECTS, REFER_ABI, RIGHT, known_rights
from avakill.backends.landlock.tree import FileTree, Kind
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, Part, Wildcard, component_holds, join
from avakill.paths.substring import Substring


@dataclass(frozen=True)
class Plain:
    """What the walk finds; `splits` and `matches` without an order."""

    grants: tuple[Grant, ...]
    splits: frozenset[Split]
    matches: frozenset[Match]


def plain_expand(model: Model, tree: FileTree, abi: int) -> Plain:
    rights: dict[str, list[str]] = {}
    kinds: dict[str, bool] = {}
    splits: set[Split] = set()
    matches: set[Match] = set()
    for order in model.orders:
        walk = _Walk(order.effect, tree)
        walk.visit("/", settle(_begun([model.entries[number] for number in order.entries], tree), None), 0)
        splits |= set(walk.splits)
        matches |= set(walk.matches)
        for path, directory in walk.granted:
            kinds[path] = directory
            names = known_rights(order.effect, abi)
            rights.setdefault(path, []).extend(name for name in names if directory or RIGHT[name].on_file)
    if model.orders and abi >= REFER_ABI:
        kinds["/"] = True
        rights.setdefault("/", []).append("refer")
    grants = tuple(Grant(path, kinds[path], tuple(rights[path])) for path in sorted(rights) if rights[path])
    return Plain(grants, frozenset(splits), frozenset(matches))


def _begun(entries: Iterable[Entry], tree: FileTree) -> list[Trail]:
    found = []
    for order, entry in enumerate(entries):
        for piece in entry.region.pieces:
            moved = replace(piece, within=_spelled(piece.within, tree), without=_spelled(piece.without, tree))
            found += [begin(order, entry, spelling) for spelling in dict.fromkeys((piece, moved))]
    return found


def _spelled(atoms: tuple[Pattern, ...], tree: FileTree) -> tuple[Pattern, ...]:
    return tuple(
        replace(a, parts=(*tree.resolve(join(a.literal_prefix)).split("/")[1:], *a.parts[len(a.literal_prefix) :]))
        if isinstance(a, Glob) and a.literal_prefix
        else a
        for a in atoms
    )


class Status(IntEnum):
    """What a pattern holds at a path: `HERE` the path itself, `AHEAD` perhaps something below it, `BOTH`, or `COVERS` all of it."""

    HERE = 1
    AHEAD = 2
    BOTH = 3
    COVERS = 4


# How far a pattern has come: the positions in a glob's parts, or the text that a substring is looked for in.
Place = tuple[int, ...] | str


@dataclass(frozen=True, slots=True)
class Trail:
    """One piece of one entry on its way down."""

    order: int
    entry: Entry
    piece: Piece[Pattern]
    loose: bool
    within: tuple[Place, ...]
    without: tuple[tuple[Pattern, Place], ...]


def begin(order: int, entry: Entry, piece: Piece[Pattern]) -> Trail:
    return Trail(
        order,
        entry,
        piece,
        is_loose(piece),
        tuple(_start(atom) for atom in piece.within),
        tuple((atom, _start(atom)) for atom in piece.without),
    )


def _start(atom: Pattern) -> Place:
    return "" if isinstance(atom, Substring) else _closure((0,), atom.parts)


def _closure(positions: tuple[int, ...], parts: tuple[Part, ...]) -> tuple[int, ...]:
    found = dict.fromkeys(positions)
    for position in positions:
        at = position
        while at < len(parts) and parts[at] is Wildcard.DEEP:
            at += 1
            found[at] = None
    return tuple(sorted(found))


def _step(atom: Pattern, place: Place, name: str) -> Place | None:
    """The place one component further down; None where the pattern can hold nothing there."""
    if isinstance(place, str):
        return f"{place}/{name}"
    assert isinstance(atom, Glob)
    parts = atom.parts
    if atom.below and len(parts) in place:
        return place
    if atom.fold:
        name = name.casefold()
    ahead: dict[int, None] = {}
    for position in place:
        if position < len(parts):
            part = parts[position]
            if part is Wildcard.DEEP:
                ahead[position] = None
            elif component_holds(part, name, atom.fold):
                ahead[position + 1] = None
    return _closure(tuple(ahead), parts) if ahead else None


def _status(atom: Pattern, place: Place) -> Status:
    if isinstance(place, str):
        return Status.COVERS if atom.holds(place or "/") else Status.AHEAD
    assert isinstance(atom, Glob)
    end = len(atom.parts)
    here = end in place
    if here and atom.below:
        return Status.COVERS
    ahead = place[0] < end
    return Status.BOTH if here and ahead else Status.HERE if here else Status.AHEAD


def step(trail: Trail, name: str) -> Trail | None:
    """The trail at a child; None where its piece holds nothing at or below it."""
    within: list[Place] = []
    for atom, place in zip(trail.piece.within, trail.within, strict=True):
        after = _step(atom, place, name)
        if after is None:
            return None
        within.append(after)
    if not trail.without:
        return Trail(trail.order, trail.entry, trail.piece, trail.loose, tuple(within), ())
    without: list[tuple[Pattern, Place]] = []
    for atom, place in trail.without:
        after = _step(atom, place, name)
        if after is not None:
            if _status(atom, after) is Status.COVERS:
                return None
            without.append((atom, after))
    return Trail(trail.order, trail.entry, trail.piece, trail.loose, tuple(within), tuple(without))


def status(trail: Trail) -> Status | None:
    """What the trail's piece holds at the path where it stands."""
    inside = [_status(atom, place) for atom, place in zip(trail.piece.within, trail.within, strict=True)]
    outside = [_status(atom, place) for atom, place in trail.without]
    if Status.COVERS in outside:
        return None
    if not outside and all(found is Status.COVERS for found in inside):
        return Status.COVERS
    here = all(found is not Status.AHEAD for found in inside) and all(found is Status.AHEAD for found in outside)
    ahead = all(found is not Status.HERE for found in inside)
    if here:
        return Status.BOTH if ahead else Status.HERE
    return Status.AHEAD if ahead else None


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


class _Walk:
    """One effect's walk."""

    def __init__(self, effect: Effect, tree: FileTree) -> None:
        self.granted: list[tuple[str, bool]] = []
        self.splits: list[Split] = []
        self.matches: list[Match] = []
        self._effect = effect
        self._of_objects = effect in OBJECT_EFFECTS
        self._tree = tree

    def visit(self, path: str, node: Node, depth: int) -> bool:
        """Whether nothing is denied at or below the directory."""
        held = self._of_objects and node.is_denied
        mark = len(self.granted)
        clean = node.may_deny_below is False and not held
        if not clean and not node.may_allow_below:
            return False
        if not clean and not (node.firmly_denies_below or node.is_denied) and path in KERNEL_TREES:
            clean = True
        if not clean:
            found = [self._child(path, name, kind, node, depth) for name, kind in self._entries(path, depth)]
            clean = all(found) and not node.firmly_denies_below and not held
            if not clean:
                rows = {trail.entry.index for trail in node.ahead if trail.entry.denies}
                if node.tail is not None and node.tail.denies:
                    rows.add(node.tail.index)
                self.splits.append(Split(path, self._effect, frozenset(rows)))
        if clean:
            self.granted[mark:] = [(path, True)]
        return clean

    def _entries(self, path: str, depth: int) -> tuple[tuple[str, Kind], ...]:
        return self._tree.entries(path) if depth < MAX_DEPTH else ()

    def _child(self, path: str, name: str, kind: Kind, node: Node, depth: int) -> bool:
        child = settle([after for trail in node.ahead if (after := step(trail, name)) is not None], node.tail)
        path = f"{path.rstrip('/')}/{name}"
        if child.own is not None and child.own.denies:
            self.matches.append(Match(path, self._effect, child.own.index))
        if kind is Kind.DIRECTORY:
            inside = self.visit(path, child, depth + 1)
            return inside and (self._of_objects or not child.is_denied)
        if not self._of_objects:
            return not child.is_denied
        if kind is Kind.FILE and not child.is_denied:
            self.granted.append((path, False))
        return kind is Kind.SYMLINK or not child.is_denied
