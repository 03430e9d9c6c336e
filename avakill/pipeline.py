"""Policy + target + backends → a build: artifacts with verdicts, held against what was required."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from avakill.backends.contract import Artifact, Backend, Lowering, Settings
from avakill.backends.plan import SELF_PROTECTION, Options, Plan, Row, make_plan
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.policy import Policy, Requirement
from avakill.ir.target import Target
from avakill.ir.verdict import Finding, Verdict, combine
from avakill.source import codes
from avakill.source.collector import collector_paused
from avakill.source.diagnostic import Bag, Diagnostic, Label

SAFE = (Verdict.EXACT, Verdict.STRICTER)
OPEN = (Verdict.WEAKER, Verdict.UNENFORCEABLE)
STACKS: dict[str, tuple[str, ...]] = {
    "linux-apparmor": ("landlock", "apparmor", "tetragon", "seccomp"),
    "linux-selinux": ("landlock", "selinux", "tetragon", "seccomp"),
    "macos": ("sbpl",),
}
"""The backends that can stand together on one system: AppArmor and SELinux exclude each other (both are the
exclusive major LSM of Linux up to 6.18)."""


class RowVerdict(NamedTuple):
    """What one target does of one row: the verdict, the findings behind it, and what it cannot see at all."""

    row: Row
    verdict: Verdict
    blind: tuple[Operation, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Emission:
    """One backend's part of a build."""

    backend: Backend[Any]
    lowering: Lowering[Any]
    artifacts: tuple[Artifact, ...]
    rows: tuple[RowVerdict, ...]


@dataclass(frozen=True, slots=True)
class Build:
    """What came of one policy for one target."""

    plan: Plan
    emissions: tuple[Emission, ...]
    diagnostics: tuple[Diagnostic, ...]

    def verdict(self, backend: str, index: int) -> RowVerdict:
        emission = next(e for e in self.emissions if e.backend.name == backend)
        return next(row for row in emission.rows if row.row.index == index)


def build(
    policy: Policy,
    target: Target,
    backends: Iterable[Backend[Any]],
    options: Options = Options(),
    settings: Settings = Settings(),
    require: Requirement | None = None,
) -> Build:
    """Lower `policy` by each backend and hold the verdicts against what is required. A backend that raises is a bug of
    its own: it gets a diagnostic, the others go on."""
    bag = Bag()
    with collector_paused():
        plan = make_plan(policy, target, options)
        emissions = tuple([e for backend in backends if (e := _emission(plan, backend, settings, bag)) is not None])
    if not any(layer.denies and layer.index != SELF_PROTECTION for layers in plan.layers.values() for layer in layers):
        bag.warning(
            codes.NOTHING_TO_LOWER,
            "no rule of this policy can be enforced by a kernel",
            help="the artifacts protect avakill's own files, or are no-ops that say so; the evaluator still judges each call",
        )
    bag.extend(_lint(plan))
    bag.extend(_unmet(plan, emissions, require))
    return Build(plan, emissions, tuple(bag))


def _emission(plan: Plan, backend: Backend[Any], settings: Settings, bag: Bag) -> Emission | None:
    try:
        lowering = backend.lower(plan, settings)
        return Emission(backend, lowering, backend.emit(lowering.model), row_verdicts(plan, lowering))
    except Exception as fault:  # a stranger's backend may raise anything; the others must still answer
        bag.error(
            codes.BROKEN_PLUGIN,
            f"the backend `{backend.name}` failed: {type(fault).__name__}: {fault}",
            help="this is a bug of the backend: please report it with the policy that shows it",
        )
        return None


def row_verdicts(plan: Plan, lowering: Lowering[Any]) -> tuple[RowVerdict, ...]:
    """Every row, in the plan's order, with what all targets must confess and what this one adds."""
    by_row: dict[int, list[Finding]] = {row.index: [] for row in plan.rows}
    for finding in (*plan.findings, *lowering.findings):
        by_row[finding.index].append(finding)
    blind = lowering.blind.get
    return tuple(
        [
            RowVerdict(row, combine(row.effects, found), blind(row.index, ()), tuple(found))
            for row, found in zip(plan.rows, by_row.values(), strict=True)
        ]
    )


def _lint(plan: Plan) -> Iterable[Diagnostic]:
    """One warning for all denies of an effect that another tool may still have (semantics §3)."""
    bag = Bag()
    split = [finding for finding in plan.findings if finding.verdict is Verdict.EXACT]
    if split:
        more = tuple(Label(finding.span, "this rule too") for finding in split[1:4])
        bag.warning(
            codes.SPLIT_EFFECTS,
            split[0].reason,
            split[0].span,
            *more,
            help="deny all the tools that have the effect (`file_*` covers every file tool), or accept the difference",
        )
    return bag


# -- the coverage gate --


def _unmet(plan: Plan, emissions: tuple[Emission, ...], require: Requirement | None) -> Iterable[Diagnostic]:
    bag = Bag()
    for at, row in enumerate(plan.rows):
        own = plan.policy.rules[row.index].require if row.index >= 0 else None
        for wanted in dict.fromkeys(r for r in (require, own) if r is not None):
            verdicts = [(e.backend.name, e.rows[at]) for e in emissions]
            missed = [(name, verdict) for name, verdict in verdicts if not meets(verdict, wanted)]
            everyone = wanted in (Requirement.SAFE_ALL, Requirement.EXACT_ALL)
            if missed and (everyone or len(missed) == len(verdicts)):
                _complain(bag, row, wanted, missed)
    return bag


def meets(verdict: RowVerdict, wanted: Requirement) -> bool:
    """`safe`: EXACT or STRICTER, blind in nothing but ATTR. `exact`: EXACT, blind in nothing."""
    if wanted in (Requirement.EXACT, Requirement.EXACT_ALL):
        return verdict.verdict is Verdict.EXACT and not verdict.blind
    return verdict.verdict in SAFE and all(operation is Operation.ATTR for operation in verdict.blind)


def _complain(bag: Bag, row: Row, wanted: Requirement, missed: list[tuple[str, RowVerdict]]) -> None:
    word = "exactly" if wanted in (Requirement.EXACT, Requirement.EXACT_ALL) else "safely"
    best = min(missed, key=lambda item: list(Verdict).index(item[1].verdict))
    reason = next((f.reason for f in best[1].findings if f.verdict is best[1].verdict), "")
    blind = f"; blind: {', '.join(best[1].blind)}" if best[1].blind else ""
    names = ", ".join(f"`{name}`" for name, _ in missed)
    bag.error(
        codes.NOT_ENFORCED,
        f"{names} cannot enforce rule `{row.name}` {word}",
        row.span if row.span.line else None,
        label=f"best is {best[1].verdict} by {best[0]}{blind}",
        help=reason or "see the report for what is missing",
    )


# -- what stands together --


class StackVerdict(NamedTuple):
    """What several layers do of one row together: a leak must leak through all, an over-denial of any counts."""

    row: Row
    verdict: Verdict
    blind: tuple[Operation, ...]


def stacks(made: Build) -> dict[str, tuple[tuple[str, ...], tuple[StackVerdict, ...]]]:
    """For each system, the selected backends that stand together there and each row's verdict."""
    result = {}
    for system, names in STACKS.items():
        members = tuple(e for name in names for e in made.emissions if e.backend.name == name)
        if members:
            each = zip(made.plan.rows, *(member.rows for member in members), strict=True)
            rows = tuple([_stacked(row, answers) for row, *answers in each])
            result[system] = (tuple(e.backend.name for e in members), rows)
    return result


_Leak = tuple[Verdict, frozenset[Effect]]
"""A leak that a layer confesses, and the effects that it is about: none is all of them."""


def _stacked(row: Row, answers: Sequence[RowVerdict]) -> StackVerdict:
    if not row.effects or not row.denies:
        verdict = max((a.verdict for a in answers), key=list(Verdict).index, default=Verdict.EXACT)
        return StackVerdict(row, verdict, ())
    said = [(a.blind, tuple([(f.verdict, f.effects) for f in a.findings if f.verdict in OPEN])) for a in answers]
    verdict, blind = _together(row.effects, tuple(said))
    if verdict is Verdict.EXACT and any(f.verdict is Verdict.STRICTER for a in answers for f in a.findings):
        verdict = Verdict.STRICTER
    return StackVerdict(row, verdict, blind)


@lru_cache(maxsize=4096)  # of thousands of rows most say the same
def _together(
    effects: frozenset[Effect], said: tuple[tuple[tuple[Operation, ...], tuple[_Leak, ...]], ...]
) -> tuple[Verdict, tuple[Operation, ...]]:
    """What layers, each with what it is blind in and its leaks, do of a deny of `effects`; EXACT is exact or stricter."""
    open_effects: set[Effect] = set()
    unsaid: set[Effect] = set()
    blind: set[Operation] = set()
    for effect in effects:
        worst = [_leak(leaks, effect) for _, leaks in said]
        holding = [unseen for (unseen, _), leak in zip(said, worst, strict=True) if leak is None]
        if not holding:
            open_effects.add(effect)
            if all(leak is Verdict.UNENFORCEABLE for leak in worst):
                unsaid.add(effect)
        else:
            blind.update(op for op in OPERATIONS_OF[effect] if all(op in unseen for unseen in holding))
    if unsaid == effects:
        return Verdict.UNENFORCEABLE, ()
    return Verdict.WEAKER if open_effects else Verdict.EXACT, tuple(op for op in Operation if op in blind)


def _leak(leaks: tuple[_Leak, ...], effect: Effect) -> Verdict | None:
    """The worst leak of an effect, or None."""
    return max((verdict for verdict, of in leaks if not of or effect in of), key=list(Verdict).index, default=None)
