"""What another policy would change: its rules by name, and example calls that it answers otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import NamedTuple

from avakill.evaluator.context import Context
from avakill.evaluator.engine import Engine
from avakill.events.event import Event, make_event
from avakill.ir.condition import (
    And,
    CommandIn,
    Condition,
    Contains,
    Equals,
    Field,
    FieldKind,
    HostIn,
    NetworkIn,
    Not,
    Or,
    Ordered,
    PathIn,
    StartsWith,
    Test,
)
from avakill.ir.effect import TOOL_ARGUMENTS
from avakill.ir.policy import Action, Policy, Rule
from avakill.paths.glob import Anchor, CharClass, Glob, Part, Wild, Wildcard

MAX_CALLS = 2000
_OF_EACH = 4
"""How many globs, names and values of one test are tried."""

_UNSEEN = ("index", "span", "tools_span")


@dataclass(frozen=True, slots=True)
class Altered:
    """A rule of one name before and after, and which of its keys differ."""

    before: Rule
    after: Rule
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that is answered otherwise."""

    event: Event
    before: Action
    after: Action


@dataclass(frozen=True, slots=True)
class Changes:
    """`answers` are examples: that none is there does not say that there is none."""

    added: tuple[Rule, ...] = ()
    removed: tuple[Rule, ...] = ()
    altered: tuple[Altered, ...] = ()
    reordered: tuple[Rule, ...] = ()
    default: tuple[Action, Action] | None = None
    effects_differ: bool = False
    answers: tuple[Answer, ...] = ()
    tried: int = 0

    @property
    def are_none(self) -> bool:
        return not (self.added or self.removed or self.altered or self.reordered or self.default or self.effects_differ)


def compare(before: Policy, after: Policy, context: Context) -> Changes:
    old, new = _by_name(before), _by_name(after)
    common = [key for key in new if key in old]
    changes = Changes(
        tuple(rule for key, rule in new.items() if key not in old),
        tuple(rule for key, rule in old.items() if key not in new),
        tuple(_altered(old[key], new[key]) for key in common if _keys(old[key], new[key])),
        tuple(new[key] for key in _moved([key for key in old if key in new], common)),
        (before.default, after.default) if before.default != after.default else None,
        frozenset(before.tool_effects) != frozenset(after.tool_effects),
    )
    calls = tuple(islice(_calls((*_touched(changes), *before.rules, *after.rules)), MAX_CALLS))
    return replace(changes, answers=tuple(_answers(before, after, calls, context)), tried=len(calls))


def _touched(changes: Changes) -> Iterator[Rule]:
    """The rules that differ, which are asked about first."""
    yield from (*changes.added, *changes.removed)
    for altered in changes.altered:
        yield from (altered.after, altered.before)
    yield from changes.reordered


def _by_name(policy: Policy) -> dict[tuple[str, int], Rule]:
    """Rules by name, and by how many of that name stand above."""
    found: dict[tuple[str, int], Rule] = {}
    seen: dict[str, int] = {}
    for rule in policy.rules:
        seen[rule.name] = seen.get(rule.name, 0) + 1
        found[rule.name, seen[rule.name]] = rule
    return found


def _altered(before: Rule, after: Rule) -> Altered:
    return Altered(before, after, _keys(before, after))


def _keys(before: Rule, after: Rule) -> tuple[str, ...]:
    names = (one.name for one in fields(Rule) if one.name not in _UNSEEN)
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _moved(before: list[tuple[str, int]], after: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Those of `after` that stand at another place among what both have."""
    for one, other in zip(before, after, strict=True):
        if one != other:
            yield other


# -- calls --


def _answers(before: Policy, after: Policy, calls: Sequence[Call], context: Context) -> Iterator[Answer]:
    one, other = Engine(before, context), Engine(after, context)
    for call in calls:
        old, new = one.rule(call.event.tool, call.arguments), other.rule(call.event.tool, call.arguments)
        if (old.action, old.allowed, old.overridable) != (new.action, new.allowed, new.overridable):
            yield Answer(call.event, old.action, new.action)


class Call(NamedTuple):
    event: Event
    arguments: dict[str, object]


def _calls(rules: Iterable[Rule]) -> Iterator[Call]:
    """A plain call of every known tool, then for each rule calls that it asks about."""
    seen: set[Event] = set()
    for tool, arguments in _wanted(rules):
        event = make_event(tool, arguments)
        if isinstance(event, Event) and event not in seen:
            seen.add(event)
            yield Call(event, arguments)


def _wanted(rules: Iterable[Rule]) -> Iterator[tuple[str, dict[str, object]]]:
    plain: dict[str, object] = {"path": "notes.txt", "command": "ls", "url": "https://example.org/", "query": "SELECT 1"}
    for tool, names in TOOL_ARGUMENTS.items():
        yield tool, {name: value for name, value in plain.items() if name in names}
    for rule in rules:
        for tool in _tools(rule):
            usual = {name: value for name, value in plain.items() if name in TOOL_ARGUMENTS.get(tool, ())}
            for asked in _arguments(rule.condition):
                yield tool, {**usual, **asked}


def _tools(rule: Rule) -> Iterator[str]:
    known = [tool for tool in TOOL_ARGUMENTS if rule.holds_tool(tool)]
    yield from known or [pattern.replace("*", "x").replace("?", "x") for pattern in rule.tools if "[" not in pattern]


def _arguments(condition: Condition) -> Iterator[dict[str, object]]:
    """Arguments with which one test each holds, and arguments for all of them at once."""
    alone = [dict([pair]) for test in _tests(condition) for pair in _values(test)]
    together: dict[str, object] = {}
    for one in alone:
        together = {**one, **together}
    yield together
    yield from alone


def _tests(condition: Condition) -> Iterator[Test]:
    match condition:
        case Not(inner):
            yield from _tests(inner)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _tests(part)
        case PathIn() | Contains() | Equals() | Ordered() | StartsWith() | HostIn() | NetworkIn() | CommandIn():
            yield condition
        case _:
            return


def _values(test: Test) -> Iterator[tuple[str, object]]:
    match test:
        case PathIn(Field(name, FieldKind.ARGUMENT), globs):
            yield from ((name, example_path(glob)) for glob in globs[:_OF_EACH])
        case Contains(Field(name, FieldKind.ARGUMENT), needles):
            yield from ((name, needle) for needle in needles[:_OF_EACH])
        case Equals(Field(name, FieldKind.ARGUMENT), values):
            yield from ((name, value) for value in values[:_OF_EACH])
        case StartsWith(Field(name, FieldKind.ARGUMENT), prefix):
            yield name, f"{prefix}x"
        case Ordered(Field(name, FieldKind.ARGUMENT), _, bound):
            yield from ((name, bound + step) for step in (-1, 0, 1))
        case HostIn(Field(name, FieldKind.ARGUMENT), hosts):
            yield from ((name, _url(name, host.replace("*.", "www.", 1))) for host in hosts[:_OF_EACH])
        case NetworkIn(Field(name, FieldKind.ARGUMENT), networks):
            for network in networks[:_OF_EACH]:
                address = str(network.network_address)
                yield name, _url(name, f"[{address}]" if network.version == 6 else address)
        case CommandIn(names):
            yield from (("command", name) for name in names[:_OF_EACH])
        case _:
            return


def _url(name: str, host: str) -> str:
    return f"https://{host}/" if name == "url" else host


def example_path(glob: Glob) -> str:
    """A path that the glob is likely to hold, as an agent would write it."""
    start = {Anchor.ROOT: "/", Anchor.HOME: "~/", Anchor.WORKSPACE: ""}[glob.anchor]
    parts = glob.parts[glob.anchor_length :] if glob.anchor is not Anchor.ROOT else glob.parts
    names = [name for part in parts if (name := _example_name(part))]
    return start + "/".join(names + (["x"] if glob.below and not glob.is_literal else []))


def _example_name(part: Part) -> str:
    match part:
        case str():
            return part
        case Wild(atoms):
            return "".join(_example_character(atom) for atom in atoms)
        case _:
            return ""


def _example_character(atom: str | Wildcard | CharClass) -> str:
    match atom:
        case str():
            return atom
        case CharClass(ranges, negated):
            return ranges[0][0] if not negated else next((c for c in "xq0" if atom.holds(c)), "-")
        case _:
            return "x"
