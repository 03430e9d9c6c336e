"""Budgets in this process's memory, which is bounded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from threading import Lock

from avakill.ratelimit.limiter import LimiterUnavailable, Taken, check_question

MAX_KEYS = 10_000
MAX_CALLS = 1_000_000


@dataclass(slots=True)
class _Budget:
    """`calls` are the admitted ones, oldest first; `expires` is when the last of them and of the rejections is forgotten."""

    last: int
    expires: int = 0
    calls: deque[int] = field(default_factory=deque)
    rejected: int = 0
    rejected_at: int = 0


class MemoryLimiter:
    """At most `max_keys` budgets and `max_held` calls at a time. Where they are full, what is expired goes; a live one never does."""

    def __init__(self, max_keys: int = MAX_KEYS, max_held: int = MAX_CALLS) -> None:
        self._max_keys, self._max_held = max_keys, max_held
        self._budgets: dict[str, _Budget] = {}
        self._expiries: list[tuple[int, str]] = []  # one for each budget, never after its real one
        self._held = 0
        self._forgotten = 0  # when the latest of the dropped budgets expired
        self._lock = Lock()

    def take(self, key: str, max_calls: int, window_ns: int, now_ns: int) -> Taken:
        """As `Limiter.take`."""
        check_question(max_calls, window_ns, now_ns)
        with self._lock:
            budget = self._budgets.get(key)
            if budget is None:
                self._make_room(now_ns)
                # What was dropped may have been this key: it must not return under an earlier time.
                budget = self._budgets[key] = _Budget(max(now_ns, self._forgotten))
                heappush(self._expiries, (budget.last, key))
            budget.last = max(budget.last, now_ns)
            budget.expires = max(budget.expires, budget.last + window_ns)
            return self._judge(budget, max_calls, window_ns, now_ns)

    def _judge(self, budget: _Budget, max_calls: int, window_ns: int, now_ns: int) -> Taken:
        now, calls = budget.last, budget.calls
        while calls and calls[0] + window_ns <= now:
            calls.popleft()
            self._held -= 1
        if budget.rejected and budget.rejected_at + window_ns <= now:
            budget.rejected = 0
        used = len(calls)
        if used < max_calls:
            if self._held >= self._max_held:
                self._drop_expired(now_ns)
            if self._held >= self._max_held:
                raise LimiterUnavailable(f"{self._max_held} calls are held, and no budget has expired")
            calls.append(now)
            self._held += 1
            return Taken(True, used + 1, 0, budget.rejected)
        budget.rejected, budget.rejected_at = budget.rejected + 1, now
        return Taken(False, used, calls[used - max_calls] + window_ns - now_ns, budget.rejected)

    def _make_room(self, now_ns: int) -> None:
        if len(self._budgets) >= self._max_keys:
            self._drop_expired(now_ns)
        if len(self._budgets) >= self._max_keys:
            raise LimiterUnavailable(f"{self._max_keys} budgets are live, and none has expired")

    def _drop_expired(self, now_ns: int) -> None:
        while self._expiries and self._expiries[0][0] <= now_ns:
            _, key = heappop(self._expiries)
            budget = self._budgets[key]
            if budget.expires > now_ns:
                heappush(self._expiries, (budget.expires, key))
                continue
            del self._budgets[key]
            self._held -= len(budget.calls)
            self._forgotten = max(self._forgotten, budget.expires)
