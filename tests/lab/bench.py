"""Cases for this machine's kernel: a world with a denied tree beside an open one, and every door to both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from avakill.backends.judge import Probe
from avakill.backends.landlock.emit import emit
from avakill.backends.landlock.model import Entry, Model, Order
from avakill.ir.effect import FILE_EFFECTS, Effect, Operation
from avakill.ir.region import Piece, Region
from avakill.lab.build import build
from avakill.lab.doors import DOORS, Door, Needs, Takes, routes_for
from avakill.lab.host import Host
from avakill.lab.stage import PROBER
from avakill.lab.words import Case, Outcome, Trial, World
from avakill.paths.glob import Glob, split
from tests.conftest import need, need_validator

SECRET, OPEN = "/srv/secret", "/srv/open"
DIRECTORIES = frozenset(f"{place}/{name}" for place in (SECRET, OPEN) for name in ("d", "e"))
FILES = frozenset(f"{place}/{name}" for place in (SECRET, OPEN) for name in ("a", "c"))
WORLD = World(DIRECTORIES, FILES)

OBJECTS = {
    Takes.FILE: "a",
    Takes.EITHER: "a",
    Takes.DIRECTORY: "d",
    Takes.EMPTY: "e",
    Takes.MISSING: "new",
    Takes.TCP: "tcp://[2001:db8::1]:80",
    Takes.TCP4: "tcp://192.0.2.1:80",
    Takes.UDP: "udp://192.0.2.1:53",
}
IS_DIRECTORY = frozenset({Takes.DIRECTORY, Takes.EMPTY})


@cache
def host() -> Host:
    need(os.geteuid() == 0, "a scratch root takes namespaces and mounts, so root")
    need_validator("gcc")
    return Host(build())


def prober() -> Path:
    return host().prober


def run(case: Case) -> tuple[Outcome, ...]:
    ((_, outcomes),) = host().run((case,), lambda *words: None)
    assert [outcome.number for outcome in outcomes] == [trial.number for trial in case.trials]
    return outcomes


def trials_in(place: str) -> tuple[Trial, ...]:
    """Every door by each of its routes, to the objects of `place`."""
    made = (trial for door in DOORS for trial in _trials(door, place))
    return tuple(Trial(number, trial.asks, trial.door, trial.route) for number, trial in enumerate(made))


def _trials(door: Door, place: str) -> Iterator[Trial]:
    directory = door.takes in IS_DIRECTORY or door.operation is Operation.MKDIR
    thing = OBJECTS[door.takes] if door.operation is Operation.CONNECT else f"{place}/{OBJECTS[door.takes]}"
    moves = door.operation in (Operation.RENAME, Operation.LINK)
    to = (f"{place}/c" if door.name == "exchange" else f"{place}/d/moved") if moves else None
    probe = Probe(door.operation, thing, to, directory, exchange=door.name == "exchange")
    for route in routes_for(door, directory):
        yield Trial(0, (probe,), door.name, route.name)


def trial(door: str, operation: Operation, path: str, to: str | None = None, route: str = "plain", **more: object) -> Trial:
    directory = bool(more.get("directory"))
    follow = more.get("follow", ())
    assert isinstance(follow, tuple)
    probe = Probe(operation, path, to, directory, exchange=door == "exchange", replaces=bool(more.get("replaces")))
    return Trial(0, (probe,), door, route, follow)


def numbered(*trials: Trial) -> tuple[Trial, ...]:
    return tuple(Trial(number, one.asks, one.door, one.route, one.follow) for number, one in enumerate(trials))


MEDIATED = tuple(effect for effect in FILE_EFFECTS if effect is not Effect.ATTR)


def plan(*denied: str, effects: tuple[Effect, ...] = MEDIATED) -> bytes:
    """A Landlock plan that denies trees, the prober itself exempt."""
    exempt = Entry(-1, "<floor>", False, Region((Piece((Glob(split(PROBER)),)),)))
    entries = tuple(Entry(n, f"rule-{n}", True, Region((Piece((Glob(split(path), below=True),)),))) for n, path in enumerate(denied))
    order = tuple(range(len(entries) + 1))
    model = Model("policy.yaml", "0" * 64, "deny-rules", False, True, (exempt, *entries), tuple(Order(e, order) for e in effects))
    return emit(model)[0].text.encode()


def under_landlock(trials: tuple[Trial, ...], *denied: str, world: World = WORLD) -> Case:
    return Case("case", "landlock", world, trials, (("landlock.json", plan(*denied)),))


def unlayered(trials: tuple[Trial, ...], world: World = WORLD) -> Case:
    return Case("case", "none", world, trials)


def needs_nothing_missing(door: Door) -> bool:
    """Whether this kernel has what the door needs."""
    return door.needs is not Needs.IO_URING or Path("/proc/sys/kernel/io_uring_disabled").read_text().strip() == "0"
