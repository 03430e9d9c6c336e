"""Every limiter answers as the reference does, whatever the times; a call at t and one at t + window share no window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from avakill.ratelimit.limiter import Limiter, LimiterUnavailable, Taken
from avakill.ratelimit.memory import MemoryLimiter
from avakill.ratelimit.redis import Clock, RedisLimiter
from avakill.ratelimit.sqlite import SQLiteLimiter
from tests.ratelimit.reference import Reference

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "300"))
SECOND = 10**9
TICK = 10 * SECOND  # what Redis forgets is forgotten by its own clock, so windows are longer than a test
NOW = 1_790_000_000 * SECOND

steps = st.one_of(st.integers(0, 3), st.sampled_from((0, 1, 4, 5, 6, 20, -1, -5, -30)))
calls = st.lists(st.tuples(st.sampled_from("ab"), steps), min_size=1, max_size=40)
limits = st.tuples(st.integers(1, 5), st.integers(1, 6))


@pytest.fixture(params=["memory", "sqlite", "redis"])
def limiter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Limiter]:
    match request.param:
        case "memory":
            yield MemoryLimiter()
        case "sqlite":
            limiter = SQLiteLimiter(tmp_path / "limits.db")
            yield limiter
            limiter.close()
        case _:
            client: Redis = request.getfixturevalue("redis_client")
            yield RedisLimiter(client, clock=Clock.CALLER)


fresh = iter(range(10**9))


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits=limits, calls=calls)
def test_a_limiter_answers_as_the_reference(limiter: Limiter, limits: tuple[int, int], calls: list[tuple[str, int]]) -> None:
    example, reference = next(fresh), Reference()
    max_calls, window = limits[0], limits[1] * TICK
    now = NOW
    for key, step in calls:
        now += step * TICK
        asked = (f"{key}{example}", max_calls, window, now)
        assert limiter.take(*asked) == reference.take(*asked)


@settings(max_examples=EXAMPLES)
@given(limits=limits, calls=st.lists(st.integers(0, 4), max_size=60))
def test_no_window_holds_more_than_the_limit(limits: tuple[int, int], calls: list[int]) -> None:
    limiter, now = MemoryLimiter(), NOW
    max_calls, window = limits
    admitted: list[int] = []
    for step in calls:
        now += step
        if limiter.take("k", max_calls, window, now).allowed:
            admitted.append(now)
    assert all(sum(start <= t < start + window for t in admitted) <= max_calls for start in admitted)


def test_a_window_ends_where_it_says(limiter: Limiter) -> None:
    assert limiter.take("k", 1, TICK, NOW) == Taken(True, 1)
    assert limiter.take("k", 1, TICK, NOW + TICK - 1000) == Taken(False, 1, 1000, 1)
    assert limiter.take("k", 1, TICK, NOW + TICK) == Taken(True, 1, 0, 1)


def test_what_was_rejected_takes_nothing_from_the_budget(limiter: Limiter) -> None:
    limiter.take("k", 1, TICK, NOW)
    told = [limiter.take("k", 1, TICK, NOW + TICK // 2) for _ in range(5)]
    assert [t.rejected for t in told] == [1, 2, 3, 4, 5]
    assert limiter.take("k", 1, TICK, NOW + TICK).allowed


def test_rejections_are_counted_over_what_is_admitted_between_them(limiter: Limiter) -> None:
    """Who goes on at twice the rate is admitted again and again, and must still be seen."""
    told = [limiter.take("k", 2, TICK, NOW + n * TICK // 4) for n in range(17)]
    assert sum(t.allowed for t in told) == 9
    assert told[-1].rejected == 8


def test_rejections_a_window_apart_do_not_follow_each_other(limiter: Limiter) -> None:
    limiter.take("k", 1, TICK, NOW)
    assert limiter.take("k", 1, TICK, NOW + 5000).rejected == 1
    assert limiter.take("k", 1, TICK, NOW + TICK + 4000) == Taken(True, 1, 0, 1)
    assert limiter.take("k", 1, TICK, NOW + TICK + 5000).rejected == 1
    limiter.take("l", 1, TICK, NOW)
    assert limiter.take("l", 1, TICK, NOW + 5000).rejected == 1
    assert limiter.take("l", 1, TICK, NOW + TICK + 5000) == Taken(True, 1, 0, 0)


def test_a_clock_that_steps_back_gives_nothing_anew(limiter: Limiter) -> None:
    assert limiter.take("k", 2, TICK, NOW).allowed
    assert limiter.take("k", 2, TICK, NOW - 100 * TICK).allowed
    told = limiter.take("k", 2, TICK, NOW - 100 * TICK)
    assert (told.allowed, told.retry_after_ns) == (False, 101 * TICK)
    assert not limiter.take("k", 2, TICK, NOW + TICK - 1000).allowed
    assert limiter.take("k", 2, TICK, NOW + TICK).allowed


def test_a_limit_that_shrinks_waits_for_the_calls_over_it(limiter: Limiter) -> None:
    for n in range(4):
        limiter.take("k", 4, TICK, NOW + n * 1000)
    assert limiter.take("k", 2, TICK, NOW + 5000) == Taken(False, 4, TICK + 2000 - 5000, 1)
    assert not limiter.take("k", 2, TICK, NOW + TICK + 1000).allowed
    assert limiter.take("k", 2, TICK, NOW + TICK + 2000).allowed


def test_the_largest_limits_of_a_policy_are_limits(limiter: Limiter) -> None:
    longest = 999_999_999 * 3600 * SECOND
    assert limiter.take("k", 2**31 - 1, longest, NOW) == Taken(True, 1)
    assert limiter.take("k", 1, longest, NOW + TICK).allowed is False


@pytest.mark.parametrize(
    ("max_calls", "window", "now"), [(0, 1, 1), (-1, 1, 1), (1, 0, 1), (1, -5, 1), (1, 1, -1), (1, 1, 2**63), (1, 1, 10**40)]
)
def test_what_is_no_limit_or_no_time_is_refused(limiter: Limiter, max_calls: int, window: int, now: int) -> None:
    with pytest.raises(LimiterUnavailable):
        limiter.take("k", max_calls, window, now)
