"""Landlock on this machine: what it would do (dry run), and doing it to the current process and the command it becomes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from avakill.backends.contract import Lowering
from avakill.backends.landlock.expand import Expansion, expand
from avakill.backends.landlock.expanded import expanded_findings
from avakill.backends.landlock.model import Model
from avakill.backends.plan import SELF_PROTECTION, Plan
from avakill.enforce import kernel, programs
from avakill.enforce.host import HostTree
from avakill.enforce.kernel import Refusal, Refused
from avakill.enforce.residue import Residue, residues
from avakill.ir.verdict import Finding

SET_UP_FAILED = 126
NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class DryRun:
    """What applying a plan here would do. `lowering` carries the findings as they are on this machine, for the same report.

    `residues` are ways around the layer that this machine offers; `warnings` are for the user's eyes before start.
    """

    expansion: Expansion
    lowering: Lowering[Model]
    residues: tuple[Residue, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.lowering.findings


def dry_run(plan: Plan, lowering: Lowering[Model], environ: Mapping[str, str] = os.environ) -> DryRun | Refusal:
    """Expands the plan on this machine; nothing is restricted. A kernel without Landlock gives a Refusal."""
    refusal = kernel.missing()
    if refusal is not None:
        return refusal
    tree = HostTree()
    expansion = expand(lowering.model, tree, kernel.abi())
    findings = expanded_findings(plan, lowering.findings, expansion, tree)
    facts = {**lowering.facts, "abi": expansion.abi, "grants": len(expansion.grants), "walked": expansion.walked}
    precise = Lowering(lowering.model, findings, lowering.blind, facts)
    return DryRun(expansion, precise, residues(plan, expansion, environ), tuple(_warnings(plan, expansion)))


def _warnings(plan: Plan, expansion: Expansion) -> list[str]:
    found: list[str] = []
    workspace = plan.target.workspace
    if any(split.path == workspace and SELF_PROTECTION in split.rows for split in expansion.splits):
        found.append(
            f"the policy file stands in the workspace `{workspace}`, so no entry can be made or removed directly in it; "
            "keep it in `~/.config/avakill/`"
        )
    if any(split.path == workspace and SELF_PROTECTION not in split.rows for split in expansion.splits):
        found.append(f"something denied stands directly in the workspace `{workspace}`: see what is lost there")
    for place in expansion.unwalked:
        found.append(f"the search for files at any depth ended at `{place.path}` ({place.reason})")
    if expansion.is_nothing:
        found.append("the policy denies nothing that landlock can restrict: the command runs unconfined")
    return found


def apply(expansion: Expansion) -> Refusal | None:
    """Restricts the current thread (call it while there is only one) and all its future children, for good."""
    refusal = kernel.missing()
    if refusal is not None:
        return refusal
    try:
        kernel.restrict(expansion)
    except Refused as refused:
        return refused.refusal
    return None


def no_more() -> Refusal | None:
    """No layer beside Landlock."""
    return None


def launch(
    expansion: Expansion,
    command: Sequence[str],
    environ: Mapping[str, str] = os.environ,
    also: Callable[[], Refusal | None] = no_more,
) -> Refusal:
    """Becomes `command`, restricted; `also` puts further layers on, after Landlock's.

    Returns only on failure: the Refusal, whose exit status is `exit_status_of`.

    The command replaces this process, so its exit status and signals are its own. Descriptors beyond 2 are closed:
    what is open already stays usable in any domain.
    """
    found = programs.find(command[0], environ.get("PATH", os.defpath))
    if found is None:
        return Refusal(f"`{command[0]}` is not a program that can be found", NOT_FOUND_HELP)
    _close_inherited()
    refusal = apply(expansion) or also()
    if refusal is not None:
        return refusal
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(found, list(command), dict(environ))
    except OSError as error:
        return Refusal(f"`{found}` could not be started: {error.strerror}", "the policy may deny running or reading it")


NOT_FOUND_HELP = "give its path, or put its directory into PATH"


def exit_status_of(refusal: Refusal) -> int:
    """As shells have it: 127 where the command was not found, 126 where it could not be started as asked."""
    return NOT_FOUND if refusal.help == NOT_FOUND_HELP else SET_UP_FAILED


def _close_inherited() -> None:
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > 2:
            try:
                os.set_inheritable(fd, False)
            except OSError:
                continue
