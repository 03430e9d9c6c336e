"""A build as `coverage.json`: a public format, whose schema stands in `docs/coverage.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from avakill.backends.contract import Json
from avakill.backends.plan import Plan
from avakill.ir.verdict import Finding, Lost, Witness
from avakill.pipeline import Build, Emission, RowVerdict, stacks
from avakill.source.collector import collector_paused
from avakill.source.span import Span


def coverage(made: Build, options: Mapping[str, Json] | None = None) -> dict[str, Any]:
    """The report as plain JSON data."""
    plan = made.plan
    with collector_paused():  # a report of 10,000 rules is some million small dicts and lists
        return {
            "policy": {"path": plan.policy.path, "sha256": plan.policy.sha256},
            "targets": {emission.backend.name: _target(emission) for emission in made.emissions},
            "stack": {system: _stack(names, rows) for system, (names, rows) in stacks(made).items()},
            "options": {**_options(plan), **(options or {})},
        }


def coverage_text(report: dict[str, Any]) -> str:
    """As `json.dumps(report, indent=2)`, which is all Python and takes four times as long."""
    with collector_paused():
        return _object(report, "\n", {})


_Known = dict[str | tuple[str, ...], str]
"""Keys, and lists of words with the beginning of their lines, as they stand in JSON: few, and each in thousands of places."""


def _object(value: dict[str, Any], line: str, known: _Known) -> str:
    """`line` is what begins a line: the end of the one before it, and the blanks of this depth."""
    if not value:
        return "{}"
    inner = line + "  "
    parts = []
    for key, one in value.items():
        name = known.get(key)
        if name is None:
            name = known[key] = _quoted(key) + ": "
        kind = type(one)
        parts.append(name + (_quoted(one) if kind is str else str(one) if kind is int else _value(one, inner, known)))
    return "{" + inner + ("," + inner).join(parts) + line + "}"


def _array(value: list[Any], line: str, known: _Known) -> str:
    if not value:
        return "[]"
    inner = line + "  "
    if not all(type(one) is str for one in value):
        return "[" + inner + ("," + inner).join([_value(one, inner, known) for one in value]) + line + "]"
    words = (line, *value)
    text = known.get(words)
    if text is None:
        text = known[words] = "[" + inner + ("," + inner).join([_value(one, inner, known) for one in value]) + line + "]"
    return text


def _value(value: Any, line: str, known: _Known) -> str:
    if isinstance(value, dict):
        return _object(value, line, known)
    if isinstance(value, list):
        return _array(value, line, known)
    return "true" if value is True else "false" if value is False else dumps(value)


def _options(plan: Plan) -> dict[str, Any]:
    chosen = plan.options
    target = plan.target
    return {
        "scope": str(chosen.scope),
        "strict": chosen.strict,
        "floor": chosen.floor,
        "home": target.home,
        "workspace": target.workspace,
        "self_protection": list(target.protected),
    }


def _target(emission: Emission) -> dict[str, Any]:
    return {
        "artifact": [artifact.name for artifact in emission.artifacts],
        "facts": plain(emission.lowering.facts),
        "rules": [row_report(row) for row in emission.rows],
    }


def row_report(verdict: RowVerdict) -> dict[str, Any]:
    row = verdict.row
    return {
        "rule": row.name,
        "line": row.span.line,
        "index": row.index,
        "verdict": str(verdict.verdict),
        "blind": [str(operation) for operation in verdict.blind],
        "findings": [_finding(finding, row.span) for finding in verdict.findings],
    }


def _finding(finding: Finding, of_row: Span) -> dict[str, Any]:
    span = finding.span if finding.span.line else of_row
    report: dict[str, Any] = {
        "verdict": str(finding.verdict),
        "reason": finding.reason,
        "line": span.line,
        "column": span.column,
        "effects": sorted(str(effect) for effect in finding.effects),
        "lost": [_lost(lost) for lost in finding.lost],
    }
    if finding.witness is not None:
        report["witness"] = _witness(finding.witness)
    return report


def _witness(witness: Witness) -> dict[str, Any]:
    report: dict[str, Any] = {
        "operation": str(witness.operation),
        "object": witness.object,
        "policy": "allow" if witness.policy else "deny",
        "target": "allow" if witness.target else "deny",
    }
    if witness.to is not None:
        report["to"] = witness.to
    return {**report, "exchange": True} if witness.exchange else report


def _lost(lost: Lost) -> dict[str, Any]:
    return {"operations": [str(op) for op in lost.operations], "place": lost.place, "below": lost.below}


def _stack(names: tuple[str, ...], rows: Any) -> dict[str, Any]:
    return {
        "targets": list(names),
        "rules": [
            {
                "rule": stacked.row.name,
                "line": stacked.row.span.line,
                "index": stacked.row.index,
                "verdict": str(stacked.verdict),
                "blind": [str(operation) for operation in stacked.blind],
            }
            for stacked in rows
        ],
    }


def plain(value: Json) -> Any:
    """Frozen JSON to what `json.dumps` takes."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    return value
