"""Where to look at a line: paths and destinations that its patterns are about, in the language's own reading."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from avakill.backends.judge import Probe, decide
from avakill.backends.plan import Plan
from avakill.ir.effect import FILE_EFFECTS, Operation
from avakill.lab.probes import can_move, parent
from avakill.lab.words import World
from avakill.paths.glob import join, split
from tests.contract.probes import all_probes, ancestors_of_denied
from tests.mutation.samples import samples
from tests.oracles import apparmor, sbpl

LITTLE = ("/home/agent/notes.txt", "/tmp/t")
MAX_PLACES = 40
MAX_LAYERS = 3
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def paths_of(language: str, line: str, parameters: dict[str, str]) -> tuple[str, ...]:
    """Paths that the line's patterns hold, some of them at their edges."""
    found = {_clean(path) for path in _paths(language, line, parameters)}
    return tuple(path for path in sorted(found) if path.startswith("/") and path != "/" and "\0" not in path)[:MAX_PLACES]


def _paths(language: str, line: str, parameters: dict[str, str]) -> Iterator[str]:
    match language:
        case "apparmor":
            for match in STRING.finditer(line):
                yield from _sampled(apparmor.compiled(match[0])[1].pattern)
        case "sbpl":
            for form in re.findall(r"\((?:literal|subpath) [^()]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\)", line):
                yield from _around(sbpl.argument(form, parameters))
            for form in re.findall(r'\(regex (?:"(?:[^"\\]|\\.)*"|\(string-append.*?"\))\)', line):
                yield from _sampled(sbpl.translated(sbpl.argument(form, parameters)))
        case "selinux":
            regex = line.split("\t")[0]
            if regex.startswith(("/", "(?=/")):
                yield from _sampled(re.sub(r"\\z(\(\))?", "", regex).encode())
        case "landlock":
            for text in re.findall(r'"(?:path|tree)": "((?:[^"\\]|\\.)*)"', line):
                yield from _around(json.loads(f'"{text}"'))
        case "tetragon":
            values = [json.loads(f'"{text}"') for text in re.findall(r'^ *- "((?:[^"\\]|\\.)*)"$', line, re.M)]
            folders = [value for value in values if value.startswith("/")]
            for folder in folders:
                yield from _around(folder)
            for name in [value for value in values if "/" not in value and not value.isdigit()][:6]:
                for folder in (*folders[:3], "/srv"):
                    yield f"{folder.rstrip('/')}/{name}"
                    yield f"{folder.rstrip('/')}x/{name}"
                    yield f"{folder.rstrip('/')}/deep/{name}x"
                    yield f"{folder.rstrip('/')}/deep/x{name}"


def _around(path: str) -> Iterator[str]:
    yield path
    yield f"{path.rstrip('/')}x"


def _sampled(regex: bytes) -> Iterator[str]:
    for sample in samples(regex):
        path = sample.decode("utf-8", "surrogateescape")
        yield path
        yield f"{path.rstrip('/')}x"


def _clean(path: str) -> str:
    """As a name; macOS's `/private` is how the kernel spells what a policy does not."""
    return join(split(path)).removeprefix("/private") if path.startswith("/") else ""


def questions(plan: Plan, paths: tuple[str, ...]) -> tuple[tuple[World, tuple[Probe, ...]], ...]:
    """Everything that may be done to the paths as files, as directories that hold something, and as names yet to come."""
    kept = directories_of(plan)
    asked = []
    for names in _apart(paths):
        files = world_of(tuple(path for path in names if path not in kept))
        folders = world_of(tuple(f"{path}/inside" for path in names))
        free = world_of(tuple(f"{parent(path).rstrip('/')}/beside" for path in names))
        asked += [(world, (*all_probes(plan, world), *exchanges(world))) for world in (files, folders)]
        asked.append((free, tuple(new_names(free, (path for path in names if path not in kept)))))
    return tuple(asked)


def directories_of(plan: Plan) -> frozenset[str]:
    """What is above a denied name counts as a directory, but where it is denied itself: that holds before there is any."""
    return frozenset(path for path in ancestors_of_denied(plan) if all(decide(plan, effect, path).allowed for effect in FILE_EFFECTS))


def _apart(paths: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Sets of paths none of which is below another."""
    left = paths
    for _ in range(MAX_LAYERS):
        names = tuple(path for path in left if not any(path.startswith(f"{other}/") for other in left))
        if names:
            yield names
        left = tuple(path for path in left if path not in names)


def exchanges(world: World) -> Iterator[Probe]:
    """Each thing and another of its kind swap their names."""
    for path in sorted(world.files - set(LITTLE)):
        if can_move(path, LITTLE[0]):
            yield Probe(Operation.RENAME, LITTLE[0], path, exchange=True)
            yield Probe(Operation.RENAME, path, LITTLE[0], exchange=True)
    for path in sorted(world.directories - {"/", *(parent(thing) for thing in LITTLE)}):
        if can_move(path, EMPTY) and not LITTLE[0].startswith(f"{path}/"):
            yield Probe(Operation.RENAME, EMPTY, path, directory=True, exchange=True)


EMPTY = "/tmp/empty"
"""A directory with nothing in it."""


def world_of(paths: tuple[str, ...]) -> World:
    things = (*LITTLE, *paths)
    directories = {EMPTY} | {join(split(path)[:n]) for path in things for n in range(len(split(path)))}
    return World(frozenset(directories), frozenset(things) - directories)


def new_names(world: World, paths: Iterable[str]) -> Iterator[Probe]:
    """The paths as names that something is to get."""
    for path in paths:
        if world.exists(path):
            continue
        for operation in (Operation.CREATE, Operation.SYMLINK):
            yield Probe(operation, path)
        yield Probe(Operation.MKDIR, path, directory=True)
        if can_move(LITTLE[0], path):
            yield Probe(Operation.LINK, LITTLE[0], path)
            yield Probe(Operation.RENAME, LITTLE[0], path)
            yield Probe(Operation.RENAME, EMPTY, path, directory=True)


def destinations(line: str) -> tuple[Probe, ...]:
    """At the edges of the line's networks and ports."""
    things: list[str] = []
    for text in re.findall(r'"([0-9a-f:.]+/\d+)"', line):
        network = ip_network(text, strict=False)
        for address in (network[0], network[-1], network[-1] + 1):
            host = f"[{address}]" if address.version == 6 else str(address)
            things += [f"tcp://{host}:443", f"udp://{host}:53"]
    for number in re.findall(r"\b\d{1,5}\b", line):
        for port in (int(number) - 1, int(number), int(number) + 1):
            if 0 < port < 65536:
                things += [f"tcp://192.0.2.1:{port}", f"tcp://10.0.0.7:{port}", f"udp://192.0.2.1:{port}"]
    return tuple(Probe(Operation.CONNECT, thing) for thing in dict.fromkeys(things[:60]))
