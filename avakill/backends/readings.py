"""A rule as a kernel reads it: which tools it speaks of, and under which condition once the tool is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from avakill.ir.condition import ALWAYS, Always, And, CommandIn, Condition, ContentScan, Equals, FieldKind, Not, Or, ShellSafe, Test
from avakill.ir.effect import KNOWN_ARGUMENTS, PATH_EFFECTS, TOOL_ARGUMENTS, Effect
from avakill.ir.policy import Policy, Rule

Tools = tuple[tuple[str, frozenset[Effect]], ...]


class Reading(NamedTuple):
    """`tools` of the rule, with their effects, for which it asks `condition`; `tests` are the condition's leaves."""

    tools: Tools
    condition: Condition
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """An effect that a reading's condition binds, from where it looks: those of its tools that have the effect, and for
    each test whether one of them can meet it. Effects of one `kind` and the same `met` see the same."""

    effect: Effect
    tools: frozenset[str]
    kind: str
    met: tuple[bool, ...]


def readings(policy: Policy, rule: Rule) -> tuple[Reading, ...]:
    """One for each condition that the rule asks of some of its tools. Tool names are static, so `when: tool == "file_write"`
    narrows the tools as a `tools` list does (semantics §2); what holds for no tool is in none."""
    tests = leaves(rule.condition)
    for test in tests:
        if _names_tools(test):
            return _by_tool(policy, rule)
    return (Reading(policy.tools_of(rule), rule.condition, tests),)


def _by_tool(policy: Policy, rule: Rule) -> tuple[Reading, ...]:
    groups: dict[Condition, list[tuple[str, frozenset[Effect]]]] = {}
    for tool, effects in policy.tools_of(rule):
        condition = _given(rule.condition, tool)
        if condition is not None:
            groups.setdefault(condition, []).append((tool, effects))
    return tuple(Reading(tuple(tools), condition, leaves(condition)) for condition, tools in groups.items())


def sights(reading: Reading) -> tuple[Sight, ...]:
    """In the order of the effects. Of a condition none of whose tests the tools of an effect can meet, that one is not bound."""
    return _sights(reading.tools, tuple([argument_of(test) for test in reading.tests]))


@lru_cache(maxsize=4096)
def _sights(tools: Tools, arguments: tuple[str | None, ...]) -> tuple[Sight, ...]:
    found = []
    for effect in Effect:
        having = frozenset(tool for tool, effects in tools if effect in effects)
        met = tuple(can_carry(having, argument) for argument in arguments)
        if having and (not met or any(met)):
            kind = "path" if effect in PATH_EFFECTS else effect.value
            found.append(Sight(effect, having, kind, met))
    return tuple(found)


def leaves(condition: Condition) -> tuple[Test, ...]:
    match condition:
        case Always():
            return ()
        case Not(inner):
            return leaves(inner)
        case And(parts) | Or(parts):
            return tuple(leaf for part in parts for leaf in leaves(part))
        case test:
            return (test,)


def argument_of(test: Test) -> str | None:
    """The argument that a test asks about; None where every call can meet it."""
    match test:
        case CommandIn() | ShellSafe():
            return "command"
        case ContentScan():
            return None
        case other:
            return other.field.name if other.field.kind is FieldKind.ARGUMENT else None


def can_carry(tools: frozenset[str], argument: str | None) -> bool:
    """Whether one of `tools` may have the argument; of an argument that we do not know, any may."""
    return argument not in KNOWN_ARGUMENTS or any(argument in TOOL_ARGUMENTS.get(tool, KNOWN_ARGUMENTS) for tool in tools)


def _names_tools(test: Test) -> bool:
    match test:
        case Equals(field=field, values=values):
            return field.kind is FieldKind.CALL and field.name == "tool" and all(isinstance(value, str) for value in values)
        case _:
            return False


def _given(condition: Condition, tool: str) -> Condition | None:
    """What is left to ask of a call of `tool`; None where the condition fails for all of them."""
    match condition:
        case Not(inner):
            left = _given(inner, tool)
            return ALWAYS if left is None else None if isinstance(left, Always) else Not(left)
        case And(parts):
            kept = tuple(_given(part, tool) for part in parts)
            return None if None in kept else _joined(And, _asking(kept), ALWAYS)
        case Or(parts):
            kept = tuple(_given(part, tool) for part in parts)
            return ALWAYS if ALWAYS in kept else _joined(Or, _asking(kept), None)
        case Equals(values=values) if _names_tools(condition):
            return ALWAYS if tool in (str(value).lower() for value in values) else None
        case _:
            return condition


def _asking(parts: tuple[Condition | None, ...]) -> Iterator[Condition]:
    return (part for part in parts if part is not None and not isinstance(part, Always))


def _joined(join: type[And] | type[Or], parts: Iterator[Condition], neither: Condition | None) -> Condition | None:
    match tuple(parts):
        case ():
            return neither
        case (only,):
            return only
        case several:
            return join(several)
