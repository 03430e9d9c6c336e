"""What came of a lab: the columns that were tried, what was not, and both as plain JSON data (`docs/lab.schema.json`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from avakill.backends.judge import judge
from avakill.backends.plan import Plan, Row
from avakill.lab.compare import Claims
from avakill.lab.words import CONTRADICTIONS, Mark, Result

NO_RULE = "<no rule>"
"""The row of what no rule decides: it is allowed."""

MAX_LISTED = 200
SAID = (Mark.WEAK, Mark.LOST)


@dataclass(frozen=True, slots=True)
class Column:
    """One layer on one kernel: what was promised and what came of each trial."""

    layer: str
    kernel: str
    release: str
    claims: Claims
    results: tuple[Result, ...]
    artifacts: tuple[tuple[str, bytes], ...] = ()
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.layer}@{self.kernel}"

    @property
    def counts(self) -> Counter[Mark]:
        return Counter(result.mark for result in self.results)

    @property
    def contradictions(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.mark in CONTRADICTIONS)

    def counts_of(self, index: int | None) -> Counter[Mark]:
        return Counter(result.mark for result in self.results if result.row == index)

    def promise(self, index: int) -> str:
        """The verdict of a row with what the layer is blind to: `stricter −attr`."""
        blind = "".join(f" −{operation}" for operation in self.claims.blind.get(index, ()))
        return f"{self.claims.verdict(index)}{blind}"


@dataclass(frozen=True, slots=True)
class NotRun:
    """A layer that was not put to a kernel: why, and the package or the step that helps. `is_wrong`: its artifact would not load."""

    layer: str
    kernel: str
    reason: str
    help: str = ""
    is_wrong: bool = False

    @property
    def sentence(self) -> str:
        where = f"@{self.kernel}" if self.kernel else ""
        return f"{self.layer}{where} was not run: {self.reason}" + (f" ({self.help})" if self.help else "")


@dataclass(frozen=True, slots=True)
class Report:
    """`options` are what the lab was asked for."""

    path: str
    sha256: str
    columns: tuple[Column, ...]
    not_run: tuple[NotRun, ...] = ()
    options: Mapping[str, str | int | bool | None] = field(default_factory=dict)

    @property
    def contradictions(self) -> int:
        return sum(len(column.contradictions) for column in self.columns) + sum(missing.is_wrong for missing in self.not_run)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the policy, each once; the plans of all columns have the same rules."""
        found = {row.index: row for column in self.columns for row in column.claims.plan.rows}
        order = {index: place for column in self.columns for place, index in enumerate(found)}
        return tuple(sorted(found.values(), key=lambda row: order[row.index]))


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON data."""
    return {
        "policy": {"path": report.path, "sha256": report.sha256},
        "options": dict(report.options),
        "contradictions": report.contradictions,
        "columns": [_column(column) for column in report.columns],
        "not_run": [
            {"layer": n.layer, "kernel": n.kernel, "reason": n.reason, "help": n.help, "wrong": n.is_wrong} for n in report.not_run
        ],
    }


def _column(column: Column) -> dict[str, Any]:
    plan = column.claims.plan
    rows = [_row(column, row) for row in plan.rows]
    return {
        "layer": column.layer,
        "kernel": column.kernel,
        "release": column.release,
        "seconds": round(column.seconds, 2),
        "trials": len(column.results),
        "counts": _counts(column.counts),
        "rules": [*rows, {"rule": NO_RULE, "line": 0, "index": None, "verdict": None, "counts": _counts(column.counts_of(None))}],
        "contradictions": [to_plain(plan, result) for result in column.contradictions[:MAX_LISTED]],
        "said": [_group(plan, group) for group in said(column)],
        "findings": [to_plain(plan, result) for result in column.results if result.mark is Mark.FINDING][:MAX_LISTED],
    }


def _row(column: Column, row: Row) -> dict[str, Any]:
    return {
        "rule": row.name,
        "line": row.span.line,
        "index": row.index,
        "verdict": str(column.claims.verdict(row.index)),
        "blind": [str(operation) for operation in column.claims.blind.get(row.index, ())],
        "counts": _counts(column.counts_of(row.index)),
    }


def _counts(counts: Counter[Mark]) -> dict[str, int]:
    return {str(mark): counts[mark] for mark in Mark if counts[mark]}


@dataclass(frozen=True, slots=True)
class Group:
    """All results that one sentence of the report had announced, with the first of them."""

    mark: Mark
    row: int | None
    sentence: str
    count: int
    example: Result


def said(column: Column) -> tuple[Group, ...]:
    """What differed as the verdict had said: weak and lost, by rule and sentence, most first."""
    groups: dict[tuple[Mark, int | None, str], list[Result]] = {}
    for result in column.results:
        if result.mark in SAID:
            groups.setdefault((result.mark, result.row, result.sentence), []).append(result)
    found = (Group(mark, row, sentence, len(some), some[0]) for (mark, row, sentence), some in groups.items())
    return tuple(sorted(found, key=lambda group: -group.count))


def _group(plan: Plan, group: Group) -> dict[str, Any]:
    return {
        "mark": str(group.mark),
        "rule": name_of(plan, group.row),
        "sentence": group.sentence,
        "count": group.count,
        "example": to_plain(plan, group.example),
    }


def to_plain(plan: Plan, result: Result) -> dict[str, Any]:
    """One trial with what came of it."""
    deed = result.trial.asks[0]
    row = None if result.row is None else plan.row_by_index.get(result.row)
    allowed = all(judge(plan, probe).allowed for probe in result.trial.asks)
    told: dict[str, Any] = {
        "number": result.trial.number,
        "mark": str(result.mark),
        "rule": name_of(plan, result.row),
        "line": 0 if row is None else row.span.line,
        "operation": str(deed.operation),
        "object": deed.object,
        "door": result.trial.door,
        "route": result.trial.route,
        "asks": [{"operation": str(probe.operation), "object": probe.object} for probe in result.trial.asks],
        "policy": "allow" if allowed else "deny",
        "answer": str(result.outcome.answer),
        "errno": result.outcome.errno,
        "sentence": result.sentence,
    }
    return told if deed.to is None else {**told, "to": deed.to}


def name_of(plan: Plan, index: int | None) -> str:
    return NO_RULE if index is None or index not in plan.row_by_index else plan.row_by_index[index].name


def in_words(result: Result) -> str:
    """`write /a/b by trunc-read (dotdot): refused EACCES`."""
    trial = result.trial
    deed = trial.asks[0]
    to = "" if deed.to is None else f" → {deed.to}"
    route = "" if trial.route == "plain" else f", {trial.route}"
    errno = f" {result.outcome.errno}" if result.outcome.errno else ""
    return f"{deed.operation} {deed.object}{to} by {trial.door}{route}: {result.outcome.answer}{errno}"


def kinds(column: Column) -> Iterator[tuple[Result, int]]:
    """The contradictions, those alike (operation, rule, errno, sentence) once with their number."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in column.contradictions:
        key = (result.mark, result.trial.asks[0].operation, str(result.row), result.outcome.errno, result.sentence)
        groups.setdefault(key, []).append(result)
    for some in groups.values():
        yield min(some, key=_plainness), len(some)


def _plainness(result: Result) -> tuple[int, bool, int]:
    return len(result.trial.asks), result.trial.route != "plain", len(result.trial.asks[0].object)
