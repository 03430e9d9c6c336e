"""What a rate limiter is asked and answers, and the law that all of them keep.

A call at t is in the window that ends at `now` while `t + window > now`: calls at t and t + window share none. Time does
not step back for a key: it is the latest that its calls have told. A call over the budget leaves the budget as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LATEST = 2**63 - 1
"""The last nanosecond that SQLite can hold, in the year 2262."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`used` calls are in the window, this one included where `allowed`; with no more calls the next is admitted in `retry_after_ns`.

    `rejected` counts the rejected calls that follow each other within less than a window, this one included: at least
    those in the window, whatever was admitted in between. It is for escalation.
    """

    allowed: bool
    used: int
    retry_after_ns: int = 0
    rejected: int = 0


class LimiterUnavailable(Exception):
    """Nobody can tell what is left of a budget; the call must be denied."""


class Limiter(Protocol):
    """Budgets by key, shared by all who hold the same store."""

    def take(self, key: str, max_calls: int, window_ns: int, now_ns: int) -> Taken:
        """Take one call of the budget `key`, if one is left, in one step that nobody sees half. Raises LimiterUnavailable."""
        ...


def check_question(max_calls: int, window_ns: int, now_ns: int) -> None:
    """Raises LimiterUnavailable for what is no limit or no time."""
    if max_calls < 1 or window_ns < 1:
        raise LimiterUnavailable(f"{max_calls} calls in {window_ns} ns is no limit")
    if not 0 <= now_ns <= LATEST:
        raise LimiterUnavailable(f"the clock says {now_ns} ns, which is no time")
