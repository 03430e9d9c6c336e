"""The engine gives the same ruling as the evaluator without an index, and the outcome of the reference: 200,000 pairs.

AVAKILL_SOAK=n asks n times as many. Policies are hypothesis's; the calls of each come from a seed, since 200 calls cost less
than one policy.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from avakill.enforce.resolver import DiskResolver
from avakill.evaluator.context import Context, TableResolver
from avakill.evaluator.decide import decide
from avakill.evaluator.engine import Engine
from avakill.events.event import make_event
from avakill.ir.condition import Contains, Field, HostIn, PathIn, StartsWith
from avakill.ir.policy import Action, Policy, Rule
from avakill.paths.glob import parse
from tests.evaluator.asking import policy as policy_of
from tests.evaluator.reference import Asked, Loop, World, outcome
from tests.evaluator.test_agrees_with_the_reference import HOME, NAMES, WORKSPACE, policies

PAIRS = int(os.environ.get("AVAKILL_PAIRS", "200000")) * int(os.environ.get("AVAKILL_SOAK", "1"))
CALLS = 250
"""Of each policy."""

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
PROTECTED = ("/h/w/avakill.yaml", "/h/w/avakill.yaml.sig", "/h/k.env/")
TOOLS = ("file_read", "file_read", "file_write", "file_delete", "shell_execute", "web_fetch", "mcp__x", "Read", "file_list")
FRONTS = ("/", "/h/", "/h/w/", "/h/w/", "~/", "./", "", "//h/", "../", "/h/w/../")
PARTS = (*NAMES, *NAMES, "..", ".", "", "avakill.yaml", "$HOME", "x" * 300)
LINKS = ("/h/w/a", "/h/w/b", "/h/a", "/h/w", "/a", "/h/w/w/a")
TARGETS = ("/h/b", "/b", "../b", "k.env", "/", "..", "/h/w/k.env")
WORDS = ("git", "ls", "rm", "/bin/rm", "RM", "'rm'", '"l"s', "push", "-rf", "'-rf x'", "r\\m")
SCALARS = ("x", "X y", "5", "true", "", 0, 3, 5, 9, True, None, 2.5)

seen: Counter[str] = Counter()


def a_path(chance: random.Random) -> str:
    return chance.choice(FRONTS) + "/".join(chance.choices(PARTS, k=chance.randint(0, 4))) + chance.choice(("", "", "", "/"))


def a_plain_path(chance: random.Random) -> str:
    return "/" + "/".join(chance.choices(("h", "w", "a", "b", "k.env", "avakill.yaml", ".x", "a b"), k=chance.randint(1, 5)))


def a_command(chance: random.Random) -> str:
    runs = (" ".join(chance.choices(WORDS, k=chance.randint(1, 3))) for _ in range(chance.randint(1, 3)))
    return chance.choice((" ; ", " && ", "|", "\n")).join(runs)


def nested(chance: random.Random, value: object) -> object:
    return chance.choice((value, value, value, [value], {"in": value}))


def a_call(chance: random.Random) -> tuple[str, dict[str, object]]:
    tool = chance.choice(TOOLS)
    if chance.random() < 0.5:
        found: dict[str, object] = {"path": a_plain_path(chance)}
        if chance.random() < 0.3:
            found["content"] = chance.choice(("x", "rm -rf", "*** Update File: a", "é"))
        return tool, found
    arguments: dict[str, object] = {}
    if chance.random() < 0.6:
        arguments["path"] = nested(chance, a_path(chance))
    if chance.random() < 0.4:
        arguments["command"] = chance.choice((a_command(chance), [a_command(chance)], {"in": a_command(chance)}))
    if chance.random() < 0.4:
        arguments["v"] = nested(chance, chance.choice(SCALARS))
    if chance.random() < 0.2:
        arguments["deep"] = [{"path": a_path(chance), "v": chance.choice(SCALARS)}]
    return tool, arguments


def is_beyond_the_reference(tool: str, arguments: dict[str, object]) -> bool:
    """Whether it has what the reference leaves out: variables, patches, argument vectors, listings of the working directory."""
    text = repr(arguments)
    return tool == "file_list" or "$" in text or "***" in text or isinstance(arguments.get("command"), list)


def some_links(chance: random.Random) -> dict[str, str]:
    return {} if chance.random() < 0.5 else {chance.choice(LINKS): chance.choice(TARGETS) for _ in range(chance.randint(1, 2))}


def numbered(policy: Policy) -> Policy:
    """Generated rules all have the index 0; the engine goes by it."""
    return replace(policy, rules=tuple(replace(rule, index=at) for at, rule in enumerate(policy.rules)))


@settings(max_examples=PAIRS // CALLS, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(policies, st.integers(0, 2**32))
def agree(policy: Policy, seed: int) -> None:
    policy = numbered(policy)
    chance = random.Random(seed)
    links = some_links(chance)
    protected = PROTECTED if chance.random() < 0.5 else ()
    context = Context(HOME, WORKSPACE, resolver=TableResolver(links), protected=protected)
    engine = Engine(policy, context)
    for _ in range(CALLS):
        tool, arguments = a_call(chance)
        ruling = engine.rule(tool, arguments)
        assert ruling == decide(policy, make_event(tool, arguments), context), (tool, arguments, links)
        if protected or ruling.reason.startswith("the call") or is_beyond_the_reference(tool, arguments):
            continue
        try:
            wanted = outcome(policy, Asked(make_event(tool, {}).tool, arguments), World(HOME, WORKSPACE, links))  # type: ignore[union-attr]
        except Loop:
            continue
        got = "soft" if ruling.overridable else str(ruling.action)
        assert got == wanted, (tool, arguments, links)
        seen[got] += 1


def test_the_engine_agrees_with_the_evaluator_and_the_reference() -> None:
    seen.clear()
    agree()
    assert min(seen[word] for word in ("allow", "require_approval", "soft", "deny")) >= PAIRS // 20_000, seen


HOSTS = ("example.org", "*.example.org", "*", "*.org", "a.b", "10.0.0.1", "xn--bcher-kva.example", "EVIL.org.", "::1")
URLS = (
    "https://example.org/x", "http://a.example.org:80", "https://evilexample.org", "//user@example.org", "http://167772161/",
    "https://bücher.example", "example.org.", "ftp://[::1]/", "https://a.b@evil.org", "nonsense", "",
)  # fmt: skip

many = st.builds(
    lambda paths, needles, hosts, default: Policy(
        tuple(
            Rule(at, f"r{at}", ("file_*",), Action.DENY if at % 2 else Action.ALLOW, condition)
            for at, condition in enumerate(
                [PathIn(Field("path"), parse(path)) for path in paths] + [Contains(Field("content"), (needle,)) for needle in needles]
                + [StartsWith(Field("content"), needle) for needle in needles]
                + [HostIn(Field("host"), (host,)) for host in hosts]
            )
        ),
        default,
    ),
    st.lists(
        st.sampled_from(("/h/**", "/h/*/b", "**/k.env", "*.env", "/h/w/**/a*", "a", "/a/b/c", "/h/w", "~/a/**/*.env", "**/[ab]", "/")),
        max_size=30,
    ),
    st.lists(st.text("abAB ", min_size=1, max_size=3), max_size=20),
    st.lists(st.sampled_from(HOSTS), max_size=4),
    st.sampled_from((Action.ALLOW, Action.DENY)),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(many, st.integers(0, 2**32), st.booleans())
def test_an_index_of_many_rules_loses_none(policy: Policy, seed: int, ignores_case: bool) -> None:
    chance = random.Random(seed)
    context = Context(HOME, WORKSPACE, resolver=TableResolver(some_links(chance)), ignores_case=ignores_case)
    engine = Engine(policy, context)
    for _ in range(50):
        arguments = {"path": chance.choice((a_plain_path, a_path))(chance)}
        if chance.random() < 0.5:
            arguments["content"] = "".join(chance.choices("abAB é", k=8))
        if chance.random() < 0.3:
            arguments[chance.choice(("url", "host"))] = chance.choice(URLS)
        assert engine.rule("file_write", arguments) == decide(policy, make_event("file_write", arguments), context)


HOSTILE: list[object] = [
    None, 5, "text", [], [("path", "/a")], {1: 2}, {"path": "\0"}, {"path": "/a\udc80"}, {"path": float("nan")},
    {"path": "/a", "limit": 10**400}, {"path": object()}, {"path": "/a", "content": "\udcff"}, {"path": b"/a"},
]


@pytest.mark.parametrize("arguments", HOSTILE, ids=[str(at) for at in range(len(HOSTILE))])
@pytest.mark.parametrize("tool", ["file_read", "file_write", None, 7, "", " file_read", ["file_read"]], ids=repr)
def test_strange_calls_are_ruled_as_before(tool: object, arguments: object) -> None:
    policy = policy_of("- {name: all, tools: ['*'], action: allow}")
    context = Context(HOME, WORKSPACE, protected=PROTECTED)
    engine = Engine(policy, context)
    engine.rule("file_read", {"path": "/a"})
    for _ in range(2):  # the second time what was seen is known
        assert engine.rule(tool, arguments) == decide(policy, make_event(tool, arguments), context)


def test_objects_that_lie_are_denied() -> None:
    class Liar(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]
            raise RuntimeError("no")

    engine = Engine(policy_of("- {name: all, tools: ['*'], action: allow}"), Context(HOME, WORKSPACE))
    assert not engine.rule("file_read", Liar(path="/a")).allowed


def test_links_of_a_call_are_followed_at_each_call(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "secret/key").touch()
    rules = f"- {{name: no, tools: ['file_*'], action: deny, conditions: {{path_match: {{path: ['{tmp_path}/secret/**']}}}}}}"
    engine = Engine(policy_of(rules, "allow"), Context(HOME, WORKSPACE, resolver=DiskResolver()))
    asked = {"path": f"{tmp_path}/open/key"}
    assert engine.rule("file_read", asked).allowed
    (tmp_path / "open/key").symlink_to(tmp_path / "secret/key")
    assert not engine.rule("file_read", asked).allowed
    (tmp_path / "open/key").unlink()
    (tmp_path / "open/key").symlink_to(tmp_path / "secret/missing")
    assert not engine.rule("file_write", asked).allowed, "a link that leads nowhere makes the file when it is written"
    (tmp_path / "open/key").unlink()
    assert engine.rule("file_write", asked).allowed
    (tmp_path / "open").rmdir()
    (tmp_path / "open").symlink_to("secret")
    assert not engine.rule("file_read", asked).allowed


def test_a_pattern_whose_prefix_is_a_link_holds_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "data/ssh").mkdir(parents=True)
    (tmp_path / "ssh").symlink_to("data/ssh")
    rules = f"- {{name: no, tools: ['file_*'], action: deny, conditions: {{path_match: {{path: ['{tmp_path}/ssh/**']}}}}}}"
    engine = Engine(policy_of(rules, "allow"), Context(HOME, WORKSPACE, resolver=DiskResolver()))
    for place in ("ssh/key", "data/ssh/key", "data/ssh"):
        assert not engine.rule("file_read", {"path": f"{tmp_path}/{place}"}).allowed
    assert engine.rule("file_read", {"path": f"{tmp_path}/data/other"}).allowed


def test_a_link_that_is_made_later_is_seen_when_links_are_looked_at_again(tmp_path: Path) -> None:
    now = [0]
    (tmp_path / "data").mkdir()
    rules = f"- {{name: no, tools: ['file_*'], action: deny, conditions: {{path_match: {{path: ['{tmp_path}/ssh/**']}}}}}}"
    engine = Engine(policy_of(rules, "allow"), Context(HOME, WORKSPACE, resolver=DiskResolver()), lambda: now[0])
    asked = {"path": f"{tmp_path}/data/key"}
    assert engine.rule("file_read", asked).allowed
    (tmp_path / "ssh").symlink_to("data")
    assert engine.rule("file_read", asked).allowed, "until then"
    now[0] = 2 * 10**9
    engine.rule("file_read", asked)
    assert not engine.rule("file_read", asked).allowed


def test_what_is_remembered_is_bounded() -> None:
    engine = Engine(policy_of("- {name: all, tools: ['*'], action: allow}"), Context(HOME, WORKSPACE))
    for number in range(3_000):
        engine.rule(f"tool{number}", {"path": "/a"})
        engine.rule("file_read", {f"path{number}": "/a"})
    known = engine._known
    assert len(known.plans) <= 1_024
    assert len(known.tables) <= 64
    assert all(len(plan.shapes) <= 1_024 for plan in known.plans.values())
