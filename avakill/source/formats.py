"""Diagnostics for other programs: JSON, SARIF 2.1.0 and GitHub annotations."""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from avakill.source.diagnostic import Diagnostic, Severity
from avakill.source.render import visible
from avakill.source.span import Span

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A list of objects: code, title, severity, message, span, label, others, notes, help."""
    return json.dumps([json_of(item) for item in diagnostics], indent=2) + "\n"


def json_of(item: Diagnostic) -> Mapping[str, Json]:
    return {
        "code": item.code.number,
        "title": item.code.title,
        "severity": item.severity.value,
        "message": item.message,
        "span": _span(item.span),
        "label": item.label,
        "others": [{"span": _span(other.span), "text": other.text} for other in item.others],
        "notes": list(item.notes),
        "help": item.help,
    }


def to_sarif(diagnostics: Iterable[Diagnostic], version: str) -> str:
    """A SARIF 2.1.0 log of one run of `avakill` `version`; columns count characters."""
    items = tuple(diagnostics)
    codes = list(dict.fromkeys(item.code for item in items))
    rules: list[Json] = [{"id": code.number, "shortDescription": {"text": code.title}} for code in codes]
    results: list[Json] = [_result(item, codes.index(item.code)) for item in items]
    driver: Json = {"name": "avakill", "version": version, "rules": rules}
    run: Json = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log: Json = {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def to_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One workflow command each: `::error file=…,line=…,col=…,title=…::message`."""
    return "".join(_annotation(item) + "\n" for item in diagnostics)


def _span(span: Span | None) -> Json:
    if span is None:
        return None
    return {
        "path": span.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _result(item: Diagnostic, index: int) -> Json:
    text = "\n".join([item.message, *item.notes, *([f"help: {item.help}"] if item.help else [])])
    result: dict[str, Json] = {
        "ruleId": item.code.number,
        "ruleIndex": index,
        "level": item.severity.value,
        "message": {"text": text},
    }
    if item.span is not None:
        result["locations"] = [_location(item.span)]
    if item.others:
        related: list[Json] = []
        for other in item.others:
            location = dict(_location(other.span))
            location["message"] = {"text": other.text}
            related.append(location)
        result["relatedLocations"] = related
    return result


def _location(span: Span) -> Mapping[str, Json]:
    # A region needs lines and columns from 1; what has no place in its file is a location without a region.
    location: dict[str, Json] = {"artifactLocation": {"uri": quote(span.path, errors="surrogateescape")}}
    if span.line > 0:
        location["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    return {"physicalLocation": location}


_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def _annotation(item: Diagnostic) -> str:
    properties: dict[str, str] = {}
    if item.span is not None:
        properties["file"] = item.span.path
        if item.span.line > 0:
            properties |= {"line": str(item.span.line), "endLine": str(item.span.end_line)}
            properties["col"] = str(item.span.column)
            if item.span.line == item.span.end_line:
                properties["endColumn"] = str(max(item.span.column, item.span.end_column - 1))
    properties["title"] = f"{item.code}: {item.code.title}"
    text = "\n".join([item.message, *item.notes, *([f"help: {item.help}"] if item.help else [])])
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[item.severity]} {written}::{_data(text)}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
