"""Mutants of an SELinux module and its file contexts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tests.mutation.mutant import Edit, Line, Mutant, Texts, dropped, edited, lines, replaced, swapped, words_dropped


def mutants(texts: Texts) -> Iterator[Mutant]:
    te, fc = texts
    yield from edited(fc, _labels(fc), lambda text: (te, text))
    yield from edited(te, _module(te), lambda text: (text, fc))


def _module(text: str) -> Iterator[Edit]:
    widest: dict[str, tuple[str, ...]] = {}
    for line in lines(text, "#"):
        kind = re.search(r":(\w+) \{([^}]*)\};$", line.text)
        if kind is not None and len(kind[2].split()) > len(widest.get(kind[1], ())):
            widest[kind[1]] = tuple(kind[2].split())
    for line in lines(text, "#"):
        if line.text in ("require {", "}"):
            continue
        yield dropped("drop a statement", line)
        for match in re.finditer(r"\{([^}]*)\}", line.text):
            yield from words_dropped("drop a permission", line, match.start(1), match.end(1))
        yield from _lists(line)
        yield from _given_back(line, widest)


def _lists(line: Line) -> Iterator[Edit]:
    if line.text.startswith(("typeattribute", "  attribute")):
        yield from replaced("drop an attribute", line, r", \w+", "")
        yield from replaced("drop an attribute", line, r"\w+, ", "")
    if line.text.startswith("type_transition"):
        yield from replaced("another name", line, r'(?<=")[^"]+(?=")', "other")


def _given_back(line: Line, widest: dict[str, tuple[str, ...]]) -> Iterator[Edit]:
    match = re.fullmatch(r"allow avakill_agent_t avakill_\w+:(\w+) \{ ([^}]*)\};", line.text)
    if match is not None:
        at = line.start + match.end(2)
        missing = [p for p in widest[match[1]] if p not in match[2].split()]
        yield from (Edit("give back a permission", at, at, f"{permission} ") for permission in missing)


def _labels(text: str) -> Iterator[Edit]:
    found = list(lines(text, "#"))
    kinds = sorted({line.text.split("\t")[-1] for line in found if "avakill_" in line.text})
    for line in found:
        yield dropped("drop a label", line)
        yield from replaced("narrow a path", line, r"\(/\.\*\)\?", "")
        yield from replaced("narrow a path", line, r"\(/\[\^/\]\+\)\*|\[\^/\]\*", "")
        yield from replaced("widen a path", line, r"(?<!\?)\\z", r"(/.*)?\\z")
        yield from replaced("widen a path", line, r"/[\w\\.]+(?=\(/\.\*\)\?\\z)", "")
        yield from replaced("move an edge", line, r"(?<=\w)(?=(\(/\.\*\)\?)?\\z)", "x")
        yield from replaced("another kind", line, r"(?<=\t)-c\t", "")
        for kind in kinds:
            if kind != line.text.split("\t")[-1]:
                yield from replaced("another label", line, r"[^\t]+$", kind)
    for one, two in pairwise(found):
        if one.text.split("\t")[-1] != two.text.split("\t")[-1] and _may_meet(one.text, two.text):
            yield from swapped("swap two labels", text, [(one.start, one.end), (two.start, two.end)])


def _may_meet(one: str, two: str) -> bool:
    """Whether the literal beginnings of two patterns do not part ways; a line without wildcards has its own place."""
    beginnings = [re.split(r"[\[({*?+$^|]", line.split("\\z")[0])[0] for line in (one, two)]
    return beginnings[0].startswith(beginnings[1]) or beginnings[1].startswith(beginnings[0])
