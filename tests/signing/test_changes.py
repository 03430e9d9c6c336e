"""What a review says has changed has changed, and its example calls show it."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from avakill.evaluator.context import Context
from avakill.evaluator.decide import decide
from avakill.events.event import make_event
from avakill.ir.condition import Field, PathIn
from avakill.ir.policy import Action, Policy
from avakill.paths.glob import parse
from avakill.signing.changes import compare, example_path
from tests.compiler.reading import policy_of
from tests.contract import generate
from tests.evaluator import test_agrees_with_the_reference as drawn

MANY = settings(max_examples=int(os.environ.get("AVAKILL_EXAMPLES", "60")), suppress_health_check=list(HealthCheck))
CONTEXT = Context("/h", "/h/w")


def _numbered(policy: Policy) -> Policy:
    """Rules that know their place, as the compiler makes them."""
    return replace(policy, rules=tuple(replace(rule, index=at) for at, rule in enumerate(policy.rules)))


@MANY
@given(drawn.policies, drawn.policies)
def test_each_example_is_answered_otherwise(before: Policy, after: Policy) -> None:
    before, after = _numbered(before), _numbered(after)
    changes = compare(before, after, CONTEXT)
    for one in changes.answers:
        old, new = decide(before, one.event, CONTEXT), decide(after, one.event, CONTEXT)
        assert (old.action, new.action) == (one.before, one.after)
        assert (old.action, old.overridable) != (new.action, new.overridable)
    assert changes.tried >= len(changes.answers)
    assert not (changes.answers and changes.are_none)


@MANY
@given(generate.policies())
def test_a_policy_changes_nothing_against_itself(policy: Policy) -> None:
    changes = compare(policy, policy, CONTEXT)
    assert changes.are_none
    assert changes.answers == ()


def _rules(*rules: str) -> Policy:
    return policy_of('version: "1.0"\npolicies:\n' + "".join(f"  - {{{rule}, tools: [file_read, shell_execute]}}\n" for rule in rules))


def test_rules_are_known_by_name_and_by_turn() -> None:
    before = _rules("name: a, action: deny", "name: a, action: allow", "name: b, action: deny")
    after = _rules("name: b, action: deny", "name: a, action: deny", "name: c, action: deny")
    changes = compare(before, after, CONTEXT)
    assert [rule.name for rule in changes.added] == ["c"]
    assert [(rule.name, rule.action) for rule in changes.removed] == [("a", "allow")]
    assert changes.altered == ()
    assert {rule.name for rule in changes.reordered} == {"a", "b"}


def test_every_key_that_differs_is_named() -> None:
    before = _rules("name: a, action: deny")
    after = _rules("name: a, action: deny, message: no, rate_limit: {max_calls: 1, window: 1s}, when: 'port > 1'")
    (altered,) = compare(before, after, CONTEXT).altered
    assert set(altered.keys) == {"message", "rate_limit", "condition"}
    assert compare(before, replace(before, default=Action.ALLOW), CONTEXT).default == (Action.DENY, Action.ALLOW)


def test_example_paths_are_held() -> None:
    for text in ("/etc/**", "~/.ssh/id_*", "src/[a-c]?.py", "**/.env", "*.pem", "/a/{b,c}/x", "/data", "[!a]z", "a/**/b"):
        for glob in parse(text):
            path = example_path(glob)
            rule = PathIn(Field("path"), (glob,))
            policy = _rules("name: a, action: allow")
            policy = replace(policy, rules=(replace(policy.rules[0], condition=rule),))
            event = make_event("file_read", {"path": path})
            assert decide(policy, event, CONTEXT).allowed, (text, path)


def test_rules_that_differ_are_asked_about_first() -> None:
    many = [f"name: r{at}, action: deny, when: 'args.v == {at}'" for at in range(1500)]
    other = [*many[:-1], many[-1].replace("deny", "allow")]
    (answer,) = {one.before + one.after for one in compare(_rules(*many), _rules(*other), CONTEXT).answers}
    assert answer == "denyallow"
