"""One small change of an emitted text, made without knowing what the text means to us."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`make` gives all files of the artifact after the change; `old` and `new` are the lines that differ, `about` is the
    statement that they stand in."""

    mutator: str
    old: str
    new: str
    make: Callable[[], Texts]
    about: str = ""

    def __str__(self) -> str:
        return f"{self.mutator}: {self.old.strip()[:160]!r} -> {self.new.strip()[:160]!r}"


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` become `by`."""

    mutator: str
    start: int
    end: int
    by: str


def alone(text: str) -> Texts:
    return (text,)


def edited(
    text: str, edits: Iterator[Edit], wrap: Callable[[str], Texts] = alone, around: Callable[[int], str] = lambda _: ""
) -> Iterator[Mutant]:
    """The mutants of a text, each change once. `around` gives the statement that a place of the text is in."""
    seen: set[tuple[int, int, str]] = set()
    for edit in edits:
        key = (edit.start, edit.end, edit.by)
        if key not in seen and text[edit.start : edit.end] != edit.by:
            seen.add(key)
            yield Mutant(edit.mutator, *_lines(text, edit), _maker(text, edit, wrap), around(edit.start))


def _maker(text: str, edit: Edit, wrap: Callable[[str], Texts]) -> Callable[[], Texts]:
    return lambda: wrap(text[: edit.start] + edit.by + text[edit.end :])


def _lines(text: str, edit: Edit) -> tuple[str, str]:
    first = text.rfind("\n", 0, edit.start) + 1
    last = text.find("\n", max(edit.start, edit.end - 1))
    last = len(text) if last < 0 else last
    return text[first:last], text[first : edit.start] + edit.by + text[edit.end : max(last, edit.end)]


@dataclass(frozen=True, slots=True)
class Line:
    start: int
    text: str

    @property
    def end(self) -> int:
        """After the newline."""
        return self.start + len(self.text) + 1


def lines(text: str, comment: str) -> Iterator[Line]:
    """The lines that carry meaning."""
    at = 0
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith(comment):
            yield Line(at, line)
        at += len(line) + 1


def dropped(mutator: str, line: Line) -> Edit:
    return Edit(mutator, line.start, line.end, "")


def swapped(mutator: str, text: str, found: list[tuple[int, int]]) -> Iterator[Edit]:
    """Each two neighbours of `found`, which are spans of the text in its order."""
    for (first, middle), (second, end) in pairwise(found):
        yield Edit(mutator, first, end, text[second:end] + text[middle:second] + text[first:middle])


def replaced(mutator: str, line: Line, pattern: str, by: str | Callable[[re.Match[str]], str]) -> Iterator[Edit]:
    """Each match of the pattern in the line, one at a time."""
    for match in re.finditer(pattern, line.text):
        new = match.expand(by) if isinstance(by, str) else by(match)
        yield Edit(mutator, line.start + match.start(), line.start + match.end(), new)


def words_dropped(mutator: str, line: Line, start: int, end: int) -> Iterator[Edit]:
    """Each word of a stretch of the line that has several."""
    words = list(re.finditer(r"\S+", line.text[start:end]))
    if len(words) > 1:
        for word in words:
            yield Edit(mutator, line.start + start + word.start(), line.start + start + word.end(), "")
