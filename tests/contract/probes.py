"""Operations at a policy's own edges."""

from __future__ import annotations

import random
from collections.abc import Iterator

from avakill.backends.judge import Probe, literal_denials
from avakill.backends.plan import Plan, endpoint_example
from avakill.ir.effect import FILE_EFFECTS, Effect, Operation
from avakill.paths.glob import join, split
from tests.contract.world import World, make_world

MAX_PROBES = 220
DESTINATIONS = (
    "tcp://192.0.2.1:443",
    "udp://192.0.2.1:53",
    "tcp://127.0.0.1:8080",
    "tcp://[2001:db8::1]:80",
    "udp://[2001:db8::1]:443",
)
ON_FILES = (Operation.READ, Operation.WRITE, Operation.TRUNCATE, Operation.ATTR, Operation.UNLINK, Operation.EXEC)
ON_DIRECTORIES = (Operation.LIST, Operation.ATTR)
ON_NEW_NAMES = (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK)


def probes(plan: Plan, world: World | None = None) -> tuple[Probe, ...]:
    """The same for the same plan; at most MAX_PROBES, drawn evenly. Objects exist in `world`, new names do not."""
    world = world or make_world(plan)
    found = list(dict.fromkeys((*_file_probes(plan, world), *_connect_probes(plan))))
    if len(found) > MAX_PROBES:
        found = random.Random(len(found)).sample(found, MAX_PROBES)
    return tuple(found)


def _file_probes(plan: Plan, world: World) -> Iterator[Probe]:
    kept = ancestors_of_denied(plan)
    for path in sorted(world.files):
        for operation in ON_FILES:
            yield Probe(operation, path)
    for path in sorted(world.directories):
        for operation in ON_DIRECTORIES:
            yield Probe(operation, path, directory=True)
        if path != "/" and path not in kept:
            # a literal denied path counts as existing (judge.py): rmdir of its ancestor could not succeed
            yield Probe(Operation.RMDIR, path, directory=True)
        new = free_name(world, path)
        for operation in ON_NEW_NAMES:
            yield Probe(operation, new, directory=operation is Operation.MKDIR)
    yield from _moves(world)


def _moves(world: World) -> Iterator[Probe]:
    """Renames and links out of, into and over everything that is there."""
    files, directories = sorted(world.files), sorted(world.directories)
    for index, path in enumerate((*files, *directories)):
        if path == "/":
            continue
        directory = path in world.directories
        contents = world.below(path) if directory else ()
        beside = f"{path}-moved"
        goal = directories[(index * 7) % len(directories)]
        inside = free_name(world, goal)
        for to in (beside, inside, "/tmp/moved"):
            if not world.exists(to) and not (to + "/").startswith(path + "/") and _in_dev(path) == _in_dev(to):
                yield Probe(Operation.RENAME, path, to, directory, contents=contents)
                if not directory:
                    yield Probe(Operation.LINK, path, to)
        if not directory:
            over = files[(index * 5 + 1) % len(files)]
            if over != path and _in_dev(path) == _in_dev(over):
                yield Probe(Operation.RENAME, path, over, replaces=True)


def _in_dev(path: str) -> bool:
    """Whether it is on the devices' own file system: no kernel moves a name from one to another."""
    return path == "/dev" or path.startswith("/dev/")


def free_name(world: World, directory: str) -> str:
    base = directory.rstrip("/")
    return next(f"{base}/new{n}" for n in range(1000) if not world.exists(f"{base}/new{n}"))


def ancestors_of_denied(plan: Plan) -> frozenset[str]:
    """Every proper ancestor of a literal path that some layer denies."""
    found: set[str] = set()
    for effect in FILE_EFFECTS:
        for layer in plan.layers[effect]:
            for names in literal_denials(layer):
                found.update(join(names[:n]) for n in range(len(names)))
    return frozenset(found)


def _connect_probes(plan: Plan) -> Iterator[Probe]:
    if not plan.layers[Effect.CONNECT]:
        yield Probe(Operation.CONNECT, DESTINATIONS[0])
        return
    for thing in DESTINATIONS:
        yield Probe(Operation.CONNECT, thing)
    for layer in plan.layers[Effect.CONNECT]:
        for piece in layer.region.pieces:
            for within, without in ((piece.within, piece.without), (piece.without, ())):
                example = endpoint_example(within, without)
                if example is not None:
                    yield Probe(Operation.CONNECT, example)


def parent(path: str) -> str:
    return join(split(path)[:-1])
