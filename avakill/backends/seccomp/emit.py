"""A profile to JSON, one line a scalar or short entry, each with its origin: the only place that builds its text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from avakill.backends.contract import Artifact, Json, Line
from avakill.backends.seccomp.model import MASKED_EQ, Entry, Model, Test
from avakill.source.span import Span

NAME = "seccomp.json"
HEADER = "x-avakill"
"""JSON has no comments; the runtimes' readers ignore a key that they do not know (runc 1.1.5, measured)."""

WIDTH = 110
"""Of a line of names."""

FLAT = 180
"""Up to this, a value stands on one line."""


def emit(model: Model) -> tuple[Artifact, ...]:
    return (Artifact(NAME, tuple(_lines(model))),)


def _lines(model: Model) -> Iterator[Line]:
    yield Line("{")
    header = dict(model.header)
    for key, value in ((HEADER, header), *model.head):
        yield from _member(1, key, value)
    if not model.entries:
        yield Line('  "syscalls": []')
    else:
        yield Line('  "syscalls": [')
        for number, entry in enumerate(model.entries, 1):
            yield from _comma(_value(2, _tree(entry), entry.origin), number < len(model.entries))
        yield Line("  ]")
    yield Line("}")


def _tree(entry: Entry) -> Json:
    tree: dict[str, Json] = {"names": entry.names, "action": entry.action}
    if entry.errno is not None:
        tree["errnoRet"] = entry.errno
    if entry.tests:
        tree["args"] = tuple(map(_test, entry.tests))
    if entry.comment:
        tree["comment"] = entry.comment
    return tree | dict(entry.extra)


def _test(test: Test) -> Json:
    if test.op == MASKED_EQ or test.two:
        return {"index": test.index, "value": test.value, "valueTwo": test.two, "op": test.op}
    return {"index": test.index, "value": test.value, "op": test.op}


def _member(depth: int, key: str, value: Json) -> Iterator[Line]:
    lines = tuple(_value(depth, value, None))
    first = Line(f"{'  ' * depth}{_quoted(key)}: {lines[0].text.lstrip()}")
    yield from _comma((first, *lines[1:]), True)


def _value(depth: int, value: Json, origin: Span | None) -> Iterator[Line]:
    """A value on one line where it fits, else a line for each part (a line of names where they are many)."""
    indent = "  " * depth
    flat = _flat(value)
    if len(flat) <= FLAT or not isinstance(value, Mapping | tuple | list):
        yield Line(indent + flat, origin)
    elif isinstance(value, Mapping):
        yield Line(indent + "{", origin)
        for number, (key, inner) in enumerate(value.items(), 1):
            lines = tuple(_value(depth + 1, inner, origin))
            first = Line(f"{indent}  {_quoted(key)}: {lines[0].text.lstrip()}", origin)
            yield from _comma((first, *lines[1:]), number < len(value))
        yield Line(indent + "}", origin)
    else:
        yield Line(indent + "[", origin)
        if all(isinstance(item, str) for item in value):
            yield from _filled(depth + 1, tuple(_flat(item) for item in value), origin)
        else:
            for number, item in enumerate(value, 1):
                yield from _comma(_value(depth + 1, item, origin), number < len(value))
        yield Line(indent + "]", origin)


def _filled(depth: int, words: tuple[str, ...], origin: Span | None) -> Iterator[Line]:
    """Words side by side up to the width."""
    indent, text = "  " * depth, ""
    for number, word in enumerate(words, 1):
        told = word + ("," if number < len(words) else "")
        if text and len(text) + len(told) > WIDTH:
            yield Line(indent + text, origin)
            text = ""
        text = f"{text} {told}" if text else told
    yield Line(indent + text, origin)


def _comma(lines: Iterator[Line] | tuple[Line, ...], wanted: bool) -> Iterator[Line]:
    """The lines, the last one with a comma where another value follows."""
    *most, last = lines
    yield from most
    yield Line(last.text + ("," if wanted else ""), last.origin)


def _flat(value: Json) -> str:
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_quoted(key)}: {_flat(inner)}" for key, inner in value.items()) + "}"
        case tuple() | list():
            return "[" + ", ".join(map(_flat, value)) + "]"
        case scalar:
            return json.dumps(scalar)


def _quoted(text: str) -> str:
    return json.dumps(text)
