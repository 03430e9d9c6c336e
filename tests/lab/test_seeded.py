"""New claims on this machine's kernel each time the tests run: the soak's policies with one seed, and none of them contradicted."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from avakill.lab.campaign import HOST, runner_of
from avakill.lab.words import Mark
from tests.lab.bench import host
from tests.lab.kept import Kept
from tests.lab.soak import asked, drawn, options_for, prepared, wrong

SEED = 3
PARTS = (("landlock", 50, 30), ("seccomp", 15, 30))
"""Policies and trials to each of four parts: 200 policies and 6,000 trials on Landlock, 60 policies on seccomp."""


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize(("layer", "number", "trials"), PARTS)
def test_no_generated_policy_is_contradicted_by_this_kernel(layer: str, number: int, trials: int, part: int) -> None:
    host()
    chance = random.Random(SEED + part)
    kept = [Kept(policy, options_for(chance), layer, HOST, n) for n, policy in enumerate(drawn(number, SEED + part))]
    seen: Counter[Mark] = Counter()
    found: list[str] = []
    for results in asked(runner_of(HOST, layer), [prepared(one, trials) for one in kept]):
        seen.update(result.mark for result in results)
        found += wrong(results)
    print(layer, dict(seen))
    assert found == []
    assert len(kept) == number
    assert seen[Mark.NONE] == 0
    assert seen.total() - seen[Mark.MOOT] >= 25 * number  # four parts of Landlock: at least 5,000
