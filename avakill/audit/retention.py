"""Old rows removed so that the rest still verifies: a sealed checkpoint says how many went, and the hash that they ended in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from avakill.audit.chain import Chain, sealed_checkpoint
from avakill.audit.schema import open_to_write
from avakill.audit.store import timestamp
from avakill.audit.verify import Fault, verify_open

PATIENCE = 10.0


class Pruned(NamedTuple):
    """How many rows went now, or the faults for which none did: a checkpoint over them would hide them."""

    removed: int
    faults: tuple[Fault, ...] = ()


def prune(path: Path, older_than: str, clock: Callable[[], int], key: bytes | None = None) -> Pruned:
    """Remove the oldest rows up to the first that is not older than a time (as `timestamp` writes it).

    Raises sqlite3.Error and OSError.
    """
    connection = open_to_write(path, PATIENCE, "FULL")
    chain = Chain(key)
    run = connection.execute
    try:
        run("BEGIN IMMEDIATE")
        last = _last(connection, older_than)
        if last is None:
            return Pruned(0)
        seen = verify_open(connection, chain, through=last)
        if not seen.sound:
            return Pruned(0, seen.faults)
        made = sealed_checkpoint(chain, last, seen.pruned + seen.rows, seen.end.hash, timestamp(clock()))
        run("DELETE FROM events WHERE sequence <= ?", (last,))
        run("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)", made)
        run("COMMIT")
        return Pruned(seen.rows)
    finally:
        if connection.in_transaction:
            run("ROLLBACK")
        connection.close()


def _last(connection: sqlite3.Connection, older_than: str) -> int | None:
    """The last row of the chain's beginning that is all older."""
    kept = connection.execute("SELECT min(sequence) FROM events WHERE timestamp >= ?", (older_than,)).fetchone()[0]
    newest = connection.execute("SELECT max(sequence) FROM events").fetchone()[0]
    oldest = connection.execute("SELECT min(sequence) FROM events").fetchone()[0]
    last = newest if kept is None else kept - 1
    return None if last is None or oldest is None or last < oldest else int(last)
