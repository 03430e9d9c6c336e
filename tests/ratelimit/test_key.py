"""A key tells budgets apart by what counts, and by nothing that a caller may write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avakill.ratelimit.key import By, limit_key

names = st.text(st.sampled_from("ab:-.1|\0\ud800\udc00é"), max_size=4)
some = st.one_of(st.none(), names)
parts = st.tuples(st.integers(0, 12), names, names, some, some, st.sampled_from(By), names)


def key(told: tuple[int, str, str, str | None, str | None, By, str]) -> str:
    return limit_key(*told[:6], scope=told[6])


def counted(told: tuple[int, str, str, str | None, str | None, By, str]) -> tuple[object, ...]:
    index, rule, tool, agent, session, by, scope = told
    own: dict[By, tuple[str | None, ...]] = {By.RULE: (), By.TOOL: (tool,), By.AGENT: (tool, agent), By.SESSION: (tool, session)}
    return index, rule, by, scope, own[by]


@given(parts, parts)
def test_two_keys_are_one_where_all_that_counts_is_one(
    one: tuple[int, str, str, str | None, str | None, By, str], two: tuple[int, str, str, str | None, str | None, By, str]
) -> None:
    assert (key(one) == key(two)) == (counted(one) == counted(two))


def test_another_name_of_the_agent_or_session_is_no_budget_more() -> None:
    assert len({limit_key(0, "r", "t", agent, session) for agent in ("a", "b", None) for session in ("x", None)}) == 1


def test_the_case_of_a_tool_is_no_budget_more() -> None:
    assert limit_key(0, "r", "Export_CSV", None, None) == limit_key(0, "r", "export_csv", None, None)


def test_a_separator_in_a_name_is_a_name() -> None:
    assert limit_key(0, "a", "b:1:c", None, None) != limit_key(0, "a1:b", "c", None, None)
    assert limit_key(0, "b", "t", None, None, scope="a:") != limit_key(0, ":b", "t", None, None, scope="a")
    assert limit_key(0, "r", "a:", "b", None, By.AGENT) != limit_key(0, "r", "a", ":b", None, By.AGENT)
    assert limit_key(1, "1", "t", None, None) != limit_key(11, "", "t", None, None)
    assert limit_key(0, "r", "t", "-", None, By.AGENT) != limit_key(0, "r", "t", None, None, By.AGENT)


def test_a_long_name_makes_no_long_key() -> None:
    assert len(limit_key(0, "r" * 10**6, "t" * 10**6, None, None)) < 100
