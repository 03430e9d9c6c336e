"""Conditions to closures that ask a call."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import ge, gt, le, lt
from typing import assert_never

from avakill.evaluator.call import Call
from avakill.evaluator.hosts import Host, read_host, to_ascii
from avakill.evaluator.line import Simple
from avakill.evaluator.operands import words_in
from avakill.evaluator.places import composed, paths_in
from avakill.evaluator.scans import compile_regex, finds
from avakill.evaluator.texts import Question, ask, hosts_of, is_open, lines_of, may_contain, texts_of
from avakill.evaluator.truth import Truth, negate, truth_of, weigh
from avakill.evaluator.values import folded, scalars_of
from avakill.evaluator.wrappers import base_name
from avakill.events.value import Scalar, as_text, names, scalars
from avakill.ir.condition import (
    Always,
    And,
    CommandIn,
    Condition,
    Contains,
    ContentScan,
    Equals,
    Field,
    FieldKind,
    HostIn,
    Matches,
    NetworkIn,
    Not,
    Or,
    Ordered,
    Ordering,
    PathIn,
    ShellSafe,
    StartsWith,
)
from avakill.ir.endpoint import Network, host_matches
from avakill.ir.names import canonical_tool
from avakill.paths.glob import Glob, split

Asker = Callable[[Call], Truth]


def asker(condition: Condition) -> Asker:
    """The closure that says whether `condition` holds of a call. It raises Undecidable."""
    match condition:
        case Always():
            return lambda _: Truth.YES
        case Not(inner):
            ask_inner = asker(inner)
            return lambda call: negate(ask_inner(call))
        case And(parts):
            return _all_of(tuple(asker(part) for part in parts))
        case Or(parts):
            return _any_of(tuple(asker(part) for part in parts))
        case PathIn(field, globs):
            return _path_in(field, composed(globs))
        case Contains(field, needles):
            return _contains(field, needles)
        case StartsWith(field, prefix):
            return _starts_with(field, prefix)
        case Matches(field, regex):
            return _matches(field, regex)
        case Equals(field, values):
            return _equals(field, values)
        case Ordered(field, ordering, bound):
            return _ordered(field, ordering, bound)
        case HostIn(field, hosts):
            patterns = tuple(to_ascii(host) or host for host in hosts)
            return lambda call: weigh(_host_in(host, patterns) for host in hosts_of(call, field.name))
        case NetworkIn(field, networks):
            return lambda call: weigh(_network_in(host, networks) for host in hosts_of(call, field.name))
        case CommandIn(commands):
            return _command_in(frozenset(commands))
        case ShellSafe():
            return _shell_safe
        case ContentScan(kinds):
            return lambda call: truth_of(any(finds(kind, text) for kind in kinds for text in _all_texts(call)))
        case other:
            assert_never(other)


def _all_of(parts: tuple[Asker, ...]) -> Asker:
    def ask_all(call: Call) -> Truth:
        least = Truth.YES
        for part in parts:
            least = min(least, part(call))
            if least is Truth.NO:
                break
        return least

    return ask_all


def _any_of(parts: tuple[Asker, ...]) -> Asker:
    def ask_any(call: Call) -> Truth:
        most = Truth.NO
        for part in parts:
            most = max(most, part(call))
            if most is Truth.YES:
                break
        return most

    return ask_any


def _path_in(field: Field, globs: tuple[Glob, ...]) -> Asker:
    if field.kind is FieldKind.CALL:
        return lambda _: Truth.NO
    if field.name == "command":
        return lambda call: words_in(call, globs)
    return lambda call: paths_in(call, call.readings(field.name), globs)


# -- text --


def _contains(field: Field, needles: tuple[str, ...]) -> Asker:
    plain = tuple(folded(needle) for needle in needles)

    def hits(text: str) -> bool:
        text = folded(text)
        return any(needle in text for needle in plain)

    question = Question(hits, lambda simple: may_contain(simple, plain))
    return lambda call: ask(call, field, question)


def _starts_with(field: Field, prefix: str) -> Asker:
    question = Question(lambda text: text.startswith(prefix), is_open)
    return lambda call: ask(call, field, question)


def _matches(field: Field, regex: str) -> Asker:
    pattern = compile_regex(regex)
    question = Question(lambda text: pattern.search(text) is not None, is_open)
    return lambda call: ask(call, field, question)


# -- values --


def _equals(field: Field, values: tuple[str | int | float | bool, ...]) -> Asker:
    texts = tuple(value for value in values if isinstance(value, str))
    if field.kind is FieldKind.CALL:
        wanted = frozenset(canonical_tool(text).casefold() if field.name == "tool" else text for text in texts)
        fold = str.casefold if field.name == "tool" else str
        question = Question(lambda text: fold(text) in wanted, is_open)
        return lambda call: ask(call, field, question)
    match field.name:
        case "path" | "cwd":
            globs = tuple(Glob(split(text), text=text) for text in texts)
            return lambda call: max(paths_in(call, call.readings(field.name), globs), _in_words(call, field, texts))
        case "command":
            return lambda call: ask(call, field, Question(lambda text: text in texts, is_open))
        case "host":
            hosts = tuple(name for text in texts for name in read_host(text).names)
            return lambda call: weigh(_host_in(host, hosts) for host in hosts_of(call, "host"))
        case _:
            return lambda call: weigh(_is_one_of(scalar, values) for scalar in scalars_of(call, field))


def _in_words(call: Call, field: Field, texts: tuple[str, ...]) -> Truth:
    """A path that is written as the rule writes it may be meant, wherever it leads."""
    return Truth.UNSURE if any(text in texts for text in texts_of(call, field).others) else Truth.NO


def _is_one_of(scalar: Scalar, values: tuple[str | int | float | bool, ...]) -> Truth:
    """The same text in another type (`"5"` and 5) may be taken for equal by a tool."""
    if any(_is_same(scalar, value) for value in values):
        return Truth.YES
    text = folded(as_text(scalar))
    return Truth.UNSURE if any(text == folded(as_text(value)) for value in values) else Truth.NO


def _is_same(scalar: Scalar, value: str | float | bool) -> bool:
    if isinstance(scalar, bool) or isinstance(value, bool):
        return scalar is value
    if isinstance(scalar, str) != isinstance(value, str):
        return False
    return scalar == value


_COMPARE: dict[Ordering, Callable[[float, float], bool]] = {
    Ordering.LESS: lt,
    Ordering.LESS_EQUAL: le,
    Ordering.GREATER: gt,
    Ordering.GREATER_EQUAL: ge,
}


def _ordered(field: Field, ordering: Ordering, bound: float) -> Asker:
    compare = _COMPARE[ordering]

    def of(scalar: Scalar) -> Truth:
        if isinstance(scalar, int | float) and not isinstance(scalar, bool):
            return truth_of(compare(scalar, bound))
        return Truth.UNSURE  # a tool may read a number in it

    return lambda call: weigh(of(scalar) for scalar in scalars_of(call, field) if scalar is not None)


# -- network --


def _host_in(host: Host, patterns: tuple[str, ...]) -> Truth:
    if host.doubt or not host.names:
        return Truth.UNSURE
    return weigh(truth_of(any(host_matches(pattern, name) for pattern in patterns)) for name in host.names)


def _network_in(host: Host, networks: tuple[Network, ...]) -> Truth:
    if host.doubt or not host.names:
        return Truth.UNSURE
    return weigh(
        truth_of(any(address.version == network.version and address in network for network in networks))
        for address in host.addresses
    )


# -- commands --


def _command_in(allowed: frozenset[str]) -> Asker:
    def ask_lines(call: Call) -> Truth:
        answers: list[Truth] = []
        for _, line in lines_of(call):
            if line.doubts:
                answers.append(Truth.UNSURE)
            answers.extend(_simple_in(simple, allowed) for simple in line.commands if simple.is_run or simple.refused)
        return weigh(answers)

    return ask_lines


def _simple_in(simple: Simple, allowed: frozenset[str]) -> Truth:
    """`/bin/rm` and `RM` are not surely `rm`, and not surely something else."""
    if simple.refused:
        return Truth.UNSURE
    if simple.name in allowed:
        return Truth.YES
    base = base_name(simple.name).casefold()
    return Truth.UNSURE if any(base == base_name(name).casefold() for name in allowed) else Truth.NO


def _shell_safe(call: Call) -> Truth:
    """A line that is not one plain command is surely unsafe; without any command there is nothing unsafe."""
    return truth_of(not any(line.unsafe for _, line in lines_of(call)))


def _all_texts(call: Call) -> Iterable[str]:
    yield from (as_text(scalar) for scalar in scalars(call.event.arguments))
    yield from names(call.event.arguments)
