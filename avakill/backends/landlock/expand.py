"""The complement walk: a symbolic plan, a view of a file system and an ABI to the ruleset that a kernel is given (semantics §6).

Rights granted on a directory hold for all below it and cannot be taken back. So, for each access right apart, the walk
goes from `/` towards everything denied and grants the siblings, never an ancestor. A directory that cannot be granted
as a whole is *split*: what exists in it is granted one by one, and what is made in it later has no grant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from avakill.backends.landlock.model import Entry, Model, Network
from avakill.backends.landlock.node import Fork, Node, settle
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
    """Pure in all but `tree`. Rights that the ABI does not know are left out."""
    if abi < 1:
        return Expansion(abi)
    rights: dict[str, list[str]] = {}
    kinds: dict[str, bool] = {}
    handled: list[str] = []
    log = _Log(limit)
    for order in model.orders:
        names = known_rights(order.effect, abi)
        handled.extend(names)
        walk = _Walk(order.effect, tree, log)
        walk.start([model.entries[number] for number in order.entries])
        for path, directory in walk.granted:
            kinds[path] = directory
            rights.setdefault(path, []).extend(name for name in names if directory or RIGHT[name].on_file)
    if handled and abi >= REFER_ABI:
        # REFER on `/` alone gains nothing: the kernel compares all handled rights of the two places at each move
        handled.append("refer")
        kinds["/"] = True
        rights.setdefault("/", []).append("refer")
    grants = tuple(Grant(path, kinds[path], tuple(rights[path])) for path in sorted(rights) if rights[path])
    return Expansion(
        abi,
        tuple(dict.fromkeys(handled)),
        grants,
        _ports(model.network, abi),
        tuple(log.splits),
        tuple(log.matches),
        tuple(log.unwalked),
        log.walked,
    )


def _ports(network: Network | None, abi: int) -> tuple[PortRange, ...] | None:
    return network.allowed if network is not None and abi >= NETWORK_ABI else None


@dataclass(slots=True)
class _Log:
    limit: int
    walked: int = 0
    splits: list[Split] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    unwalked: list[Unwalked] = field(default_factory=list)


class _Walk:
    """One effect's walk. Its rights are asked of objects (READ, WRITE, EXEC) or of names in a directory (CREATE, DELETE)."""

    def __init__(self, effect: Effect, tree: FileTree, log: _Log) -> None:
        self.granted: list[tuple[str, bool]] = []
        self._effect = effect
        self._of_objects = effect in OBJECT_EFFECTS
        self._tree = tree
        self._log = log

    def start(self, entries: list[Entry]) -> None:
        spellings = _Spellings(self._tree)
        trails = [
            begin(order, entry, piece)
            for order, entry in enumerate(entries)
            for written in entry.region.pieces
            for piece in spellings.of(written)
        ]
        self._visit("/", settle(trails, None), 0)

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
        fork = Fork(node)
        base = path.rstrip("/")
        entries = self._tree.entries(path) if depth < MAX_DEPTH else ()
        self._log.walked += len(entries)
        for name, kind in entries:
            child = fork.child(name)
            clean = self._child(f"{base}/{name}", kind, child, depth) and clean
        if clean:
            del self.granted[mark:]
            self.granted.append((path, True))
            return True
        rows = frozenset(trail.entry.index for trail in node.ahead if trail.entry.denies)
        self._log.splits.append(Split(path, self._effect, rows | _row(node.tail)))
        return False

    def _child(self, path: str, kind: Kind, node: Node, depth: int) -> bool:
        """Whether nothing is denied at or below one entry of a directory."""
        own = node.own
        if own is not None and own.denies:
            self._log.matches.append(Match(path, self._effect, own.index))
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
        if self._log.walked <= self._log.limit and depth < MAX_DEPTH:
            return False
        rows = frozenset(trail.entry.index for trail in node.ahead if trail.entry.denies)
        reason = f"over {self._log.limit} entries" if depth < MAX_DEPTH else f"over {MAX_DEPTH} directories deep"
        self._log.unwalked.append(Unwalked(path, self._effect, rows, reason))
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
