"""Mutants of an AppArmor profile."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mutation.mutant import Edit, Line, Mutant, Texts, dropped, edited, lines, replaced, words_dropped


def mutants(texts: Texts) -> Iterator[Mutant]:
    yield from edited(texts[0], _edits(texts[0]))


def _edits(text: str) -> Iterator[Edit]:
    for line in lines(text, "#"):
        if line.text == "}":
            continue
        yield dropped("drop a rule", line)
        yield from replaced("flip an action", line, r"\bdeny ", "")
        yield from replaced("drop a flag", line, r"flags=\(attach_disconnected\) ", "")
        if '"' in line.text:
            yield from _paths(line)
        elif "(" in line.text and "ptrace" in line.text:
            inside = line.text.index("("), line.text.index(")")
            yield from words_dropped("drop a permission", line, inside[0] + 1, inside[1])


def _paths(line: Line) -> Iterator[Edit]:
    close = line.text.rindex('"')
    for at in range(close + 2, len(line.text) - 1):
        yield Edit("drop a permission", line.start + at, line.start + at + 1, "")
    yield from replaced("widen a path", line, r"\{,/\}(?=\")", "{,/,/**}")
    yield from replaced("widen a path", line, r"(?<=/)(?=\" )", "**")
    yield from replaced("widen a path", line, r"(?<=[^/*}])(?=\" )", "**")
    yield from replaced("widen a path", line, r"/[^/\"{}\[\]]+(?=(\{,/(,/\*\*)?\})?\" )", "")
    yield from replaced("widen a path", line, r"\[\^[^\]/]*\]", "?")
    yield from replaced("narrow a path", line, r"\{,/,/\*\*\}", "{,/}")
    yield from replaced("narrow a path", line, r"\{,/,/\*\*\}|\{,/\}|/(?=\" )", "")
    yield from replaced("narrow a path", line, r"\{,/,/\*\*\}", "/**")
    yield from replaced("narrow a path", line, r"\*\*", "*")
    yield from replaced("narrow a path", line, r"(?<=\"/)(?=\w)", "nowhere/")
    yield from replaced("move an edge", line, r"(?<=\[\^)[a-z](?=[^\]])", "")
    yield from replaced("move an edge", line, r"(?<=\w)(?=\{,|\" )", "x")


RULE = re.compile(r'deny ("(?:[^"\\]|\\.)*") ', re.S)
