"""What the keys of `conditions:` mean."""
from __future__ import annotations

import pytest

from avakill.ir.condition import ALWAYS, And, CommandIn, Contains, ContentScan, Field, Not, PathIn, Scan, ShellSafe
from avakill.paths.glob import Anchor, Glob, Wildcard, tree
from tests.compiler.reading import complaints, condition_of, rule_with, the_rule


def test_the_keys_of_args_match_are_all_asked_and_the_texts_of_one_are_alternatives() -> None:
    assert condition_of("conditions: {args_match: {query: [drop, truncate], table: [users]}}") == And(
        (Contains(Field("query"), ("drop", "truncate")), Contains(Field("table"), ("users",)))
    )


def test_args_not_match_fails_for_any_key() -> None:
    assert condition_of("conditions: {args_not_match: {query: [drop], table: [users]}}") == And(
        (Not(Contains(Field("query"), ("drop",))), Not(Contains(Field("table"), ("users",))))
    )


def test_path_not_match_fails_where_path_match_would_hold() -> None:
    condition = condition_of("conditions: {path_not_match: {path: [/a], cwd: [/b]}}")
    assert condition == Not(And((PathIn(Field("path"), (tree("/a"),)), PathIn(Field("cwd"), (tree("/b"),)))))


@pytest.mark.parametrize("name", ["path", "file_path", "filePath", "filename", "target_file", "absolute_path", "notebook_path"])
def test_an_argument_goes_by_its_canonical_name(name: str) -> None:
    assert condition_of(f"conditions: {{path_match: {{{name}: [/a]}}}}") == PathIn(Field("path"), (tree("/a"),))


def test_paths_of_a_command_line_stay_a_question_to_the_command() -> None:
    assert condition_of("conditions: {path_match: {cmd: [/etc]}}") == PathIn(Field("command"), (tree("/etc"),))


def test_the_marker_is_the_root_of_the_workspace() -> None:
    condition = condition_of("conditions: {path_match: {path: [__workspace__/x, __workspace__, x]}}")
    assert isinstance(condition, PathIn)
    assert condition.globs == (
        Glob(("x",), True, Anchor.WORKSPACE),
        Glob((), True, Anchor.WORKSPACE),
        Glob((Wildcard.DEEP, "x"), True, Anchor.WORKSPACE),
    )


def test_a_rule_s_own_workspace_takes_the_place_of_the_target_s() -> None:
    condition = condition_of("conditions: {workspace: ~/w, path_match: {path: [__workspace__/x, x, a/b, /c]}}")
    assert isinstance(condition, PathIn)
    assert condition.globs == (
        Glob(("w", "x"), True, Anchor.HOME),
        Glob(("w", Wildcard.DEEP, "x"), True, Anchor.HOME),
        Glob(("w", "a", "b"), True, Anchor.HOME),
        tree("/c"),
    )


def test_a_workspace_is_no_pattern() -> None:
    condition = condition_of("conditions: {workspace: '/w*', path_match: {path: [a/b]}}")
    assert condition == PathIn(Field("path"), (tree("/w*/a/b"),))


def test_the_shell_conditions() -> None:
    body = "conditions: {shell_safe: true, command_allowlist: [git, LS], content_scan: [secrets]}"
    assert condition_of(body) == And((ShellSafe(), CommandIn(("git", "LS")), ContentScan((Scan.SECRETS,))))


@pytest.mark.parametrize(
    "body", ["log: true", "conditions:", "conditions: null", "conditions: {}", "conditions: {shell_safe: false}"]
)
def test_a_rule_that_asks_nothing_always_holds(body: str) -> None:
    assert condition_of(body) == ALWAYS


def test_when_is_asked_beside_the_conditions() -> None:
    condition = condition_of("conditions: {shell_safe: true}\nwhen: command contains 'x'")
    assert condition == And((ShellSafe(), Contains(Field("command"), ("x",))))


@pytest.mark.parametrize("key", ["args_match: {a: []}", "args_match: {}", "path_match: {a: []}", "command_allowlist: []"])
def test_what_would_match_nothing_is_an_error(key: str) -> None:
    (said,) = complaints(rule_with(f"conditions: {{{key}}}"))
    assert said.startswith("AVK1108")


def test_an_empty_text_is_in_everything_and_refused() -> None:
    assert complaints(rule_with('conditions: {args_match: {a: [""]}}')) == ['AVK1104 `""` (line 6)']


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [("/a/{b", "{"), ("/a/../b", "."), ("/a/b**", "*"), ("~root/x", "~"), ("/a/[b-a]", "["), ("__workspace__/a}", "}")],
)
def test_a_bad_glob_is_pointed_at_its_character(pattern: str, fault: str) -> None:
    (said,) = complaints(rule_with(f'conditions: {{path_match: {{path: ["{pattern}"]}}}}'))
    assert said == f"AVK1106 `{fault}` (line 6)"


def test_a_test_points_at_its_pattern() -> None:
    condition = condition_of('conditions: {path_match: {path: ["~/.ssh/**"]}}')
    assert isinstance(condition, PathIn)
    assert (condition.span.line, condition.span.column, condition.span.end_column) == (6, 38, 49)


def test_a_rule_points_at_its_name_and_its_tools() -> None:
    rule = the_rule("log: true")
    assert (rule.span.line, rule.span.column, rule.tools_span.line, rule.tools_span.column) == (3, 11, 4, 13)


def test_braces_that_multiply_are_bounded_over_the_whole_policy() -> None:
    patterns = ", ".join(f'"/{number}{"{,a}" * 10}"' for number in range(500))
    (said,) = complaints(rule_with(f"conditions: {{path_match: {{path: [{patterns}]}}}}"))
    assert said.startswith("AVK1005")
