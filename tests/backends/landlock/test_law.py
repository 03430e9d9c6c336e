"""Every claim holds on the kernel's oracle, for generated policies (semantics §7)."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings

from avakill.backends.plan import Plan
from tests.backends.landlock.bench import check, lowered
from tests.contract.laws import count_verdicts, plans

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))
SEEN: Counter[str] = Counter()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_claims_and_kernel_agree(plan: Plan) -> None:
    lowering, text = lowered(plan)
    count_verdicts(SEEN, plan, lowering)
    assert check(plan, lowering, text) == []


def test_all_verdicts_were_shown() -> None:
    print(dict(SEEN))
    assert set(SEEN) == {"exact", "stricter", "weaker", "unenforceable"} or EXAMPLES < 200
