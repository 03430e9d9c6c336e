"""Policies over scratch trees, lowered and expanded on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avakill.backends.contract import Lowering, Settings
from avakill.backends.landlock import BACKEND
from avakill.backends.landlock.document import read_document
from avakill.backends.landlock.expand import Expansion, expand
from avakill.backends.landlock.model import Model
from avakill.backends.plan import Options, Plan, make_plan
from avakill.enforce.host import HostTree
from avakill.enforce.kernel import abi
from avakill.enforce.probe import probe_target
from avakill.ir.condition import ALWAYS, Condition, Field, PathIn
from avakill.ir.policy import Action, Policy, Rule
from avakill.ir.target import Target
from avakill.paths.glob import parse

ALL_FILES = ("file_*", "content_search")


def paths(*texts: str) -> PathIn:
    return PathIn(Field("path"), tuple(glob for text in texts for glob in parse(text)))


def policy(*rules: tuple[tuple[str, ...], Action, Condition], default: Action = Action.ALLOW) -> Policy:
    made = (Rule(n, f"rule-{n}", tools, action, condition) for n, (tools, action, condition) in enumerate(rules))
    return Policy(tuple(made), default, path="policy.yaml", sha256="0" * 64)


def deny(tools: tuple[str, ...], *texts: str) -> tuple[tuple[str, ...], Action, Condition]:
    return tools, Action.DENY, paths(*texts) if texts else ALWAYS


def allow(tools: tuple[str, ...], *texts: str) -> tuple[tuple[str, ...], Action, Condition]:
    return tools, Action.ALLOW, paths(*texts) if texts else ALWAYS


@dataclass(frozen=True)
class Applied:
    plan: Plan
    lowering: Lowering[Model]
    expansion: Expansion


def here(made: Policy, home: Path, workspace: Path, options: Options = Options(), target: Target | None = None) -> Applied:
    environ = {"HOME": str(home), "AVAKILL_WORKSPACE": str(workspace), "PATH": "/usr/bin:/bin"}
    plan = make_plan(made, target or probe_target(made, environ=environ), options)
    lowering = BACKEND.lower(plan, Settings())
    model = read_document(BACKEND.emit(lowering.model)[0].text)
    return Applied(plan, lowering, expand(model, HostTree(), abi()))
