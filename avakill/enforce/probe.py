"""The facts of this machine that a policy is compiled for."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence

from avakill.backends.readings import leaves
from avakill.enforce import kernel, programs
from avakill.enforce.here import find_workspace, protected_paths
from avakill.ir.condition import CommandIn, Equals, PathIn, StartsWith
from avakill.ir.policy import Policy
from avakill.ir.target import Program, Target
from avakill.paths.glob import Anchor, Glob, join, split

MAX_LINKS = 40


def probe_target(
    policy: Policy,
    policy_path: str | None = None,
    command: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    cwd: str | None = None,
) -> Target:
    """Everything that a Target holds, as it is here and now. `command` is what will be launched, if anything is."""
    home = os.path.abspath(environ.get("HOME") or os.path.expanduser("~"))
    workspace = find_workspace(cwd or os.getcwd(), environ)
    search = environ.get("PATH", os.defpath)
    entry = _entry(command, search)
    prefixes = tuple(dict.fromkeys(_prefixes(policy, home, workspace)))
    protected = protected_paths(policy_path)
    return Target(
        home=home,
        workspace=workspace,
        os="macos" if sys.platform == "darwin" else "linux",
        arch=platform.machine(),
        kernel=platform.release(),
        landlock_abi=kernel.abi(),
        links=_links((*prefixes, *(split(path) for path in protected))),
        programs=_programs(policy, search),
        protected=protected,
        entry=entry,
        libraries=programs.libraries(entry) if entry else (),
        existing=tuple(p for p in map(join, (*prefixes, *map(split, protected))) if os.path.lexists(p)),
    )


def _entry(command: Sequence[str], search: str) -> tuple[str, ...]:
    found = programs.find(command[0], search) if command else None
    return programs.executed(found, search) if found else ()


def _programs(policy: Policy, search: str) -> tuple[Program, ...]:
    names = dict.fromkeys(
        name for rule in policy.rules for test in leaves(rule.condition) if isinstance(test, CommandIn) for name in test.names
    )
    found = (programs.program(name, search) for name in names if not name.startswith("/"))
    return tuple(program for program in found if program is not None)


# -- symlinks on the way to what the policy names --


def _prefixes(policy: Policy, home: str, workspace: str) -> Iterator[tuple[str, ...]]:
    yield split(home)
    yield split(workspace)
    for rule in policy.rules:
        for test in leaves(rule.condition):
            match test:
                case PathIn(globs=globs):
                    for glob in globs:
                        yield _prefix(glob, home, workspace)
                case Equals(values=values):
                    yield from (split(value) for value in values if isinstance(value, str) and value.startswith("/"))
                case StartsWith(prefix=prefix) if prefix.startswith("/"):
                    yield split(prefix)
                case _:
                    pass


def _prefix(glob: Glob, home: str, workspace: str) -> tuple[str, ...]:
    base = {Anchor.ROOT: (), Anchor.HOME: split(home), Anchor.WORKSPACE: split(workspace)}[glob.anchor]
    return (*base, *glob.literal_prefix)


def _links(prefixes: Sequence[tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    plain: set[str] = set()
    for names in prefixes:
        _follow(names, found, plain)
    return tuple(found.items())


def _follow(names: tuple[str, ...], found: dict[str, str], plain: set[str]) -> None:
    """Every symlink met on the way, each with where it finally leads."""
    here: tuple[str, ...] = ()
    left = list(names)
    steps = 0
    while left and steps < MAX_LINKS:
        here = (*here, left.pop(0))
        path = join(here)
        if path in plain:
            continue
        if not os.path.islink(path):
            plain.add(path)
            continue
        steps += 1
        resolved = os.path.realpath(path)
        found[path] = resolved
        here = split(resolved)
