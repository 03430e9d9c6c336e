"""`when:` expressions: what they mean, and where their mistakes are pointed at."""
from __future__ import annotations

from ipaddress import ip_network

import pytest

from avakill.ir.condition import (
    And,
    Condition,
    Contains,
    Equals,
    Field,
    FieldKind,
    HostIn,
    Matches,
    NetworkIn,
    Not,
    Or,
    Ordered,
    Ordering,
    PathIn,
    StartsWith,
)
from avakill.paths.glob import Anchor, Glob, tree
from tests.compiler.reading import complaints, helps, rule_with, when

TOOL = Field("tool", FieldKind.CALL)
COMMAND = Field("command")
HOST = Field("host")


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("tool == 'Bash'", Equals(TOOL, ("shell_execute",))),
        ("tool in ['Read', 'my_tool']", Equals(TOOL, ("file_read", "my_tool"))),
        ("agent != 'ci'", Not(Equals(Field("agent", FieldKind.CALL), ("ci",)))),
        ("args.n == 5", Equals(Field("n"), (5,))),
        ("args.n in [1, 2.5, true, 'x']", Equals(Field("n"), (1, 2.5, True, "x"))),
        ("args.n not in [1]", Not(Equals(Field("n"), (1,)))),
        ("port >= 1024", Ordered(Field("port"), Ordering.GREATER_EQUAL, 1024)),
        ("args.cmd startswith 'git '", StartsWith(COMMAND, "git ")),
        ("command contains ['a', 'b']", Contains(COMMAND, ("a", "b"))),
        ("command not contains 'a'", Not(Contains(COMMAND, ("a",)))),
        ("command matches '^rm\\s'", Matches(COMMAND, r"^rm\s")),
        ("path glob '~/.ssh/**'", PathIn(Field("path"), (Glob((".ssh",), True, Anchor.HOME),))),
        ("path not in glob ['/a', '/b']", Not(PathIn(Field("path"), (tree("/a"), tree("/b"))))),
        ("args.filePath == '/a/*'", PathIn(Field("path"), (Glob(("a", "*")),))),
        ("host host '*.GitHub.com'", HostIn(HOST, ("*.github.com",))),
        ("url in host ['a.org', 'bücher.de']", HostIn(Field("url"), ("a.org", "xn--bcher-kva.de"))),
        ("args.hostname in cidr '10.0.0.0/8'", NetworkIn(HOST, (ip_network("10.0.0.0/8"),))),
        ("args['odd name'] == 1", Equals(Field("odd name"), (1,))),
        ("args.host host 'a.org'", HostIn(HOST, ("a.org",))),
    ],
)
def test_an_expression_means(expression: str, condition: Condition) -> None:
    assert when(expression) == condition


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Contains(COMMAND, (text,)) for text in "abc")
    text = "command contains 'a' or not command contains 'b' and command contains 'c'"
    assert when(text) == Or((a, And((Not(b), c))))
    assert when("(command contains 'a' or command contains 'b') and command contains 'c'") == And((Or((a, b)), c))


def test_a_double_not_is_none() -> None:
    assert when("not not command contains 'a'") == Contains(COMMAND, ("a",))


def test_a_backslash_quotes_quotes_only() -> None:
    assert when(r"""command contains "a\"b\\c\d" """) == Contains(COMMAND, ('a"b\\c\\d',))


@pytest.mark.parametrize(
    ("expression", "complaint", "help"),
    [
        ("tool = 'x'", "AVK1201 `=`", "compare with `==`"),
        ("tool == 'x' && agent == 'y'", "AVK1201 `&`", "write `and`"),
        ("tool == 'x' || agent == 'y'", "AVK1201 `|`", "write `or`"),
        ("tool ==", "AVK1201 `=`", "expected a quoted text, a number, `true`, `false`"),
        ("(tool == 'x'", "AVK1201 `'`", "expected `)`"),
        ("tool == 'x')", "AVK1201 `)`", "a `)` without its `(`"),
        ("tool == 'x", "AVK1201 `'`", "a text that is not closed"),
        ("path == ${HOME}", "AVK1201 `$`", "a variable stands within quotes: \"${NAME}\""),
        ("pth == 'x'", "AVK1202 `pth`", "did you mean `path`?"),
        ("query == 'x'", "AVK1202 `query`", "an argument is `args.query`"),
        ("args.a.b == 'x'", "AVK1202 `args.a.b`", "an argument is found wherever it is nested: `args.b`"),
        ("args == 'x'", "AVK1202 `args`", "write `args.NAME`"),
        ("port == '80'", "AVK1203 `'80'`", ""),
        ("port contains '8'", "AVK1203 `port`", "it can be asked `==`, `!=`, `in`"),
        ("command == 5", "AVK1203 `5`", ""),
        ("args.n < 'x'", "AVK1203 `'x'`", ""),
        ("tool glob 'x'", "AVK1203 `tool`", "it can be asked `==`, `!=`, `in`, `startswith`, `contains`, `matches`"),
        ("command contains ''", "AVK1203 `''`", ""),
        ("command contains 5", "AVK1203 `5`", ""),
        ("host in cidr '10.1.0.0/8'", "AVK1203 `'10.1.0.0/8'`", "the network is `10.0.0.0/8`"),
        ("command matches '(a'", "AVK1107 `'(a'`", ""),
        ("command matches '(?<=a)b'", "AVK1107 `'(?<=a)b'`", "the syntax is RE2's: no look-around and no back-references"),
        ("path glob '/a/{b'", "AVK1106 `{`", ""),
        ("path == '../x'", "AVK1106 `'../x'`", ""),
    ],
)
def test_a_mistake_is_pointed_at(expression: str, complaint: str, help: str) -> None:
    text = rule_with(f"when: {expression}")
    environment = {"HOME": "/h"}
    assert complaints(text, environment) == [f"{complaint} (line 6)"]
    assert helps(text, environment) == [help]


@pytest.mark.parametrize("host", ["https://a.org", "a.org/x", "a..org", "*.*.org", "a*.org", "a.org:80", "a b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    assert complaints(rule_with(f"when: url host '{host}'")) == [f"AVK1203 `'{host}'` (line 6)"]


def test_several_mistakes_of_one_expression_are_all_told() -> None:
    assert len(complaints(rule_with("when: pth == 'x' or port < 'y' or path glob '['"))) == 3


def test_a_mistake_in_a_block_is_pointed_at_on_its_line() -> None:
    text = rule_with("when: >\n  command contains 'a'\n  or comand contains 'b'")
    assert complaints(text) == ["AVK1202 `comand` (line 8)"]


@pytest.mark.parametrize(
    "expression",
    ["(" * 3000 + "tool == 'x'" + ")" * 3000, "not " * 1500 + "tool == 'x'", "tool == 'x' or " * 2000],
    ids=lambda expression: repr(expression[:10]),
)
def test_an_expression_is_bounded(expression: str) -> None:
    (said,) = complaints(rule_with(f"when: {expression}"))
    assert said.startswith("AVK1201")


def test_a_long_flat_expression_is_fine() -> None:
    condition = when(" or ".join(["tool == 'x'"] * 500))
    assert isinstance(condition, Or)
    assert len(condition.parts) == 500
