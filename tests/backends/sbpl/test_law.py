"""The law of verdicts over generated policies: what the profile does is what the claims say."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings

from avakill.backends.plan import Plan
from tests.backends.sbpl.common import compiled, disagreements, loaded
from tests.contract.laws import count_verdicts, plans

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))
SEEN: Counter[str] = Counter()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_every_difference_between_profile_and_policy_is_claimed(plan: Plan) -> None:
    lowering, text = compiled(plan)
    profile = loaded(plan, text)
    count_verdicts(SEEN, plan, lowering)
    assert disagreements(plan, lowering, profile) == []


def test_generated_policies_show_every_verdict() -> None:
    print(dict(SEEN))
    assert EXAMPLES < 200 or {"exact", "stricter", "weaker", "unenforceable"} <= set(SEEN)
