"""The lab's report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from avakill.lab.report import MAX_LISTED, NO_RULE, Column, Report, in_words, name_of, said, to_plain
from avakill.lab.words import CONTRADICTIONS, Mark

TEMPLATE = "reports/lab.html.jinja"
TONES = {Mark.AGREED: "good", Mark.WEAK: "weak", Mark.LOST: "weak"}
IN_CELLS = (Mark.AGREED, Mark.WEAK, Mark.LOST, Mark.LEAK, Mark.OVER, Mark.SILENT)


@dataclass(frozen=True, slots=True)
class Cell:
    verdict: str
    counts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the matrix."""

    name: str
    line: int
    cells: tuple[Cell, ...]


def page(report: Report) -> str:
    """Every value is escaped, and no name can break a line or a byte of the page."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True)
    text = (files("avakill.templates") / TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(text).render(
        report=report,
        marks=tuple(Mark),
        wrong=CONTRADICTIONS,
        rows=tuple(lines(report)),
        listed=_listed,
        said=_said,
        findings=tuple(_findings(report)),
    )


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else ascii(c)[1:-1] for c in value)
    return value


def lines(report: Report) -> Iterator[Line]:
    """The matrix: every rule, and last what no rule decides."""
    for row in report.rows:
        cells = tuple(Cell(column.promise(row.index), tuple(counted(column.counts_of(row.index)))) for column in report.columns)
        yield Line(row.name, row.span.line, cells)
    if report.columns:
        yield Line(NO_RULE, 0, tuple(Cell("", tuple(counted(column.counts_of(None)))) for column in report.columns))


def counted(counts: Counter[Mark]) -> Iterator[tuple[str, str]]:
    """`12 agreed` with its tone."""
    for mark in IN_CELLS:
        if counts[mark]:
            yield f"{counts[mark]} {mark}", TONES.get(mark, "bad")


def _listed(column: Column) -> list[dict[str, Any]]:
    return [{"to": "", **to_plain(column.claims.plan, result)} for result in column.contradictions[:MAX_LISTED]]


def _said(column: Column) -> list[dict[str, Any]]:
    plan = column.claims.plan
    return [
        {
            "mark": str(group.mark),
            "count": group.count,
            "rule": name_of(plan, group.row),
            "sentence": group.sentence,
            "example": in_words(group.example),
        }
        for group in said(column)
    ]


def _findings(report: Report) -> Iterator[tuple[str, str, str]]:
    for column in report.columns:
        found = [result for result in column.results if result.mark is Mark.FINDING]
        yield from ((column.name, in_words(result), result.sentence) for result in found[:MAX_LISTED])
