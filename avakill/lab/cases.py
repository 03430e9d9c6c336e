"""A policy under one layer as a case for a runner, with what the report promises of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from avakill.backends.contract import Backend, Lowering, Settings
from avakill.backends.landlock.expand import expand
from avakill.backends.landlock.expanded import expanded_findings
from avakill.backends.landlock.tree import MemoryTree
from avakill.backends.plan import Options, Plan, make_plan
from avakill.backends.readings import leaves
from avakill.ir.condition import CommandIn
from avakill.ir.policy import Policy
from avakill.ir.target import Program, Target
from avakill.lab.compare import Claims, claims_of
from avakill.lab.doors import Needs
from avakill.lab.stage import DEVICES, OWN_DIRECTORIES, PROBER
from avakill.lab.trials import make_trials
from avakill.lab.words import Case, World
from avakill.lab.world import make_world

HOME = "/home/agent"
WORKSPACE = "/home/agent/project"
PROTECTED = (f"{HOME}/.config/avakill/avakill.yaml", f"{HOME}/.config/avakill/avakill.yaml.sig", "/opt/avakill/")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case and what it is held against. `artifacts` are the files that were put to the kernel, as a user gets them."""

    case: Case
    claims: Claims


@dataclass(frozen=True, slots=True)
class Choice:
    """How a policy is lowered and how much of it is tried."""

    options: Options = Options()
    seed: int = 0
    limit: int | None = None
    without: frozenset[Needs] = frozenset()


def lab_target(policy: Policy, kernel: str, abi: int) -> Target:
    """The scratch root that every case stands in: no symlinks, every program static, the prober as the entry point."""
    tests = [test for rule in policy.rules for test in leaves(rule.condition)]
    names = dict.fromkeys(name for test in tests if isinstance(test, CommandIn) for name in test.names if "/" not in name)
    programs = tuple(Program(name, (f"/usr/bin/{name}",)) for name in names)
    return Target(HOME, WORKSPACE, kernel=kernel, landlock_abi=abi, programs=programs, protected=PROTECTED, entry=(PROBER,))


def prepare(name: str, policy: Policy, target: Target, backend: Backend[Any], choice: Choice) -> Prepared:
    """The case of one backend: its artifacts are the material, its own witnesses are among the trials."""
    plan = make_plan(policy, target, choice.options)
    world = make_world(plan, (*plan.findings, *backend.lower(plan, Settings()).findings))
    plan = make_plan(policy, replace(target, existing=world.paths), choice.options)
    lowering = backend.lower(plan, Settings())
    trials = make_trials(plan, world, choice.seed, choice.limit, (*plan.findings, *lowering.findings), choice.without)
    material = tuple((artifact.name, artifact.text.encode("utf-8", "surrogateescape")) for artifact in backend.emit(lowering.model))
    claims = claims_of(plan, on_stage(plan, lowering, world) if backend.name == "landlock" else lowering)
    return Prepared(Case(name, backend.name, world, trials, material), claims)


def on_stage(plan: Plan, lowering: Lowering[Any], world: World) -> Lowering[Any]:
    """Landlock's findings made precise, as a dry run in the stage would print them."""
    devices = tuple(f"/dev/{name}" for name, _ in DEVICES)
    tree = MemoryTree((*world.files, *(new for new, _ in world.aliases), *devices, PROBER), (*world.directories, *OWN_DIRECTORIES))
    expansion = expand(lowering.model, tree, plan.target.landlock_abi)
    return replace(lowering, findings=expanded_findings(plan, lowering.findings, expansion, tree))
