"""Mutants of Tetragon's tracing policies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mutation.mutant import Edit, Line, Mutant, Texts, dropped, edited, lines, replaced, swapped

OTHER_OPERATORS = {
    "Equal": ("NotEqual", "Prefix"),
    "NotEqual": ("Equal", "NotPrefix"),
    "Prefix": ("NotPrefix", "Equal"),
    "NotPrefix": ("Prefix", "NotEqual"),
    "Postfix": ("NotPostfix", "Equal"),
    "NotPostfix": ("Postfix", "NotEqual"),
    "Mask": ("Equal",),
    "SPort": ("NotSPort", "DPort"),
    "NotSPort": ("SPort",),
    "SAddr": ("NotSAddr", "DAddr"),
    "NotSAddr": ("SAddr",),
    "Family": ("SAddr",),
}


def mutants(texts: Texts) -> Iterator[Mutant]:
    text = texts[0]

    def around(place: int) -> str:
        """The selector."""
        start = text.rfind(SELECTOR, 0, place + len(SELECTOR))
        return text[max(start, 0) : text.find("matchActions", place)]

    yield from edited(text, _edits(text), around=around)


SELECTOR = "    - matchArgs:"


def _edits(text: str) -> Iterator[Edit]:
    found = list(lines(text, "#"))
    for place, line in enumerate(found):
        if line.text.startswith(("---", "metadata", "  name:")):
            continue
        item = re.match(r"( *)- ", line.text)
        if item is not None:
            end = _end(found, place, len(item[1]))
            yield Edit("drop an item", line.start, end, "")
            if "index:" in line.text and end < len(text) and text.startswith(f"{item[1]}- index", end):
                after = _end(found, next(n for n, other in enumerate(found) if other.start == end), len(item[1]))
                yield from swapped("swap two arguments", text, [(line.start, end), (end, after)])
        else:
            yield dropped("drop a key", line)
        yield from _values(line)


def _end(found: list[Line], place: int, indent: int) -> int:
    end = found[place].end
    for line in found[place + 1 :]:
        if len(line.text) - len(line.text.lstrip()) <= indent:
            break
        end = line.end
    return end


def _values(line: Line) -> Iterator[Edit]:
    operator = re.search(r'operator: "(\w+)"', line.text)
    if operator is not None:
        for other in OTHER_OPERATORS[operator[1]]:
            yield from replaced("another operator", line, r'(?<=")\w+(?=")', other)
    yield from replaced("widen a path", line, r'(?<=- ")(/[^"]*)/[^/"]+(/?)(?="$)', r"\1\2")
    yield from replaced("move an edge", line, r'(?<=- ")(/[^"]*?)(/?)(?="$)', r"\1x\2")
    yield from replaced("move an edge", line, r'(?<=- ")([^/"\d][^"]*)(?="$)', r"\1x")
    yield from replaced("another number", line, r'(?<=- ")\d+(?="$)', lambda match: str(int(match[0]) * 2))
    yield from replaced("flip an action", line, r'"Override"', '"Post"')
    yield from replaced("flip an action", line, r"(?<=argError: )-\d+", "0")
    yield from replaced("another argument", line, r"(?<=args: \[)\d", lambda match: str(int(match[0]) + 1))
    yield from replaced("another argument", line, r"(?<=index: )\d", lambda match: str(int(match[0]) + 1))
    yield from replaced("another argument", line, r'(?<=resolve: ")[\w.]+', "f_flags")
    yield from replaced("another hook", line, r'(?<=hook: ")\w+', "path_chroot")
    yield from replaced("another subject", line, r'(?<="app": ")\w+', "other")
