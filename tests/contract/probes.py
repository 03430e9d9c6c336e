"""Operations at a policy's own edges."""

from __future__ import annotations

import random
from collections.abc import Iterator

from avakill.backends.judge import Probe, literal_denials
from avakill.backends.plan import Plan, endpoint_example
from avakill.ir.effect import FILE_EFFECTS, Effect, Operation
from avakill.lab.probes import DESTINATIONS, ON_FILES, ON_NEW_NAMES, can_move, free_name, parent
from avakill.paths.glob import join
from tests.contract.world import World, make_world

__all__ = ["all_probes", "ancestors_of_denied", "free_name", "parent", "probes"]

MAX_PROBES = 220
ON_DIRECTORIES = (Operation.LIST, Operation.ATTR)


def probes(plan: Plan, world: World | None = None) -> tuple[Probe, ...]:
    """The same for the same plan; at most MAX_PROBES, drawn evenly. Objects exist in `world`, new names do not."""
    found = all_probes(plan, world or make_world(plan))
    return tuple(random.Random(len(found)).sample(found, MAX_PROBES)) if len(found) > MAX_PROBES else found


def all_probes(plan: Plan, world: World) -> tuple[Probe, ...]:
    """None left out."""
    return tuple(dict.fromkeys((*_file_probes(plan, world), *_connect_probes(plan))))


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
            if not world.exists(to) and can_move(path, to):
                yield Probe(Operation.RENAME, path, to, directory, contents=contents)
                if not directory:
                    yield Probe(Operation.LINK, path, to)
        if not directory:
            over = files[(index * 5 + 1) % len(files)]
            if over != path and can_move(path, over):
                yield Probe(Operation.RENAME, path, over, replaces=True)


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
