"""A small file tree made of a policy's own edges: what the trials are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from avakill.backends.judge import decide
from avakill.backends.plan import FLOOR_DEVICES, Plan
from avakill.ir.effect import FILE_EFFECTS, Effect, Operation
from avakill.ir.verdict import Finding
from avakill.lab.doors import SCRATCH
from avakill.lab.stage import PROBER
from avakill.lab.words import World
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
MAX_ATOMS = 24
MAX_WITNESSED = 60
MAX_HOLLOWS = 40
MAX_ALIASES = 3
MAX_PATH = 3500
"""Bytes; the kernel takes 4096 (limits.h), and routes spell a path longer than it is."""

HOLLOW = "hollow"
"""The name of an empty directory: what `rmdir` is tried on."""

ALIASES = "/second-links"
"""Second links stand in a folder of their own: in a directory that Landlock splits, a grant by name opens the inode."""

RESERVED = ("/proc", "/sys", "/dev/pts", "/dev/ptmx", "/dev/tty", SCRATCH, PROBER)
"""Where the lab itself stands, a file system of the kernel's, or a device that no stage has."""

DEVICES = tuple(f"{device}/" for device in FLOOR_DEVICES)
"""Nothing stands below a device."""


def make_world(plan: Plan, findings: Iterable[Finding] = ()) -> World:
    """What `edge_world` has and what the witnesses of `findings` are about, with empty directories and second links."""
    shown = islice(dict.fromkeys(_witnessed(findings)), MAX_WITNESSED)
    base = edge_world(plan, (*_facts(plan), *shown))
    shallow = sorted(base.directories, key=lambda path: (len(split(path)), path))
    hollows = [f"{path.rstrip('/')}/{HOLLOW}" for path in shallow[:MAX_HOLLOWS]]
    free = frozenset(path for path in hollows if not base.exists(path) and _fits(path))
    aliases = tuple((f"{ALIASES}/{number}", path) for number, path in enumerate(_denied(plan, base)))
    return World(base.directories | free | ({ALIASES} if aliases else frozenset()), base.files, aliases)


def edge_world(plan: Plan, first: Iterable[str] = ()) -> World:
    """The tree of the policy's edges, deterministic; `first` are paths that must be in it."""
    found = {path: None for path in (*ORDINARY, *first) if _fits(path)}
    limit = max(MAX_PATHS, len(found) + MAX_PATHS // 2)
    protected = tuple(f"{path}/" for path in plan.target.protected if not path.endswith("/"))
    for path in edges(plan):
        if len(found) >= limit:
            break
        if _fits(path) and not path.startswith(protected):  # what self-protection names is a file
            found[path] = None
    directories = {"/"}
    for path in found:
        names = split(path)
        directories.update(join(names[:n]) for n in range(len(names)))
    return World(frozenset(directories), frozenset(found) - directories)


def _facts(plan: Plan) -> Iterator[str]:
    """What the policy was compiled for: the programs that it names, and what it protects."""
    for program in plan.target.programs:
        yield from program.paths[:1]
    for path in plan.target.protected:
        yield f"{path}file" if path.endswith("/") else path


def _witnessed(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        shown = finding.witness
        if shown is None or shown.operation is Operation.CONNECT or "://" in shown.object:
            continue
        if shown.operation in (Operation.LIST, Operation.RMDIR):
            yield f"{shown.object.rstrip('/')}/in"
        elif shown.operation not in (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK):
            yield shown.object
            if shown.exchange and shown.to is not None:
                yield shown.to


def _fits(path: str) -> bool:
    """Whether a kernel takes the name, and the lab does not need the place."""
    names = split(path)
    encoded = [name.encode("utf-8", "surrogateescape") for name in names]
    if not names or any(len(name) > 255 or b"\0" in name or name in (b".", b"..") for name in encoded):
        return False
    if sum(len(name) + 1 for name in encoded) >= MAX_PATH or path.startswith(DEVICES):
        return False
    return not any((path + "/").startswith(place + "/") for place in RESERVED)


def _denied(plan: Plan, world: World) -> list[str]:
    """Some files that may not be read or not be written."""
    shut = (path for path in sorted(world.files) if not all(decide(plan, e, path).allowed for e in (Effect.READ, Effect.WRITE)))
    return [path for path, _ in zip(shut, range(MAX_ALIASES), strict=False)]


def edges(plan: Plan) -> Iterator[str]:
    """Paths just inside and just outside of each region, and where regions meet."""
    atoms = tuple(dict.fromkeys(_atoms(plan)))[:MAX_ATOMS]
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
