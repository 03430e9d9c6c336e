"""Events of the audit trail as a table for a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from avakill.cli.text import escape, pad, paint, shorten, width

if TYPE_CHECKING:
    from avakill.audit.query import Stored

HEAD = ("time (UTC)", "tool", "action", "rule", "agent", "arguments")
TONES = {"allow": "green", "deny": "red", "require_approval": "yellow"}
ACTION = 2
MAX_PREVIEW = 400


def table(events: Sequence[Stored], colour: bool) -> str:
    """One line an event; the last column is cut at the terminal's width."""
    rows = [_cells(event) for event in events]
    widths = [max(width(row[i]) for row in (HEAD, *rows)) for i in range(len(HEAD) - 1)]
    room = max(16, shutil.get_terminal_size((120, 24)).columns - sum(widths) - 2 * len(widths))
    lines = [_line(HEAD, widths, room, False), "  ".join("─" * w for w in (*widths, min(room, 40)))]
    return "\n".join([*lines, *(_line(row, widths, room, colour) for row in rows)])


def line(event: Stored, colour: bool) -> str:
    """One event as `tail` prints it, whose columns cannot be known beforehand."""
    return _line(_cells(event), (19, 16, 7, 20, 12), max(16, shutil.get_terminal_size((120, 24)).columns - 84), colour)


def _cells(event: Stored) -> tuple[str, ...]:
    return (
        escape(str(event.timestamp)[:19].replace("T", " ")),
        shorten(str(event.tool)),
        escape(str(event.action)) + ("" if event.allowed or event.action != "allow" else "!"),
        shorten(str(event.rule_name or "–")),
        shorten(str(event.agent or "–")),
        escape(str(event.arguments)[:MAX_PREVIEW]),
    )


def _line(cells: Sequence[str], widths: Sequence[int], room: int, colour: bool) -> str:
    last = cells[-1] if width(cells[-1]) <= room else cells[-1][: room - 1] + "…"
    padded = [pad(cell, to) for cell, to in zip(cells, widths, strict=False)]
    padded[ACTION] = paint(padded[ACTION], TONES.get(cells[ACTION]), colour)
    return "  ".join([*padded, last]).rstrip()
