"""Policies as hypothesis draws them: holes, denies in holes, overlapping globs, odd names (semantics §7.1)."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import strategies as st

from avakill.backends.plan import Options, Plan, Scope, make_plan
from avakill.ir.condition import (
    ALWAYS,
    And,
    CommandIn,
    Condition,
    Contains,
    ContentScan,
    Equals,
    Field,
    HostIn,
    NetworkIn,
    Not,
    PathIn,
    Scan,
)
from avakill.ir.policy import Action, Enforcement, Policy, Rule
from avakill.ir.target import Program, Target
from avakill.paths.glob import parse
from avakill.source.span import Span

TARGET = Target(
    home="/home/agent",
    workspace="/home/agent/project",
    protected=(
        "/home/agent/.config/avakill/avakill.yaml",
        "/home/agent/.config/avakill/avakill.yaml.sig",
        "/opt/avakill/",
    ),
    programs=(
        Program("git", ("/usr/bin/git", "/lib64/ld-linux-x86-64.so.2")),
        Program("ls", ("/usr/bin/ls", "/lib64/ld-linux-x86-64.so.2")),
    ),
    entry=("/usr/bin/bash", "/lib64/ld-linux-x86-64.so.2"),
    libraries=("/usr/lib",),
)

FILE_TOOLS = ("file_*", "content_search")
READ_TOOLS = ("file_read", "file_list", "file_search", "content_search")
TOOLS = (
    FILE_TOOLS,
    FILE_TOOLS,
    FILE_TOOLS,
    READ_TOOLS,
    ("file_write", "file_edit"),
    ("file_delete",),
    ("*",),
    ("file_write", "file_delete"),
)

PLAIN = ("app", "data", "docs", "secret", "src", "key", "node_modules")
ODD = (
    "a b",
    'q"uote',
    "it's",
    "new\nline",
    "ha#sh",
    "(par)",
    "back\\slash",
    "café",
    "b\udcffd",
    "st*r",
    "wh?t",
    "{br,ace}",
    "[cl]",
    "^hat",
    "@{X}",
    "e\u0301",
    "x" * 200,
    "semi;colon",
    "$HOME",
    "%41",
    "-dash",
    ",",
    "tab\tname",
)
ROOTS = ("/srv", "/home/agent", "/home/agent/project", "/etc", "/data/app")
SUFFIXES = ("*.md", "*.pem", ".env*", "id_*", "?x", "[a-c]*", "[!a]z", "*.tar.*", "a*b")


def quote(name: str) -> str:
    """A name as a pattern that means just it."""
    return "".join("\\" + char if char in "*?[]{}\\~" else char for char in name)


@st.composite
def names(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(ODD) if draw(st.integers(0, 3)) == 0 else st.sampled_from(PLAIN))


@st.composite
def trees(draw: st.DrawFn) -> str:
    """A literal directory as pattern text."""
    root = draw(st.sampled_from(ROOTS))
    return "/".join((root, *(quote(draw(names())) for _ in range(draw(st.integers(1, 2))))))


@st.composite
def patterns(draw: st.DrawFn, tree: str) -> str:
    """A pattern in or beside `tree`."""
    kind = draw(st.integers(0, 9))
    if kind <= 2:
        return tree
    if kind == 3:
        return f"{tree}/{quote(draw(names()))}"
    if kind == 4:
        return f"{tree}/{draw(st.sampled_from(SUFFIXES))}"
    if kind == 5:
        return f"{tree}/**/{draw(st.sampled_from(SUFFIXES))}"
    if kind == 6:
        return f"**/{draw(st.sampled_from(('.env', '*.pem', 'id_rsa', *SUFFIXES)))}"
    if kind == 7:
        return f"{tree}/*/{quote(draw(names()))}"
    if kind == 8:
        return f"{tree}/{{{quote(draw(names()))},{draw(st.sampled_from(SUFFIXES))}}}".replace("\\{", "").replace("\\}", "")
    return f"{tree}/**"


def paths_in(*texts: str) -> PathIn:
    return PathIn(Field("path"), tuple(glob for text in texts for glob in parse(text)))


@st.composite
def file_rules(draw: st.DrawFn) -> list[tuple[tuple[str, ...], Action, Condition]]:
    """A group of rules over one tree, in the shapes that people write."""
    tree = draw(trees())
    hole = f"{tree}/{quote(draw(names()))}"
    inner = f"{hole}/{quote(draw(names()))}"
    tools = draw(st.sampled_from(TOOLS))
    shape = draw(st.integers(0, 11))
    deny, allow = Action.DENY, Action.ALLOW
    if shape <= 2:
        return [(tools, allow, paths_in(hole)), (tools, deny, paths_in(tree))]
    if shape <= 4:
        return [(tools, deny, paths_in(inner)), (tools, allow, paths_in(hole)), (tools, deny, paths_in(tree))]
    if shape == 5:
        return [
            (tools, allow, paths_in(f"{tree}/{draw(st.sampled_from(SUFFIXES))}")),
            (tools, deny, paths_in(draw(patterns(tree)))),
        ]
    if shape <= 7:
        other = draw(st.sampled_from(TOOLS))
        return [(tools, deny, paths_in(draw(patterns(tree)))), (other, deny, paths_in(draw(patterns(tree))))]
    if shape == 8:
        return [(tools, deny, And((paths_in(tree), Not(paths_in(hole)))))]
    if shape == 9:
        seen = And((paths_in(hole), ContentScan((Scan.SECRETS,))))
        return [(tools, allow, seen), (tools, deny, paths_in(tree))]
    if shape == 10:
        return [(tools, deny, Contains(Field("path"), (draw(st.sampled_from((".env", "secret", "/key", "id_rsa"))),)))]
    return [(tools, deny, paths_in(draw(patterns(tree))))]


@st.composite
def other_rules(draw: st.DrawFn) -> list[tuple[tuple[str, ...], Action, Condition]]:
    """Rules about commands, hosts, content, or everything."""
    deny, allow = Action.DENY, Action.ALLOW
    shape = draw(st.integers(0, 9))
    shell, web = ("shell_execute",), ("web_fetch", "web_search")
    if shape == 0:
        return [(shell, deny, Contains(Field("command"), ("rm -rf",)))]
    if shape == 1:
        return [(shell, allow, CommandIn(("git", "ls"))), (shell, deny, ALWAYS)]
    if shape == 2:
        return [(web, deny, ALWAYS)]
    if shape == 3:
        return [(web, allow, HostIn(Field("host"), ("*.example.org",))), (web, deny, ALWAYS)]
    if shape == 4:
        return [(web, deny, NetworkIn(Field("host"), (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))))]
    if shape == 5:
        return [(web, allow, Equals(Field("port"), (443, 8443))), (web, deny, ALWAYS)]
    if shape == 6:
        return [(web, deny, Equals(Field("port"), (22, 25)))]
    if shape == 7:
        return [(("file_write",), draw(st.sampled_from((deny, allow))), ContentScan((Scan.SECRETS,)))]
    if shape == 8:
        return [(draw(st.sampled_from((("*",), FILE_TOOLS, ("file_delete",), shell))), deny, ALWAYS)]
    return [(("database_query",), deny, Contains(Field("query"), ("drop table",)))]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """One to eight rules."""
    groups = draw(st.lists(st.one_of(file_rules(), file_rules(), file_rules(), other_rules()), min_size=1, max_size=4))
    rules: list[Rule] = []
    for tools, action, condition in (entry for group in groups for entry in group):
        soft = draw(st.integers(0, 19)) == 0
        index = len(rules)
        span = Span("policy.yaml", index + 4, 5, index + 4, 40)
        enforcement = Enforcement.SOFT if soft else Enforcement.HARD
        rules.append(Rule(index, f"rule-{index}", tools, action, condition, enforcement, span=span))
    return Policy(tuple(rules), draw(st.sampled_from((Action.DENY, Action.ALLOW))), path="policy.yaml", sha256="0" * 64)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A policy lowered for TARGET with any options."""
    scope = Scope.CLOSED if draw(st.integers(0, 4)) == 0 else Scope.DENY_RULES
    options = Options(scope, strict=draw(st.integers(0, 4)) == 0)
    return make_plan(draw(policies()), TARGET, options)
