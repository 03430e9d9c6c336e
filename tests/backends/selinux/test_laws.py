"""What the module says and what the backend claims of it agree, for generated policies (semantics §7)."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from avakill.backends.plan import Plan
from tests.backends.selinux.harness import check
from tests.contract.laws import count_verdicts, plans

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))


def test_claims_hold_on_generated_policies() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plans())
    def law(plan: Plan) -> None:
        lowering, found = check(plan)
        count_verdicts(seen, plan, lowering)
        assert found == []

    law()
    print(dict(seen))
    assert set(seen) == {"exact", "stricter", "weaker", "unenforceable"}


def test_claims_hold_where_many_patterns_share_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here every policy with a pattern is a crowd."""
    monkeypatch.setattr("avakill.backends.selinux.cells.MAX_PATTERNS", 0)

    @settings(
        max_examples=min(EXAMPLES, 150),
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def law(plan: Plan) -> None:
        assert check(plan)[1] == []

    law()
