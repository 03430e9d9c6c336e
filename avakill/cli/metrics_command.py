"""`avakill metrics`: the counts of the audit store, for Prometheus to fetch."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

import click

from avakill.cli.common import Reporter, diagnostics_option, echo, error
from avakill.cli.logs_place import Given, broken, opened, place_options
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.audit.metrics import Metrics
    from avakill.audit.query import Reader

POLL = 1.0


@click.command("metrics")
@click.option("--port", type=click.IntRange(0, 65535), default=9090, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="the address to listen on; 0.0.0.0 is every one")
@place_options
@diagnostics_option
def command(port: int, host: str, style: str, **rest: Any) -> None:
    """Serve the audit store's counts at http://HOST:PORT/metrics until it is stopped. Needs `avakill[metrics]`.

    Whoever reaches the address reads names of tools, agents and rules. Exit status 1 without a store.
    """
    given, reporter = Given(**rest), Reporter(style)
    metrics = _metrics(reporter)
    with opened(given, reporter) as reader:
        last = _count(reader, metrics, 0)
        _serve(metrics, host, port, reporter)
        while True:
            time.sleep(POLL)
            try:
                last = _count(reader, metrics, last)
            except sqlite3.OperationalError as fault:  # locked or gone for a while: what was counted stays
                reporter.show((broken(given.path(), str(fault)),))


def _metrics(reporter: Reporter) -> Metrics:
    from avakill.audit.metrics import Metrics

    try:
        return Metrics()
    except ImportError:
        reporter.fail(error(codes.NOT_AVAILABLE, "the Prometheus client is not installed", "install `avakill[metrics]`"))


def _serve(metrics: Metrics, host: str, port: int, reporter: Reporter) -> None:
    from prometheus_client import start_http_server

    try:
        server, _ = start_http_server(port, host, metrics.registry)
    except (OSError, OverflowError) as fault:
        reporter.fail(error(codes.NOT_AVAILABLE, f"cannot listen on {host}:{port}: {fault}"))
    echo(f"http://{host}:{server.server_port}/metrics")


def _count(reader: Reader, metrics: Metrics, last: int) -> int:
    """Count what came behind a row; retention takes nothing back, as a counter never falls."""
    while events := reader.since(last):
        for event in events:
            metrics.count(event.tool, event.action, event.agent, event.allowed, event.rule_name, event.latency_ms)
        last = events[-1].sequence
    return last
