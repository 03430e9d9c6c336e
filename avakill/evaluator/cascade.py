"""One event against several policies: the strictest of their decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from avakill.evaluator.context import Context
from avakill.evaluator.decide import decide, severity
from avakill.events.event import BadEvent, Event
from avakill.events.ruling import Ruling
from avakill.ir.policy import Policy


@dataclass(frozen=True, slots=True)
class Judged:
    """`ruling` is that of level `level`, with the notes of all. `rulings` are what every level said, the highest first.

    Whoever applies rate limits takes from every level whose rule decided; whoever overrides a soft denial asks
    `after_override`, so that an approval that another level wants is still asked for.
    """

    ruling: Ruling
    level: int
    rulings: tuple[Ruling, ...]


def decide_all(policies: Sequence[Policy], event: Event | BadEvent, context: Context) -> Judged:
    """At least one policy, the highest level first."""
    return strictest(tuple(decide(policy, event, context) for policy in policies))


def strictest(rulings: tuple[Ruling, ...]) -> Judged:
    """Of equals, one that a rule decided before one by default, and the higher level before the lower."""
    level = min(range(len(rulings)), key=lambda at: (-severity(rulings[at]), rulings[at].rule_name is None, at))
    notes = tuple(dict.fromkeys(note for ruling in rulings for note in ruling.notes))
    return Judged(replace(rulings[level], notes=notes), level, rulings)


def after_override(rulings: tuple[Ruling, ...]) -> Judged | None:
    """What is left when a person has overridden the soft denials; None where every level was overridden."""
    left = tuple((at, ruling) for at, ruling in enumerate(rulings) if not ruling.overridable)
    if not left:
        return None
    judged = strictest(tuple(ruling for _, ruling in left))
    return replace(judged, level=left[judged.level][0])
