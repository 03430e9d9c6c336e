"""Small policies, lowered and loaded."""
from __future__ import annotations

from dataclasses import dataclass, replace

from avakill.backends.contract import Lowering, Settings
from avakill.backends.judge import Probe
from avakill.backends.plan import Options, Plan, make_plan
from avakill.backends.tetragon import BACKEND
from avakill.backends.tetragon.model import Model
from avakill.ir.condition import ALWAYS, Condition
from avakill.ir.effect import Operation
from avakill.ir.policy import Action, Policy, Rule
from avakill.ir.verdict import Verdict, combine
from avakill.source.span import Span
from tests.contract.generate import TARGET, paths_in
from tests.oracles.tetragon import Tetragon

POD = Settings(pod_labels=(("app", "agent"),))
FILE_TOOLS = ("file_*", "content_search")
WRITING = ("file_write", "file_edit", "file_delete")
RuleText = tuple[tuple[str, ...], Action, str | Condition]


@dataclass(frozen=True)
class Case:
    plan: Plan
    lowering: Lowering[Model]
    text: str
    loaded: Tetragon

    def verdict(self, index: int) -> Verdict:
        findings = [f for f in (*self.plan.findings, *self.lowering.findings) if f.index == index]
        return combine(self.plan.row_by_index[index].effects, findings)

    def allows(self, operation: Operation, path: str, to: str | None = None, **more: bool) -> bool:
        return self.loaded.allows(replace(Probe(operation, path, to), **more))  # type: ignore[arg-type]


def case(*rules: RuleText, settings: Settings = POD, options: Options = Options()) -> Case:
    made = tuple(
        Rule(i, f"rule-{i}", tools, action, paths_in(what) if isinstance(what, str) else what, span=Span("p", i + 1, 1, i + 1, 9))
        for i, (tools, action, what) in enumerate(rules)
    )
    plan = make_plan(Policy(made, Action.ALLOW, path="p.yaml", sha256="0" * 64), TARGET, options)
    lowering = BACKEND.lower(plan, settings)
    (artifact,) = BACKEND.emit(lowering.model)
    return Case(plan, lowering, artifact.text, Tetragon.read(artifact.text))


__all__ = ["ALWAYS", "FILE_TOOLS", "POD", "WRITING", "Case", "case"]
