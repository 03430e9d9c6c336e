"""What the guard needs of the world, as protocols; who implements them is decided where the guard is made."""

from __future__ import annotations

from typing import Protocol

from avakill.events.record import Record


class Taken(Protocol):
    """What came of asking for one call's share of a budget."""

    @property
    def allowed(self) -> bool: ...

    @property
    def retry_after_ns(self) -> int: ...


class Limiter(Protocol):
    """Budgets over sliding windows, shared by whoever shares the limiter."""

    def take(self, key: str, max_calls: int, window_ns: int, now_ns: int) -> Taken:
        """Take one call of the budget `key`. Any exception denies the call."""
        ...


class Claim(Protocol):
    """How a request for an approval stands."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> str:
        """`pending`, `approved` (and used up by this very claim), `denied` or `expired`."""
        ...


class Approver(Protocol):
    """People who may allow one call."""

    def ask(
        self,
        tool: str,
        arguments_json: str,
        agent: str | None,
        session: str | None,
        rule: str | None,
        reason: str,
        *,
        policy: str = "",
        cwd: str | None = None,
    ) -> Claim:
        """Claim an approval of exactly this call, or ask for one. Any exception denies the call."""
        ...


class Trail(Protocol):
    """Where decisions are put on record."""

    def record(self, record: Record) -> str:
        """The event's id, once the event outlives this process. Any exception denies the call."""
        ...
