"""The lab's report for a terminal: rule × kernel, contradictions, what was announced, what was not run."""

from __future__ import annotations

from collections.abc import Iterator

from avakill.cli.text import escape, pad, paint, shorten, width
from avakill.lab.page import counted, lines
from avakill.lab.report import NO_RULE, Column, Group, Report, in_words, kinds, name_of, said
from avakill.lab.words import CONTRADICTIONS, Mark

MAX_ROWS = 60
MAX_KINDS = 20
MAX_GROUPS = 6
TONES = {"good": "green", "weak": "yellow", "bad": "red"}

Piece = tuple[str, str | None]


def lab_text(report: Report, colour: bool) -> str:
    """Everything that a person wants to see first; all of it is in the JSON and HTML reports."""
    blocks = [matrix(report, colour)] if report.columns else []
    blocks += ["\n".join(_contradictions(column, colour)) for column in report.columns if column.contradictions]
    blocks += ["\n".join(_said(column)) for column in report.columns if any(said(column))]
    blocks.append("\n".join(_ending(report, colour)))
    return "\n\n".join(blocks)


def matrix(report: Report, colour: bool) -> str:
    """One line for each rule, one column for each layer and kernel."""
    head = ["rule", "line", *(column.name for column in report.columns)]
    body: list[list[tuple[Piece, ...]]] = []
    every = tuple(lines(report))
    for line in every[:MAX_ROWS]:
        cells = (tuple(_pieces(cell.verdict, cell.counts)) for cell in line.cells)
        body.append([((shorten(line.name), None),), ((str(line.line) if line.line else "–", None),), *cells])
    widths = [max(width(head[i]), *(width(_plain(row[i])) for row in body)) for i in range(len(head))]
    shown = ["  ".join(pad(h, w) for h, w in zip(head, widths, strict=True)).rstrip(), "  ".join("─" * w for w in widths)]
    for row in body:
        shown.append("  ".join(_painted(cell, w, colour) for cell, w in zip(row, widths, strict=True)).rstrip())
    if len(every) > MAX_ROWS:
        shown.append(f"… and {len(every) - MAX_ROWS} more rules, in the JSON report")
    return "\n".join(shown)


def _pieces(verdict: str, counts: tuple[tuple[str, str], ...]) -> Iterator[Piece]:
    if verdict:
        yield f"{verdict}: " if counts else verdict, None
    for place, (text, tone) in enumerate(counts):
        yield (", " if place else "") + text, TONES[tone]


def _plain(cell: tuple[Piece, ...]) -> str:
    return "".join(text for text, _ in cell)


def _painted(cell: tuple[Piece, ...], to: int, colour: bool) -> str:
    return "".join(paint(text, tone, colour) for text, tone in cell) + " " * (to - width(_plain(cell)))


def _contradictions(column: Column, colour: bool) -> Iterator[str]:
    every = tuple(kinds(column))
    yield paint(f"contradictions on {column.name}:", "red", colour)
    for result, count in every[:MAX_KINDS]:
        times = f" ({count} alike)" if count > 1 else ""
        row = "" if result.row is None else f"`{escape(name_of(column.claims.plan, result.row))}`: "
        yield f"  {paint(str(result.mark), 'red', colour)} {row}{escape(in_words(result))}{times}"
        yield f"      promised: {escape(result.sentence)}"
    if len(every) > MAX_KINDS:
        yield f"  … and {len(every) - MAX_KINDS} more kinds, in the JSON report"


def _said(column: Column) -> Iterator[str]:
    groups = said(column)
    yield f"as announced on {column.name}:"
    for group in groups[:MAX_GROUPS]:
        yield f"  {_group(column, group)}"
    if len(groups) > MAX_GROUPS:
        yield f"  … and {len(groups) - MAX_GROUPS} more sentences, in the JSON report"


def _group(column: Column, group: Group) -> str:
    rule = name_of(column.claims.plan, group.row)
    where = "" if rule == NO_RULE else f" `{shorten(rule)}`"
    return f"{group.count} {group.mark}{where}: {escape(group.sentence)}"


def _ending(report: Report, colour: bool) -> Iterator[str]:
    for column in report.columns:
        counts = column.counts
        rest = ", ".join(f"{counts[mark]} {mark}" for mark in (Mark.FINDING, Mark.MOOT, Mark.NONE) if counts[mark])
        agreed = ", ".join(text for text, _ in counted(counts))
        yield f"{column.name} (Linux {escape(column.release)}): {len(column.results)} trials: {agreed}" + (f"; {rest}" if rest else "")
    for missing in report.not_run:
        yield paint(escape(missing.sentence), "red" if missing.is_wrong else "yellow", colour)
    if report.contradictions:
        names = "/".join(sorted(CONTRADICTIONS))
        yield paint(f"{report.contradictions} contradictions ({names}): the kernel does not do what a verdict says", "red", colour)
    elif report.columns:
        yield paint("no contradiction: the kernel does what the verdicts say", "green", colour)
    else:
        yield paint("nothing was put to a kernel", "yellow", colour)
