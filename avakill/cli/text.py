"""Text on a terminal: colours, widths, and nothing that a name could do to it."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence

import click

MAX_NAME = 32


def paint(text: str, tone: str | None, colour: bool) -> str:
    return click.style(text, fg=tone) if colour and tone else text


def escape(text: str) -> str:
    """No control character and no broken byte reaches the terminal."""
    return "".join(
        c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def shorten(name: str) -> str:
    name = escape(name)
    return name if width(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def width(text: str) -> int:
    """Columns that a text takes: East Asian wide characters take two, combining ones none (UAX #11)."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, to: int) -> str:
    return text + " " * (to - width(text))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table; the last column is cut at the terminal's width."""
    cells = [[escape(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width(row[i]) for row in cells) for i in range(len(head))]
    limit = max(40, shutil.get_terminal_size((120, 24)).columns)
    lines = ["  ".join(pad(c, w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("─" * w for w in widths))
    return "\n".join(line if width(line) <= limit else line[: limit - 1] + "…" for line in lines)
