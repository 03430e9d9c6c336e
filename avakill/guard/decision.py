"""What the guard tells its caller of one call."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter_ns, time_ns
from typing import Any

from avakill.events.ruling import Ruling, Step
from avakill.ir.policy import Action


class Decision:
    """A ruling with its time. One is made for every call, so time and latency are worked out when they are asked for.

    `ruling` is what the policy says after limits, overrides and approvals; `event_id` is the audit trail's, None without a
    trail; `approval_id` is the request that a person can grant, where the action is `require_approval`.
    """

    __slots__ = ("_began", "_ended", "approval_id", "event_id", "retry_after", "ruling")

    def __init__(
        self,
        ruling: Ruling,
        began: int,
        ended: int,
        event_id: str | None = None,
        approval_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """`began` and `ended` are `time.perf_counter_ns()`; `retry_after` is in seconds."""
        self.ruling = ruling
        self._began = began
        self._ended = ended
        self.event_id = event_id
        self.approval_id = approval_id
        self.retry_after = retry_after

    @property
    def allowed(self) -> bool:
        """Whether the call may be made, now. False for an approval that is still to be given."""
        return self.ruling.allowed

    @property
    def action(self) -> Action:
        """`allow`, `deny` or `require_approval`; a string too."""
        return self.ruling.action

    @property
    def policy_name(self) -> str | None:
        """The name of the rule that decided; `self-protection`; None for the default and for what could not be judged."""
        return self.ruling.rule_name

    @property
    def reason(self) -> str:
        return self.ruling.reason

    @property
    def overridable(self) -> bool:
        """Whether `override=True` would allow it: a soft denial."""
        return self.ruling.overridable

    @property
    def notes(self) -> tuple[str, ...]:
        """What advisory rules said."""
        return self.ruling.notes

    @property
    def rule(self) -> int | None:
        """The deciding rule's place in the policy, from 0."""
        return self.ruling.rule

    @property
    def line(self) -> int | None:
        """The deciding rule's line in its file."""
        return self.ruling.span.line or None

    @property
    def file(self) -> str | None:
        return self.ruling.span.path if self.ruling.span.line else None

    @property
    def trace(self) -> tuple[Step, ...]:
        """Why each earlier rule did not decide; only from `Guard.explain`."""
        return self.ruling.trace

    @property
    def timestamp(self) -> datetime:
        """When the call was judged, UTC."""
        return datetime.fromtimestamp((time_ns() - (perf_counter_ns() - self._began)) / 1e9, UTC)

    @property
    def latency_ms(self) -> float:
        return (self._ended - self._began) / 1e6

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "allowed": self.allowed,
            "action": str(self.action),
            "policy_name": self.policy_name,
            "reason": self.reason,
            "rule": self.rule,
            "file": self.file,
            "line": self.line,
            "overridable": self.overridable,
            "notes": list(self.notes),
            "timestamp": self.timestamp.isoformat(),
            "latency_ms": self.latency_ms,
            "event_id": self.event_id,
            "approval_id": self.approval_id,
            "retry_after": self.retry_after,
        }

    def __repr__(self) -> str:
        by = f" by {self.policy_name!r}" if self.policy_name else ""
        return f"<Decision {self.action}{by}: {self.reason}>"
