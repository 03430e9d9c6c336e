"""Where a part of a YAML value stands in the file, whatever its quoting."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from avakill.compiler.yamltree import Scalar
from avakill.source.span import Span

_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_HEX = {"x": 2, "u": 4, "U": 8}

_MAX_LENGTH = 16_384

Place = tuple[int, int]
"""A line and a column, from 1."""


def part(scalar: Scalar, first: int, last: int) -> Span:
    """The characters `first` to `last` (end excluded) of the value; the whole scalar where that cannot be told."""
    return written_part(scalar, *_before_variables(scalar, first, last))


def written_part(scalar: Scalar, first: int, last: int) -> Span:
    """As `part`, counted in the value as it was before variables took their places."""
    is_long = len(scalar.written) > _MAX_LENGTH or scalar.end.line - scalar.start.line > _MAX_LENGTH
    places = None if is_long else _places(scalar)
    if places is None:
        return scalar.span
    first = max(0, min(first, len(places) - 1))
    last = max(first + 1, min(last, len(places) - 1))
    line, column = places[first]
    end_line, end_column = places[last - 1]
    if (end_line, end_column) < (line, column):
        return scalar.span
    return Span(scalar.source.path, line, column, end_line, end_column + 1)


def _before_variables(scalar: Scalar, first: int, last: int) -> tuple[int, int]:
    """A part that touches an environment value is the whole `${NAME}` in the file."""
    start, end = first, last
    shift = 0
    for insert in scalar.inserts:
        if insert.end <= first:
            shift = insert.to - insert.end
        elif insert.start <= first:
            return insert.from_, max(insert.to, insert.to + last - insert.end)
    return start + shift, end + shift


@lru_cache(maxsize=8)  # an expression asks for the place of each of its tests
def _places(scalar: Scalar) -> Sequence[Place] | None:
    """The place of each character of `written`, and one past the end; None where text and value do not agree."""
    source = _characters(scalar)
    places: list[Place] = []
    at = 0
    for char in scalar.written:
        while at < len(source) and source[at][0] != char:
            found = source[at][0]
            if found == "\n" and char == " ":  # a folded line
                break
            if found not in (" ", "\n", "\t", ""):
                break
            at += 1
        if at < len(source) and (source[at][0] == char or (source[at][0] == "\n" and char == " ")):
            places.append(source[at][1])
            at += 1
        elif char in " \n" and places:
            places.append(places[-1])
        else:
            return None
    places.append(source[at][1] if at < len(source) else (scalar.span.end_line, scalar.span.end_column))
    return places


def _characters(scalar: Scalar) -> Sequence[tuple[str, Place]]:
    """The characters that the scalar's lines spell, unescaped, each with its place; empty for what spells none."""
    raw = list(_raw(scalar))
    at = _skip_properties(raw)
    if at >= len(raw) or scalar.is_plain:
        return raw[at:]
    match raw[at][0]:
        case '"':
            return list(_double_quoted(raw[at + 1 :]))
        case "'":
            return list(_single_quoted(raw[at + 1 :]))
        case _:  # a block: its content begins on the next line
            while at < len(raw) and raw[at][0] != "\n":
                at += 1
            return raw[at + 1 :]


def _raw(scalar: Scalar) -> Iterator[tuple[str, Place]]:
    span = scalar.span
    for number in range(span.line, span.end_line + 1):
        line = scalar.source.line(number)
        first = span.column if number == span.line else 1
        last = span.end_column if number == span.end_line else len(line) + 1
        for column in range(first, min(last, len(line) + 1)):
            yield line[column - 1], (number, column)
        if number != span.end_line:
            yield "\n", (number, len(line) + 1)


def _skip_properties(raw: Sequence[tuple[str, Place]]) -> int:
    """Past an anchor or a tag in front of the value."""
    at = 0
    while at < len(raw) and raw[at][0] in "&!":
        while at < len(raw) and raw[at][0] not in " \n\t":
            at += 1
        while at < len(raw) and raw[at][0] in " \n\t":
            at += 1
    return at


def _double_quoted(raw: Sequence[tuple[str, Place]]) -> Iterator[tuple[str, Place]]:
    at = 0
    while at < len(raw) and raw[at][0] != '"':
        char, place = raw[at]
        at += 1
        if char != "\\" or at >= len(raw):
            yield char, place
            continue
        escape = raw[at][0]
        at += 1
        if escape in _HEX:
            digits = "".join(char for char, _ in raw[at : at + _HEX[escape]])
            at += _HEX[escape]
            yield chr(int(digits, 16)), place
        elif escape == "\n":  # a line continued: the break and the indentation are nothing
            while at < len(raw) and raw[at][0] in " \t":
                at += 1
        else:
            yield _ESCAPES.get(escape, escape), place


def _single_quoted(raw: Sequence[tuple[str, Place]]) -> Iterator[tuple[str, Place]]:
    at = 0
    while at < len(raw):
        if raw[at][0] == "'":
            if at + 1 >= len(raw) or raw[at + 1][0] != "'":
                return
            at += 1
        yield raw[at]
        at += 1
