"""The harness notices a lie: a check that cannot fail is no check."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from avakill.backends.contract import Lowering
from avakill.backends.judge import judge
from avakill.backends.plan import Plan
from avakill.ir.effect import Operation
from tests.contract.laws import contradictions, plans, probes


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_a_layer_that_does_what_f_says_needs_no_claim(plan: Plan) -> None:
    assert contradictions(plan, Lowering(None), lambda probe: judge(plan, probe).allowed) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_a_layer_that_allows_everything_and_claims_nothing_is_caught(plan: Plan) -> None:
    denied = any(not judge(plan, probe).allowed for probe in probes(plan))
    assert bool(contradictions(plan, Lowering(None), lambda probe: True)) == denied


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_a_layer_that_denies_reading_everywhere_and_claims_nothing_is_caught(plan: Plan) -> None:
    allowed = any(judge(plan, probe).allowed for probe in probes(plan) if probe.operation is Operation.READ)
    found = contradictions(plan, Lowering(None), lambda p: judge(plan, p).allowed and p.operation is not Operation.READ)
    assert bool(found) == allowed
