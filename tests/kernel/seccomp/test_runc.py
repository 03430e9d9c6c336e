"""runc starts a container under the profile, and the kernel refuses what the report says, by every door tried."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings

from avakill.backends.contract import Settings
from avakill.backends.plan import Plan
from avakill.backends.seccomp import BACKEND
from avakill.ir.effect import Effect
from avakill.ir.policy import ToolEffect
from tests.backends.seccomp.support import DOCKER, always, lowered, planned, text_of
from tests.conftest import need
from tests.contract.laws import plans
from tests.kernel.seccomp.bundle import Bundle, make_bundle

W, A, C, D, N = Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE, Effect.CONNECT
FILTERED = (-1, -38, -97)
"""What the profiles answer: EPERM, ENOSYS, EAFNOSUPPORT."""

CALLS: dict[str, frozenset[Effect]] = {
    "257,-100,@/etc/f,0": frozenset(),
    "2,@/etc/f,0": frozenset(),
    "257,-100,@/etc/f,0x80001": frozenset(),  # the runtime's own flags
    "41,1,1,0": frozenset(),
    "41,16,3,0": frozenset(),
    "257,-100,@/etc/f,1": frozenset({W}),
    "257,-100,@/etc/f,2": frozenset({W}),
    "257,-100,@/etc/f,0x80401": frozenset({W}),
    "257,-100,@/etc/f,0x100000002": frozenset({W}),
    "257,-100,@/etc/t,0x200": frozenset({W}),
    "2,@/etc/f,1": frozenset({W}),
    "76,@/etc/t,0": frozenset({W}),
    "i:5,@/etc/f,1": frozenset({W}),
    "i:5,@/etc/f,0": frozenset(),
    "437,-100,@/etc/f,0,0": frozenset({W, C}),
    "85,@/w/c1,0644": frozenset({W, C}),
    "257,-100,@/w/n1,0x40,0600": frozenset({C}),
    "2,@/w/n2,0x40,0600": frozenset({C}),
    "83,@/w/d1,0755": frozenset({C}),
    "258,-100,@/w/d2,0755": frozenset({C}),
    "i:39,@/w/d3,0755": frozenset({C}),
    "86,@/etc/f,@/w/l1": frozenset({C}),
    "265,-100,@/etc/f,-100,@/w/l2,0": frozenset({C}),
    "88,@x,@/w/s1": frozenset({C}),
    "266,@x,-100,@/w/s2": frozenset({C}),
    "133,@/w/k1,0100644,0": frozenset({C}),
    "82,@/w/r1,@/w/r2": frozenset({C, D}),
    "316,-100,@/w/r3,-100,@/w/r4,0": frozenset({C, D}),
    "87,@/w/u1": frozenset({D}),
    "263,-100,@/w/u2,0": frozenset({D}),
    "84,@/w/dd": frozenset({D}),
    "90,@/w/m,0644": frozenset({A}),
    "268,-100,@/w/m,0644": frozenset({A}),
    "94,@/w/m,0,0": frozenset({A}),
    "280,-100,@/w/m,0,0": frozenset({A}),
    "16,0,0x40086602,0": frozenset({A}),
    "41,2,1,0": frozenset({N}),
    "41,10,2,0": frozenset({N}),
    "41,0x100000002,1,0": frozenset({N}),
    "i:359,2,1,0": frozenset({N}),
    "i:102,1,0": frozenset({N, C}),
    "425,1,0": frozenset({W, A, C, D, N}),
}
LATER = {(6, 6): {"452,-100,@/w/m,0644,0": frozenset({A})}}
"""Calls that only later kernels have."""

TOO_NEW = "463,-100,@/w/m,0,0,0,0"
"""setxattrat, whose name the runtime's libseccomp may not know: then it does not exist, and callers fall back."""

SUBSETS = tuple(frozenset(some) for size in range(6) for some in combinations((W, A, C, D, N), size))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    need(platform.machine() == "x86_64", "the probe speaks x86_64's numbers")
    return make_bundle(tmp_path_factory.mktemp("bundle"))


def refusing(effects: frozenset[Effect]) -> Plan:
    own = (ToolEffect("all_of_it", effects or frozenset({Effect.READ})),)
    return planned(always(("all_of_it",)), own=own)


def calls_here() -> dict[str, frozenset[Effect]]:
    kernel = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    return CALLS | {call: by for since, more in LATER.items() if kernel >= since for call, by in more.items()}


def wrong(got: dict[str, int], effects: frozenset[Effect]) -> dict[str, int]:
    return {call: got[call] for call, by in calls_here().items() if bool(by & effects) != (got[call] in FILTERED)}


@pytest.mark.parametrize("effects", SUBSETS, ids=lambda some: "+".join(sorted(some)) or "nothing")
def test_each_door_is_closed_by_its_effects_only(bundle: Bundle, effects: frozenset[Effect]) -> None:
    got = bundle.results(text_of(lowered(refusing(effects))), *calls_here(), TOO_NEW)
    assert wrong(got, effects) == {}
    assert A not in effects or got[TOO_NEW] in FILTERED


@pytest.mark.parametrize("effects", [frozenset({W, C, A}), frozenset({N}), frozenset({D}), frozenset({W, A, C, D, N})])
def test_a_base_merged_with_starts_and_refuses_too(bundle: Bundle, effects: frozenset[Effect]) -> None:
    got = bundle.results(text_of(lowered(refusing(effects), DOCKER)), *calls_here())
    leaks = {call: got[call] for call, by in calls_here().items() if by & effects and got[call] not in FILTERED}
    assert leaks == {}
    assert got["257,-100,@/etc/f,0"] >= 0


CLONE3 = "435,0,0"


def test_a_base_s_answer_to_clone3_stays(bundle: Bundle) -> None:
    """By ENOSYS glibc falls back to `clone`; by EPERM a runtime that wants one more thread could not have it."""
    assert bundle.results(text_of(lowered(planned(), DOCKER)), CLONE3) == {CLONE3: -errno.ENOSYS}


def test_the_probe_itself_never_dies(bundle: Bundle) -> None:
    """Its buffer at a fixed address lay in its own heap once in a thousand runs: status 139, and not a word."""
    often = 'for i in $(seq 3000); do "$1" 2,@/etc/passwd,0 >/dev/null || echo died; done'
    done = subprocess.run(
        ("/bin/sh", "-c", often, "sh", str(bundle.folder / "rootfs/bin/probe")), capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


@pytest.mark.parametrize("privileges", [True, False])
@pytest.mark.parametrize("user", [0, 1000])
def test_it_starts_whenever_the_runtime_loads_the_filter(bundle: Bundle, privileges: bool, user: int) -> None:
    text = text_of(lowered(refusing(frozenset({W, A, C, D, N}))))
    done = bundle.run(text, "/bin/busybox", "cat", "/etc/f", privileges=privileges, user=user)
    assert (done.returncode, done.stdout) == (0, "f"), done.stderr


def test_ordinary_programs_say_that_it_is_not_permitted(bundle: Bundle) -> None:
    text = text_of(lowered(refusing(frozenset({W, C, D}))))
    script = "cat /etc/f; echo x > /w/new; echo y >> /etc/f; rm /w/u1; mkdir /w/q; ls /w; cat /etc/f"
    done = bundle.run(text, "/bin/busybox", "sh", "-c", script)
    assert done.stderr.count("Operation not permitted") == 4
    assert done.stdout.startswith("f")
    assert done.stdout.endswith("f")


def test_a_no_op_refuses_nothing(bundle: Bundle) -> None:
    text = text_of(lowered(planned()))
    done = bundle.run(text, "/bin/busybox", "sh", "-c", "echo x > /w/new; cat /w/new")
    assert (done.returncode, done.stdout) == (0, "x\n"), done.stderr


EXAMPLES = max(3, int(os.environ.get("AVAKILL_EXAMPLES", "1000")) // 50)


def test_profiles_of_generated_policies_start(bundle: Bundle) -> None:
    started: set[str] = set()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plans())
    def start(plan: Plan) -> None:
        text = text_of(BACKEND.lower(plan, Settings()))
        refused = json.dumps(json.loads(text)["syscalls"])
        if refused not in started:
            started.add(refused)
            assert bundle.results(text, "257,-100,@/etc/f,0")["257,-100,@/etc/f,0"] >= 0

    start()
