"""Policies as cases, put to a guest's kernel and held against what the report promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from hypothesis import HealthCheck, Phase, given, settings

from avakill.backends.plan import Options, Scope
from avakill.backends.registry import find
from avakill.ir.policy import Policy
from avakill.lab.campaign import KERNELS
from avakill.lab.cases import Choice, Prepared, lab_target, prepare
from avakill.lab.compare import compare
from avakill.lab.words import CONTRADICTIONS, Mark, Result, Runner
from tests.contract.generate import policies
from tests.golden.fixtures import options_of, policy_of

CLOSED = 7
"""Every seventh generated policy is tried with the scope `closed`."""


def fixture_case(name: str, layer: str, kernel: str, limit: int | None = 40, seed: int = 0) -> Prepared:
    return _prepared(name, policy_of(name), layer, kernel, Choice(options_of(name), seed, limit))


def generated_cases(count: int, layer: str, kernel: str, limit: int) -> Iterator[Prepared]:
    """The same each time, unless new examples are asked for."""
    for number, policy in enumerate(drawn(count)):
        options = Options(Scope.CLOSED if number % CLOSED == 0 else Scope.DENY_RULES)
        yield _prepared(f"generated {number}", policy, layer, kernel, Choice(options, number, limit))


def _prepared(name: str, policy: Policy, layer: str, kernel: str, choice: Choice) -> Prepared:
    return prepare(name, policy, lab_target(policy, kernel, KERNELS[kernel]), find((layer,)).backends[0], choice)


def drawn(count: int) -> list[Policy]:
    found: list[Policy] = []

    @settings(max_examples=count, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
    @given(policies())
    def draw(policy: Policy) -> None:
        found.append(policy)

    draw()
    return found[:count]


def results(runner: Runner, asked: Iterable[Prepared]) -> Iterator[tuple[Prepared, tuple[Result, ...]]]:
    waiting = tuple(asked)
    answers = runner.run((one.case for one in waiting), lambda stage, done, of: None)
    for one, (case, outcomes) in zip(waiting, answers, strict=True):
        yield one, compare(one.claims, case.world, case.trials, outcomes)


def contradictions(name: str, found: Iterable[Result]) -> list[str]:
    return [
        f"{name}: {r.mark} {r.outcome.errno} by {r.trial.door} ({r.trial.route}), {r.sentence}: {r.trial.asks}"
        for r in found
        if r.mark in CONTRADICTIONS
    ]


def counts(found: Iterable[Result]) -> Counter[Mark]:
    return Counter(result.mark for result in found)
