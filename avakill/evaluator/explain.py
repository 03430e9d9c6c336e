"""The same decision with its trace: why each earlier rule did not decide."""
from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from avakill.evaluator.call import Call, Undecidable
from avakill.evaluator.conditions import asker
from avakill.evaluator.context import Context
from avakill.evaluator.decide import compiled, decide, holds_tool
from avakill.evaluator.texts import texts_of
from avakill.evaluator.truth import Truth
from avakill.events.event import BadEvent, Event
from avakill.events.ruling import SELF_PROTECTION, Ruling, Step
from avakill.ir.condition import (
    Always,
    And,
    CommandIn,
    Condition,
    Contains,
    ContentScan,
    Equals,
    Field,
    HostIn,
    Matches,
    NetworkIn,
    Not,
    Or,
    Ordered,
    PathIn,
    ShellSafe,
    StartsWith,
    Test,
)
from avakill.ir.policy import Enforcement, Policy, Rule
from avakill.paths.glob import join
from avakill.source.span import NOWHERE, Span

MAX_SHOWN = 60


def explain(policy: Policy, event: Event | BadEvent, context: Context) -> Ruling:
    """As `decide`, with a step for each rule above the one that decided."""
    decision = decide(policy, event, context)
    if isinstance(event, BadEvent) or decision.rule_name == SELF_PROTECTION:
        return decision
    call = Call(event, context, policy.tool_effects)
    steps: list[Step] = []
    for rule, _ in compiled(policy):
        if rule.index == decision.rule:
            break
        try:
            steps.append(_step(rule, call))
        except Undecidable as why:
            steps.append(Step(rule.index, rule.name, str(why), rule.span))
            break
    return replace(decision, trace=tuple(steps))


def _step(rule: Rule, call: Call) -> Step:
    if holds_tool(rule, call) is Truth.NO:
        patterns = ", ".join(f"`{pattern}`" for pattern in rule.tools)
        return Step(rule.index, rule.name, f"the tool `{call.event.tool}` is not {patterns}", rule.tools_span)
    truth = asker(rule.condition)(call)
    if truth is Truth.YES and rule.enforcement is Enforcement.ADVISORY:
        return Step(rule.index, rule.name, "it holds, and is advisory", rule.span)
    if truth is Truth.UNSURE:
        why, span = blame(rule.condition, call, Truth.YES)
        return Step(rule.index, rule.name, f"it cannot be told whether it holds, and that is not enough: {why}", span)
    if truth is Truth.YES:
        return Step(rule.index, rule.name, "it holds, and a stricter rule decides", rule.span)
    why, span = blame(rule.condition, call, Truth.YES)
    return Step(rule.index, rule.name, why, span)


def blame(condition: Condition, call: Call, wanted: Truth) -> tuple[str, Span]:
    """The leaf for which `condition` is not `wanted` (YES or NO), in words, and its place."""
    match condition:
        case Always():
            return "it holds for every call", NOWHERE
        case Not(inner):
            return blame(inner, call, Truth(2 - wanted))
        case And(parts) | Or(parts):
            guilty = [part for part in parts if asker(part)(call) is not wanted] or list(parts)
            return blame(guilty[0], call, wanted) if guilty else ("it has no conditions", NOWHERE)
        case leaf:
            return _leaf(leaf, call, wanted), leaf.span


def _leaf(leaf: Test, call: Call, wanted: Truth) -> str:
    negation = " not" if wanted is Truth.YES else ""
    match leaf:
        case PathIn(field, globs):
            patterns = ", ".join(f"`{glob.text}`" for glob in globs[:4])
            return f"{_paths(call, field)} is{negation} (all) in {patterns}"
        case Contains(field, needles):
            return f"{_value(call, field)} does{negation} contain {_list(needles)}"
        case StartsWith(field, prefix):
            return f"{_value(call, field)} does{negation} start with `{prefix}`"
        case Matches(field, regex):
            return f"{_value(call, field)} does{negation} match `{regex}`"
        case Equals(field, values):
            return f"{_value(call, field)} is{negation} {_list(tuple(map(str, values)))}"
        case Ordered(field, ordering, bound):
            return f"{_value(call, field)} is{negation} {ordering} {bound}"
        case HostIn(field, hosts):
            return f"the host of {_value(call, field)} is{negation} {_list(hosts)}"
        case NetworkIn(field, networks):
            return f"the address of {_value(call, field)} is{negation} in {_list(tuple(map(str, networks)))}"
        case CommandIn(names):
            return f"{_commands(call)} is{negation} (all) in the allowlist {_list(names)}"
        case ShellSafe():
            return f"{_value(call, Field('command'))} is{negation} one plain command{_unsafe(call)}"
        case ContentScan(kinds):
            return f"the arguments do{negation} hold {_list(tuple(map(str, kinds)))}"
        case other:
            assert_never(other)


def _list(items: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{_clip(item)}`" for item in items[:4])
    return shown + (f" or {len(items) - 4} more" if len(items) > 4 else "")


def _value(call: Call, field: Field) -> str:
    texts = texts_of(call, field)
    first = next(iter(texts.others if field.name == "command" else texts.every()), None)
    if first is None:
        return f"`{field.name}` is not given and"
    doubt = f", {texts.doubt}," if texts.doubt else ""
    return f"`{field.name}` (`{_clip(first)}`{doubt})"


def _paths(call: Call, field: Field) -> str:
    readings = call.readings(field.name)
    if not readings:
        return f"`{field.name}` is not given and"
    shown = []
    for reading in readings[:3]:
        place = join(reading.firm[0]) if reading.firm else "?"
        shown.append(f"`{_clip(reading.text)}`" + ("" if place == reading.text else f" → `{_clip(place)}`"))
    return f"`{field.name}` ({', '.join(shown)})"


def _commands(call: Call) -> str:
    commands = [simple for text in call.commands for line in text.lines for simple in line.commands]
    refused = next((simple.refused for simple in commands if simple.refused), "")
    names = tuple(dict.fromkeys(simple.name for simple in commands if simple.is_run and not simple.refused))
    return (f"{refused}; " if refused else "") + (_list(names) or "no command")


def _unsafe(call: Call) -> str:
    why = next((line.unsafe[0] for text in call.commands for line in text.lines if line.unsafe), "")
    return f": {why}" if why else ""


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
