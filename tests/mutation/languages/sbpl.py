"""Mutants of a macOS sandbox profile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tests.mutation.mutant import Edit, Mutant, Texts, edited, swapped

TEXT = r'"(?:[^"\\]|\\.)*"'
NAMED = (
    rf"(?:{TEXT}|\(param {TEXT}\)|\((?:string-append|regex-quote)(?: (?:{TEXT}|\(param {TEXT}\)|\(regex-quote \(param {TEXT}\)\)))*\))"
)
FILTER = re.compile(rf"\((?:literal|subpath|regex|vnode-type|remote|local) [^()]*?(?:{NAMED})?[^()]*?\)")
OPERATION = re.compile(r"(?<= )(?:file|process|network)[a-z-]*\*?(?=[ \n)])")


def mutants(texts: Texts) -> Iterator[Mutant]:
    text = texts[0]
    found = forms(text)

    def around(place: int) -> str:
        return next((text[start:end] for start, end in found if start <= place < end), "")

    yield from edited(text, _edits(text), around=around)


def forms(text: str) -> list[tuple[int, int]]:
    """The spans of the top-level forms."""
    starts = [match.start() for match in re.finditer(r"^\(", text, re.M)]
    ends = [match.end() for match in re.finditer(r"\)\n(?=\(|;|\n|\Z)", text)]
    return list(zip(starts, ends, strict=True))


def _edits(text: str) -> Iterator[Edit]:
    found = forms(text)
    for start, end in found:
        form = text[start:end]
        yield Edit("drop a rule", start, end, "")
        yield from _matches("flip an action", text, start, end, r"^\(deny\b", "(allow")
        yield from _matches("flip an action", text, start, end, r"^\(allow\b", "(deny")
        operations = list(OPERATION.finditer(form))
        if len(operations) > 1:
            yield from (Edit("drop an operation", start + o.start(), start + o.end() + 1, "") for o in operations)
        filters = list(FILTER.finditer(form))
        if len(filters) > 1:
            yield from (Edit("drop a filter", start + f.start(), start + f.end(), "") for f in filters)
        yield from _paths(text, start, end)
    yield from _order(text, found)


def _paths(text: str, start: int, end: int) -> Iterator[Edit]:
    yield from _matches("widen a path", text, start, end, r"\(literal(?= )", "(subpath")
    yield from _matches("narrow a path", text, start, end, r"\(subpath(?= )", "(literal")
    yield from _matches("widen a path", text, start, end, r'/[^/"()\\]+(?="\)*)', "")
    yield from _matches("narrow a path", text, start, end, r'(?<=[a-z])(?="\))', "/deeper")
    yield from _matches("move an edge", text, start, end, r'(?<=[a-z])(?="\))', "x")
    yield from _matches("narrow a path", text, start, end, r"\(/\[\^/\]\+\)\*", "")
    yield from _matches("narrow a path", text, start, end, r"\[\^/\]\*|\[\^/\]\+", "")
    yield from _matches("narrow a path", text, start, end, r"\(/\.\*\)\?", "")
    yield from _matches("widen a path", text, start, end, r'(?<=[^)])\$(?=")', "(/.*)?$")
    yield from _matches("widen a path", text, start, end, r'\$(?=")', "")
    yield from _matches("another parameter", text, start, end, r'"HOME"', '"WORKSPACE"')
    yield from _matches("another parameter", text, start, end, r'"WORKSPACE"', '"HOME"')
    yield from _matches("another port", text, start, end, r'(?<=:)(?:\*|\d+)(?="\))', "1")
    yield from _matches("another protocol", text, start, end, r"(?<=remote )(?:ip|tcp)", "udp")


def _matches(mutator: str, text: str, start: int, end: int, pattern: str, by: str) -> Iterator[Edit]:
    for match in re.finditer(pattern, text[start:end]):
        yield Edit(mutator, start + match.start(), start + match.end(), by)


def _order(text: str, found: list[tuple[int, int]]) -> Iterator[Edit]:
    """The last rule that matches decides: neighbours that disagree."""
    for one, two in pairwise(found):
        if text[one[0] : one[0] + 5] != text[two[0] : two[0] + 5] and _may_meet(text[slice(*one)], text[slice(*two)]):
            yield from swapped("swap two rules", text, [one, two])


def _may_meet(one: str, two: str) -> bool:
    """Whether the literal beginnings of two rules' paths do not part ways."""
    mine, yours = (list(re.findall(r'"\^?(/[^"(\[\\]*)', form)) for form in (one, two))
    if not mine or not yours or "(param" in one + two:
        return True
    return any(f"{a}/".startswith(f"{b.rstrip('/')}/") or f"{b}/".startswith(f"{a.rstrip('/')}/") for a in mine for b in yours)
