"""Small policies as IR values, lowered for the law's target, with what a test asks of them."""

from __future__ import annotations

from dataclasses import dataclass

from avakill.backends.apparmor import BACKEND
from avakill.backends.apparmor.model import Profile
from avakill.backends.contract import Lowering, Settings
from avakill.backends.plan import Options, Plan, make_plan
from avakill.ir.condition import ALWAYS, CommandIn, Condition, Contains, Field, PathIn
from avakill.ir.policy import Action, Policy, Rule
from avakill.ir.target import Target
from avakill.ir.verdict import Finding, Verdict, combine
from avakill.paths.glob import parse
from avakill.source.span import Span
from tests.contract.laws import contradictions
from tests.oracles.apparmor import Profile as Oracle
from tests.oracles.apparmor import read

FILES = ("file_*", "content_search")
READING = ("file_read", "file_list", "file_search", "content_search")
SHELL = ("shell_execute",)
WEB = ("web_fetch", "web_search")
BARE = Target()
"""A target with nothing to protect and no entry point."""


def rule(index: int, tools: tuple[str, ...], action: str, condition: Condition = ALWAYS) -> Rule:
    span = Span("policy.yaml", index + 4, 5, index + 4, 40)
    return Rule(index, f"rule-{index}", tools, Action(action), condition, span=span)


def paths(*texts: str) -> PathIn:
    return PathIn(Field("path"), tuple(glob for text in texts for glob in parse(text)))


def contains(text: str) -> Contains:
    return Contains(Field("path"), (text,))


def commands(*names: str) -> CommandIn:
    return CommandIn(names)


@dataclass(frozen=True)
class Made:
    """A lowered policy."""

    plan: Plan
    lowering: Lowering[Profile]
    text: str

    @property
    def oracle(self) -> Oracle:
        return read(self.text)

    def findings(self, index: int) -> tuple[Finding, ...]:
        own = (*self.plan.findings, *self.lowering.findings)
        return tuple(finding for finding in own if finding.index == index)

    def verdict(self, index: int) -> Verdict:
        return combine(self.plan.row_by_index[index].effects, self.findings(index))

    def contradictions(self) -> list[str]:
        return contradictions(self.plan, self.lowering, self.oracle.allows)


def made(*rules: Rule, target: Target = BARE, options: Options | None = None) -> Made:
    policy = Policy(rules, Action.DENY, path="policy.yaml", sha256="0" * 64)
    plan = make_plan(policy, target, options or Options())
    lowering = BACKEND.lower(plan, Settings())
    (artifact,) = BACKEND.emit(lowering.model)
    return Made(plan, lowering, artifact.text)
