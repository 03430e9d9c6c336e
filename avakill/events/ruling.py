"""What the evaluator answers: a decision, and the steps that led there."""
from __future__ import annotations

from dataclasses import dataclass, field

from avakill.ir.policy import Action
from avakill.source.span import NOWHERE, Span

SELF_PROTECTION = "self-protection"
"""The name that decisions of self-protection bear instead of a rule's."""


@dataclass(frozen=True, slots=True)
class Step:
    """Why one rule did not decide; `span` is the place of the pattern or condition that failed."""

    rule: int
    name: str
    why: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ruling:
    """`rule` is the deciding rule's index; None where self-protection, the default or a failure decided.

    `allowed` is false for an approval that is still to be given. `overridable` is a soft denial. `notes` are the
    advisory rules that held. `trace` is empty unless it was asked for.
    """

    action: Action
    allowed: bool
    reason: str
    rule: int | None = None
    rule_name: str | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    overridable: bool = False
    notes: tuple[str, ...] = ()
    trace: tuple[Step, ...] = ()
