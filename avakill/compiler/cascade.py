"""Policies of several levels as one answer: a call must pass every level, so a level can tighten and never loosen.

The decision of a cascade is the strictest of its levels' decisions, each by that level's own ordered list and default
(`evaluator.cascade`). That law needs no order among the levels; the order only says which of two equal answers is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import sha256

from avakill.ir.condition import Always
from avakill.ir.names import AGENT_TOOL_MAP
from avakill.ir.policy import Action, Enforcement, Policy, Rule, tool_matches
from avakill.source import codes
from avakill.source.diagnostic import Bag, Label
from avakill.source.span import Span


class LevelName(StrEnum):
    """From the highest to the lowest."""

    SYSTEM = "system"
    GLOBAL = "global"
    PROJECT = "project"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Level:
    """A policy and where in the cascade it stands; its rules' spans say which file they are from."""

    name: LevelName
    policy: Policy


@dataclass(frozen=True, slots=True)
class Cascade:
    """At least one level, the highest first."""

    levels: tuple[Level, ...]

    @property
    def policies(self) -> tuple[Policy, ...]:
        return tuple(level.policy for level in self.levels)


def flatten(cascade: Cascade) -> Policy | None:
    """The cascade as one ordered list, where there is one that decides every call alike; None where there is not.

    A level of hard denials over `default_action: allow` only tightens, so its rules may stand in front of any other
    list. Two levels that both allow or ask have no such list: first match cannot say `and`. Backends then lower each
    level on its own, and the artifacts are applied together.
    """
    fences = [level for level in cascade.levels if _is_fence(level.policy)]
    others = [level for level in cascade.levels if not _is_fence(level.policy)]
    last = others[0] if len(others) == 1 else None
    if len(others) > 1 or not _effects_agree(cascade):
        return None
    in_order = [*fences, *([last] if last else [])]
    rules = [rule for level in in_order for rule in level.policy.rules]
    base = last.policy if last else fences[-1].policy
    if len(cascade.levels) == 1:
        return base
    digests = "\0".join(level.policy.sha256 for level in cascade.levels)
    return replace(
        base,
        rules=tuple(replace(rule, index=index) for index, rule in enumerate(rules)),
        path=" + ".join(level.policy.path for level in cascade.levels),
        sha256=sha256(digests.encode()).hexdigest(),
    )


def _is_fence(policy: Policy) -> bool:
    """Whether the policy denies for good or says nothing."""
    return policy.default is Action.ALLOW and all(
        rule.enforcement is Enforcement.ADVISORY
        or (rule.action is Action.DENY and rule.enforcement is Enforcement.HARD and rule.rate_limit is None)
        for rule in policy.rules
    )


def _effects_agree(cascade: Cascade) -> bool:
    """A level's own tools are its own words: another level must not hear them, or it could be talked into leave."""
    return len({frozenset(level.policy.tool_effects) for level in cascade.levels}) == 1


# -- rules that another level overrules --

_MANY = 1000
"""How many rules of a level are looked at; a warning missed costs less than a minute."""


@dataclass(frozen=True, slots=True)
class Overruled:
    """`rule` of `level` never decides, because `by` denies all that it could; `span` is where."""

    level: Level
    rule: Rule
    by: Level
    closer: Rule | None
    span: Span


def overruled(cascade: Cascade) -> Iterator[Overruled]:
    """Every rule found that can never decide because of another level; there may be more that only a proof would find."""
    for at, level in enumerate(cascade.levels):
        for rule in level.policy.rules:
            closed = None if rule.enforcement is Enforcement.ADVISORY else next(_closing(cascade, at, rule), None)
            if closed is not None:
                other, by = closed
                yield Overruled(level, rule, other, by, by.tools_span if by else other.policy.default_span)


def _closing(cascade: Cascade, at: int, rule: Rule) -> Iterator[tuple[Level, Rule | None]]:
    """The levels that deny all of the rule's calls, each with the rule that does; None where its default does."""
    for there, other in enumerate(cascade.levels):
        if there == at:
            continue
        closers = [_closer(other.policy, pattern) for pattern in rule.tools]
        if False in closers:
            continue
        by_rules = [closer for closer in closers if isinstance(closer, Rule)]
        is_denial = rule.action is Action.DENY or rule.enforcement is Enforcement.SOFT
        # of two denials the higher one is named, and a rule before a default
        if not is_denial or (there < at and len(by_rules) == len(closers)):
            yield other, next(iter(by_rules), None)


def _closer(policy: Policy, pattern: str) -> Rule | bool:
    """The rule by which the policy denies every call of every tool of `pattern`; True where its default does; False where neither."""
    for rule in policy.rules[:_MANY]:
        if rule.enforcement is Enforcement.ADVISORY or not any(_may_meet(one, pattern) for one in rule.tools):
            continue
        if rule.action is not Action.DENY or rule.enforcement is not Enforcement.HARD:
            return False
        if isinstance(rule.condition, Always) and any(_covers(one, pattern) for one in rule.tools):
            return rule
    return policy.default is Action.DENY and len(policy.rules) <= _MANY


@lru_cache(maxsize=4096)
def _may_meet(one: str, other: str) -> bool:
    """Whether some tool may be in both, under any of its names; True where that cannot be told."""
    first, second = _beginning(one), _beginning(other)
    if (first == one and fnmatchcase(one, other)) or (second == other and fnmatchcase(other, one)):
        return True
    if first != one and second != other and (first.startswith(second) or second.startswith(first)):
        return True
    return any(
        any(tool_matches(one, name) for name in names) and any(tool_matches(other, name) for name in names) for names in _NAMES
    )


_NAMES = tuple((native, canonical) for table in AGENT_TOOL_MAP.values() for native, canonical in table.items())


def _covers(big: str, small: str) -> bool:
    beginning = _beginning(big)
    is_name = _beginning(small) == small
    holds_name = is_name and fnmatchcase(small, big)
    return big in ("*", "all", small) or holds_name or (big == f"{beginning}*" and small.startswith(beginning))


def _beginning(pattern: str) -> str:
    """What stands before the first wildcard."""
    return next((pattern[:at] for at, char in enumerate(pattern) if char in "*?["), pattern) if pattern != "all" else ""


def check_cascade(cascade: Cascade, bag: Bag) -> None:
    """A warning for each rule that another level overrules."""
    for one in overruled(cascade):
        what = f"rule `{one.closer.name}`" if one.closer else "the default action"
        where = f"`{one.by.policy.path}` (level `{one.by.name}`)"
        others = (Label(one.span, f"{what} of level `{one.by.name}` denies all of it"),) if one.span.line else ()
        bag.warning(
            codes.OVERRULED,
            f"rule `{one.rule.name}` of level `{one.level.name}` can never decide: {what} of {where} denies all of it",
            one.rule.span,
            *others,
            label="never decides",
            help="a call must pass every level: allow it there too, or write `default_action: allow` where the rest is left to others",
        )
