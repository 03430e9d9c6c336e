"""Memory stays bounded, and a bound never hands out a budget."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.ratelimit.limiter import LimiterUnavailable
from avakill.ratelimit.memory import MemoryLimiter
from tests.ratelimit.reference import Reference

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "300"))


def test_where_budgets_are_full_the_expired_go_and_no_live_one() -> None:
    limiter = MemoryLimiter(max_keys=2)
    assert limiter.take("a", 1, 10, 100).allowed
    assert limiter.take("b", 1, 100, 100).allowed
    with pytest.raises(LimiterUnavailable, match="2 budgets are live"):
        limiter.take("c", 1, 10, 109)
    assert limiter.take("c", 1, 10, 110).allowed
    assert not limiter.take("b", 1, 100, 199).allowed


def test_calls_held_are_bounded_too() -> None:
    limiter = MemoryLimiter(max_held=3)
    for now in (1, 2, 3):
        assert limiter.take("a", 10, 10, now).allowed
    with pytest.raises(LimiterUnavailable, match="3 calls are held"):
        limiter.take("b", 1, 10, 4)
    assert limiter.take("b", 1, 10, 13).allowed


def test_a_dropped_budget_returns_no_earlier_than_it_went() -> None:
    """Else a clock that steps back would have its window begin, and end, before the one that was dropped had ended."""
    limiter = MemoryLimiter(max_keys=2)
    assert limiter.take("a", 1, 10, 100).allowed
    assert limiter.take("c", 1, 10, 100).allowed
    assert limiter.take("b", 1, 10, 110).allowed  # both others go
    assert limiter.take("a", 1, 10, 105).allowed
    assert not limiter.take("a", 1, 10, 119).allowed
    assert limiter.take("a", 1, 10, 120).allowed


def test_a_clock_that_steps_back_makes_no_budget_expire_earlier() -> None:
    limiter = MemoryLimiter(max_keys=1)
    assert limiter.take("a", 1, 10, 100).allowed
    assert not limiter.take("a", 1, 10, 90).allowed
    with pytest.raises(LimiterUnavailable):
        limiter.take("b", 1, 10, 105)
    assert not limiter.take("a", 1, 10, 105).allowed


@settings(max_examples=EXAMPLES)
@given(
    keys=st.integers(1, 3),
    held=st.integers(1, 6),
    limit=st.tuples(st.integers(1, 3), st.integers(1, 6)),
    calls=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), max_size=60),
)
def test_full_or_not_the_answer_is_the_references_or_none(
    keys: int, held: int, limit: tuple[int, int], calls: list[tuple[str, int]]
) -> None:
    limiter, reference = MemoryLimiter(keys, held), Reference()
    now = 0
    for key, step in calls:
        now += step
        try:
            told = limiter.take(key, *limit, now)
        except LimiterUnavailable:
            continue
        assert (told.allowed, told.used) == (lambda r: (r.allowed, r.used))(reference.take(key, *limit, now))
        assert len(limiter._budgets) <= keys
        assert limiter._held == sum(len(budget.calls) for budget in limiter._budgets.values()) <= held
