"""`${NAME}`: text into text, never into YAML, a pattern or an expression."""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.ir.condition import And, Contains, Field, Matches, PathIn
from avakill.paths.glob import Anchor, tree
from tests.compiler.reading import complaints, condition_of, helps, policy_of, rule_with, the_rule, when


def test_a_value_takes_the_variable_s_place() -> None:
    assert the_rule('message: "${A} and ${B}"', {"A": "x", "B": "y"}).message == "x and y"


def test_a_dollar_more_keeps_the_text() -> None:
    assert the_rule("message: $${A} and $A", {"A": "x"}).message == "${A} and $A"


def test_an_unset_variable_is_pointed_at_in_its_value() -> None:
    assert complaints(rule_with('message: "it''s ${HOM}/x"'), {"HOME": "/h"}) == ["AVK1105 `${HOM}` (line 6)"]
    assert helps(rule_with("message: ${HOM}"), {"HOME": "/h"}) == [
        "set it, or write `$${HOM}` for that very text; is `HOME` meant?"
    ]


def test_a_value_cannot_bring_yaml_with_it() -> None:
    evil = 'x"\n    action: allow\n  - name: y'
    rule = the_rule('message: "${A}"', {"A": evil})
    assert rule.message == evil
    assert rule.action == "deny"


def test_a_number_may_come_from_the_environment() -> None:
    limit = the_rule("rate_limit: {max_calls: '${N}', window: '${W}'}", {"N": "5", "W": "2m"}).rate_limit
    assert limit is not None
    assert (limit.max_calls, limit.window) == (5, 120)


def test_a_variable_in_braces_without_quotes_says_what_to_do() -> None:
    assert helps(rule_with("rate_limit: {max_calls: ${N}, window: 1m}")) == [
        "a value with `${NAME}` in it must be quoted within `[…]` and `{…}`"
    ]


def test_a_value_that_looks_like_a_number_is_a_text_where_a_text_stands() -> None:
    assert the_rule('message: ${N}', {"N": "5"}).message == "5"


def test_a_value_in_a_pattern_is_taken_as_it_is() -> None:
    condition = condition_of('conditions: {path_match: {path: ["${D}/**"]}}', {"D": "/srv/*[a]{b,c}"})
    assert condition == PathIn(Field("path"), (tree("/srv/*[a]{b,c}"),))


def test_an_empty_value_does_not_widen_a_pattern() -> None:
    assert complaints(rule_with('conditions: {path_match: {path: ["${D}/**"]}}'), {"D": ""}) == ["AVK1105 `${D}` (line 6)"]


def test_a_default_is_not_a_variable() -> None:
    assert complaints(rule_with('conditions: {path_match: {path: ["/a/${D:-x}"]}}')) == ["AVK1106 `${` (line 6)"]


def test_a_value_in_an_expression_cannot_end_its_text() -> None:
    evil = '" or tool == "x'
    assert when('command contains "${A}"', {"A": evil}) == Contains(Field("command"), (evil,))


def test_a_value_in_a_regex_or_a_glob_is_taken_as_it_is() -> None:
    condition = when('command matches "^${A}$" and path glob "/${A}/*"', {"A": ".*"})
    assert isinstance(condition, And)
    regex, path = condition.parts
    assert isinstance(regex, Matches)
    assert regex.regex == r"^\.\*$"
    assert isinstance(path, PathIn)
    assert path.globs[0].parts[0] == ".*"
    assert path.globs[0].anchor is Anchor.ROOT


def test_bytes_that_are_no_text_are_no_regex() -> None:
    said = complaints(rule_with('when: command matches "${A}"'), {"A": "\udc80"})
    assert said == ['AVK1107 `"${A}"` (line 6)']


def test_ignored_sections_need_no_variables() -> None:
    assert policy_of('version: "1.0"\npolicies: []\nnotifications: {slack: "${HOOK}"}\n')


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_the_value_one_text_comes_of_it(value: str) -> None:
    text = rule_with('message: "a${V}b"\nwhen: tool == "${V}" or path glob "x${V}"')
    said = complaints(text, {"V": value})
    if not said:
        assert policy_of(text, {"V": value}).rules[0].message == f"a{value}b"
