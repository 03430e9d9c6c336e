"""From a world to the trials worth making: every operation plainly, then by other doors and other spellings."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from avakill.backends.judge import Probe
from avakill.backends.plan import Plan
from avakill.ir.effect import Operation
from avakill.ir.verdict import Finding
from avakill.lab.doors import DOOR, DOORS, PLAIN_DOOR, ROUTES, Door, Needs, Takes, routes_for
from avakill.lab.gains import MOVES, gains
from avakill.lab.probes import edge_probes, parent, witness_probes
from avakill.lab.words import Trial, World

BY_OPERATION = {operation: tuple(door for door in DOORS if door.operation is operation) for operation in Operation}
BY_HANDLE = "handle-read"
ALIASED = (Operation.READ, Operation.WRITE, Operation.EXEC)


def make_trials(
    plan: Plan,
    world: World,
    seed: int,
    limit: int | None = None,
    findings: Iterable[Finding] = (),
    without: frozenset[Needs] = frozenset(),
) -> tuple[Trial, ...]:
    """The same for the same arguments. With a `limit`, half of them plain, the other half by other doors and routes; the
    witnesses of `findings` come first. Doors that need what is `without` are left out."""
    chance = random.Random(seed)
    shown = witness_probes(world, findings)
    asked = tuple(dict.fromkeys((*shown, *edge_probes(plan, world))))
    made: list[Trial] = [*(_plain(probe) for probe in asked), *_aliased(world)]
    if limit is None:
        chosen = [*made, *_otherwise(asked, world, without)]
    else:
        first = made[: min(len(shown), limit // 4)]
        plain = _even(chance, made[len(first) :], max(0, limit // 2 - len(first)), _object)
        other = _even(chance, _otherwise(asked, world, without), limit - len(first) - len(plain), _door)
        chosen = [*first, *plain, *other]
    return tuple(replace(trial, number=number, follow=_follow(plan, world, trial)) for number, trial in enumerate(chosen))


def _plain(probe: Probe) -> Trial:
    return _trial(probe, DOOR[plain_door(probe)], "plain")


def plain_door(probe: Probe) -> str:
    """The door that asks nothing but the operation itself."""
    if probe.operation is Operation.WRITE and probe.directory:
        return "tmpfile"
    if probe.operation is Operation.RENAME and probe.exchange:
        return "exchange"
    if probe.operation is Operation.CONNECT and probe.object.startswith("udp://"):
        return "connect-udp"
    return PLAIN_DOOR[probe.operation]


def _trial(probe: Probe, door: Door, route: str) -> Trial:
    asks = [probe, *(Probe(operation, probe.object, directory=probe.directory) for operation in door.asks[1:])]
    if door.parent is not None:
        asks.append(Probe(door.parent, parent(probe.object), directory=True))
    asks += [Probe(operation, path) for operation, path in door.also]
    return Trial(0, tuple(asks), door.name, route, alias=door.is_alias)


def _aliased(world: World) -> Iterator[Trial]:
    """By a second link that was there before: what is asked of it is asked of the file's first name too."""
    for new, existing in world.aliases:
        for operation in ALIASED:
            yield Trial(0, (Probe(operation, new), Probe(operation, existing)), PLAIN_DOOR[operation], alias=True)


def _otherwise(asked: Iterable[Probe], world: World, without: frozenset[Needs]) -> Iterator[Trial]:
    """Every other way to do what is asked."""
    for probe in asked:
        plain = plain_door(probe)
        for door in BY_OPERATION[probe.operation]:
            if door.needs in without or not fits(door, probe, world):
                continue
            for route in routes_for(door, probe.object in world.directories):
                if door.name != plain or route.name != "plain":
                    trial = _trial(probe, door, route.name)
                    yield replace(trial, alias=trial.alias or _names_nothing(door, probe, world))


def _names_nothing(door: Door, probe: Probe, world: World) -> bool:
    """A file handle stands for the file and not for a name: where the file has a second one, the kernel takes either."""
    return door.name == BY_HANDLE and any(existing == probe.object for _, existing in world.aliases)


def fits(door: Door, probe: Probe, world: World) -> bool:
    """Whether what the door takes is what stands there."""
    if probe.operation is Operation.RENAME:
        if door.name == "exchange" or probe.exchange:
            return probe.exchange and door.name == "exchange"
        return not (probe.replaces and door.name == "rename-noreplace")
    match door.takes:
        case Takes.FILE:
            return probe.object in world.files
        case Takes.DIRECTORY | Takes.EMPTY:
            return probe.object in world.directories
        case Takes.EITHER:
            return world.exists(probe.object)
        case Takes.MISSING:
            return not world.exists(probe.object)
        case Takes.TCP:
            return probe.object.startswith("tcp://")
        case Takes.TCP4:
            return probe.object.startswith("tcp://") and "[" not in probe.object
        case Takes.UDP:
            return probe.object.startswith("udp://")


def _follow(plan: Plan, world: World, trial: Trial) -> tuple[Probe, ...]:
    """What shows whether a denied move has gained something; removing comes last."""
    deed = trial.asks[0]
    if deed.operation not in MOVES:
        return ()
    tried = dict.fromkeys(gain.tried for gain in gains(plan, deed, world) if gain.tried is not None)
    return tuple(sorted(tried, key=lambda probe: probe.operation is Operation.UNLINK))


def _object(trial: Trial) -> str:
    return trial.asks[0].object


def _door(trial: Trial) -> str:
    return trial.door


def _even(chance: random.Random, found: Iterable[Trial], wanted: int, kind: Callable[[Trial], str]) -> list[Trial]:
    """`wanted` of them: each operation in turn, and of each operation one of every kind before the second of any."""
    queues: dict[Operation, list[Trial]] = {}
    for trial in found:
        queues.setdefault(trial.asks[0].operation, []).append(trial)
    turns = [_in_rounds(chance, queue, kind) for queue in queues.values()]
    chosen: list[Trial] = []
    while turns and len(chosen) < wanted:
        turns = [queue for queue in turns if queue]
        chosen += [queue.pop() for queue in turns[: wanted - len(chosen)]]
    return chosen


def _in_rounds(chance: random.Random, queue: list[Trial], kind: Callable[[Trial], str]) -> list[Trial]:
    """Shuffled, and ordered so that popping brings what was seen least; of those alike, what takes a new route."""
    shuffled = chance.sample(queue, len(queue))
    seen: Counter[tuple[str, ...]] = Counter()
    ranks: list[tuple[int, int, int]] = []
    for place, trial in enumerate(shuffled):
        of_kind, of_route = (kind(trial),), (kind(trial), trial.route)
        ranks.append((seen[of_kind] if not seen[of_route] else seen[of_kind] + len(ROUTES), seen[of_route], place))
        seen.update((of_kind, of_route))
    return [shuffled[place] for _, _, place in sorted(ranks, reverse=True)]
