"""Fixture policies as cases, put to a guest's kernel and held against what the report promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from avakill.backends.contract import Lowering, Settings
from avakill.backends.landlock.document import read_document
from avakill.backends.landlock.expand import expand
from avakill.backends.landlock.expanded import expanded_findings
from avakill.backends.landlock.tree import MemoryTree
from avakill.backends.plan import Plan, make_plan
from avakill.backends.registry import find
from avakill.ir.policy import Policy
from avakill.lab.compare import Claims, claims_of, compare
from avakill.lab.guest import Guest
from avakill.lab.stage import DEVICES, OWN_DIRECTORIES, PROBER
from avakill.lab.trials import make_trials
from avakill.lab.words import CONTRADICTIONS, Case, Mark, Outcome, Result, Runner, World
from avakill.lab.world import make_world
from tests.golden.fixtures import TARGET, options_of, policy_of

ABI = {"6.12": 6, "6.1": 2}


@dataclass(frozen=True)
class Question:
    """A case with the claims that its outcomes are held against."""

    claims: Claims
    case: Case


def fixture_question(name: str, layer: str, kernel: str, limit: int | None = 40, seed: int = 0) -> Question:
    return question(name, policy_of(name), layer, kernel, limit, seed)


def question(name: str, policy: Policy, layer: str, kernel: str, limit: int | None, seed: int) -> Question:
    target = replace(TARGET, entry=(PROBER,), kernel=kernel, landlock_abi=ABI[kernel])
    return plan_question(name, make_plan(policy, target, options_of(name)), layer, limit, seed)


def plan_question(name: str, plan: Plan, layer: str, limit: int | None, seed: int) -> Question:
    backend = find((layer,)).backends[0]
    made: Lowering[Any] = backend.lower(plan, Settings())
    material = tuple((a.name, a.text.encode("utf-8", "surrogateescape")) for a in backend.emit(made.model))
    findings = (*made.findings, *plan.findings)
    world = make_world(plan, findings)
    trials = make_trials(plan, world, seed, limit, findings)
    if layer == "landlock":
        made = _expanded(plan, made, material[0][1].decode(), world)
    return Question(claims_of(plan, made), Case(name, layer, world, trials, material))


def _expanded(plan: Plan, made: Lowering[Any], document: str, world: World) -> Lowering[Any]:
    tree = MemoryTree((*world.files, PROBER, *(f"/dev/{name}" for name, _ in DEVICES)), (*world.directories, *OWN_DIRECTORIES))
    expansion = expand(read_document(document), tree, plan.target.landlock_abi)
    return replace(made, findings=expanded_findings(plan, made.findings, expansion, tree))


def results(runner: Runner, questions: Iterable[Question]) -> Iterator[tuple[Question, tuple[Result, ...]]]:
    asked = tuple(questions)
    answers = runner.run((one.case for one in asked), lambda stage, done, of: None)
    for one, (_, outcomes) in zip(asked, answers, strict=True):
        yield one, held(one, outcomes)


def held(one: Question, outcomes: tuple[Outcome, ...]) -> tuple[Result, ...]:
    return compare(one.claims, one.case.world, one.case.trials, outcomes)


def contradictions(found: Iterable[Result]) -> list[str]:
    return [f"{r.mark} {r.outcome.errno} {r.sentence}: {r.trial.door} {r.trial.asks}" for r in found if r.mark in CONTRADICTIONS]


def counts(found: Iterable[Result]) -> Counter[Mark]:
    return Counter(result.mark for result in found)


__all__ = ["Guest", "Question", "contradictions", "counts", "fixture_question", "held", "plan_question", "question", "results"]
