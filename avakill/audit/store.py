"""Frames of the journal into the SQLite store, each once, in one transaction with how far the journal is drained."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain as joined
from typing import NamedTuple

from avakill.audit.chain import GENESIS, NOTHING_ELSE, Chain, Head, canonical, sealed_head
from avakill.audit.compact import text as compact
from avakill.audit.frame import Frame
from avakill.audit.schema import WRITTEN

ROWS = (512, 64, 8, 1)
"""Rows of one INSERT. SQLite is left for many rows at once: a step for each gives up the interpreter's lock each time."""

_INSERTS = tuple(
    f"INSERT INTO events ({','.join(WRITTEN)}) VALUES {','.join(['(' + ','.join('?' * len(WRITTEN)) + ')'] * rows)}" for rows in ROWS
)

Cell = str | int | float | None
Row = tuple[Cell, ...]


class OtherKey(Exception):
    """The chain was begun with another key, or with none."""


class Recurring(NamedTuple):
    """The columns that a frame's head holds, and their canonical text."""

    session: Cell
    agent: Cell
    tool: Cell
    allowed: Cell
    action: Cell
    rule_name: Cell
    reason: Cell
    rule: Cell
    policy: Cell
    text: str


@lru_cache(maxsize=1024)
def recurring(head: bytes) -> Recurring:
    """Of a head that we did not write, and that is none, one that says so: a stranger's file must not stop the others."""
    try:
        columns = tuple(json.loads(head))
    except (ValueError, TypeError, RecursionError):
        columns = ()
    if len(columns) != len(Recurring._fields) - 1 or not _fit(columns):
        said = f"[a journal that cannot be read: {head[:200].decode('ascii', 'backslashreplace')}]"
        columns = (None, None, "[unreadable]", 0, "[unreadable]", None, said, None, None)
    return Recurring._make((*columns, compact(columns)))


def _fit(columns: tuple[object, ...]) -> bool:
    """Whether these are what their columns hold."""
    named = (*columns[:3], *columns[4:7], columns[8])
    if not all(name is None or isinstance(name, str) for name in named) or columns[2] is None or columns[4] is None:
        return False
    if any(isinstance(name, str) and not name.isascii() and _is_broken(name) for name in named):
        return False
    return type(columns[3]) is int and columns[3] in (0, 1) and (columns[7] is None or _is_short(columns[7]))


def _is_broken(text: str) -> bool:
    return text != text.encode("utf-8", "ignore").decode()


def _is_short(number: object) -> bool:
    return type(number) is int and abs(number) < 1 << 53


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00" if seconds < 0 else "9999-12-31T23:59:59"


def timestamp(at: int) -> str:
    """Nanoseconds since the epoch as a time of fixed width, so that texts compare as times do."""
    seconds, rest = divmod(at, 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1000:06d}+00:00"


class Store:
    """One connection that writes, used by one thread."""

    def __init__(self, connection: sqlite3.Connection, chain: Chain) -> None:
        self.connection = connection
        self.chain = chain

    def drained(self, segment: str) -> int:
        found = self.connection.execute("SELECT drained FROM segments WHERE name = ?", (segment,)).fetchone()
        return found[0] if found else 0

    def add(self, segment: str, stream: str, frames: Sequence[Frame], drained: int) -> Sequence[Row]:
        """The rows as they were added. Raises sqlite3.Error, and OtherKey."""
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        try:
            head = self.head()
            rows = self._rows(head, stream, frames)
            try:
                self._insert(rows)
            except sqlite3.IntegrityError:  # an id that is there and should not be: somebody put it there, and ours is kept too
                run("DELETE FROM events WHERE sequence > ?", (rows[0][0] - 1,)) if isinstance(rows[0][0], int) else None
                rows = self._rows(head, stream, frames, self._free)
                self._insert(rows)
            last = rows[-1]
            assert isinstance(last[0], int)
            after = sealed_head(self.chain, head.rows + len(rows), last[0], str(last[-1]))
            run("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?, ?)", after)
            run("INSERT OR REPLACE INTO segments VALUES (?, ?)", (segment, drained))
            run("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                run("ROLLBACK")
            raise
        return rows

    def head(self) -> Head:
        """The chain's end; behind every row that there is, even where somebody changed the head. Raises OtherKey."""
        found = self.connection.execute("SELECT rows, sequence, hash, key_id, seal FROM head").fetchone()
        last = self.connection.execute("SELECT max(sequence) FROM events").fetchone()[0] or 0
        if found is None:
            return Head(0, last, GENESIS, "", "")
        head = Head(*found)
        if head.key_id != self.chain.key_id:
            raise OtherKey("the audit store's chain was begun " + ("with another key" if head.key_id else "without a key"))
        return head._replace(sequence=max(head.sequence, last))

    def _rows(self, head: Head, stream: str, frames: Sequence[Frame], name: Callable[[str], str] | None = None) -> list[Row]:
        digest = self.chain.digest
        sequence, previous = head.sequence, head.hash
        rows: list[Row] = []
        for number, at, took, text, raw in frames:
            sequence += 1
            session, agent, tool, allowed, action, rule_name, reason, rule, policy, canon = recurring(text)
            id_ = f"{stream}-{number}" if name is None else name(f"{stream}-{number}")
            when = timestamp(at)
            latency = took / 1e6
            arguments = raw.decode("ascii", "backslashreplace")
            hash_ = digest(canonical(previous, sequence, id_, when, latency, canon, arguments, NOTHING_ELSE))
            what: Row = (sequence, id_, when, session, agent, tool, arguments, allowed, action, rule_name, reason)
            rows.append((*what, latency, rule, policy, previous, hash_))
            previous = hash_
        return rows

    def _insert(self, rows: Sequence[Row]) -> None:
        start = 0
        for size, insert in zip(ROWS, _INSERTS, strict=True):
            while len(rows) - start >= size:
                self.connection.execute(insert, list(joined.from_iterable(rows[start : start + size])))
                start += size

    def _free(self, id_: str) -> str:
        """This id, or one made of it that no row has."""
        taken = id_
        while self.connection.execute("SELECT 1 FROM events WHERE id = ?", (taken,)).fetchone():
            taken += "'"
        return taken

    def forget_segments(self, kept: Sequence[str]) -> None:
        """Journal files that are no more need no mark."""
        for (name,) in self.connection.execute("SELECT name FROM segments").fetchall():
            if name not in kept:
                self.connection.execute("DELETE FROM segments WHERE name = ?", (name,))
