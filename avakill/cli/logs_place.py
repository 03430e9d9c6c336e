"""Where the audit store of a command is, its key, its filters; and what is still in the journal."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avakill.cli.common import Reporter, error
from avakill.source import codes
from avakill.source.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from avakill.audit.query import Filters, Reader

F = TypeVar("F", bound=Callable[..., Any])
KEY = "AVAKILL_AUDIT_KEY"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
PATIENCE = 2.0


def place_options(function: F) -> F:
    """`--db`, `--key-file`."""
    for option in (
        click.option("--key-file", type=click.Path(), help=f"the chain's key in hexadecimal  [default: ${KEY}]"),
        click.option("--db", type=click.Path(), help="the audit store, or its folder  [default: ~/.avakill/audit.db]"),
    ):
        function = option(function)
    return function


def filter_options(function: F) -> F:
    """`--tool`, `--agent`, `--session`, `--denied-only`, `--since`."""
    for option in (
        click.option("--since", metavar="TIME", help="only what is newer: 30m, 1h, 7d, or an ISO time"),
        click.option("--session", help="only this session"),
        click.option("--agent", help="only this agent"),
        click.option("--denied-only", is_flag=True, help="only calls that were not allowed"),
        click.option("--tool", metavar="GLOB", help="only tools of this name or glob"),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Given:
    """Options of the store and the filters, as given; `over` lets a subcommand's stand before the group's."""

    db: str | None = None
    key_file: str | None = None
    tool: str | None = None
    denied_only: bool = False
    agent: str | None = None
    session: str | None = None
    since: str | None = None

    def over(self, other: Given) -> Given:
        return Given(
            self.db or other.db,
            self.key_file or other.key_file,
            self.tool or other.tool,
            self.denied_only or other.denied_only,
            self.agent or other.agent,
            self.session or other.session,
            self.since or other.since,
        )

    def path(self) -> Path:
        from avakill.audit.schema import DATABASE, default_folder

        if self.db is None:
            return default_folder() / DATABASE
        place = Path(self.db).expanduser()
        return place / DATABASE if place.is_dir() else place

    def filters(self, reporter: Reporter, now: datetime | None = None) -> Filters:
        from avakill.audit.query import Filters

        after = None if self.since is None else read_time(self.since, "--since", reporter, now)
        return Filters(self.tool, False if self.denied_only else None, self.agent, self.session, after)

    def key(self, reporter: Reporter) -> bytes | None:
        """The chain's key; a wrong one ends with status 1."""
        text = os.environ.get(KEY, "")
        if self.key_file is not None:
            try:
                text = Path(self.key_file).read_text(encoding="ascii", errors="replace")
            except OSError as fault:
                reporter.fail(error(codes.BAD_LOG_OPTION, f"cannot read the key file `{self.key_file}`: {fault.strerror}"))
        if not text.strip():
            return None
        try:
            return bytes.fromhex(text.strip())
        except ValueError:
            reporter.fail(error(codes.BAD_LOG_OPTION, "the audit key is not hexadecimal"))


def read_time(text: str, option: str, reporter: Reporter, now: datetime | None = None) -> str:
    """`7d` or an ISO time as the store writes it; anything else ends with status 1."""
    from avakill.audit.query import iso, normal

    now = datetime.now(UTC) if now is None else now
    try:
        ago = re.fullmatch(r"([0-9]{1,9})([smhdw])", text.strip())
        return iso(now - timedelta(seconds=int(ago[1]) * UNITS[ago[2]])) if ago else normal(text.strip())
    except (ValueError, OverflowError):
        reporter.fail(
            error(codes.BAD_LOG_OPTION, f"`{option}` is no time: `{text}`", "write 30m, 1h, 7d or an ISO time such as 2026-11-22T10:00")
        )


@contextmanager
def opened(given: Given, reporter: Reporter) -> Iterator[Reader]:
    """The store to read, after what dead processes left in the journal was moved into it. Ends with status 1 without one."""
    from avakill.audit.query import Reader

    path = given.path()
    collect(path, given.key(reporter), reporter)
    if not path.is_file():
        reporter.fail(no_store(path))
    try:
        reader = Reader(path)
        try:
            yield reader
        finally:
            reader.close()
    except sqlite3.Error as fault:
        reporter.fail(broken(path, str(fault)))


def no_store(path: Path) -> Diagnostic:
    help_ = "a guard with a trail writes one: `Guard(policy=…, logger=Trail())`; name another with `--db`"
    return error(codes.NO_AUDIT, f"there is no audit store at `{path}`", help_)


def broken(path: Path, why: str) -> Diagnostic:
    return error(codes.BROKEN_AUDIT, f"the audit store `{path}` cannot be used: {why}")


def collect(path: Path, key: bytes | None, reporter: Reporter) -> None:
    """Move what dead processes left in the journal beside the store into it; what cannot be moved is told as a warning."""
    from avakill.audit.schema import DATABASE, JOURNAL
    from avakill.audit.segment import found
    from avakill.audit.trail import Trail

    if path.name != DATABASE or not found(path.parent / JOURNAL):
        return
    trail = Trail(path.parent, key=key)
    if not trail.flush(PATIENCE):
        why = "; ".join(trail.problems) or "it takes long"
        message = f"some events are still in the journal `{path.parent / JOURNAL}`: {why}"
        reporter.show((Diagnostic(codes.BROKEN_AUDIT, Severity.WARNING, message),))
    trail.close(0.5)
