"""Both evaluators give the same answer to every generated call; AVAKILL_SOAK=n asks n times as many."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from avakill.evaluator.context import Context, TableResolver
from avakill.evaluator.decide import decide
from avakill.events.event import make_event
from avakill.ir.condition import (
    Always,
    And,
    CommandIn,
    Condition,
    Contains,
    Equals,
    Field,
    Matches,
    Not,
    Or,
    Ordered,
    Ordering,
    PathIn,
    ShellSafe,
    StartsWith,
)
from avakill.ir.policy import Action, Enforcement, Policy, Rule
from avakill.paths.glob import parse
from tests.evaluator.reference import Asked, Loop, World, outcome

PAIRS = 2_000 * int(os.environ.get("AVAKILL_SOAK", "1"))
CALLS = 10  # of each policy

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)  # explaining a failure takes minutes

HOME, WORKSPACE = "/h", "/h/w"
NAMES = ("a", "b", "k.env", "w", "é")
names = st.sampled_from(NAMES)

equals: st.SearchStrategy[str | int | float] = st.sampled_from(("x", 5, 2.5, True, "5"))

tools = st.sampled_from(("file_read", "file_write", "file_delete", "shell_execute", "web_fetch", "mcp__x"))
patterns = st.sampled_from(("*", "file_*", "file_read", "file_delete", "shell_execute", "mcp__*", "f*e"))
globs = st.builds(
    lambda front, parts, end: front + "/".join(parts) + end,
    st.sampled_from(("/", "~/", "./", "", "/h/", "/h/w/")),
    st.lists(st.sampled_from((*NAMES, "*", "**", "?", "*.env", "[ab]", "[!a]", "{a,b}", "k*")), min_size=1, max_size=3),
    st.sampled_from(("", "/**", "/*")),
)
paths = st.builds(
    lambda front, parts, end: front + "/".join(parts) + end,
    st.sampled_from(("/", "~/", "./", "", "/h/", "/h/w/", "//h/", "../", "/h/w/../")),
    st.lists(st.sampled_from((*NAMES, "..", ".", "")), max_size=4),
    st.sampled_from(("", "/")),
)
words = st.sampled_from(("git", "ls", "rm", "/bin/rm", "RM", "'rm'", '"l"s', "push", "-rf", "'-rf x'", "r\\m"))
runs = st.lists(words, min_size=1, max_size=3).map(" ".join)
joins = st.sampled_from((" ; ", " && ", "|", "\n"))
commands = st.builds(lambda first, rest: first + "".join(rest), runs, st.lists(st.builds(str.__add__, joins, runs), max_size=2))
scalars = st.one_of(st.sampled_from(("x", "X y", "5", "true", "")), st.integers(-3, 9), st.booleans(), st.none(), st.just(2.5))

leaves = st.one_of(
    st.lists(globs, min_size=1, max_size=2).map(
        lambda texts: PathIn(Field("path"), tuple(glob for text in texts for glob in parse(text)))
    ),
    st.sampled_from(("rm", "rm -rf", "git push", "ls")).map(lambda needle: Contains(Field("command"), (needle,))),
    st.sampled_from(("x", "Y", "5", "x y")).map(lambda needle: Contains(Field("v"), (needle,))),
    st.sampled_from(("x", "X")).map(lambda prefix: StartsWith(Field("v"), prefix)),
    st.sampled_from(("^x", "[0-9]", "y$")).map(lambda regex: Matches(Field("v"), regex)),
    st.lists(equals, min_size=1, max_size=2).map(lambda values: Equals(Field("v"), tuple(values))),
    st.builds(Ordered, st.just(Field("v")), st.sampled_from(Ordering), st.integers(0, 6)),
    st.lists(st.sampled_from(("git", "ls", "rm")), min_size=1, max_size=2).map(lambda names: CommandIn(tuple(names))),
    st.just(ShellSafe()),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(st.just(Always()), leaves, leaves, leaves),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=4,
)
rules = st.builds(
    Rule,
    st.just(0),
    st.just("r"),
    st.lists(patterns, min_size=1, max_size=2).map(tuple),
    st.sampled_from(Action),
    conditions,
    st.sampled_from((Enforcement.HARD, Enforcement.HARD, Enforcement.HARD, Enforcement.SOFT, Enforcement.ADVISORY)),
)
policies = st.builds(Policy, st.lists(rules, min_size=1, max_size=5).map(tuple), st.sampled_from((Action.ALLOW, Action.DENY)))


def nested(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(values, values, st.lists(values, min_size=1, max_size=2), st.fixed_dictionaries({"in": values}))


arguments = st.fixed_dictionaries(
    {},
    optional={
        "path": nested(paths),
        "command": st.one_of(commands, commands, st.fixed_dictionaries({"in": commands})),
        "v": nested(scalars),
        "deep": st.lists(st.fixed_dictionaries({}, optional={"path": paths, "v": scalars}), max_size=2),
    },
)
links = st.dictionaries(
    st.sampled_from(("/h/w/a", "/h/w/b", "/h/a", "/h/w", "/a", "/h/w/w/a")),
    st.sampled_from(("/h/b", "/b", "../b", "k.env", "/", "..", "/h/w/k.env")),
    max_size=2,
)

seen: Counter[str] = Counter()


@settings(max_examples=PAIRS // CALLS, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(policies, st.lists(st.tuples(tools, arguments, links), min_size=CALLS, max_size=CALLS))
def test_the_evaluator_agrees_with_the_reference(policy: Policy, calls: list[tuple[str, dict[str, object], dict[str, str]]]) -> None:
    for tool, given_arguments, given_links in calls:
        context = Context(HOME, WORKSPACE, resolver=TableResolver(given_links))
        decision = decide(policy, make_event(tool, given_arguments), context)
        got = "soft" if decision.overridable else str(decision.action)
        if decision.reason.startswith("the "):
            raise AssertionError(decision.reason)
        try:
            wanted = outcome(policy, Asked(tool, given_arguments), World(HOME, WORKSPACE, given_links))
        except Loop:
            continue
        assert got == wanted, (tool, given_arguments, given_links)
        seen[got] += 1


def test_the_generated_calls_have_every_outcome() -> None:
    if sum(seen.values()) >= 1_000:
        assert min(seen[word] for word in ("allow", "require_approval", "soft", "deny")) >= 10, seen
