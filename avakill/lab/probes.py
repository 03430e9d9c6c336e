"""The operations worth trying at a policy's own edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from avakill.backends.judge import Probe
from avakill.backends.plan import Plan, endpoint_example
from avakill.ir.effect import Effect, Operation
from avakill.ir.endpoint import read_destination
from avakill.ir.verdict import Finding, Witness
from avakill.lab.words import World
from avakill.paths.glob import join, split

DESTINATIONS = (
    "tcp://192.0.2.1:443",
    "udp://192.0.2.1:53",
    "tcp://127.0.0.1:8080",
    "tcp://[2001:db8::1]:80",
    "udp://[2001:db8::1]:443",
)
ON_FILES = (Operation.READ, Operation.WRITE, Operation.TRUNCATE, Operation.ATTR, Operation.UNLINK, Operation.EXEC)
ON_DIRECTORIES = (Operation.LIST, Operation.WRITE, Operation.ATTR)
ON_NEW_NAMES = (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK)
MAX_WITNESSES = 200


def edge_probes(plan: Plan, world: World) -> tuple[Probe, ...]:
    """The same for the same plan and world. Objects exist in `world`, new names do not."""
    return tuple(dict.fromkeys((*_on_things(world), *_moves(world), *_connects(plan))))


def _on_things(world: World) -> Iterator[Probe]:
    for path in sorted(world.files):
        for operation in ON_FILES:
            yield Probe(operation, path)
    parents = {parent(path) for path in (*world.files, *world.directories, *(new for new, _ in world.aliases))}
    for path in sorted(world.directories):
        for operation in ON_DIRECTORIES:
            yield Probe(operation, path, directory=True)
        if path not in parents:
            yield Probe(Operation.RMDIR, path, directory=True)
        new = free_name(world, path)
        for operation in ON_NEW_NAMES:
            yield Probe(operation, new, directory=operation is Operation.MKDIR)


def _moves(world: World) -> Iterator[Probe]:
    """Renames and links out of, into and over everything that is there, and exchanges."""
    files, directories = sorted(world.files), sorted(world.directories)
    for index, path in enumerate((*files, *directories)):
        if path == "/":
            continue
        directory = path in world.directories
        contents = world.below(path) if directory else ()
        goal = directories[(index * 7) % len(directories)]
        for to in (f"{path}-moved", free_name(world, goal), "/tmp/moved"):
            if not world.exists(to) and can_move(path, to) and len(split(to)[-1].encode("utf-8", "surrogateescape")) <= 255:
                yield Probe(Operation.RENAME, path, to, directory, contents=contents)
                if not directory:
                    yield Probe(Operation.LINK, path, to)
        if not directory:
            for step in (1, 11):
                over = files[(index * 5 + step) % len(files)]
                if over != path and can_move(path, over):
                    yield Probe(Operation.RENAME, path, over, replaces=step == 1, exchange=step != 1)


def can_move(path: str, to: str) -> bool:
    """Not into itself; and no kernel moves a name from the devices' own file system to another."""
    return not (to + "/").startswith(path + "/") and _in_dev(path) == _in_dev(to)


def _in_dev(path: str) -> bool:
    return path == "/dev" or path.startswith("/dev/")


def free_name(world: World, directory: str) -> str:
    base = directory.rstrip("/")
    return next(f"{base}/new{n}" for n in range(1000) if not world.exists(f"{base}/new{n}"))


def parent(path: str) -> str:
    return join(split(path)[:-1])


def _connects(plan: Plan) -> Iterator[Probe]:
    """Destinations in and beside the policy's endpoints, those that are addresses: nobody resolves names in the lab."""
    yield from (Probe(Operation.CONNECT, thing) for thing in DESTINATIONS)
    for layer in plan.layers[Effect.CONNECT]:
        for piece in layer.region.pieces:
            for within, without in ((piece.within, piece.without), (piece.without, ())):
                example = endpoint_example(within, without)
                if example is not None and is_address(example):
                    yield Probe(Operation.CONNECT, example)
                    yield Probe(Operation.CONNECT, example.replace("tcp://", "udp://"))


def is_address(thing: str) -> bool:
    destination = read_destination(thing)
    return destination is not None and destination.address is not None


# -- what the report itself shows --


def witness_probes(world: World, findings: Iterable[Finding]) -> tuple[Probe, ...]:
    """The findings' own witnesses, where their objects are in the world."""
    shown = dict.fromkeys(finding.witness for finding in findings if finding.witness is not None)
    found = (probe for witness in list(shown)[:MAX_WITNESSES] if (probe := _as_probe(world, witness)) is not None)
    return tuple(dict.fromkeys(found))


def _as_probe(world: World, shown: Witness) -> Probe | None:
    operation, thing = shown.operation, shown.object
    if operation is Operation.CONNECT:
        return Probe(operation, thing) if is_address(thing) and "bind://" not in thing else None
    if operation in ON_NEW_NAMES:
        fits = parent(thing) in world.directories and not world.exists(thing)
        return Probe(operation, thing, directory=operation is Operation.MKDIR) if fits else None
    directory = thing in world.directories
    if (thing == "/" and operation is not Operation.LIST) or not world.exists(thing):
        return None
    if operation in (Operation.RENAME, Operation.LINK):
        to = shown.to or f"{parent(thing).rstrip('/')}/moved"
        if parent(to) not in world.directories or not can_move(thing, to) or (directory and operation is Operation.LINK):
            return None
        if shown.exchange:
            if to not in (world.directories if directory else world.files):
                return None
            return Probe(operation, thing, to, directory, exchange=True, contents=world.below(thing) if directory else ())
        if world.exists(to) and (directory or to in world.directories or operation is Operation.LINK):
            return None
        return Probe(operation, thing, to, directory, world.exists(to), contents=world.below(thing) if directory else ())
    if operation is Operation.RMDIR:
        return Probe(operation, thing, directory=True) if directory and not world.below(thing) else None
    fits = operation in (ON_DIRECTORIES if directory else ON_FILES)
    return Probe(operation, thing, directory=directory) if fits else None
