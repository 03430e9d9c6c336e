"""Generated policies: what the profile's oracle answers is what f says, or what the findings confess."""

from __future__ import annotations

import os
import re
from collections import Counter

from hypothesis import HealthCheck, given, settings

from avakill.backends.contract import Settings
from avakill.backends.plan import Plan
from avakill.backends.seccomp import BACKEND
from tests.contract.laws import contradictions, count_verdicts, plans
from tests.oracles.seccomp import Profile

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))
SEEN: Counter[str] = Counter()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def _generated(plan: Plan) -> None:
    lowering = BACKEND.lower(plan, Settings())
    text = BACKEND.emit(lowering.model)[0].text
    assert contradictions(plan, lowering, _oracle(text).allows) == []
    count_verdicts(SEEN, plan, lowering)


_PROFILES: dict[str, Profile] = {}


def _oracle(text: str) -> Profile:
    """Few different profiles come of many policies but for their headers and comments."""
    body = re.sub(r'"comment": "(?:[^"\\]|\\.)*"', "", text[text.index('"defaultAction"') :])
    if body not in _PROFILES:
        _PROFILES[body] = Profile(text)
    return _PROFILES[body]


def test_generated_policies_get_what_the_report_says() -> None:
    _generated()
    print(f"\nseccomp verdicts over {EXAMPLES} policies: {dict(SEEN)}")
    if EXAMPLES >= 300:
        assert set(SEEN) == {"exact", "stricter", "weaker", "unenforceable"}
