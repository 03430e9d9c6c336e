"""Whether the store is what was written: which rows were edited, deleted, inserted or moved, and whether its end was cut off.

Without a key this finds what was done carelessly: whoever can write the file can make a new chain. With the key nobody
else can, but can still put an older copy of the whole store in its place: only an `anchor` kept elsewhere finds that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from avakill.audit.chain import GENESIS, Chain, Checkpoint, Head, canonical, sealed_checkpoint, sealed_head
from avakill.audit.compact import text as compact
from avakill.audit.schema import open_to_read

MOST = 100
"""Faults beyond these are counted, not told."""


class Kind(StrEnum):
    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    MOVED = "moved"
    HEAD = "head"
    CHECKPOINT = "checkpoint"
    KEY = "key"
    ANCHOR = "anchor"


class Fault(NamedTuple):
    """`sequence` is the first row that it is about, None where it is about none."""

    kind: Kind
    sequence: int | None
    said: str


class Anchor(NamedTuple):
    """A row's sequence and hash, noted when it was written and kept where the store's writer cannot reach."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verified:
    """`rows` that there are, `pruned` that retention removed, the chain's `end`; sound without `faults`."""

    rows: int
    pruned: int
    keyed: bool
    end: Anchor
    faults: tuple[Fault, ...]
    more: int = 0

    @property
    def sound(self) -> bool:
        return not self.faults


@dataclass(slots=True)
class _Bag:
    faults: list[Fault] = field(default_factory=list)
    more: int = 0

    def add(self, kind: Kind, sequence: int | None, said: str) -> None:
        if len(self.faults) < MOST:
            self.faults.append(Fault(kind, sequence, said))
        else:
            self.more += 1


COLUMNS = (
    "sequence, id, timestamp, session_id, agent_id, tool_name, tool_args, decision_allowed, decision_action, decision_policy, "
    "decision_reason, decision_latency_ms, rule, policy_sha256, execution_result, error, metadata, prev_hash, hash"
)


class _Row(NamedTuple):
    sequence: int
    id: str
    timestamp: str
    latency: float
    head: str
    arguments: str
    rest: str
    previous: str
    hash: str

    def is_row(self, chain: Chain, sequence: int) -> bool:
        """Whether this is what was written as the row of a number."""
        _, id_, when, latency, head, arguments, rest, previous, hash_ = self
        return chain.digest(canonical(previous, sequence, id_, when, latency, head, arguments, rest)) == hash_


def verify(path: Path, key: bytes | None = None, anchor: Anchor | None = None) -> Verified:
    """Reads every row. Raises sqlite3.Error where there is no store to read."""
    connection = open_to_read(path)
    try:
        connection.execute("BEGIN")  # one state of the store for all questions, while others write
        return verify_open(connection, Chain(key), anchor)
    finally:
        connection.close()


def verify_open(connection: sqlite3.Connection, chain: Chain, anchor: Anchor | None = None, through: int | None = None) -> Verified:
    """As `verify`; `through` ends the walk at a row, and then nothing is said of the head."""
    bag = _Bag()
    head = _head(connection)
    if head is not None and head.key_id != chain.key_id:
        said = "the chain needs a key" if not chain.key_id else "the chain was made without a key" if not head.key_id else "another key"
        return Verified(0, 0, bool(head.key_id), Anchor(head.sequence, head.hash), (Fault(Kind.KEY, None, said),))
    base = _checkpoint(connection, chain, bag)
    walk = _walk(connection, chain, base, bag, anchor, through)
    if through is None:
        _check_head(head, chain, base, walk, bag)
    if anchor is not None and not walk.anchored:
        _check_anchor(anchor, base, walk, bag)
    end = Anchor(walk.sequence, walk.hash)
    return Verified(walk.rows, base.removed, bool(chain.key_id), end, tuple(bag.faults), bag.more)


@dataclass(slots=True)
class _Walk:
    sequence: int
    hash: str
    rows: int = 0
    anchored: bool = False


def _walk(
    connection: sqlite3.Connection, chain: Chain, base: Checkpoint, bag: _Bag, anchor: Anchor | None, through: int | None
) -> _Walk:
    at = _Walk(base.sequence, base.hash)
    at.anchored = anchor == Anchor(at.sequence, at.hash)
    for row in _rows(connection, through):
        at.rows += 1
        if isinstance(row, Fault):
            bag.add(*row)
            at.sequence, at.hash = row.sequence or at.sequence + 1, _hash_of(connection, row.sequence)
            continue
        _check(connection, chain, row, at, bag)
        at.sequence, at.hash = row.sequence, row.hash
        at.anchored |= anchor == Anchor(at.sequence, at.hash)
    return at


def _check(connection: sqlite3.Connection, chain: Chain, row: _Row, at: _Walk, bag: _Bag) -> None:
    if row.sequence > at.sequence + 1:
        missing = (
            f"row {at.sequence + 1} was" if row.sequence == at.sequence + 2 else f"rows {at.sequence + 1} to {row.sequence - 1} were"
        )
        bag.add(Kind.DELETED, at.sequence + 1, f"{missing} deleted")
    if not row.is_row(chain, row.sequence):
        was = next((place for place in _places(connection, row) if row.is_row(chain, place)), None)
        if was is None:
            bag.add(Kind.EDITED, row.sequence, f"row {row.sequence} (`{row.id}`) was edited")
        else:
            bag.add(Kind.MOVED, row.sequence, f"row {row.sequence} (`{row.id}`) was moved: it was row {was}")
    elif row.sequence <= at.sequence:
        bag.add(Kind.INSERTED, row.sequence, f"row {row.sequence} (`{row.id}`) stands among those that retention removed")
    elif row.sequence == at.sequence + 1 and row.previous != at.hash:
        said = f"row {row.sequence} (`{row.id}`) does not follow from the one before it: one of the two was inserted or replaced"
        bag.add(Kind.INSERTED, row.sequence, said)


def _span(first: int, last: int) -> str:
    return f"row {first} was" if first == last else f"rows {first} to {last} were"


def _places(connection: sqlite3.Connection, row: _Row) -> Iterator[int]:
    """Where a row may have stood: behind the one that it names, before the one that names it, or one place off."""
    if row.previous == GENESIS:
        yield 1
    for (before,) in connection.execute("SELECT sequence FROM events WHERE hash = ?", (row.previous,)):
        yield before + 1
    for (behind,) in connection.execute("SELECT sequence FROM events WHERE prev_hash = ?", (row.hash,)):
        yield behind - 1
    yield row.sequence - 1
    yield row.sequence + 1


def _rows(connection: sqlite3.Connection, through: int | None) -> Iterator[_Row | Fault]:
    most = 1 << 62 if through is None else through
    for row in connection.execute(f"SELECT {COLUMNS} FROM events WHERE sequence <= ? ORDER BY sequence", (most,)):
        sequence, id_, when, session, agent, tool, arguments, allowed, action, name, reason, latency, rule, policy = row[:14]
        try:
            head = compact((session, agent, tool, allowed, action, name, reason, rule, policy))
            rest = compact(row[14:17])
            texts = (id_, when, arguments, row[17], row[18])
            if not all(isinstance(text, str) for text in texts) or not isinstance(latency, float):
                raise TypeError
            yield _Row(sequence, id_, when, latency, head, arguments, rest, row[17], row[18])
        except (TypeError, ValueError):
            yield Fault(Kind.EDITED, sequence, f"row {sequence} was edited: a column holds what was never written")


def _hash_of(connection: sqlite3.Connection, sequence: int | None) -> str:
    found = connection.execute("SELECT hash FROM events WHERE sequence = ?", (sequence,)).fetchone()
    return str(found[0]) if found else ""


def _head(connection: sqlite3.Connection) -> Head | None:
    found = connection.execute("SELECT rows, sequence, hash, key_id, seal FROM head").fetchone()
    return None if found is None else Head(*found)


def _checkpoint(connection: sqlite3.Connection, chain: Chain, bag: _Bag) -> Checkpoint:
    """Where retention left off; the chain's beginning where it never ran."""
    found = connection.execute("SELECT sequence, removed, hash, at, seal FROM checkpoints ORDER BY sequence DESC LIMIT 1").fetchone()
    if found is None:
        return Checkpoint(0, 0, GENESIS, "", "")
    last = Checkpoint(*found)
    if type(found[1]) is not int or type(found[2]) is not str:
        bag.add(Kind.CHECKPOINT, last.sequence, "the checkpoint of what was removed was edited")
        return Checkpoint(0, 0, GENESIS, "", "")
    if sealed_checkpoint(chain, *last[:4]).seal != last.seal:
        bag.add(Kind.CHECKPOINT, last.sequence, f"the checkpoint of what was removed through row {last.sequence} was edited or made up")
    return last


def _check_head(head: Head | None, chain: Chain, base: Checkpoint, at: _Walk, bag: _Bag) -> None:
    if head is None:
        if at.rows or base.removed:
            bag.add(Kind.HEAD, None, "the record of the chain's end is gone")
        return
    whole = all(type(number) is int for number in head[:2])
    if not whole or sealed_head(chain, *head[:3]).seal != head.seal:
        bag.add(Kind.HEAD, None, "the record of the chain's end was edited")
    elif head.sequence > at.sequence:
        bag.add(Kind.DELETED, at.sequence + 1, f"the newest, {_span(at.sequence + 1, head.sequence)} deleted")
    elif head.sequence < at.sequence:
        bag.add(Kind.INSERTED, head.sequence + 1, f"what stands behind row {head.sequence}, the chain's end, was inserted")
    elif head.hash != at.hash:
        bag.add(Kind.HEAD, at.sequence, f"row {at.sequence} is not the one that ended the chain")
    elif head.rows != at.rows + base.removed and not bag.faults:
        bag.add(Kind.HEAD, None, f"{head.rows} rows were written, and {at.rows + base.removed} are accounted for")


def _check_anchor(anchor: Anchor, base: Checkpoint, at: _Walk, bag: _Bag) -> None:
    if anchor.sequence > at.sequence:
        bag.add(Kind.ANCHOR, anchor.sequence, f"the anchor's row {anchor.sequence} is not there: an older state was put in place")
    elif anchor.sequence < base.sequence:
        bag.add(Kind.ANCHOR, anchor.sequence, f"the anchor's row {anchor.sequence} was removed by retention: note a newer one")
    else:
        bag.add(Kind.ANCHOR, anchor.sequence, f"row {anchor.sequence} is not the one that the anchor notes")
