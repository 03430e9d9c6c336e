"""Each verdict is a promise: fixture policies and generated ones on guests' kernels do as it says, both ways."""

from __future__ import annotations

from collections import Counter

import pytest

from avakill.lab import kernels, machine
from avakill.lab.guest import Guest
from avakill.lab.words import Answer, LabFault, Mark, Result
from tests.conftest import need
from tests.lab.guests import contradictions, counts, fixture_case, generated_cases, results

SHAPES = ("shape-tree", "shape-hole", "nested-holes")
GENERATED = {"apparmor": 60, "selinux": 40}
TRIALS = 40


@pytest.fixture(autouse=True)
def _guests() -> None:
    """Where this machine can have no guest the test is skipped, or fails where CI is set."""
    try:
        machine.find_programs()
        for version in kernels.SUITES:
            kernels.find(version)
    except LabFault as fault:
        need(False, f"{fault.reason}: {fault.help}")


@pytest.mark.parametrize(
    ("layer", "kernel"), [("apparmor", "6.12"), ("apparmor", "6.1"), ("selinux", "6.12"), ("landlock", "6.12"), ("landlock", "6.1")]
)
def test_the_shapes_hold_on_a_kernel_as_their_verdicts_say(layer: str, kernel: str) -> None:
    wrong: list[str] = []
    seen: Counter[Mark] = Counter()
    cases = [fixture_case(name, layer, kernel, 120) for name in SHAPES]
    for one, found in results(Guest(kernel, layer), cases):
        wrong += contradictions(one.case.name, found)
        seen += counts(found)
        assert _refused(found) > 10
    assert wrong == []
    assert seen[Mark.NONE] == 0
    assert seen[Mark.AGREED] > 200
    assert seen[Mark.MOOT] < 40


@pytest.mark.parametrize("layer", ["apparmor", "selinux"])
def test_generated_policies_hold_as_their_verdicts_say(layer: str) -> None:
    wrong: list[str] = []
    seen: Counter[Mark] = Counter()
    refused = 0
    for one, found in results(Guest("6.12", layer), generated_cases(GENERATED[layer], layer, "6.12", TRIALS)):
        wrong += contradictions(one.case.name, found)
        seen += counts(found)
        refused += _refused(found)
    print(dict(seen))
    assert wrong == []
    assert seen[Mark.NONE] == 0
    assert seen[Mark.AGREED] > 0.6 * GENERATED[layer] * TRIALS
    assert refused > 2 * GENERATED[layer]


def _refused(found: tuple[Result, ...]) -> int:
    """What the layer itself refused: a layer that was not there would agree with what is allowed."""
    return sum(result.outcome.answer is Answer.REFUSED for result in found)
