"""Claims and emission agree with f on generated policies (semantics §7.1)."""
from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings

from avakill.backends.contract import Settings
from avakill.backends.plan import Plan
from avakill.backends.tetragon import BACKEND
from tests.contract.laws import contradictions, count_verdicts, plans
from tests.oracles.tetragon import Tetragon

POD = Settings(pod_labels=(("app", "agent"),))
COUNTS: Counter[str] = Counter()


@settings(
    max_examples=int(os.environ.get("AVAKILL_EXAMPLES", "1000")), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(plans())
def test_the_oracle_agrees_with_f_and_with_every_claim(plan: Plan) -> None:
    lowering = BACKEND.lower(plan, POD)
    (artifact,) = BACKEND.emit(lowering.model)
    loaded = Tetragon.read(artifact.text)
    assert contradictions(plan, lowering, loaded.allows) == []
    count_verdicts(COUNTS, plan, lowering)
