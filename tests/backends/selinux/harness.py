"""One plan through the backend and its oracle, with what the law says of layers that label inodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from avakill.backends.contract import Lowering, Settings
from avakill.backends.judge import Probe, judgements
from avakill.backends.plan import Plan
from avakill.backends.selinux import BACKEND
from avakill.backends.selinux.claims import LATER
from avakill.backends.selinux.model import Model
from avakill.ir.effect import Effect, Operation
from tests.contract.laws import contradictions, probes
from tests.oracles.selinux import DEVICES, Kernel, kernel

KEPT_BY_LABEL = (Effect.READ, Effect.WRITE, Effect.EXEC, Effect.DELETE)


def lowered(plan: Plan) -> tuple[Lowering[Model], str, str]:
    lowering = BACKEND.lower(plan, Settings())
    te, fc = (artifact.text for artifact in BACKEND.emit(lowering.model))
    return lowering, te, fc


def problems(plan: Plan, lowering: Lowering[Model], te: str, fc: str) -> list[str]:
    """Every contradiction. Witnesses that come later are put to a kernel on which they did."""
    now = tuple(finding for finding in lowering.findings if finding.reason not in LATER)
    later = tuple(finding for finding in lowering.findings if finding.reason in LATER)
    asked = tuple(probe for probe in probes(plan) if not in_device(probe))
    found = [
        text
        for text in contradictions(plan, lowering, answers(plan, kernel(te, fc)), asked)
        if not any("witness is not real" in text and f"({finding.reason})" in text for finding in later) and not is_kept(text)
    ]
    assert len(now) + len(later) == len(lowering.findings)
    names = frozenset(name for f in later if f.witness for name in (f.witness.object, f.witness.to) if name)
    found += contradictions(plan, replace(lowering, findings=later), answers(plan, kernel(te, fc, names)), asked=())
    return found


def answers(plan: Plan, machine: Kernel) -> Callable[[Probe], bool]:
    """The oracle's answer, but that a move which takes the label along has let nothing through (semantics §2)."""

    def allows(probe: Probe) -> bool:
        passes = machine.allows(probe)
        if passes and probe.operation in (Operation.RENAME, Operation.LINK):
            refused = [answer.effect for answer in judgements(plan, probe) if not answer.allowed]
            if refused and all(effect in KEPT_BY_LABEL for effect in refused):
                return False
        return passes

    return allows


def in_device(probe: Probe) -> bool:
    """The worlds of the laws know no devices, and may have a directory of that name."""
    paths = [path for path in (probe.object, probe.to) if path is not None]
    return any(path.startswith(f"{device}/") or (path == device and probe.directory) for path in paths for device in DEVICES)


def is_kept(text: str) -> bool:
    """A move that also takes a new name which f denies, told of what the label keeps closed."""
    moves = "operation=<Operation.RENAME" in text or "operation=<Operation.LINK" in text
    return text.startswith("LEAK") and moves and any(f" {effect}: Probe(" in text for effect in KEPT_BY_LABEL)


def check(plan: Plan) -> tuple[Any, list[str]]:
    lowering, te, fc = lowered(plan)
    return lowering, problems(plan, lowering, te, fc)
