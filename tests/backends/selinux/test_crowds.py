"""Crowds of patterns, where labels are shared: what is claimed of them."""

from __future__ import annotations

import pytest

from avakill.backends.judge import Probe, judge
from avakill.backends.selinux import claims
from avakill.ir.condition import Contains, Field
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Verdict
from tests.backends.selinux.harness import check, lowered
from tests.backends.selinux.shapes import ALL_FILES, ALLOW, DENY, plan, rule
from tests.oracles.selinux import kernel

EDITS = ("file_write", "file_edit")


@pytest.fixture(autouse=True)
def _every_pattern_is_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avakill.backends.selinux.cells.MAX_PATTERNS", 0)


def test_of_two_rules_on_one_pattern_each_confesses_the_leaks_that_it_decides() -> None:
    lowering, found = check(plan(rule(EDITS, DENY, "/home/agent/**/id_*"), rule(ALL_FILES, DENY, "/home/agent/**/id_*")))
    leaks = {finding.index: finding.effects for finding in lowering.findings if finding.verdict is Verdict.WEAKER}
    assert found == []
    assert leaks[0] == {Effect.WRITE, Effect.ATTR, Effect.CREATE}
    assert leaks[1] >= {Effect.READ, Effect.DELETE}


@pytest.mark.parametrize("pattern", ["/srv/**/[a-c]*", "/**/a*", "/**/*l*", "**/*[!z]"])
def test_a_new_name_in_a_directory_that_a_pattern_closes_is_listed_as_lost(pattern: str) -> None:
    made = plan(rule(("*",), DENY, pattern))
    lowering, te, fc = lowered(made)
    for probe in (Probe(Operation.CREATE, f"{top}/al/zz") for top in ("/srv", "/home/agent/project")):
        if judge(made, probe).allowed and not kernel(te, fc).allows(probe):
            assert any(lost.holds(probe.operation, probe.object) for finding in lowering.findings for lost in finding.lost)
    assert {finding.verdict for finding in lowering.findings} >= {Verdict.STRICTER, Verdict.WEAKER}


def test_a_hole_whose_own_name_a_pattern_closes_says_that_nothing_can_be_made_in_it() -> None:
    rules = rule(("*",), DENY, "/srv/**/[a-c]*"), rule(EDITS, ALLOW, "/srv/café"), rule(EDITS, DENY, "/srv")
    lowering, found = check(plan(*rules))
    assert found == []
    assert {finding.index for finding in lowering.findings if finding.reason == claims.NAMES_CLOSED} == {0, 1}


@pytest.mark.parametrize("most", [0, 14])
@pytest.mark.parametrize("pattern", ["/**/*l*", "**/*[!z]", "/**/*a*"])
def test_a_pattern_that_holds_every_likely_name_is_weaker_all_the_same(
    monkeypatch: pytest.MonkeyPatch, pattern: str, most: int
) -> None:
    monkeypatch.setattr("avakill.backends.selinux.cells.MAX_PATTERNS", most)
    lowering, found = check(plan(rule(EDITS, DENY, pattern)))
    assert found == []
    assert any(finding.verdict is Verdict.WEAKER for finding in lowering.findings if finding.index == 0)


@pytest.mark.parametrize("most", [0, 14])
def test_a_text_in_the_name_of_its_own_example_is_weaker_all_the_same(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr("avakill.backends.selinux.cells.MAX_PATTERNS", most)
    lowering, found = check(plan((EDITS, DENY, Contains(Field("path"), ("srv",)))))
    assert found == []
    assert any(finding.verdict is Verdict.WEAKER for finding in lowering.findings if finding.index == 0)
