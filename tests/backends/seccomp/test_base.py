"""Merging into a runtime's default profile: its refusals stay, its permissions are narrowed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from avakill.backends.seccomp import base_complaint
from avakill.ir.effect import Effect
from avakill.ir.policy import ToolEffect
from tests.backends.seccomp.support import DOCKER, TARGET, WEB, always, lowered, paths, planned, profile, text_of, verdict
from tests.contract.laws import contradictions
from tests.oracles.seccomp import X86, X86_64, Call, Profile

EVERYTHING = planned(always(("*",)))
ATTR = (ToolEffect("set_mode", frozenset({Effect.ATTR})),)


def tree_of(plan: Any, base: Any = DOCKER) -> Any:
    return json.loads(text_of(lowered(plan, base)))


def test_the_base_s_own_refusals_stay() -> None:
    oracle = profile(planned(always(WEB)), DOCKER)
    assert not oracle.passes(Call(X86_64, "kexec_load"))
    assert not oracle.passes(Call(X86_64, "socket", (40,)))
    assert not oracle.passes(Call(X86_64, "mount"))


def test_its_permissions_are_narrowed_not_swallowing_the_refusals() -> None:
    oracle = profile(planned(always(("file_write",))), DOCKER)
    assert oracle.passes(Call(X86_64, "openat", (-100, 0, 0)))
    assert not oracle.passes(Call(X86_64, "openat", (-100, 0, 2)))
    assert oracle.passes(Call(X86_64, "openat", (-100, 0, 0x80001)))
    for name in ("openat2", "mkdir", "creat", "truncate", "setxattr"):
        assert not oracle.passes(Call(X86_64, name))
    assert oracle.passes(Call(X86_64, "unlink"))


def test_a_condition_of_the_base_on_the_same_argument_holds_beside_ours() -> None:
    oracle = profile(planned(always(WEB)), DOCKER)
    assert {n for n in range(64) if oracle.passes(Call(X86_64, "socket", (n,)))} == set(range(64)) - {
        *(2, 10, 17, 21, 24, 33, 40, 41, 43, 44)
    }
    assert not oracle.passes(Call(X86, "socketcall", (1,)))


def test_what_a_capability_opens_stays_conditional() -> None:
    with_bpf = [e for e in tree_of(EVERYTHING)["syscalls"] if e["names"] == ["bpf"] and e["action"] == "SCMP_ACT_ALLOW"]
    assert with_bpf
    assert all(entry["includes"] == {"caps": ["CAP_SYS_ADMIN"]} for entry in with_bpf)
    text = text_of(lowered(EVERYTHING, DOCKER))
    privileged = Profile(text, capabilities=frozenset({"CAP_SYS_ADMIN"}))
    assert not privileged.passes(Call(X86_64, "mount"))
    assert not privileged.passes(Call(X86_64, "bpf", (6,)))
    assert privileged.passes(Call(X86_64, "bpf", (5,)))


@pytest.mark.parametrize("capabilities", [frozenset[str](), frozenset({"CAP_SYS_ADMIN"})])
def test_the_claims_hold_on_the_merged_profile(capabilities: frozenset[str]) -> None:
    lowering = lowered(EVERYTHING, DOCKER)
    assert contradictions(EVERYTHING, lowering, Profile(text_of(lowering), capabilities=capabilities).allows) == []


def test_with_nothing_to_lower_the_base_is_unchanged() -> None:
    tree = tree_of(planned((("file_write",), always(("x",))[1], paths("/srv/**"))))
    assert {key: value for key, value in tree.items() if key != "x-avakill"} == json.loads(json.dumps(DOCKER))


def test_merging_twice_answers_as_merging_once() -> None:
    once = tree_of(EVERYTHING)
    twice = lowered(EVERYTHING, once)
    assert contradictions(EVERYTHING, twice, Profile(text_of(twice)).allows) == []
    first, second = Profile(json.dumps(once)), Profile(text_of(twice))
    for flags in (0, 1, 2, 0x40, 0x80001):
        call = Call(X86_64, "openat", (-100, 0, flags))
        assert first.passes(call) == second.passes(call)


def test_a_base_that_allows_by_default_cannot_hold_attributes() -> None:
    base: Any = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [],
    }
    plan = planned(always(("set_mode",)), own=ATTR)
    assert verdict(plan, base=base) == "weaker"
    lowering = lowered(plan, base)
    assert contradictions(plan, lowering, Profile(text_of(lowering)).allows) == []
    assert verdict(planned(always(("file_delete",))), base=base) == "exact"


def test_a_base_with_a_condition_that_cannot_be_met_with_leaves_the_effect_open() -> None:
    entry = {"names": ["openat"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 2, "value": 4, "op": "SCMP_CMP_LT"}]}
    base: Any = {**DOCKER, "syscalls": [*DOCKER["syscalls"][1:], entry]}
    plan = planned(always(("file_edit",)), floor=False)
    findings = [f for f in lowered(plan, base).findings if f.verdict == "unenforceable"]
    assert [f.effects for f in findings] == [frozenset({Effect.WRITE})]


def test_two_tests_of_one_argument_are_two_entries_as_runc_reads_them() -> None:
    entry = {
        "names": ["socket"],
        "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}],
    }
    base: Any = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [entry]}
    oracle = profile(planned(always(WEB)), base)
    assert oracle.passes(Call(X86_64, "socket", (1,)))
    assert not oracle.passes(Call(X86_64, "socket", (2,)))


def with_entry(entry: Any) -> Any:
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": (entry,)}


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ((), "it is not a JSON object"),
        ({"syscalls": ()}, "it has no `defaultAction`"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": 3}, "its `syscalls` are not a list"),
        ({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": (3,)}, "an entry of its `syscalls` is not an object"),
        ({"defaultAction": "A"}, "its `defaultAction` is `A`, which is no seccomp action"),
        (with_entry({"names": 3, "action": "SCMP_ACT_ERRNO"}), "an entry of its `syscalls` has no list of `names`"),
        (with_entry({"names": ("x",), "action": "B"}), "an entry of its `syscalls` has the action `B`, which is no seccomp action"),
        (with_entry({"names": ("x",), "action": "SCMP_ACT_ERRNO", "args": ({},)}), "one of its `args` cannot be read"),
    ],
)
def test_a_base_that_is_no_profile_is_said_and_nothing_is_claimed(tree: Any, complaint: str) -> None:
    assert base_complaint(tree) == complaint
    plan = planned(always(("file_delete",)))
    assert verdict(plan, base=tree) == "unenforceable"


def test_a_good_base_has_no_complaint() -> None:
    assert base_complaint(DOCKER) is None


def test_without_a_base_the_report_warns() -> None:
    plan = planned(always(WEB))
    assert any("--base" in f.reason for f in lowered(plan).findings)
    assert not any("--base" in f.reason for f in lowered(plan, DOCKER).findings)
    assert TARGET.arch == lowered(plan).facts["arch"]
