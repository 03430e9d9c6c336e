"""What all-or-nothing sockets lose, shown on destinations that the policy allows."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from avakill.backends.plan import Plan
from avakill.backends.selinux import network
from avakill.ir.condition import And, Condition, Equals, Field, HostIn, NetworkIn, Not
from avakill.ir.policy import Action
from avakill.ir.verdict import Finding, Verdict
from tests.backends.selinux.harness import check, lowered
from tests.backends.selinux.shapes import ALLOW, DENY, plan, rule

WEB = ("web_fetch", "web_search")
PRIVATE = NetworkIn(Field("host"), (ip_network("10.0.0.0/8"),))
DENY_ALL = rule(WEB, DENY)


def on(action: Action, condition: Condition) -> tuple[tuple[str, ...], Action, Condition]:
    return (WEB, action, condition)


def ports(*numbers: int) -> Equals:
    return Equals(Field("port"), numbers)


def holes(made: Plan, index: int) -> list[Finding]:
    lowering, found = check(made)
    assert found == []
    return [f for f in lowering.findings if f.index == index and f.reason == network.HOLE]


def test_a_hole_below_a_denied_network_is_shown_outside_that_network() -> None:
    made = plan(on(DENY, PRIVATE), on(ALLOW, Not(ports(22))), DENY_ALL)
    (finding,) = holes(made, 1)
    assert finding.verdict is Verdict.STRICTER
    assert finding.witness is not None
    assert not finding.witness.object.startswith("tcp://10.")


@pytest.mark.parametrize(
    ("above", "hole"),
    [
        (PRIVATE, NetworkIn(Field("host"), (ip_network("10.1.0.0/16"),))),
        (HostIn(Field("host"), ("*.example.org",)), HostIn(Field("host"), ("www.example.org",))),
        (ports(443, 80), And((PRIVATE, ports(443)))),
    ],
)
def test_a_hole_that_rules_above_deny_whole_loses_nothing(above: Condition, hole: Condition) -> None:
    assert holes(plan(on(DENY, above), on(ALLOW, hole), DENY_ALL), 1) == []


def test_a_hole_that_rules_above_leave_in_one_corner_is_found() -> None:
    corner = NetworkIn(Field("host"), (ip_network("10.0.0.0/9"),))
    (finding,) = holes(plan(on(DENY, corner), on(ALLOW, And((PRIVATE, ports(443)))), DENY_ALL), 1)
    assert finding.witness is not None
    assert finding.witness.object == "tcp://10.128.0.0:443"
    (finding,) = holes(plan(on(DENY, Not(ports(22))), on(ALLOW, ports(22, 25))), 1)
    assert finding.witness is not None
    assert finding.witness.object.endswith(":22")


def test_a_rule_below_the_closing_one_decides_what_that_left_out() -> None:
    made = plan(on(DENY, Not(ports(22))), on(DENY, PRIVATE))
    assert holes(made, 1) == []
    (finding,) = holes(made, 0)
    assert finding.witness is not None
    assert not finding.witness.object.startswith("tcp://10.")
    assert holes(plan(on(DENY, Not(ports(22))), on(DENY, ports(22))), 0) == []


def test_what_cannot_be_decided_is_claimed_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avakill.backends.selinux.destinations.MAX_LOOKS", 3)
    lowering = lowered(plan(on(DENY, PRIVATE), on(ALLOW, PRIVATE), DENY_ALL))[0]
    assert (1, Verdict.UNENFORCEABLE, network.UNDECIDED) in {(f.index, f.verdict, f.reason) for f in lowering.findings}


def test_many_hosts_stay_cheap() -> None:
    made = plan(
        *(on(DENY if n % 2 else ALLOW, HostIn(Field("host"), (f"*.host{n // 3}.example.org",))) for n in range(2_000)),
        DENY_ALL,
    )
    start = time.process_time()
    lowered(made)
    assert time.process_time() - start < 2
