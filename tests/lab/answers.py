"""The lab's trials answered by the oracles of the artifact languages, as a kernel would: no file is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from avakill.backends.contract import Backend, Settings
from avakill.backends.judge import Probe
from avakill.backends.landlock.document import read_document
from avakill.backends.landlock.expand import expand
from avakill.backends.landlock.expanded import expanded_findings
from avakill.backends.landlock.tree import MemoryTree
from avakill.backends.plan import Plan
from avakill.backends.registry import find
from avakill.ir.effect import EFFECT_OF, Operation
from avakill.lab.compare import Claims, claims_of, compare
from avakill.lab.doors import SCRATCH
from avakill.lab.trials import make_trials
from avakill.lab.words import CONTRADICTIONS, Answer, Outcome, Result, Trial, World
from avakill.lab.world import make_world
from tests.backends.landlock.bench import RIGHTS, kernel_of
from tests.backends.selinux.harness import in_device
from tests.oracles.apparmor import read
from tests.oracles.seccomp import Profile
from tests.oracles.selinux import kernel
from tests.oracles.tetragon import Tetragon

Allows = Callable[[Probe], bool]
After = Callable[[Probe, Probe], bool]
"""Whether a probe at a new name is allowed after the move."""


@dataclass(frozen=True)
class Tried:
    """A policy under one layer: what was claimed, tried and found."""

    claims: Claims
    world: World
    trials: tuple[Trial, ...]
    results: tuple[Result, ...]

    @property
    def wrong(self) -> list[str]:
        return [f"{r.mark} {r.sentence}: {r.trial.asks} {r.trial.door}" for r in self.results if r.mark in CONTRADICTIONS]


def backend(name: str) -> Backend[Any]:
    return find((name,)).backends[0]


def answered(trials: Iterable[Trial], allows: Allows, after: After) -> tuple[Outcome, ...]:
    """Every trial is done when each thing that it asks is allowed."""
    return tuple(_outcome(trial, allows, after) for trial in trials)


def _outcome(trial: Trial, allows: Allows, after: After) -> Outcome:
    if not all(allows(probe) for probe in trial.asks):
        return Outcome(trial.number, Answer.REFUSED, "EACCES")
    return Outcome(trial.number, Answer.DONE, follow=tuple(after(trial.asks[0], probe) for probe in trial.follow))


def tried(plan: Plan, name: str, seed: int = 0, limit: int | None = 400) -> Tried:
    """A plan by one backend, its plain trials put to the backend's oracle."""
    made = backend(name).lower(plan, SETTINGS.get(name, Settings()))
    texts = [artifact.text for artifact in backend(name).emit(made.model)]
    findings = (*made.findings, *plan.findings)
    world = make_world(plan, findings)
    trials = tuple(t for t in make_trials(plan, world, seed, limit, findings) if t.route == "plain" and not t.alias)
    if name == "selinux":
        trials = tuple(t for t in trials if not any(in_device(probe) for probe in t.asks))
    if name == "landlock":
        tree = MemoryTree(world.files, (*world.directories, SCRATCH))
        expansion = expand(read_document(texts[0]), tree, plan.target.landlock_abi)
        oracle = kernel_of(expansion)
        made = replace(made, findings=expanded_findings(plan, made.findings, expansion, tree))

        def after(moved: Probe, probe: Probe) -> bool:
            return _holds_after(oracle.holds_after_move, oracle.allows, moved, probe)

        outcomes = answered(trials, oracle.allows, after)
    else:
        allows = ORACLES[name](texts)
        outcomes = answered(trials, allows, lambda moved, probe: allows(_before(moved, probe) if name == "selinux" else probe))
    claims = claims_of(plan, made)
    return Tried(claims, world, trials, compare(claims, world, trials, outcomes))


def _before(moved: Probe, probe: Probe) -> Probe:
    """The same of the old name: a label stays with what was moved."""
    old, new = _names(moved, probe)
    return replace(probe, object=old + probe.object[len(new) :])


def _names(moved: Probe, probe: Probe) -> tuple[str, str]:
    """The old and the new name of what a probe after a move is about."""
    assert moved.to is not None
    there = (probe.object + "/").startswith(moved.to + "/")
    return (moved.object, moved.to) if there else (moved.to, moved.object)


def _holds_after(holds: Callable[[str, str, str, str], bool], allows: Allows, moved: Probe, probe: Probe) -> bool:
    """Landlock's grants follow the inode of what was moved."""
    if probe.operation is Operation.UNLINK:
        return allows(probe)
    old, new = _names(moved, probe)
    right = "read_dir" if probe.operation is Operation.LIST else RIGHTS[EFFECT_OF[probe.operation]][0]
    return holds(right, old, probe.object[len(new) :].strip("/"), new)


SETTINGS = {"tetragon": Settings(pod_labels=(("app", "agent"),))}
ORACLES: dict[str, Callable[[list[str]], Allows]] = {
    "apparmor": lambda texts: read(texts[0]).allows,
    "seccomp": lambda texts: Profile(texts[0]).allows,
    "tetragon": lambda texts: Tetragon.read(texts[0]).allows,
    "selinux": lambda texts: kernel(texts[0], texts[1]).allows,
}
