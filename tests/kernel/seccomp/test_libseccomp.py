"""The oracle and the real compiler of filters agree on every call of every door."""

from __future__ import annotations

import json
import random
from itertools import combinations
from typing import Any

import pytest

from avakill.backends.judge import Probe
from avakill.backends.plan import Plan
from avakill.backends.seccomp.syscalls import SYSCALLS
from avakill.ir.effect import Effect, Operation
from avakill.ir.policy import ToolEffect
from avakill.ir.target import Target
from tests.backends.seccomp.support import DOCKER, always, lowered, planned, text_of
from tests.conftest import Validator
from tests.kernel.seccomp.bundle import is_meant
from tests.kernel.seccomp.libseccomp import LIBRARY, compile_profile, number
from tests.oracles.seccomp import MACHINES, Call, Profile, doors

EFFECTS = (Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE, Effect.CONNECT)
SUBSETS = tuple(frozenset(some) for size in range(len(EFFECTS) + 1) for some in combinations(EFFECTS, size))


def refusing(effects: frozenset[Effect], machine: str = "x86_64") -> Plan:
    own = (ToolEffect("all_of_it", effects or frozenset({Effect.READ})),)
    return planned(always(("all_of_it",)), own=own, target=Target(arch=machine))


def calls(machine: str) -> tuple[Call, ...]:
    """Every call of every door, and ordinary ones with arguments at random."""
    found = dict.fromkeys(
        call
        for operation in Operation
        for thing in ("/srv/x", "bind://0.0.0.0:1")
        for door in doors(Probe(operation, thing, "/srv/y"), machine)
        for call in door
    )
    draw = random.Random(7)
    for arch in MACHINES[machine]:
        for name in ("read", "getpid", "futex", "openat", "open", "ioctl", "socket", "socketcall", "bpf", "mq_open", "clone3"):
            for _ in range(12):
                bits = draw.choice((8, 20, 33, 64))
                found[Call(arch, name, tuple(draw.getrandbits(bits) for _ in range(4)))] = None
    return tuple(found)


def disagreements(text: str, machine: str) -> list[Any]:
    oracle, program = Profile(text, machine), compile_profile(text, MACHINES[machine])
    found = []
    for call in calls(machine):
        numbered = number(call.arch, call.name)
        if numbered is not None:
            args = tuple(arg & 0xFFFFFFFF for arg in call.args) if call.arch in ("SCMP_ARCH_X86", "SCMP_ARCH_ARM") else call.args
            said = oracle.passes(Call(call.arch, call.name, args))
            if said != program.passes(call.arch, numbered, args):
                found.append((call, said))
    return found


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("effects", SUBSETS, ids=lambda some: "+".join(sorted(some)) or "nothing")
def test_libseccomp_makes_of_it_what_the_oracle_says(validator: Validator, effects: frozenset[Effect], machine: str) -> None:
    validator(LIBRARY)
    assert disagreements(text_of(lowered(refusing(effects, machine))), machine) == []


@pytest.mark.parametrize("effects", SUBSETS[::3], ids=lambda some: "+".join(sorted(some)) or "nothing")
def test_of_a_merged_base_too(validator: Validator, effects: frozenset[Effect]) -> None:
    validator(LIBRARY)
    text = text_of(lowered(refusing(effects), DOCKER))
    kept = [entry for entry in Profile(text).entries if is_meant(entry)]
    tree = json.loads(text)
    meant = json.dumps(tree | {"syscalls": kept})
    assert disagreements(meant, "x86_64") == []


def test_the_table_of_calls_is_libseccomp_s(validator: Validator) -> None:
    validator(LIBRARY)
    for name, architectures in SYSCALLS.items():
        for machine in MACHINES.values():
            for arch in machine:
                numbered = number(arch, name)
                if numbered is not None and numbered & 0x3FFFFFFF < 450:
                    assert arch in architectures, (arch, name)
