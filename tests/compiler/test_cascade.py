"""A call must pass every level: a level tightens and never loosens, whatever the levels say."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avakill.compiler.cascade import Cascade, Level, LevelName, check_cascade, flatten, overruled
from avakill.evaluator.cascade import Judged, after_override, decide_all, strictest
from avakill.evaluator.context import Context, TableResolver
from avakill.evaluator.decide import decide, severity
from avakill.events.event import make_event
from avakill.events.ruling import Ruling
from avakill.ir.condition import Always
from avakill.ir.effect import Effect
from avakill.ir.policy import Action, Enforcement, Policy, Rule, ToolEffect
from avakill.source.diagnostic import Bag
from tests.compiler.reading import policy_of
from tests.evaluator import test_agrees_with_the_reference as drawn

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "300"))
MANY = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
HARD = 3

Call = tuple[str, dict[str, object], dict[str, str]]
calls = st.tuples(drawn.tools, drawn.arguments, drawn.links)
fences = st.builds(
    lambda policy: replace(
        policy,
        default=Action.ALLOW,
        rules=tuple(
            rule if rule.enforcement is Enforcement.ADVISORY else replace(rule, action=Action.DENY, enforcement=Enforcement.HARD)
            for rule in policy.rules
        ),
    ),
    drawn.policies,
)
simple = st.builds(
    lambda policy: replace(policy, rules=tuple(replace(rule, condition=Always()) for rule in policy.rules)), drawn.policies
)
levels = st.lists(st.one_of(drawn.policies, fences, fences, simple), min_size=1, max_size=4)


def numbered(policies: list[Policy]) -> tuple[Policy, ...]:
    """Rules that know their place, as the compiler makes them."""
    return tuple(
        replace(policy, rules=tuple(replace(rule, index=at, name=f"{level}.{at}") for at, rule in enumerate(policy.rules)))
        for level, policy in enumerate(policies)
    )


def cascade_of(policies: tuple[Policy, ...]) -> Cascade:
    return Cascade(tuple(Level(name, policy) for name, policy in zip(LevelName, policies, strict=False)))


def each(policies: tuple[Policy, ...], call: Call) -> tuple[Ruling, ...]:
    tool, arguments, links = call
    context = Context(drawn.HOME, drawn.WORKSPACE, resolver=TableResolver(links))
    return tuple(decide(policy, make_event(tool, arguments), context) for policy in policies)


def judged_by(policies: tuple[Policy, ...], call: Call) -> Judged:
    tool, arguments, links = call
    return decide_all(policies, make_event(tool, arguments), Context(drawn.HOME, drawn.WORKSPACE, resolver=TableResolver(links)))


def merged(policies: tuple[Policy, ...], call: Call) -> Ruling:
    return judged_by(policies, call).ruling


@MANY
@given(levels, calls)
def test_no_level_is_loosened_by_another(drawn_levels: list[Policy], call: Call) -> None:
    policies = numbered(drawn_levels)
    decision = merged(policies, call)
    for alone in each(policies, call):
        assert severity(decision) >= severity(alone)
        assert severity(alone) < HARD or (decision.action, decision.overridable) == (Action.DENY, False)
        assert alone.allowed or not decision.allowed


@MANY
@given(levels, calls)
def test_the_decision_is_that_of_some_level(drawn_levels: list[Policy], call: Call) -> None:
    """Nothing is stricter than what some level says, either."""
    policies = numbered(drawn_levels)
    judged = judged_by(policies, call)
    assert replace(judged.ruling, notes=()) == replace(judged.rulings[judged.level], notes=())
    assert judged.rulings == each(policies, call)


@MANY
@given(levels, calls)
def test_the_order_of_levels_changes_no_answer(drawn_levels: list[Policy], call: Call) -> None:
    policies = numbered(drawn_levels)
    other = tuple(reversed(policies))
    one, two = merged(policies, call), merged(other, call)
    assert (one.action, one.allowed, one.overridable) == (two.action, two.allowed, two.overridable)


@MANY
@given(drawn.policies, calls)
def test_one_level_says_what_it_says_alone(policy: Policy, call: Call) -> None:
    (only,) = numbered([policy])
    assert merged((only,), call) == each((only,), call)[0]
    assert flatten(cascade_of((only,))) is only


@MANY
@given(levels, calls)
def test_what_no_rule_matches_is_denied_if_any_default_is(drawn_levels: list[Policy], call: Call) -> None:
    policies = tuple(replace(policy, rules=()) for policy in drawn_levels)
    assert merged(policies, call).allowed == all(policy.default is Action.ALLOW for policy in policies)


flattened: Counter[str] = Counter()


@MANY
@given(st.one_of(levels, st.builds(lambda some, one: [*some, one], st.lists(fences, max_size=2), drawn.policies)), calls)
def test_one_ordered_list_decides_every_call_alike(drawn_levels: list[Policy], call: Call) -> None:
    policies = numbered(drawn_levels)
    flat = flatten(cascade_of(policies))
    flattened["some" if flat else "none"] += 1
    if flat is None:
        return
    one, two = merged(policies, call), each((flat,), call)[0]
    assert (one.action, one.allowed, one.overridable) == (two.action, two.allowed, two.overridable)
    assert [rule.index for rule in flat.rules] == list(range(len(flat.rules)))
    assert sorted(rule.name for rule in flat.rules) == sorted(rule.name for policy in policies for rule in policy.rules)


def test_lists_were_made_and_refused() -> None:
    if sum(flattened.values()) >= 100:
        assert min(flattened["some"], flattened["none"]) >= sum(flattened.values()) // 20, flattened


found: Counter[str] = Counter()


@MANY
@given(st.lists(st.one_of(simple, simple, drawn.policies), min_size=2, max_size=3), st.lists(calls, min_size=5, max_size=5))
def test_an_overruled_rule_never_decides(drawn_levels: list[Policy], some: list[Call]) -> None:
    policies = numbered(drawn_levels)
    never = {one.rule.name for one in overruled(cascade_of(policies))}
    found["overruled"] += len(never)
    for call in some:
        assert merged(policies, call).rule_name not in never


def test_overruled_rules_were_found() -> None:
    if found:
        assert found["overruled"] >= 20


drawn_rulings = st.builds(Ruling, st.sampled_from(Action), st.booleans(), st.just("x"), overridable=st.booleans())


@MANY
@given(st.lists(drawn_rulings, min_size=1, max_size=4))
def test_an_override_lifts_soft_denials_only(rulings: list[Ruling]) -> None:
    left = after_override(tuple(rulings))
    hard = [ruling for ruling in rulings if not ruling.overridable]
    assert (left is None) == (not hard)
    if left is not None:
        assert severity(left.ruling) == max(map(severity, hard))
        assert rulings[left.level] is not None
        assert not rulings[left.level].overridable


# -- by name --

ALLOW_ALL = 'version: "1.0"\ndefault_action: allow\npolicies: []\n'


def level(rules: str, default: str = "allow") -> Policy:
    return policy_of(f'version: "1.0"\ndefault_action: {default}\npolicies:\n{rules}')


NO_SSH = '  - {name: no-ssh, tools: ["file_*"], action: deny, conditions: {path_match: {path: ["~/.ssh/**"]}}}\n'
SSH = '  - {name: ssh, tools: ["file_*"], action: allow, conditions: {path_match: {path: ["~/.ssh/**"]}}}\n'
READS = '  - {name: reads, tools: ["file_read"], action: allow}\n'
NO_READS = '  - {name: no-reads, tools: ["file_*"], action: deny}\n'
ASK = '  - {name: ask, tools: ["file_read"], action: require_approval}\n'
SOFT = '  - {name: soft, tools: ["file_read"], action: deny, enforcement: soft}\n'


def answer(*policies: Policy, tool: str = "file_read", path: str = "~/.ssh/id") -> tuple[str, str | None, int]:
    judged = decide_all(policies, make_event(tool, {"path": path}), Context("/h", "/h/w"))
    return str(judged.ruling.action), judged.ruling.rule_name, judged.level


def test_a_lower_allow_does_not_open_what_a_higher_deny_closes() -> None:
    assert answer(level(NO_SSH), level(SSH)) == ("deny", "no-ssh", 0)
    assert answer(level(NO_SSH), level(SSH), path="x") == ("allow", None, 0)


def test_a_higher_allow_does_not_hide_a_lower_deny() -> None:
    """What plain concatenation gets wrong."""
    assert answer(level(SSH), level(NO_SSH)) == ("deny", "no-ssh", 1)


def test_an_exception_inside_a_level_is_that_levels_own() -> None:
    assert answer(level(SSH + NO_SSH), policy_of(ALLOW_ALL)) == ("allow", "ssh", 0)
    assert answer(level(SSH + NO_SSH), level(NO_SSH)) == ("deny", "no-ssh", 1)


def test_a_default_deny_closes_for_every_level() -> None:
    assert answer(level(SSH, "deny"), level(READS), path="x") == ("deny", None, 0)
    assert answer(level(READS, "deny"), level(READS, "deny"), path="x") == ("allow", "reads", 0)


def test_approvals_and_soft_denials_are_not_loosened_either() -> None:
    assert answer(level(ASK), level(READS)) == ("require_approval", "ask", 0)
    assert answer(level(READS), level(ASK)) == ("require_approval", "ask", 1)
    assert answer(level(SOFT), level(NO_READS)) == ("deny", "no-reads", 1)
    context = Context("/h", "/h/w")
    rulings = decide_all((level(SOFT), level(ASK)), make_event("file_read", {"path": "x"}), context).rulings
    left = after_override(rulings)
    assert left is not None
    assert (left.ruling.rule_name, left.level) == ("ask", 1)


def test_a_level_does_not_hear_another_levels_tools() -> None:
    own = (ToolEffect("peek", frozenset({Effect.READ})),)
    one, two = level(NO_SSH), replace(level(READS), tool_effects=own)
    assert flatten(cascade_of((one, two))) is None
    assert flatten(cascade_of((replace(one, tool_effects=own), two))) is not None


def test_every_decision_names_its_own_file() -> None:
    one = replace(level(NO_SSH), path="a.yaml")
    rules = tuple(replace(rule, span=rule.span._replace(path="b.yaml")) for rule in level(NO_READS).rules)
    two = replace(level(READS), rules=rules, path="b.yaml")
    judged = decide_all((one, two), make_event("file_read", {"path": "x"}), Context("/h", "/h/w"))
    assert (judged.ruling.span.path, judged.ruling.span.line) == ("b.yaml", 4)
    flat = flatten(cascade_of((one, two)))
    assert flat is not None
    assert [rule.span.path for rule in flat.rules] == ["avakill.yaml", "b.yaml"]
    assert flat.path == "a.yaml + b.yaml"


def complaints(*policies: Policy) -> list[str]:
    bag = Bag()
    check_cascade(cascade_of(policies), bag)
    return [f"{item.code} {item.message.split(':')[0]}" for item in bag]


def test_rules_that_never_decide_are_told() -> None:
    never = "AVK6101 rule `reads` of level `{}` can never decide".format
    assert complaints(level(NO_READS), level(READS)) == [never("global")]
    assert complaints(level(READS), level(NO_READS)) == [never("system")]
    assert complaints(level(NO_SSH), level(SSH)) == []  # under a condition: not looked into
    assert complaints(policy_of('version: "1.0"\npolicies: []\n'), level(READS)) == [never("global")]
    assert complaints(level(NO_READS), level(NO_READS)) == [never("global").replace("reads", "no-reads")]
    assert complaints(level(READS), level(READS)) == []


def test_the_strictest_of_one_is_itself() -> None:
    ruling = Ruling(Action.ALLOW, True, "x", notes=("n",))
    assert strictest((ruling,)).ruling == ruling


def test_a_rule_keeps_its_line() -> None:
    (rule,) = level(NO_SSH).rules
    assert isinstance(rule, Rule)
    assert rule.span.line == 4


def test_a_tool_is_not_closed_where_it_is_open_under_its_other_name() -> None:
    """`Read` is `file_read`: a rule for the one may meet a rule for the other."""
    native = Policy((Rule(0, "native", ("rea?",), Action.DENY),), Action.ALLOW)
    other = Policy((Rule(0, "open", ("file_read",), Action.ALLOW), Rule(1, "closed", ("rea?",), Action.DENY)), Action.ALLOW)
    assert list(overruled(cascade_of((other, native)))) == []
    event = make_event("Read", {"path": "x"})
    assert decide_all((other, native), event, Context("/h", "/h/w")).ruling.rule_name == "native"
