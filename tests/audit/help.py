"""Records to give, stores to read, and processes to kill."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from avakill.audit.query import Reader, Stored
from avakill.audit.trail import Trail
from avakill.events.record import Record

ROOT = Path(__file__).parents[2]
START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def record(number: int = 0, **changed: object) -> Record:
    plain = Record(
        START + number * SECOND,
        "file_write",
        {"path": f"/srv/{number}"},
        "claude",
        "s-1",
        "deny",
        False,
        3,
        "no-writes",
        "`/srv` is closed",
        "ab" * 32,
        2100,
    )
    return Record._make({**plain._asdict(), **changed}.values())


def stored(folder: Path) -> tuple[Stored, ...]:
    """Everything, the oldest first."""
    reader = Reader(folder / "audit.db")
    try:
        return tuple(reader.all())
    finally:
        reader.close()


def recorded(folder: Path, *records: Record, key: bytes | None = None) -> list[str]:
    """The ids, after everything is in the store."""
    with Trail(folder, key=key) as trail:
        return [trail.record(one) for one in records]


def change(folder: Path, *statements: str) -> None:
    """As somebody would who can write the file."""
    connection = sqlite3.connect(folder / "audit.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def python(text: str, *words: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """A process of its own that runs a text."""
    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], timeout: float = 60) -> str:
    """What it printed; it must have ended well."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out


def drain(folder: Path, key: bytes | None = None) -> None:
    """As the next process does: what the dead left goes into the store."""
    trail = Trail(folder, key=key)
    assert trail.flush(30), trail.problems
    trail.close()


def journal_files(folder: Path) -> list[str]:
    return sorted(os.listdir(folder / "journal"))
