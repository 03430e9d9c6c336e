"""The complement walk: a symbolic plan, a view of a file system and an ABI to the ruleset that a kernel is given (semantics §6).

Rights granted on a directory hold for all below it and cannot be taken back. So, for each access right apart, the walk
goes from `/` towards everything denied and grants the siblings, never an ancestor. A directory that cannot be granted
as a whole is *split*: what exists in it is granted one by one, and what is made in it later has no grant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from avakill.backends.landlock.model import Entry, Model, Network
from avakill.backends.landlock.node import Node, Nodes
from avakill.backends.landlock.rights import (
    NETWORK_ABI,
    OBJECT_EFFECTS,
    REFER_ABI,
    RIGHT,
    known_rights,
)
from avakill.backends.landlock.track import begin
from avakill.backends.landlock.tree import FileTree, Kind
from avakill.ir.effect import Effect
from avakill.ir.endpoint import PortRange
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, join, split

MAX_ENTRIES = 300_000
MAX_DEPTH = 250
KERNEL_TREES = ("/proc", "/sys")
"""Where no walk for files at any depth goes: what is there is the kernel's."""


@dataclass(frozen=True, slots=True)
class Grant:
    """`rights` hold on `path` and, for a directory, on everything below it."""

    path: str
    directory: bool
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """A directory that carries no grant for `effect` because something below it is denied by `rows`."""

    path: str
    effect: Effect
    rows: frozenset[int]


@dataclass(frozen=True, slots=True)
class Match:
    """Something that exists and that a pattern at any depth, of row `index`, denies."""

    path: str
    effect: Effect
    index: int


@dataclass(frozen=True, slots=True)
class Unwalked:
    """A directory where the walk ended early: what patterns at any depth deny below it is not covered."""

    path: str
    effect: Effect
    rows: frozenset[int]
    reason: str


@dataclass(frozen=True, slots=True)
class Expansion:
    """The ruleset as the kernel gets it, and what the walk saw. `ports` is None where the network is not handled."""

    abi: int
    handled: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    ports: tuple[PortRange, ...] | None = None
    splits: tuple[Split, ...] = ()
    matches: tuple[Match, ...] = ()
    unwalked: tuple[Unwalked, ...] = ()
    walked: int = 0

    @property
    def is_nothing(self) -> bool:
        return not self.handled and self.ports is None


def expand(model: Model, tree: FileTree, abi: int, limit: int = MAX_ENTRIES) -> Expansion:
    """Pure in all but `tree`. Rights that the ABI does not know are left out. Effects with the same entries share a walk."""
    if abi < 1:
        return Expansion(abi)
    rights: dict[str, list[str]] = {}
    kinds: dict[str, bool] = {}
    handled: list[str] = []
    walks: dict[tuple[tuple[int, ...], bool], _Walk] = {}
    done: list[tuple[Effect, _Walk]] = []
    left = limit
    for order in model.orders:
        names = known_rights(order.effect, abi)
        handled.extend(names)
        key = order.entries, order.effect in OBJECT_EFFECTS
        walk = walks.get(key)
        if walk is None:
            walk = walks[key] = _Walk(key[1], tree, limit, left)
            walk.start([model.entries[number] for number in order.entries])
            left -= walk.walked
        done.append((order.effect, walk))
        for path, directory in walk.granted:
            kinds[path] = directory
            rights.setdefault(path, []).extend(name for name in names if directory or RIGHT[name].on_file)
    if handled and abi >= REFER_ABI:
        # REFER on `/` alone gains nothing: the kernel compares all handled rights of the two places at each move
        handled.append("refer")
        kinds["/"] = True
        rights.setdefault("/", []).append("refer")
    return Expansion(
        abi,
        tuple(dict.fromkeys(handled)),
        tuple(Grant(path, kinds[path], tuple(rights[path])) for path in sorted(rights) if rights[path]),
        _ports(model.network, abi),
        tuple(Split(path, effect, rows) for effect, walk in done for path, rows in walk.splits),
        tuple(Match(path, effect, index) for effect, walk in done for path, index in walk.matches),
        tuple(Unwalked(path, effect, rows, reason) for effect, walk in done for path, rows, reason in walk.unwalked),
        limit - left,
    )


def _ports(network: Network | None, abi: int) -> tuple[PortRange, ...] | None:
    return network.allowed if network is not None and abi >= NETWORK_ABI else None


class _Walk:
    """One walk. Rights are asked of objects (READ, WRITE, EXEC) or of names in a directory (CREATE, DELETE)."""

    def __init__(self, of_objects: bool, tree: FileTree, limit: int, left: int) -> None:
        self.granted: list[tuple[str, bool]] = []
        self.splits: list[tuple[str, frozenset[int]]] = []
        self.matches: list[tuple[str, int]] = []
        self.unwalked: list[tuple[str, frozenset[int], str]] = []
        self.walked = 0
        self._of_objects = of_objects
        self._tree = tree
        self._limit = limit
        self._left = left
        self._nodes = Nodes()

    def start(self, entries: list[Entry]) -> None:
        spellings = _Spellings(self._tree)
        trails = [
            begin(order, entry, piece)
            for order, entry in enumerate(entries)
            for written in entry.region.pieces
            for piece in spellings.of(written)
        ]
        self._visit("/", self._nodes.settled(trails, None), 0)

    def _visit(self, path: str, node: Node, depth: int) -> bool:
        """Grants what it may at and below the directory `path`; whether nothing at all is denied there."""
        if not node.may_deny_below and not (self._of_objects and node.is_denied):
            self.granted.append((path, True))
            return True
        if not node.may_allow_below:
            return False
        if not node.firmly_denies_below and not node.is_denied and self._is_too_far(path, node, depth):
            self.granted.append((path, True))
            return True
        return self._enter(path, node, depth)

    def _enter(self, path: str, node: Node, depth: int) -> bool:
        mark = len(self.granted)
        clean = not node.firmly_denies_below and not (self._of_objects and node.is_denied)
        child = self._nodes.fork(node).child
        base = path.rstrip("/")
        entries = self._tree.entries(path) if depth < MAX_DEPTH else ()
        self.walked += len(entries)
        for name, kind in entries:
            clean = self._child(f"{base}/{name}", kind, child(name), depth) and clean
        if clean:
            del self.granted[mark:]
            self.granted.append((path, True))
            return True
        self.splits.append((path, node.rows | _row(node.tail)))
        return False

    def _child(self, path: str, kind: Kind, node: Node, depth: int) -> bool:
        """Whether nothing is denied at or below one entry of a directory."""
        if node.is_denied and node.own is not None:
            self.matches.append((path, node.own.index))
        if kind is Kind.DIRECTORY:
            inside = self._visit(path, node, depth + 1)
            return inside and (self._of_objects or not node.is_denied)
        if not self._of_objects:
            return not node.is_denied
        if kind is Kind.SYMLINK:
            # a grant on a symlink would follow it; what counts is where it leads
            return True
        if node.is_denied:
            return False
        self.granted.append((path, False))
        return True

    def _is_too_far(self, path: str, node: Node, depth: int) -> bool:
        """Where only patterns at any depth are left: in a kernel's tree, or past a bound."""
        if path in KERNEL_TREES:
            return True
        if self.walked <= self._left and depth < MAX_DEPTH:
            return False
        reason = f"over {self._limit} entries" if depth < MAX_DEPTH else f"over {MAX_DEPTH} directories deep"
        self.unwalked.append((path, node.rows, reason))
        return True


def _row(entry: Entry | None) -> frozenset[int]:
    return frozenset((entry.index,)) if entry is not None and entry.denies else frozenset()


class _Spellings:
    """A piece as written, and with the symlinks of its patterns' literal prefixes resolved on this tree."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._resolved: dict[tuple[str, ...], tuple[str, ...]] = {}

    def of(self, piece: Piece[Pattern]) -> Iterator[Piece[Pattern]]:
        yield piece
        moved = replace(piece, within=self._all(piece.within), without=self._all(piece.without))
        if moved != piece:
            yield moved

    def _all(self, atoms: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
        return tuple(self._moved(atom) for atom in atoms)

    def _moved(self, atom: Pattern) -> Pattern:
        if not isinstance(atom, Glob):
            return atom
        prefix = atom.literal_prefix
        resolved = self._resolve(prefix)
        return atom if resolved == prefix else replace(atom, parts=(*resolved, *atom.parts[len(prefix) :]))

    def _resolve(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Component by component, each directory asked once."""
        if not names:
            return ()
        known = self._resolved.get(names)
        if known is None:
            parent = self._resolve(names[:-1])
            path = join((*parent, names[-1]))
            linked = self._tree.kind(path) is Kind.SYMLINK
            known = split(self._tree.resolve(path)) if linked else (*parent, names[-1])
            self._resolved[names] = known
        return known
