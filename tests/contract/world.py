"""A small file tree made of a policy's own edges: what the probes are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from avakill.backends.plan import Plan
from avakill.ir.effect import FILE_EFFECTS
from avakill.paths.automaton import Pattern, Undecided, disjoint, witness
from avakill.paths.glob import Glob, Wildcard, join, split, tree
from avakill.paths.substring import Substring

ORDINARY = (
    "/home/agent/project/src/main.py",
    "/home/agent/notes.txt",
    "/tmp/t",
    "/etc/passwd",
    "/usr/bin/ls",
    "/usr/bin/git",
    "/usr/lib/libx.so",
    "/dev/null",
)
MAX_PATHS = 60


@dataclass(frozen=True)
class World:
    """What exists. Every parent of a path is a directory of the tree; there are no symlinks in it."""

    directories: frozenset[str]
    files: frozenset[str]

    @cached_property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.directories | self.files))

    def exists(self, path: str) -> bool:
        return path in self.directories or path in self.files

    def below(self, path: str) -> tuple[str, ...]:
        """What exists below a directory, relative to it."""
        start = path.rstrip("/") + "/"
        return tuple(p[len(start) :] for p in self.paths if p.startswith(start) and p != path)


def make_world(plan: Plan) -> World:
    """The tree of the policy's edges, deterministic; the last one is kept, since it is asked for again and again."""
    if _LAST and _LAST[0][0] is plan:
        return _LAST[0][1]
    _LAST[:] = [(plan, _make_world(plan))]
    return _LAST[0][1]


_LAST: list[tuple[Plan, World]] = []


def _make_world(plan: Plan) -> World:
    found = dict.fromkeys(ORDINARY)
    for path in edges(plan):
        if len(found) >= MAX_PATHS:
            break
        if path != "/" and all(len(name.encode("utf-8", "surrogateescape")) <= 255 for name in split(path)):
            found[path] = None
    directories = {"/"}
    for path in found:
        names = split(path)
        directories.update(join(names[:n]) for n in range(len(names)))
    return World(frozenset(directories), frozenset(found) - directories)


def edges(plan: Plan) -> Iterator[str]:
    """Paths just inside and just outside of each region, and where regions meet."""
    atoms = tuple(dict.fromkeys(_atoms(plan)))[:24]
    for atom in atoms:
        yield from _around(atom)
    for one in atoms:
        for other in atoms:
            if one is not other and not disjoint(one, other):
                yield from _found((one,), (other,))
                yield from _found((one, other), ())


def _atoms(plan: Plan) -> Iterator[Pattern]:
    for effect in FILE_EFFECTS:
        for layer in plan.layers[effect]:
            for piece in layer.region.pieces:
                yield from piece.within
                yield from piece.without


def _around(atom: Pattern) -> Iterator[str]:
    if isinstance(atom, Substring):
        yield f"/srv/a{atom.needle.strip('/').replace('//', '/') or 'x'}b/file"
        return
    base = join(atom.literal_prefix)
    yield from _found((atom,), ())
    if atom.is_everything:
        return
    if atom.is_tree:
        yield from (f"{base}/in", f"{base}/deep/in", f"{base}x")
    else:
        yield from _found((tree(base),), (atom,))
        yield from _found((atom, DEEPER), ())
    parent = join(atom.literal_prefix[:-1])
    yield f"{parent.rstrip('/')}/beside"


DEEPER = Glob((Wildcard.DEEP, "deeper", Wildcard.DEEP), below=True)


def _found(within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> Iterator[str]:
    path = _searched(within, without)
    if path is not None:
        yield path


@lru_cache(maxsize=1 << 16)
def _searched(within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> str | None:
    """A shortest path that is not the root; made without a search where the shape says which: these are most of the questions."""
    if len(within) == 1 and len(without) <= 1:
        only = within[0]
        if isinstance(only, Glob) and only.is_literal and only.parts and not only.fold:
            path = join(only.literal_prefix)
            if not any(atom.holds(path) for atom in without):
                return path
    try:
        return witness(within, without, frozenset({"/"}))
    except Undecided:
        return None
