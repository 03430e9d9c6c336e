"""The store's tables and how it is opened."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

VERSION = 1
DATABASE = "audit.db"
JOURNAL = "journal"

TABLES = """
CREATE TABLE IF NOT EXISTS events (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  timestamp TEXT NOT NULL,
  session_id TEXT,
  agent_id TEXT,
  tool_name TEXT NOT NULL,
  tool_args TEXT,
  decision_allowed INTEGER NOT NULL,
  decision_action TEXT NOT NULL,
  decision_policy TEXT,
  decision_reason TEXT,
  decision_latency_ms REAL,
  execution_result TEXT,
  error TEXT,
  metadata TEXT,
  rule INTEGER,
  policy_sha256 TEXT,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_timestamp ON events (timestamp DESC);
CREATE INDEX IF NOT EXISTS events_tool_name ON events (tool_name);
CREATE INDEX IF NOT EXISTS events_decision_allowed ON events (decision_allowed);
CREATE INDEX IF NOT EXISTS events_session_id ON events (session_id);
CREATE INDEX IF NOT EXISTS events_agent_id ON events (agent_id);
CREATE TABLE IF NOT EXISTS head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  rows INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash TEXT NOT NULL,
  key_id TEXT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS checkpoints (
  sequence INTEGER PRIMARY KEY,
  removed INTEGER NOT NULL,
  hash TEXT NOT NULL,
  at TEXT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY, drained INTEGER NOT NULL);
"""
"""`decision_policy` is the deciding rule's name. `segments` says how much of each journal file is in `events`."""

WRITTEN = (
    "sequence",
    "id",
    "timestamp",
    "session_id",
    "agent_id",
    "tool_name",
    "tool_args",
    "decision_allowed",
    "decision_action",
    "decision_policy",
    "decision_reason",
    "decision_latency_ms",
    "rule",
    "policy_sha256",
    "prev_hash",
    "hash",
)
"""The columns of a new row."""


def default_folder() -> Path:
    return Path("~/.avakill").expanduser()


def prepare(folder: Path) -> None:
    """The folder and its journal's, ours alone when we make them. Raises OSError."""
    for place in (folder, folder / JOURNAL):
        if not place.is_dir():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.chmod(0o700)


def open_to_write(path: Path, patience: float, synchronous: str) -> sqlite3.Connection:
    """The store, made where it is not; `patience` is seconds to wait for a lock. Raises sqlite3.Error, OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    made = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False, cached_statements=64)
    try:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute(f"PRAGMA synchronous={synchronous}")
        made.execute("PRAGMA cache_size=-16000")
        made.execute("PRAGMA wal_autocheckpoint=4000")
        made.executescript(TABLES) if made.execute("PRAGMA user_version").fetchone()[0] < VERSION else None
        made.execute(f"PRAGMA user_version={VERSION}") if made.execute("PRAGMA user_version").fetchone()[0] < VERSION else None
        made.text_factory = _text
    except BaseException:
        made.close()
        raise
    return made


def open_to_read(path: Path) -> sqlite3.Connection:
    """The store, never changed. Raises sqlite3.Error."""
    made = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=5.0, isolation_level=None)
    made.text_factory = _text
    return made


def _text(raw: bytes) -> str:
    """What was tampered with need not be UTF-8."""
    return raw.decode("utf-8", "surrogateescape")
