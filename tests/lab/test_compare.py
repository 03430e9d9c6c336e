"""What a kernel did is held against what was promised: by the oracles of all layers, for generated policies."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from avakill.backends.plan import Plan
from avakill.lab.words import Mark
from tests.contract.generate import plans
from tests.lab.answers import tried

EXAMPLES = min(int(os.environ.get("AVAKILL_EXAMPLES", "60")), 1000)
LAYERS = ("landlock", "apparmor", "selinux", "seccomp", "tetragon")


@pytest.mark.parametrize("layer", LAYERS)
def test_no_oracle_contradicts_what_was_promised(layer: str) -> None:
    seen: Counter[Mark] = Counter()

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(plans())
    def law(plan: Plan) -> None:
        found = tried(plan, layer)
        seen.update(result.mark for result in found.results)
        assert found.wrong == []

    law()
    print(dict(seen))
    assert seen[Mark.AGREED] > 10 * EXAMPLES
