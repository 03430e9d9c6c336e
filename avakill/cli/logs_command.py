"""`avakill logs`: what was decided, whether the record is whole, and how to take it elsewhere."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

import click

from avakill.cli.common import Reporter, colours, diagnostics_option, echo, error
from avakill.cli.logs_place import KEY, Given, broken, collect, filter_options, no_store, opened, place_options, read_time
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.audit.query import Filters, Reader, Stored
    from avakill.audit.verify import Anchor, Fault
    from avakill.source.diagnostic import Diagnostic

POLL = 0.25


@click.group("logs", invoke_without_command=True)
@place_options
@filter_options
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="how many events, the newest first")
@click.option("--json", "as_json", is_flag=True, help="a JSON list on standard output")
@diagnostics_option
@click.pass_context
def command(context: click.Context, /, limit: int, as_json: bool, style: str, **rest: Any) -> None:
    """Show what the guard decided, the newest first. Exit status 1 without a store."""
    given = context.obj = Given(**rest)
    if context.invoked_subcommand is not None:
        return
    reporter = Reporter(style)
    filters = given.filters(reporter)
    with opened(given, reporter) as reader:
        events = reader.query(filters, limit)
    if as_json:
        click.echo(json.dumps([event.to_json() for event in events], indent=2))
    elif events:
        from avakill.cli.logs_text import table

        echo(table(events, colours(sys.stdout)))
    else:
        echo("no events")


@command.command("tail")
@place_options
@filter_options
@click.option("-n", "--lines", type=click.IntRange(0), default=10, show_default=True, help="how many to begin with")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
@diagnostics_option
@click.pass_obj
def tail(outer: Given, /, lines: int, as_json: bool, style: str, **rest: Any) -> None:
    """Show the newest events, and new ones as they come, until it is stopped."""
    given, reporter = Given(**rest).over(outer), Reporter(style)
    filters = given.filters(reporter)
    with opened(given, reporter) as reader:
        last = reader.last()
        for event in reversed(reader.query(filters, lines)):
            _print_one(event, as_json)
        while True:
            last = _follow(reader, last, filters, as_json)
            time.sleep(POLL)


def _follow(reader: Reader, last: int, filters: Filters, as_json: bool) -> int:
    for event in reader.since(last, filters):
        _print_one(event, as_json)
        last = event.sequence
    return last


def _print_one(event: Stored, as_json: bool) -> None:
    from avakill.cli.logs_text import line

    echo(json.dumps(event.to_json()) if as_json else line(event, colours(sys.stdout)))
    sys.stdout.flush()


@command.command("verify")
@place_options
@click.option("--anchor", metavar="ROW:HASH", help="a row's number and hash, noted elsewhere, that the chain must hold")
@click.option("--json", "as_json", is_flag=True, help="the result as JSON on standard output")
@diagnostics_option
@click.pass_obj
def verify(outer: Given, /, anchor: str | None, as_json: bool, style: str, **rest: Any) -> None:
    """Find rows that were edited, deleted, inserted or moved. Exit status 1 if there are any.

    The last line is an anchor: kept where nobody who can write the store reaches it, it shows when an older copy of the whole
    store was put back. Without a key, whoever can write the store can also make it a new chain.
    """
    from avakill.audit.verify import verify as look

    given, reporter = Given(**rest).over(outer), Reporter(style)
    path, key, noted = given.path(), given.key(reporter), _anchor(anchor, reporter)
    collect(path, key, reporter)
    if not path.is_file():
        reporter.fail(no_store(path))
    try:
        seen = look(path, key, noted)
    except sqlite3.Error as fault:
        reporter.fail(broken(path, str(fault)))
    if as_json:
        faults = [{"kind": str(fault.kind), "row": fault.sequence, "message": fault.said} for fault in seen.faults]
        told = {"sound": seen.sound, "rows": seen.rows, "pruned": seen.pruned, "keyed": seen.keyed, "faults": faults, "more": seen.more}
        click.echo(json.dumps({**told, "anchor": f"{seen.end.sequence}:{seen.end.hash}"}, indent=2))
        sys.exit(0 if seen.sound else 1)
    if not seen.sound:
        more = (error(codes.TAMPERED_AUDIT, f"and {seen.more} more"),) if seen.more else ()
        reporter.fail(*(_said(fault) for fault in seen.faults), *more)
    removed = f", {seen.pruned} removed by retention" if seen.pruned else ""
    echo(f"{seen.rows} rows follow from each other{removed}; " + ("sealed with the key" if seen.keyed else "without a key"))
    echo(f"anchor {seen.end.sequence}:{seen.end.hash}")


def _said(fault: Fault) -> Diagnostic:
    from avakill.audit.verify import Kind

    if fault.kind is Kind.KEY:
        return error(codes.BROKEN_AUDIT, fault.said, f"give the key by `--key-file` or ${KEY}")
    return error(codes.TAMPERED_AUDIT, fault.said)


def _anchor(text: str | None, reporter: Reporter) -> Anchor | None:
    from avakill.audit.verify import Anchor

    if text is None:
        return None
    sequence, _, hash_ = text.partition(":")
    if not sequence.isdecimal() or len(hash_) != 64:
        reporter.fail(error(codes.BAD_LOG_OPTION, f"`--anchor` is ROW:HASH, as `logs verify` prints it: `{text}`"))
    return Anchor(int(sequence), hash_.lower())


@command.command("export")
@place_options
@filter_options
@click.option("--format", "form", type=click.Choice(["json", "otel"]), default="json", show_default=True)
@click.option("-o", "--output", type=click.Path(), help="a file instead of standard output, readable by you only")
@diagnostics_option
@click.pass_obj
def export(outer: Given, /, form: str, output: str | None, style: str, **rest: Any) -> None:
    """Write events, the oldest first: a JSON list, or OpenTelemetry spans, one JSON object each."""
    given, reporter = Given(**rest).over(outer), Reporter(style)
    filters = given.filters(reporter)
    with opened(given, reporter) as reader:
        if output is None:
            _write(reader, filters, form, sys.stdout, reporter)
            return
        try:
            fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(fd, "w", encoding="utf-8") as stream:
                _write(reader, filters, form, stream, reporter)
        except OSError as fault:
            reporter.fail(error(codes.UNWRITABLE, f"cannot write `{output}`: {fault.strerror}"))


def _write(reader: Reader, filters: Filters, form: str, out: TextIO, reporter: Reporter) -> None:
    if form == "json":
        from avakill.audit.export import write_json

        write_json(reader.all(filters), out)
        return
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    except ImportError:
        reporter.fail(error(codes.NOT_AVAILABLE, "OpenTelemetry's SDK is not installed", "install `avakill[otel]`"))
    from avakill.audit.telemetry import export_spans

    provider = TracerProvider(sampler=ALWAYS_ON)  # a record is not a sample, whatever OTEL_TRACES_SAMPLER says
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: f"{span.to_json(indent=None)}\n")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    export_spans(reader.all(filters), provider)
    provider.shutdown()


@command.command("prune")
@place_options
@click.option("--older-than", required=True, metavar="TIME", help="what is older goes: 30d, 12w, or an ISO time")
@diagnostics_option
@click.pass_obj
def prune(outer: Given, /, older_than: str, style: str, **rest: Any) -> None:
    """Remove the oldest events; a sealed checkpoint keeps the rest verifiable. Refused when the chain does not hold."""
    from avakill.audit.retention import prune as remove

    given, reporter = Given(**rest).over(outer), Reporter(style)
    before, path, key = read_time(older_than, "--older-than", reporter), given.path(), given.key(reporter)
    collect(path, key, reporter)
    if not path.is_file():
        reporter.fail(no_store(path))
    try:
        gone = remove(path, before, time.time_ns, key)
    except sqlite3.Error as fault:
        reporter.fail(broken(path, str(fault)))
    if gone.faults:
        reporter.fail(*(_said(fault._replace(said=f"nothing was removed: {fault.said}")) for fault in gone.faults))
    echo(f"{gone.removed} events removed")
