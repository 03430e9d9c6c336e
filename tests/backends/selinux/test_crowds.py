"""Crowds of patterns, where labels are shared: what is claimed of them."""

from __future__ import annotations

import pytest

from avakill.ir.effect import Effect
from avakill.ir.verdict import Verdict
from tests.backends.selinux.harness import check
from tests.backends.selinux.shapes import ALL_FILES, DENY, plan, rule

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
