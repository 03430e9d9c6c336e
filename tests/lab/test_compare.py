"""What a kernel did is held against what was promised: by the oracles of all layers, for generated policies."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from avakill.backends.judge import Probe
from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.lab.compare import Claims, compare
from avakill.lab.gains import gains
from avakill.lab.words import Answer, Mark, Outcome, Result, Trial
from avakill.lab.world import make_world
from tests.contract.generate import plans
from tests.lab.answers import tried
from tests.lab.policies import planned

EXAMPLES = min(int(os.environ.get("AVAKILL_EXAMPLES", "25")), 300)
LAYERS = ("landlock", "apparmor", "selinux", "seccomp", "tetragon")


@pytest.mark.parametrize("layer", LAYERS)
def test_no_oracle_contradicts_what_was_promised(layer: str) -> None:
    seen: Counter[Mark] = Counter()

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None, phases=[Phase.generate])
    @given(plans())
    def law(plan: Plan) -> None:
        found = tried(plan, layer)
        seen.update(result.mark for result in found.results)
        assert found.wrong == []

    law()
    print(dict(seen))
    assert seen[Mark.AGREED] > 10 * EXAMPLES


# -- one outcome at a time --

TEXT = """
version: "1.0"
default_action: allow
policies:
  - name: keys
    tools: ["file_*", "content_search"]
    action: deny
    conditions: {path_match: {path: ["/srv/keys/**"]}}
"""
PLAN = planned(TEXT)
WORLD = make_world(PLAN)
KEYS = next(row.index for row in PLAN.rows if row.name == "keys")
INSIDE = Probe(Operation.READ, "/srv/keys/in")
OUTSIDE = Probe(Operation.READ, "/srv/keysx")
OUT = Probe(Operation.RENAME, "/srv", "/srv-moved", directory=True, contents=WORLD.below("/srv"))


def marked(asks: tuple[Probe, ...], answer: Answer, *findings: Finding, follow: dict[Probe, bool] | None = None, **of: Any) -> Result:
    """What the comparison says of one trial."""
    told = follow or {}
    trial = Trial(7, asks, of.pop("door", "open-read"), follow=tuple(told), **of)
    outcome = Outcome(7, answer, "EACCES" if answer is Answer.REFUSED else "", tuple(told.values()))
    (result,) = compare(Claims(PLAN, findings, {KEYS: (Operation.ATTR,)}), WORLD, (trial,), (outcome,))
    return result


def test_what_is_denied_and_done_is_a_leak_with_the_row_and_what_was_promised() -> None:
    result = marked((INSIDE,), Answer.DONE)
    assert (result.mark, result.row, result.sentence) == (Mark.LEAK, KEYS, "`keys` is exact −attr")


def test_a_leak_that_the_row_confesses_is_weak_and_gives_its_reason() -> None:
    shown = Finding(KEYS, Verdict.WEAKER, "it leaks", frozenset({Effect.READ}), Witness(Operation.READ, "/srv/keys/in", False, True))
    assert (marked((INSIDE,), Answer.DONE, shown).mark, marked((INSIDE,), Answer.DONE, shown).sentence) == (Mark.WEAK, "it leaks")
    of_writing = replace(shown, effects=frozenset({Effect.WRITE}))
    assert marked((INSIDE,), Answer.DONE, of_writing).mark is Mark.LEAK
    of_another_row = replace(shown, index=KEYS + 1)
    assert marked((INSIDE,), Answer.DONE, of_another_row).mark is Mark.LEAK


def test_what_a_layer_is_blind_to_is_weak() -> None:
    assert marked((Probe(Operation.ATTR, "/srv/keys/in"),), Answer.DONE).mark is Mark.WEAK


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.KILLED])
def test_what_is_denied_and_refused_agrees(answer: Answer) -> None:
    assert marked((INSIDE,), answer).mark is Mark.AGREED


def test_what_is_allowed_and_refused_is_over_unless_a_denying_row_lists_it() -> None:
    assert marked((OUTSIDE,), Answer.DONE).mark is Mark.AGREED
    assert marked((OUTSIDE,), Answer.REFUSED).mark is Mark.OVER
    witness = Witness(Operation.READ, "/srv/keysx", True, False)
    listed = Finding(KEYS, Verdict.STRICTER, "it costs", frozenset(), witness, (Lost((Operation.READ,), "/srv"),))
    assert (marked((OUTSIDE,), Answer.REFUSED, listed).mark, marked((OUTSIDE,), Answer.KILLED, listed).sentence) == (
        Mark.LOST,
        "it costs",
    )
    of_listing = replace(listed, lost=(Lost((Operation.LIST,), "/srv"),))
    assert marked((OUTSIDE,), Answer.REFUSED, of_listing).mark is Mark.OVER


def test_every_thing_that_a_trial_asks_must_be_confessed_and_one_lost_is_enough() -> None:
    both = (Probe(Operation.WRITE, "/srv/keys/in"), INSIDE)
    reading = Finding(KEYS, Verdict.WEAKER, "reads", frozenset({Effect.READ}), Witness(Operation.READ, "/srv/keys/in", False, True))
    assert marked(both, Answer.DONE, reading).mark is Mark.LEAK
    lost = (Lost((Operation.READ,), "/srv"),)
    listed = Finding(KEYS, Verdict.STRICTER, "costs", frozenset(), Witness(Operation.READ, "/srv/keysx", True, False), lost)
    assert marked((Probe(Operation.WRITE, "/srv/keysx"), OUTSIDE), Answer.REFUSED, listed).mark is Mark.LOST


def test_a_write_that_vanishes_is_silent_denied_or_not() -> None:
    assert marked((Probe(Operation.WRITE, "/srv/keys/in"),), Answer.SILENT).mark is Mark.SILENT
    assert marked((Probe(Operation.WRITE, "/srv/keysx"),), Answer.SILENT).mark is Mark.SILENT


def test_a_directory_that_stays_as_closed_as_it_was_lets_nothing_through() -> None:
    tried = {gain.tried: False for gain in gains(PLAN, OUT, WORLD) if gain.tried is not None}
    assert Probe(Operation.READ, "/srv-moved/keys/in") in tried
    closed = marked((OUT,), Answer.DONE, follow=tried, door="rename")
    assert (closed.mark, closed.sentence) == (Mark.AGREED, "moved, and as closed as it was")
    opened = marked((OUT,), Answer.DONE, follow={**tried, Probe(Operation.READ, "/srv-moved/keys/in"): True}, door="rename")
    assert opened.mark is Mark.LEAK


def test_a_gain_that_nobody_tried_counts_as_gained() -> None:
    assert marked((OUT,), Answer.DONE, door="rename").mark is Mark.LEAK


def test_a_name_that_was_taken_is_a_leak_whatever_came_of_the_object() -> None:
    into = Probe(Operation.RENAME, "/srv/keysx", "/srv/keys/new0")
    assert marked((into,), Answer.DONE, door="rename").mark is Mark.LEAK


@pytest.mark.parametrize(
    ("answer", "mark"), [(Answer.DONE, Mark.FINDING), (Answer.SILENT, Mark.FINDING), (Answer.REFUSED, Mark.AGREED)]
)
def test_an_alias_of_something_denied_is_a_finding_unless_it_is_refused(answer: Answer, mark: Mark) -> None:
    assert marked((INSIDE,), answer, alias=True, door="inherited-read").mark is mark


def test_a_privilege_that_a_layer_takes_is_no_over_denial_but_opening_by_handle_leaks() -> None:
    assert marked((OUTSIDE,), Answer.REFUSED, door="handle-read").mark is Mark.FINDING
    assert marked((INSIDE,), Answer.DONE, door="handle-read").mark is Mark.LEAK


def test_no_answer_is_never_agreement() -> None:
    assert marked((INSIDE,), Answer.NONE).mark is Mark.NONE
    assert marked((INSIDE,), Answer.MOOT).mark is Mark.MOOT
    (missing,) = compare(Claims(PLAN, (), {}), WORLD, (Trial(0, (INSIDE,), "open-read"),), ())
    assert missing.mark is Mark.NONE


def test_what_the_plan_confesses_excuses_no_leak_of_a_layer() -> None:
    """A hole that stays open for what no kernel sees is open in f already: the rest of the row is still promised."""
    hole = Finding(KEYS, Verdict.WEAKER, "open hole", witness=Witness(Operation.READ, "/srv/keys/pub", False, True))
    (result,) = compare(
        Claims(replace(PLAN, findings=(hole,)), (), {}), WORLD, (Trial(0, (INSIDE,), "open-read"),), (Outcome(0, Answer.DONE),)
    )
    assert (result.mark, result.sentence) == (Mark.LEAK, "`keys` is weaker")


def test_a_hidden_system_call_is_a_finding_while_the_operation_has_another() -> None:
    trials = (Trial(0, (OUTSIDE,), "openat2-read"), Trial(1, (OUTSIDE,), "open-read"))
    hidden, plain = Outcome(0, Answer.REFUSED, "ENOSYS"), Outcome(1, Answer.REFUSED, "ENOSYS")
    claims = Claims(PLAN, (), {})
    by_one = compare(claims, WORLD, trials, (hidden, Outcome(1, Answer.DONE)))
    assert [result.mark for result in by_one] == [Mark.FINDING, Mark.AGREED]
    by_both = compare(claims, WORLD, trials, (hidden, plain))
    assert [result.mark for result in by_both] == [Mark.OVER, Mark.OVER]
    refused = compare(claims, WORLD, trials, (Outcome(0, Answer.REFUSED, "EACCES"), Outcome(1, Answer.DONE)))
    assert refused[0].mark is Mark.OVER
