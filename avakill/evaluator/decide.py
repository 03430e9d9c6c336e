"""One event against one policy: the decision."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache

from avakill.evaluator.call import Call, Undecidable
from avakill.evaluator.conditions import Asker, asker
from avakill.evaluator.context import Context
from avakill.evaluator.selfprotect import intrusion
from avakill.evaluator.truth import Truth
from avakill.events.event import BadEvent, Event
from avakill.events.ruling import SELF_PROTECTION, Ruling
from avakill.ir.condition import Always
from avakill.ir.policy import Action, Enforcement, Policy, Rule


def decide(policy: Policy, event: Event | BadEvent, context: Context) -> Ruling:
    """What `policy` says of `event`. Whatever goes wrong on the way denies, and the reason says so."""
    if isinstance(event, BadEvent):
        return failure(f"the call cannot be read: {event.reason}")
    try:
        call = Call(event, context, policy.tool_effects)
        check_paths(call)
        blocked = intrusion(call)
        if blocked is not None:
            return protected(blocked)
        return walk_rules(policy, compiled(policy), call)
    except Undecidable as why:
        return failure(f"the call cannot be judged: {why}")
    except Exception as error:  # the edge at which the evaluator fails closed: a fault of ours must not let a call pass
        return failed(error)


Asked = tuple[Rule, Asker]
"""A rule with its condition's closure."""


def walk_rules(policy: Policy, rules: Iterable[Asked], call: Call) -> Ruling:
    """The first of `rules` that holds decides; one that may hold counts only where that is stricter. Raises Undecidable."""
    notes: list[str] = []
    pending: Ruling | None = None
    for rule, asked in rules:
        truth = holds(rule, asked, call)
        if truth is Truth.NO:
            continue
        if rule.enforcement is Enforcement.ADVISORY:
            notes.append(rule.message or f"rule `{rule.name}` would {_verb(rule.action)} this")
            continue
        decision = decided_by(rule)
        if truth is Truth.YES or severity(decision) == MOST_SEVERE:
            if truth is Truth.UNSURE:
                decision = replace(decision, reason=f"{decision.reason}{UNSURE_NOTE}")
            return replace(stricter(pending, decision), notes=tuple(notes))
        pending = stricter(pending, decision)
    return replace(stricter(pending, by_default(policy)), notes=tuple(notes))


def holds(rule: Rule, asked: Asker, call: Call) -> Truth:
    """Whether the tool pattern and all conditions hold."""
    tool = holds_tool(rule, call)
    return tool if tool is Truth.NO else min(tool, asked(call))


def holds_tool(rule: Rule, call: Call) -> Truth:
    """UNSURE where a pattern matches only a name that the tool has elsewhere: an agent's label must not hide it."""
    for at, name in enumerate(call.tools):
        if any(_tool_matches(pattern, name) for pattern in rule.tools):
            return Truth.YES if at == 0 else Truth.UNSURE
    return Truth.NO


@lru_cache(maxsize=32768)
def _tool_matches(pattern: str, tool: str) -> bool:
    return pattern in ("*", "all") or fnmatchcase(tool.lower(), pattern.lower())


# -- decisions --

MOST_SEVERE = 3
UNSURE_NOTE = " (for a part of the call, or because no part can be ruled out)"


def severity(decision: Ruling) -> int:
    """How strict it is: a hard denial, a soft one, an approval to be given, leave."""
    match decision.action:
        case Action.DENY:
            return 2 if decision.overridable else MOST_SEVERE
        case Action.REQUIRE_APPROVAL:
            return 1
        case Action.ALLOW:
            return 0


def stricter(one: Ruling | None, other: Ruling) -> Ruling:
    return one if one is not None and severity(one) >= severity(other) else other


def decided_by(rule: Rule) -> Ruling:
    is_soft = rule.action is not Action.ALLOW and rule.enforcement is Enforcement.SOFT
    action = Action.DENY if is_soft else rule.action
    reason = rule.message or f"matched rule `{rule.name}`"
    if rule.rate_limit is not None and rule.rate_limit.max_calls <= 0:
        action, is_soft, reason = Action.DENY, False, f"rate limit of rule `{rule.name}`: no calls at all"
    return Ruling(action, action is Action.ALLOW, reason, rule.index, rule.name, rule.span, overridable=is_soft)


def by_default(policy: Policy) -> Ruling:
    allowed = policy.default is Action.ALLOW
    reason = f"no rule matched; the default is `{policy.default}`"
    return Ruling(policy.default, allowed, reason, span=policy.default_span)


def protected(blocked: str) -> Ruling:
    reason = f"{blocked}; avakill protects itself, and no rule can allow this: stop, and tell the user"
    return Ruling(Action.DENY, False, reason, rule_name=SELF_PROTECTION)


def failure(reason: str) -> Ruling:
    return Ruling(Action.DENY, False, reason)


def failed(error: Exception) -> Ruling:
    """A fault of the evaluator's own."""
    return failure(f"the evaluator failed ({type(error).__name__}), and what cannot be judged is denied")


def check_paths(call: Call) -> None:
    """A NUL ends a path early in some programs and not in others. Raises Undecidable."""
    call.readings("path")
    call.readings("cwd")


def _verb(action: Action) -> str:
    match action:
        case Action.DENY:
            return "deny"
        case Action.REQUIRE_APPROVAL:
            return "ask for an approval of"
        case Action.ALLOW:
            return "allow"


# -- compiled policies --


@dataclass(frozen=True, slots=True)
class _Compiled:
    policy: Policy
    rules: tuple[Asked, ...]


_CACHE: OrderedDict[int, _Compiled] = OrderedDict()
_CACHED = 8


def compiled(policy: Policy) -> tuple[Asked, ...]:
    """The rules with their closures; remembered by identity, because hashing a policy reads all of it."""
    known = _CACHE.get(id(policy))
    if known is not None and known.policy is policy:
        return known.rules
    made = _Compiled(policy, tuple((rule, _lazily(rule)) for rule in policy.rules))
    _CACHE[id(policy)] = made
    while len(_CACHE) > _CACHED:
        _CACHE.popitem(last=False)
    return made.rules


def _lazily(rule: Rule) -> Asker:
    """A rule's closure, made when its tool is first called."""
    if isinstance(rule.condition, Always):
        return lambda _: Truth.YES
    made: list[Asker] = []

    def asked(call: Call) -> Truth:
        if not made:
            made.append(asker(rule.condition))
        return made[0](call)

    return asked
