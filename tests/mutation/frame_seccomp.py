"""A profile refuses no call but for a reason: every call passes that does no refused operation, on each architecture."""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import product

from avakill.backends.judge import Probe
from avakill.ir.effect import EFFECT_OF, FILE_EFFECTS, Effect, Operation
from tests.conftest import find_validator
from tests.kernel.seccomp.libseccomp import LIBRARY, TOKENS, _library
from tests.oracles.seccomp import INTERNET, MACHINES, TOO_NEW, Call, Profile, doors

ENOSYS = 38
ERRORS = (1, ENOSYS, 97)
"""EPERM, ENOSYS, EAFNOSUPPORT."""

FAMILIES = tuple(family for family in range(64) if family not in INTERNET)
BY_ARGUMENT = ("socket", "open", "openat", "ioctl")
"""Calls of which some do a refused operation and some do not."""


WITH = {
    "io_uring_setup": ("io_uring_enter", "io_uring_register"),
    "fsopen": ("fspick",),
    "quotactl": ("quotactl_fd",),
    "ftruncate": ("ftruncate64",),
}
"""Calls that do what another does or began."""


def complaints(text: str, refused: frozenset[Effect]) -> list[str]:
    profile = Profile(text)
    return [*_architectures(profile), *_errors(text), *_needless(profile, refused)]


def _architectures(profile: Profile) -> Iterator[str]:
    """Where one is not listed libseccomp kills each of its calls, the harmless ones too."""
    missing = set(MACHINES[profile.machine]) - profile.architectures
    yield from (f"not listed: {arch}" for arch in sorted(missing))


def _errors(text: str) -> Iterator[str]:
    """A refusal must report one: with 0 the call seems to have succeeded. Programs do without a call only on ENOSYS."""
    tree = json.loads(text)
    if tree["defaultAction"] != "SCMP_ACT_ALLOW" and tree.get("defaultErrnoRet") != ENOSYS:
        yield "a call that is not listed must not seem to exist"
    for entry in tree["syscalls"]:
        if entry["action"] != "SCMP_ACT_ALLOW" and entry.get("errnoRet") not in ERRORS:
            yield f"refused with {entry.get('errnoRet')}: {entry['names']}"


def _needless(profile: Profile, refused: frozenset[Effect]) -> Iterator[str]:
    """Calls that are refused though no operation that the policy denies is done by them."""
    involved = {call for probe in _asked(refused) for door in doors(probe, profile.machine) for call in door}
    names = {call.name for call in involved}
    names |= {other for name in names for other in WITH.get(name, ())}
    for call in _calls(profile.machine):
        if call in involved or call.name in TOO_NEW or (call.name in names and call.name not in BY_ARGUMENT):
            continue
        if call.name in names and not call.args:
            continue
        if not profile.passes(call):
            yield f"needless: {call}"


def _asked(effects: frozenset[Effect]) -> Iterator[Probe]:
    for operation in Operation:
        moves = operation in (Operation.RENAME, Operation.LINK)
        if effects.intersection(FILE_EFFECTS) if moves else EFFECT_OF[operation] in effects:
            thing = "tcp://192.0.2.1:443" if operation is Operation.CONNECT else "/tmp/t"
            yield Probe(operation, thing, "/tmp/new" if moves else None)


@cache
def _calls(machine: str) -> tuple[Call, ...]:
    """Those of every operation, and those that do none, by the names of libseccomp."""
    found = [call for probe in _asked(frozenset(Effect)) for door in doors(probe, machine) for call in door]
    found += [Call(arch, "socket", (family, 1, 0)) for arch in MACHINES[machine] for family in FAMILIES]
    if find_validator(LIBRARY) is not None:
        found += [Call(arch, name) for arch in MACHINES[machine] for name in _names(arch)]
    return tuple(dict.fromkeys(found))


X32_BIT = 0x40000000


def _names(arch: str) -> Iterator[str]:
    for number in range(600):
        told = number | X32_BIT if arch == "SCMP_ARCH_X32" else number
        found = _library().seccomp_syscall_resolve_num_arch(TOKENS[arch], told)
        if found:
            yield ctypes.string_at(found).decode()


def calls_about(text: str, line: str) -> Iterator[Call]:
    """Calls by name, with the numbers of a line and their neighbours by a bit as arguments."""
    entries = json.loads(text)["syscalls"]
    names = {name for entry in entries for name in entry["names"] if "args" in entry}
    names |= {name for entry in entries for name in entry["names"] if f'"{name}"' in line}
    numbers = {int(number) for number in re.findall(r"\b\d+\b", line)} | {
        value for entry in entries for test in entry.get("args", ()) if str(test["valueTwo"]) in line for value in (test["valueTwo"],)
    }
    values = {0, *numbers, *(number ^ 1 << bit for number in numbers for bit in (0, 1, 2, 3, 11, 12, 32))}
    arguments = [(0, 0, 0), *((a, b, c) for a, b, c in product(sorted(values), repeat=3) if len({a, b, c} - {0}) <= 1)]
    for arch in MACHINES["x86_64"]:
        yield from (Call(arch, name, args) for name in sorted(names) for args in arguments)
