"""Diagnostics as text for a terminal: like a good compiler's, or one line each."""
from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from avakill.source.diagnostic import Diagnostic, Severity
from avakill.source.file import SourceFile
from avakill.source.span import Span

MAX_WIDTH = 160
"""Columns of a source line that are shown; a longer line is cut around what is pointed at."""
_TAB = 4
_ELLIPSIS = "…"

Sources = Mapping[str, SourceFile]
"""The files that spans speak of, by path."""


@dataclass(frozen=True, slots=True)
class Palette:
    """What stands before and after a piece of text to give it its colour."""

    error: str = ""
    warning: str = ""
    note: str = ""
    bold: str = ""
    frame: str = ""
    end: str = ""

    def of(self, severity: Severity) -> str:
        return {Severity.ERROR: self.error, Severity.WARNING: self.warning, Severity.NOTE: self.note}[severity]


PLAIN = Palette()
ANSI = Palette("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[1m", "\x1b[1;34m", "\x1b[0m")


def render(diagnostics: Iterable[Diagnostic], sources: Sources, palette: Palette = PLAIN) -> str:
    """All of them in full, a blank line between two, and how many there are; empty if there are none."""
    items = tuple(diagnostics)
    if not items:
        return ""
    return "\n".join([render_one(item, sources, palette) for item in items]) + "\n" + summary(items) + "\n"


def render_one(item: Diagnostic, sources: Sources, palette: Palette = PLAIN) -> str:
    """One diagnostic in full: its title, each place with its line and carets, the notes and the help."""
    colour = palette.of(item.severity)
    head = f"{colour}{item.severity}[{item.code}]{palette.end}{palette.bold}: {visible(item.message)}{palette.end}"
    places = [*([(item.span, item.label, "^")] if item.span else []), *((o.span, o.text, "-") for o in item.others)]
    gutter = len(str(max((span.end_line for span, _, _ in places if span.path in sources), default=1)))
    lines = [head]
    lines += _places(places, sources, palette, colour, gutter)
    for note in item.notes:
        lines.append(f"{' ' * gutter} {palette.frame}={palette.end} {visible(note)}")
    if item.help:
        lines.append(f"{' ' * gutter} {palette.frame}={palette.end} {palette.bold}help{palette.end}: {visible(item.help)}")
    return "\n".join(lines) + "\n"


def short(diagnostics: Iterable[Diagnostic]) -> str:
    """One line each: `file:line:column: error[AVK1002]: duplicate key`."""
    return "".join(f"{_where(item.span)}{item.severity}[{item.code}]: {visible(item.message)}\n" for item in diagnostics)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    counts = [(severity, sum(item.severity is severity for item in diagnostics)) for severity in Severity]
    return ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts if count)


def visible(text: str) -> str:
    """The text with each character that would move or change a terminal written out."""
    return "".join(char if _is_printable(char) else _escaped(char) for char in text)


def width(char: str) -> int:
    """The terminal columns of one character that `visible` leaves as it is."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _where(span: Span | None) -> str:
    return "" if span is None else f"{visible(str(span))}: "


def _places(
    places: Sequence[tuple[Span, str, str]], sources: Sources, palette: Palette, colour: str, gutter: int
) -> Iterable[str]:
    margin = " " * gutter
    bar = f"{palette.frame}|{palette.end}"
    before: str | None = None
    for span, label, mark in places:
        if span.path != before:
            arrow = "-->" if before is None else ":::"
            yield f"{margin}{palette.frame}{arrow}{palette.end} {visible(str(span))}"
            if span.path in sources:
                yield f"{margin} {bar}"
        elif span.path in sources:
            yield f"{margin} {palette.frame}:{palette.end}"
        before = span.path
        if span.path not in sources:
            if label:
                yield f"{margin} {palette.frame}={palette.end} {visible(label)}"
            continue
        line, carets = _pointed(span, sources[span.path].line(span.line), mark)
        number = f"{palette.frame}{span.line:>{gutter}}{palette.end}"
        paint = colour if mark == "^" else palette.frame
        yield f"{number} {bar} {line}".rstrip()
        yield f"{margin} {bar} {carets[0]}{paint}{carets[1]}{' ' + visible(label) if label else ''}{palette.end}"
    if before is not None and before in sources:
        yield f"{margin} {bar}"


def _pointed(span: Span, text: str, mark: str) -> tuple[str, tuple[str, str]]:
    """The first line of a span as shown, and the blanks and marks under it."""
    cells = [_cell(char, index) for index, char in enumerate(text)]
    first = min(span.column - 1, len(cells))
    last = min(span.end_column - 1, len(cells)) if span.line == span.end_line else len(text.rstrip())
    start, stop, front = _window(cells, first, max(last, first + 1))
    shown = "".join(cell for cell, _ in cells[start:stop])
    blanks = len(front) + sum(columns for _, columns in cells[start:first])
    marks = max(1, sum(columns for _, columns in cells[first : min(max(last, first), stop)]))
    return front + shown + (_ELLIPSIS if stop < len(cells) else ""), (" " * blanks, mark * marks)


def _window(cells: Sequence[tuple[str, int]], first: int, last: int) -> tuple[int, int, str]:
    """Which cells of a long line are shown, and what stands for those in front."""
    if sum(columns for _, columns in cells) <= MAX_WIDTH:
        return 0, len(cells), ""
    start = max(0, first - MAX_WIDTH // 3)
    stop = min(len(cells), start + MAX_WIDTH)
    return start, stop, _ELLIPSIS if start else ""


def _cell(char: str, index: int) -> tuple[str, int]:
    if char == "\t":
        return " " * _TAB, _TAB
    if not _is_printable(char):
        return _escaped(char), len(_escaped(char))
    return char, width(char)


def _is_printable(char: str) -> bool:
    # Cc and Cf hold what drives a terminal, the bidirectional overrides too; Cs is a byte that was not UTF-8.
    return char == " " or (char.isprintable() and unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
