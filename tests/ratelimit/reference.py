"""The law of sliding windows as slow and plain as it can be: lists of times, nothing ever thrown away."""

from __future__ import annotations

from dataclasses import dataclass, field

from avakill.ratelimit.limiter import Taken


@dataclass
class Told:
    now: int = 0
    admitted: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)


class Reference:
    def __init__(self) -> None:
        self.keys: dict[str, Told] = {}

    def take(self, key: str, max_calls: int, window: int, now: int) -> Taken:
        told = self.keys.setdefault(key, Told())
        told.now = max(told.now, now)
        inside = [t for t in told.admitted if t + window > told.now]
        if len(inside) < max_calls:
            told.admitted.append(told.now)
            return Taken(True, len(inside) + 1, 0, row(told.rejected, window, told.now))
        told.rejected.append(told.now)
        return Taken(False, len(inside), wait(inside, max_calls, window, now), row(told.rejected, window, told.now))


def wait(inside: list[int], max_calls: int, window: int, now: int) -> int:
    """The time until so many have left the window that one more may come."""
    return next(t + window - now for t in sorted(inside) if sum(other + window > t + window for other in inside) < max_calls)


def row(times: list[int], window: int, now: int) -> int:
    """How many of the last times follow each other, up to now, by less than a window."""
    count, after = 0, now
    for time in reversed(times):
        if time + window <= after:
            break
        count, after = count + 1, time
    return count
