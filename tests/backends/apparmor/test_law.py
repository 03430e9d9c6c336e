"""The profile does what the report says, for generated policies (semantics §7.1)."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings

from avakill.backends.apparmor import BACKEND
from avakill.backends.contract import Settings
from avakill.backends.plan import Plan
from tests.contract.laws import contradictions, count_verdicts, plans
from tests.oracles.apparmor import read

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))
seen: Counter[str] = Counter()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(plans())
def test_the_oracle_agrees_with_every_claim(plan: Plan) -> None:
    lowering = BACKEND.lower(plan, Settings())
    (artifact,) = BACKEND.emit(lowering.model)
    count_verdicts(seen, plan, lowering)
    assert contradictions(plan, lowering, read(artifact.text).allows) == []


def test_every_verdict_is_seen() -> None:
    if EXAMPLES >= 100:
        print(dict(seen))
        assert set(seen) == {"exact", "stricter", "weaker", "unenforceable"}
