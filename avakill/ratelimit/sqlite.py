"""Budgets in one SQLite file, shared by all processes of a user."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from avakill.database import Database, files_of
from avakill.ratelimit.limiter import LATEST, LimiterUnavailable, Taken, check_question
from avakill.ratelimit.memory import MAX_KEYS

DEFAULT_PATH = "~/.avakill/ratelimits.db"
TIMEOUT_S = 2.0

# `calls.n` is how many calls were admitted at one and the same time. The other product's table is called `rate_limits`.
_SCHEMA = """
CREATE TABLE budgets(key TEXT PRIMARY KEY, last INTEGER NOT NULL, expires INTEGER NOT NULL,
    rejected INTEGER NOT NULL DEFAULT 0, rejected_at INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX budgets_expire ON budgets(expires);
CREATE TABLE calls(key TEXT NOT NULL, at INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(key, at)) WITHOUT ROWID;
CREATE TABLE forgotten(expired INTEGER NOT NULL);
INSERT INTO forgotten VALUES(0)
"""


class SQLiteLimiter:
    """Exactly one process at a time takes. A process that is killed has taken its call, or has left no trace.

    The times are the wall clock's, since they outlive processes and restarts. At most `max_keys` budgets, as in memory.
    """

    def __init__(self, path: str | Path = DEFAULT_PATH, *, max_keys: int = MAX_KEYS, timeout_s: float = TIMEOUT_S) -> None:
        self._max_keys = max_keys
        self.protected_paths = files_of(path)
        self._database = Database(path, _SCHEMA, 1, timeout_s, LimiterUnavailable)

    def take(self, key: str, max_calls: int, window_ns: int, now_ns: int) -> Taken:
        """As `Limiter.take`."""
        check_question(max_calls, window_ns, now_ns)
        with self._database.transaction() as connection:
            now, rejected, rejected_at = self._budget(connection, key, now_ns)
            connection.execute("DELETE FROM calls WHERE key = ? AND at <= ?", (key, max(now - window_ns, -1)))
            (used,) = connection.execute("SELECT coalesce(sum(n), 0) FROM calls WHERE key = ?", (key,)).fetchone()
            if rejected and rejected_at + window_ns <= now:
                rejected = 0
            taken = Taken(True, used + 1, 0, rejected)
            if used < max_calls:
                connection.execute("INSERT INTO calls VALUES(?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1", (key, now))
            else:
                rejected, rejected_at = rejected + 1, now
                free = _time_of(connection, key, used - max_calls) + window_ns
                taken = Taken(False, used, free - now_ns, rejected)
            connection.execute(
                "UPDATE budgets SET last = ?, expires = max(expires, ?), rejected = ?, rejected_at = ? WHERE key = ?",
                (now, min(now + window_ns, LATEST), rejected, rejected_at, key),
            )
            return taken

    def close(self) -> None:
        self._database.close()

    def _budget(self, connection: sqlite3.Connection, key: str, now_ns: int) -> tuple[int, int, int]:
        """What time it is for this budget, how many rejected calls follow each other, and when the last was."""
        row = connection.execute("SELECT last, rejected, rejected_at FROM budgets WHERE key = ?", (key,)).fetchone()
        if row is not None:
            last, rejected, rejected_at = row
            return max(last, now_ns), rejected, rejected_at
        self._make_room(connection, now_ns)
        # What was dropped may have been this key: it must not return under an earlier time.
        (forgotten,) = connection.execute("SELECT expired FROM forgotten").fetchone()
        now = max(now_ns, forgotten)
        connection.execute("INSERT INTO budgets(key, last, expires) VALUES(?, ?, ?)", (key, now, now))
        return now, 0, 0

    def _make_room(self, connection: sqlite3.Connection, now_ns: int) -> None:
        (kept,) = connection.execute("SELECT count(*) FROM budgets").fetchone()
        if kept < self._max_keys:
            return
        connection.execute("DELETE FROM calls WHERE key IN (SELECT key FROM budgets WHERE expires <= ?)", (now_ns,))
        connection.execute(
            "UPDATE forgotten SET expired = max(expired, (SELECT coalesce(max(expires), 0) FROM budgets WHERE expires <= ?))", (now_ns,)
        )
        if connection.execute("DELETE FROM budgets WHERE expires <= ?", (now_ns,)).rowcount < 1:
            raise LimiterUnavailable(f"{self._max_keys} budgets are live, and none has expired")


def _time_of(connection: sqlite3.Connection, key: str, index: int) -> int:
    """When the call with this index, from the oldest, was admitted."""
    for at, n in connection.execute("SELECT at, n FROM calls WHERE key = ? ORDER BY at", (key,)):
        if index < n:
            return int(at)
        index -= n
    raise ValueError("a budget whose calls do not add up")
