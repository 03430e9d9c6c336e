"""Verdicts add up, requirements are held, and stacks leak only where every layer does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from avakill.backends.contract import Artifact, Backend, Line, Lowering, Settings
from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.policy import Requirement
from avakill.ir.verdict import Finding, Lost, Verdict, Witness, combine
from avakill.pipeline import Build, RowVerdict, build, stacks
from tests.plan.test_plan import DENY_SSH, plan_of

E, S, W, U = Verdict.EXACT, Verdict.STRICTER, Verdict.WEAKER, Verdict.UNENFORCEABLE
WITNESS = Witness(Operation.READ, "/home/u/.ssh/x", policy=False, target=True)
LOST = (Lost((Operation.CREATE,), "/home/u"),)


def backend(name: str, *said: tuple[Verdict, tuple[Effect, ...]], blind: tuple[Operation, ...] = ()) -> Backend[None]:
    """A backend that says these things of rule 0."""

    def lower(plan: Plan, settings: Settings) -> Lowering[None]:
        lost = {S: LOST}
        findings = tuple(
            Finding(0, verdict, f"{name} says so", frozenset(effects), WITNESS, lost.get(verdict, ())) for verdict, effects in said
        )
        return Lowering(None, findings, {0: blind} if blind else {})

    return Backend(name, name, (f"{name}.txt",), "linux", lower, lambda _: (Artifact(f"{name}.txt", (Line("x"),)),))


def made(*backends: Backend[Any], require: Requirement | None = None) -> Build:
    plan = plan_of(DENY_SSH)
    return build(plan.policy, plan.target, backends, require=require)


def verdict_of(*said: tuple[Verdict, tuple[Effect, ...]]) -> Verdict:
    return made(backend("landlock", *said)).verdict("landlock", 0).verdict


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), E),
        (((S, ()),), S),
        (((S, ()), (W, (Effect.READ,))), W),
        (((U, ()),), U),
        (((U, (Effect.READ,)),), W),
        (((E, ()),), E),
    ],
)
def test_the_worst_finding_is_the_verdict_but_a_part_that_is_missing_is_a_leak(
    said: tuple[tuple[Verdict, tuple[Effect, ...]], ...], expected: Verdict
) -> None:
    assert verdict_of(*said) is expected


def test_a_row_that_lowers_nothing_is_as_its_findings_say() -> None:
    assert combine(frozenset(), ()) is E
    assert combine(frozenset(), (Finding(0, U, "no"),)) is U


@pytest.mark.parametrize(
    ("require", "said", "blind", "met"),
    [
        (Requirement.EXACT, (), (), True),
        (Requirement.EXACT, (), (Operation.ATTR,), False),
        (Requirement.SAFE, (), (Operation.ATTR,), True),
        (Requirement.SAFE, (), (Operation.EXEC,), False),
        (Requirement.SAFE, ((S, ()),), (), True),
        (Requirement.EXACT, ((S, ()),), (), False),
        (Requirement.SAFE, ((W, ()),), (), False),
    ],
)
def test_a_requirement_is_met_or_is_an_error(
    require: Requirement, said: tuple[tuple[Verdict, tuple[Effect, ...]], ...], blind: tuple[Operation, ...], met: bool
) -> None:
    found = [d.code.number for d in made(backend("landlock", *said, blind=blind), require=require).diagnostics if d.severity == "error"]
    assert found == ([] if met else ["AVK5003"])


def test_one_backend_that_reaches_it_is_enough_unless_all_are_asked() -> None:
    two = (backend("landlock", (W, ())), backend("apparmor"))
    assert not [d for d in made(*two, require=Requirement.SAFE).diagnostics if d.severity == "error"]
    assert [d for d in made(*two, require=Requirement.SAFE_ALL).diagnostics if d.severity == "error"]


def stacked(*backends: Backend[Any]) -> tuple[Verdict, tuple[Operation, ...]]:
    (_, rows) = stacks(made(*backends))["linux-apparmor"]
    row = next(row for row in rows if row.row.index == 0)
    return row.verdict, row.blind


def test_a_leak_of_one_layer_is_closed_by_another() -> None:
    assert stacked(backend("landlock", (W, ())), backend("apparmor")) == (E, ())


def test_a_leak_of_all_layers_is_a_leak() -> None:
    assert stacked(backend("landlock", (W, ())), backend("apparmor", (U, ())))[0] is W
    assert stacked(backend("landlock", (U, ())), backend("apparmor", (U, ())))[0] is U


def test_an_over_denial_of_any_layer_counts() -> None:
    assert stacked(backend("landlock", (S, ())), backend("apparmor"))[0] is S


def test_what_no_layer_sees_stays_unseen() -> None:
    one = backend("landlock", blind=(Operation.ATTR,))
    assert stacked(one, backend("apparmor", blind=(Operation.ATTR, Operation.READ))) == (E, (Operation.ATTR,))
    assert stacked(one, backend("apparmor")) == (E, ())


def test_a_layer_that_leaks_an_effect_lends_the_others_no_sight_of_it() -> None:
    blind = backend("landlock", blind=(Operation.READ, Operation.LIST))
    assert stacked(blind, backend("apparmor", (W, (Effect.READ,)))) == (E, (Operation.READ, Operation.LIST))


def test_apparmor_and_selinux_do_not_stand_together() -> None:
    systems = stacks(made(backend("apparmor"), backend("selinux")))
    assert {system: names for system, (names, _) in systems.items()} == {
        "linux-apparmor": ("apparmor",),
        "linux-selinux": ("selinux",),
    }


def test_a_backend_that_raises_is_a_diagnostic_and_the_others_go_on() -> None:
    def lower(plan: Plan, settings: Settings) -> Lowering[None]:
        raise RuntimeError("no")

    broken: Backend[None] = Backend("broken", "broken", (), "linux", lower, lambda _: ())
    result = made(broken, backend("landlock"))
    assert [d.code.number for d in result.diagnostics if d.severity == "error"] == ["AVK5005"]
    assert [e.backend.name for e in result.emissions] == ["landlock"]


class Counted(tuple[RowVerdict, ...]):
    """Counts how often it is gone through."""

    walks = 0

    def __iter__(self) -> Iterator[RowVerdict]:
        Counted.walks += 1
        return super().__iter__()


def test_a_stack_goes_through_the_rows_once_and_not_once_for_each_row() -> None:
    found = made(backend("landlock"), backend("apparmor"), require=Requirement.SAFE_ALL)
    assert len(found.plan.rows) > 1
    Counted.walks = 0
    stacks(replace(found, emissions=tuple(replace(e, rows=Counted(e.rows)) for e in found.emissions)))
    assert Counted.walks == 3  # landlock stands in both of Linux's stacks
