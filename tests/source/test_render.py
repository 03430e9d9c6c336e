"""How diagnostics print: for people, and for programs."""
from __future__ import annotations

import json

import pytest

from avakill.source import codes
from avakill.source.diagnostic import Diagnostic, Label, Severity
from avakill.source.file import SourceFile
from avakill.source.formats import to_github, to_json, to_sarif
from avakill.source.render import ANSI, render, render_one, short, visible
from avakill.source.span import Span


def at(line: int, column: int, end: int, path: str = "p.yaml") -> Span:
    return Span(path, line, column, line, end)


def shown(text: str, span: Span, label: str = "") -> list[str]:
    """The source line and its carets, without the frame."""
    item = Diagnostic(codes.BAD_VALUE, Severity.ERROR, "m", span, label)
    lines = render_one(item, {"p.yaml": SourceFile("p.yaml", text)}).split("\n")
    return [line.partition("| ")[2] for line in lines[3:5]]


def test_a_diagnostic_in_full() -> None:
    file = SourceFile("p.yaml", "a: 1\nb: 2\na: 3\n")
    item = Diagnostic(
        codes.DUPLICATE_KEY,
        Severity.ERROR,
        "duplicate key `a`",
        at(3, 1, 2),
        "again",
        (Label(at(1, 1, 2), "first given here"),),
        ("a note",),
        "keep one of them",
    )
    assert render([item], {"p.yaml": file}).split("\n") == [
        "error[AVK1002]: duplicate key `a`",
        " --> p.yaml:3:1",
        "  |",
        "3 | a: 3",
        "  | ^ again",
        "  :",
        "1 | a: 1",
        "  | - first given here",
        "  |",
        "  = a note",
        "  = help: keep one of them",
        "",
        "1 error",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "column", "end", "carets"),
    [
        ("日本: x", 5, 6, "      ^"),
        ("\ta: x", 2, 3, "    ^"),
        ("e\u0301: x", 5, 6, "   ^"),
        ("a: \x1b[31m", 4, 5, "   ^^^^"),
        ("a: 日本", 4, 6, "   ^^^^"),
        ("a:", 3, 3, "  ^"),
    ],
)
def test_carets_stand_under_what_is_meant(text: str, column: int, end: int, carets: str) -> None:
    assert shown(text, at(1, column, end))[1] == carets


def test_control_characters_never_reach_the_terminal() -> None:
    line, _ = shown("a: \x1b]0;x\x07\u202e\x9b", at(1, 1, 2))
    assert line == "a: \\x1b]0;x\\x07\\u202e\\x9b"
    assert visible("a\nb\udc80") == "a\\x0ab\\udc80"


def test_a_long_line_is_cut_around_its_fault() -> None:
    line, carets = shown("x" * 1000 + "FAULT" + "y" * 1000, at(1, 1001, 1006))
    assert len(line) < 200
    assert line[carets.index("^") : carets.rindex("^") + 1] == "FAULT"


def test_a_span_over_lines_is_marked_to_the_end_of_its_first() -> None:
    assert shown("ab cd\nef", Span("p.yaml", 1, 4, 2, 2)) == ["ab cd", "   ^^"]


def test_what_has_no_place_or_no_source_is_told_without() -> None:
    item = Diagnostic(codes.NO_POLICY, Severity.ERROR, "no policy", help="name one")
    assert render_one(item, {}) == "error[AVK5007]: no policy\n  = help: name one\n"
    other = Diagnostic(codes.UNREADABLE, Severity.WARNING, "m", at(1, 1, 2, "gone.yaml"))
    assert render_one(other, {}) == "warning[AVK5001]: m\n --> gone.yaml:1:1\n"


def test_nothing_prints_as_nothing() -> None:
    assert render([], {}) == short([]) == to_github([]) == ""


def test_colour_is_the_caller_s_choice() -> None:
    item = Diagnostic(codes.BAD_VALUE, Severity.ERROR, "m", at(1, 1, 2))
    file = {"p.yaml": SourceFile("p.yaml", "a")}
    assert "\x1b[" in render([item], file, ANSI)
    assert "\x1b[" not in render([item], file)


def test_the_short_form_is_one_line_each() -> None:
    item = Diagnostic(codes.BAD_VALUE, Severity.ERROR, "a\nb", at(2, 3, 4))
    assert short([item, item]) == "p.yaml:2:3: error[AVK1104]: a\\x0ab\n" * 2


def test_json_has_the_place_and_the_help() -> None:
    (read,) = json.loads(to_json([Diagnostic(codes.BAD_VALUE, Severity.ERROR, "m", at(2, 3, 4), help="h")]))
    assert read["code"] == "AVK1104"
    assert read["span"] == {"path": "p.yaml", "line": 2, "column": 3, "end_line": 2, "end_column": 4}
    assert read["help"] == "h"


def test_sarif_names_the_rule_and_the_region() -> None:
    item = Diagnostic(codes.DUPLICATE_KEY, Severity.ERROR, "m", at(2, 3, 4, "a b.yaml"), "", (Label(at(1, 1, 2), "first"),))
    log = json.loads(to_sarif([item], "1.2"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"]["rules"] == [{"id": "AVK1002", "shortDescription": {"text": "a key given twice"}}]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("AVK1002", "error")
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "a%20b.yaml"
    assert physical["region"] == {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 4}
    assert result["relatedLocations"][0]["message"] == {"text": "first"}


def test_github_annotations_are_escaped() -> None:
    item = Diagnostic(codes.BAD_VALUE, Severity.WARNING, "50%\nof", at(2, 3, 5, "a,b:c.yaml"))
    assert to_github([item]) == (
        "::warning file=a%2Cb%3Ac.yaml,line=2,endLine=2,col=3,endColumn=4,"
        "title=AVK1104%3A a value outside what is allowed::50%25%0Aof\n"
    )
