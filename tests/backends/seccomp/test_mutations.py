"""A profile made worse by one step is noticed: a check that cannot fail is no check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from avakill.backends.plan import Plan
from tests.backends.seccomp.support import WEB, always, lowered, planned, text_of
from tests.contract.laws import contradictions
from tests.oracles.seccomp import Conflict, Profile

FILES = planned(always(("file_delete", "make_link")))
NETWORK = planned(always(WEB))
ALL = planned(always(("*",)))


def passing(tree: Any) -> Any:
    return tree["syscalls"][0]["names"]


def allow_by_default(tree: Any) -> None:
    tree["defaultAction"] = "SCMP_ACT_ALLOW"
    tree["syscalls"] = [e for e in tree["syscalls"] if "unlinkat" not in e["names"]]


def pass_unlinkat(tree: Any) -> None:
    tree["syscalls"] = [e for e in tree["syscalls"] if "unlinkat" not in e["names"]]
    passing(tree).append("unlinkat")


def pass_rings(tree: Any) -> None:
    tree["syscalls"] = [e for e in tree["syscalls"] if "io_uring_setup" not in e["names"]]
    passing(tree).append("io_uring_setup")


def pass_inet6(tree: Any) -> None:
    for entry in tree["syscalls"]:
        if entry["names"] == ["socket"] and entry["args"][0]["valueTwo"] == 10 and "ERRNO" in entry["action"]:
            entry["action"] = "SCMP_ACT_ALLOW"


def compare_all_bits(tree: Any) -> None:
    kept = [e for e in tree["syscalls"] if e["names"] != ["socket"] or "ERRNO" in e["action"]]
    for entry in kept:
        if entry["names"] == ["socket"]:
            entry["args"] = [{"index": 0, "op": "SCMP_CMP_EQ", "value": entry["args"][0]["valueTwo"]}]
    tree["syscalls"] = kept
    tree["defaultAction"] = "SCMP_ACT_ALLOW"


def pass_socketcall(tree: Any) -> None:
    tree["syscalls"] = [e for e in tree["syscalls"] if e["names"] != ["socketcall"]]
    passing(tree).append("socketcall")


def refuse_reading(tree: Any) -> None:
    for name in ("open", "openat", "openat2", "io_uring_setup"):
        if name in passing(tree):
            passing(tree).remove(name)


@pytest.mark.parametrize(
    ("plan", "worsen"),
    [
        (FILES, allow_by_default),
        (FILES, pass_unlinkat),
        (FILES, pass_rings),
        (NETWORK, pass_inet6),
        (NETWORK, compare_all_bits),
        (NETWORK, pass_socketcall),
        (NETWORK, pass_rings),
        (NETWORK, refuse_reading),
    ],
)
def test_a_worse_profile_is_noticed(plan: Plan, worsen: Callable[[Any], None]) -> None:
    lowering = lowered(plan)
    text = text_of(lowering)
    assert contradictions(plan, lowering, Profile(text).allows) == []
    tree = json.loads(text)
    worsen(tree)
    assert json.dumps(tree) != json.dumps(json.loads(text))
    assert contradictions(plan, lowering, Profile(json.dumps(tree)).allows) != []


def test_swapping_the_refusal_of_socketcall_behind_the_sockets_is_what_libseccomp_refuses() -> None:
    tree = json.loads(text_of(lowered(NETWORK)))
    late = [entry for entry in tree["syscalls"] if entry["names"] == ["socketcall"]]
    tree["syscalls"] = [entry for entry in tree["syscalls"] if entry not in late] + late
    with pytest.raises(Conflict):
        Profile(json.dumps(tree))
