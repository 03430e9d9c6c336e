"""What a soak once found, tried again on the kernel that showed it; and that the soak finds and shrinks a false claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avakill.backends.plan import Options, Scope
from avakill.ir.condition import PathIn
from avakill.ir.policy import Action, Policy
from avakill.lab import kernels, machine
from avakill.lab.campaign import HOST, runner_of
from avakill.lab.cases import Prepared
from avakill.lab.words import LabFault
from tests.conftest import need
from tests.lab import soak
from tests.lab.bench import host
from tests.lab.kept import FOLDER, Kept, from_text, to_text
from tests.lab.soak import asked, drawn, prepared, shrink, smaller, wrong

FILES = tuple(sorted(FOLDER.glob("*.json")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_was_found_once_is_no_contradiction_any_more(file: Path) -> None:
    kept = from_text(file.read_text())
    _can_run(kept.kernel)
    (results,) = asked(runner_of(kept.kernel, kept.layer), [prepared(kept, 200)])
    assert wrong(results) == ()


def test_a_policy_with_odd_names_is_kept_as_it_was() -> None:
    for number, policy in enumerate(drawn(60, 3)):
        kept = Kept(policy, Options(Scope.CLOSED, strict=bool(number % 2)), "landlock", HOST, number, ("seen \udcff",))
        assert from_text(to_text(kept)) == kept


def test_smaller_policies_lack_one_thing_each() -> None:
    policy = next(p for p in drawn(40, 5) if len(p.rules) > 2 and any(isinstance(rule.condition, PathIn) for rule in p.rules))
    made = list(smaller(policy))
    assert {len(each.rules) for each in made} <= {len(policy.rules), len(policy.rules) - 1}
    assert all(each != policy and [r.index for r in each.rules] == list(range(len(each.rules))) for each in made)


def test_a_false_claim_is_found_and_shrunken_to_the_rule_that_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings are taken away from the report: what they had said is a contradiction then."""
    _can_run(HOST)
    honest = prepared

    def silent(kept: Kept, limit: int) -> Prepared:
        made = honest(kept, limit)
        return replace(made, claims=replace(made.claims, findings=()))

    monkeypatch.setattr(soak, "prepared", silent)
    policy = next(p for p in drawn(40, 7) if sum(_denies_a_path(p, n) for n in range(len(p.rules))) > 2)
    kept = Kept(policy, Options(), "landlock", HOST, 1)
    runner = runner_of(HOST, "landlock")
    (results,) = asked(runner, [silent(kept, 120)])
    assert wrong(results)
    small = shrink(runner, kept, 120)
    assert len(small.policy.rules) == 1
    assert small.seen


def _denies_a_path(policy: Policy, index: int) -> bool:
    return policy.rules[index].action is Action.DENY and isinstance(policy.rules[index].condition, PathIn)


def _can_run(kernel: str) -> None:
    if kernel == HOST:
        host()
        return
    try:
        machine.find_programs()
        kernels.find(kernel)
    except LabFault as fault:
        need(False, f"{fault.reason}: {fault.help}")
