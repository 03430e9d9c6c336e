"""Tampering of every kind is found, with the row; retention and honest use are not taken for it."""

from __future__ import annotations

import hmac
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avakill.audit.chain import Chain
from avakill.audit.retention import prune
from avakill.audit.trail import Trail
from avakill.audit.verify import Anchor, Kind, verify
from tests.audit.help import START, change, drain, record, recorded, stored

KEY = b"a key of thirty-two bytes or so."
LINKED = (
    "timestamp, session_id, agent_id, tool_name, tool_args, decision_allowed, decision_action, decision_policy, decision_reason, "
    "decision_latency_ms, execution_result, error, metadata, rule, policy_sha256, prev_hash, hash"
)
COPY = f"INSERT INTO events (sequence, id, {LINKED}) SELECT %d, 'x', {LINKED} FROM events WHERE sequence = %d"
COLUMNS = ("id", *LINKED.replace("\n", "").split(", "))

TAMPERED: dict[str, tuple[tuple[str, ...], Kind, int]] = {
    "one deleted": (("DELETE FROM events WHERE sequence = 4",), Kind.DELETED, 4),
    "several deleted": (("DELETE FROM events WHERE sequence IN (4, 5, 6)",), Kind.DELETED, 4),
    "the oldest deleted": (("DELETE FROM events WHERE sequence = 1",), Kind.DELETED, 1),
    "the newest deleted": (("DELETE FROM events WHERE sequence >= 9",), Kind.DELETED, 9),
    "all deleted": (("DELETE FROM events",), Kind.DELETED, 1),
    "two swapped": (
        (
            "UPDATE events SET sequence = -1 WHERE sequence = 3",
            "UPDATE events SET sequence = 3 WHERE sequence = 4",
            "UPDATE events SET sequence = 4 WHERE sequence = -1",
        ),
        Kind.MOVED,
        3,
    ),
    "two far apart swapped": (
        (
            "UPDATE events SET sequence = -1 WHERE sequence = 3",
            "UPDATE events SET sequence = 3 WHERE sequence = 8",
            "UPDATE events SET sequence = 8 WHERE sequence = -1",
        ),
        Kind.MOVED,
        3,
    ),
    "one copied to the end": ((COPY % (11, 10),), Kind.EDITED, 11),
    "one put in": (
        (
            "UPDATE events SET sequence = -sequence WHERE sequence > 5",
            "UPDATE events SET sequence = 1 - sequence WHERE sequence < 0",
            COPY % (6, 5),
        ),
        Kind.EDITED,
        6,
    ),
    "one replaced": (
        (
            "DELETE FROM events WHERE sequence = 6",
            COPY % (6, 5),
        ),
        Kind.EDITED,
        6,
    ),
    "another type": (("UPDATE events SET tool_args = x'00ff' WHERE sequence = 2",), Kind.EDITED, 2),
    "text that is none": (("UPDATE events SET agent_id = CAST(x'ff' AS TEXT) WHERE sequence = 2",), Kind.EDITED, 2),
}  # fmt: skip


@pytest.fixture(params=[None, KEY], ids=["no key", "key"])
def key(request: pytest.FixtureRequest) -> bytes | None:
    found = request.param
    assert found is None or isinstance(found, bytes)
    return found


def ten(folder: Path, key: bytes | None) -> None:
    recorded(folder, *(record(i, allowed=i % 2 == 0) for i in range(10)), key=key)


def test_what_nobody_touched_is_sound(tmp_path: Path, key: bytes | None) -> None:
    ten(tmp_path, key)
    ten(tmp_path, key)
    seen = verify(tmp_path / "audit.db", key)
    assert (seen.sound, seen.rows, seen.keyed) == (True, 20, key is not None)


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_found_at_its_row(tmp_path: Path, key: bytes | None, how: str) -> None:
    ten(tmp_path, key)
    statements, kind, row = TAMPERED[how]
    change(tmp_path, *statements)
    first = verify(tmp_path / "audit.db", key).faults[0]
    assert (first.kind, first.sequence) == (kind, row)
    assert str(row) in first.said


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edit_of_any_column_is_found(tmp_path: Path, key: bytes | None, column: str) -> None:
    ten(tmp_path, key)
    change(tmp_path, f"UPDATE events SET {column} = '5' WHERE sequence = 5")
    faults = verify(tmp_path / "audit.db", key).faults
    assert (Kind.EDITED, 5) in [(fault.kind, fault.sequence) for fault in faults]


def test_a_denial_made_an_allow_is_found(tmp_path: Path) -> None:
    ten(tmp_path, None)
    change(tmp_path, "UPDATE events SET decision_allowed = 1 WHERE sequence = 2")
    assert [fault.said.partition(" (")[0] for fault in verify(tmp_path / "audit.db").faults] == ["row 2"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM head",
        "UPDATE head SET rows = 9",
        "UPDATE head SET rows = 'many'",
        "UPDATE head SET sequence = 9",
        "UPDATE head SET hash = seal",
        "UPDATE head SET seal = hash",
    ],
)
def test_a_change_of_the_chains_end_is_found(tmp_path: Path, key: bytes | None, statement: str) -> None:
    ten(tmp_path, key)
    change(tmp_path, statement)
    assert [fault.kind for fault in verify(tmp_path / "audit.db", key).faults] == [Kind.HEAD]


def test_the_newest_rows_and_the_end_taken_back_together_need_a_key_or_an_anchor(tmp_path: Path) -> None:
    """Without a key a new end can be made; with one only an old end can be put back, and an anchor finds that too."""
    ten(tmp_path, KEY)
    old = sqlite3.connect(tmp_path / "audit.db").execute("SELECT * FROM head").fetchone()
    anchor = verify(tmp_path / "audit.db", KEY).end
    ten(tmp_path, KEY)
    newer = verify(tmp_path / "audit.db", KEY, anchor)
    assert newer.sound
    chain = Chain(None)
    row = sqlite3.connect(tmp_path / "audit.db").execute("SELECT hash FROM events WHERE sequence = 15").fetchone()[0]
    seal = chain.digest(f"head\n15\n15\n{row}\n{old[4]}")
    change(
        tmp_path, "DELETE FROM events WHERE sequence > 15", f"UPDATE head SET rows = 15, sequence = 15, hash = '{row}', seal = '{seal}'"
    )
    assert [fault.kind for fault in verify(tmp_path / "audit.db", KEY).faults] == [Kind.HEAD]
    change(
        tmp_path,
        "DELETE FROM events WHERE sequence > 10",
        f"UPDATE head SET rows = 10, sequence = 10, hash = '{old[3]}', seal = '{old[5]}'",
    )
    assert verify(tmp_path / "audit.db", KEY).sound, "an older state as a whole is not found without an anchor: docs/audit.md says so"
    assert [fault.kind for fault in verify(tmp_path / "audit.db", KEY, newer.end).faults] == [Kind.ANCHOR]


def test_a_chain_made_anew_by_a_stranger_needs_the_key(tmp_path: Path) -> None:
    ten(tmp_path / "ours", KEY)
    ten(tmp_path / "forged", b"another key")
    ten(tmp_path / "plain", None)
    assert [fault.kind for fault in verify(tmp_path / "forged" / "audit.db", KEY).faults] == [Kind.KEY]
    assert [fault.kind for fault in verify(tmp_path / "plain" / "audit.db", KEY).faults] == [Kind.KEY]
    assert [fault.kind for fault in verify(tmp_path / "ours" / "audit.db", None).faults] == [Kind.KEY]


def test_a_store_of_another_key_is_not_written_and_nothing_is_lost(tmp_path: Path) -> None:
    ten(tmp_path, KEY)
    trail = Trail(tmp_path)
    id_ = trail.record(record(99))
    assert not trail.flush(0.5)
    assert any("another key" in problem for problem in trail.problems)
    trail.close(0.1)
    drain(tmp_path, KEY)
    assert stored(tmp_path)[-1].id == id_
    assert verify(tmp_path / "audit.db", KEY).sound


def test_recording_goes_on_over_a_tampered_store(tmp_path: Path, key: bytes | None) -> None:
    """What is recorded later is kept, and what was done before stays to be found."""
    ten(tmp_path, key)
    change(tmp_path, "DELETE FROM events WHERE sequence >= 9", "DELETE FROM events WHERE sequence = 4")
    ten(tmp_path, key)
    assert len(stored(tmp_path)) == 17
    assert [(fault.kind, fault.sequence) for fault in verify(tmp_path / "audit.db", key).faults] == [
        (Kind.DELETED, 4),
        (Kind.DELETED, 9),
    ]


def test_an_id_taken_in_advance_keeps_nobody_out(tmp_path: Path) -> None:
    """Ids can be foreseen: a row put under the next one does not replace the event."""
    with Trail(tmp_path) as trail:
        id_ = trail.record(record(1))
        assert trail.flush(30)
        stream = id_.partition("-")[0]
        change(tmp_path, f"INSERT INTO events (sequence, id, {LINKED}) SELECT 2, '{stream}-3', {LINKED} FROM events WHERE sequence = 1")
        for i in range(2, 5):
            trail.record(record(i))
        assert trail.flush(30), trail.problems
    paths = [event.arguments for event in stored(tmp_path)]
    assert [f'{{"path":"/srv/{i}"}}' in paths for i in range(1, 5)] == [True] * 4
    assert not verify(tmp_path / "audit.db").sound


def test_retention_leaves_a_chain_that_verifies(tmp_path: Path, key: bytes | None) -> None:
    path = tmp_path / "audit.db"
    ten(tmp_path, key)
    assert prune(path, "2023-11-14T22:13:24.000000+00:00", lambda: START, key).removed == 4
    seen = verify(path, key)
    assert (seen.sound, seen.rows, seen.pruned) == (True, 6, 4)
    ten(tmp_path, key)
    assert prune(path, "2023-11-14T22:13:27.000000+00:00", lambda: START, key).removed == 3
    seen = verify(path, key)
    assert (seen.sound, seen.rows, seen.pruned) == (True, 13, 7)
    assert prune(path, "2000-01-01T00:00:00.000000+00:00", lambda: START, key).removed == 0
    assert prune(path, "2100-01-01T00:00:00.000000+00:00", lambda: START, key).removed == 13
    seen = verify(path, key)
    assert (seen.sound, seen.rows, seen.pruned) == (True, 0, 20)
    ten(tmp_path, key)
    assert verify(path, key).sound


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events WHERE sequence = 5",
        "UPDATE checkpoints SET removed = 5",
        "UPDATE checkpoints SET hash = seal",
        "UPDATE checkpoints SET sequence = 5",
        "UPDATE checkpoints SET removed = 'x'",
        "DELETE FROM checkpoints",
        COPY % (4, 5),
    ],
)
def test_tampering_beside_a_checkpoint_is_found(tmp_path: Path, key: bytes | None, statement: str) -> None:
    ten(tmp_path, key)
    prune(tmp_path / "audit.db", "2023-11-14T22:13:24.000000+00:00", lambda: START, key)
    change(tmp_path, statement)
    assert not verify(tmp_path / "audit.db", key).sound


def test_retention_does_not_hide_what_was_done(tmp_path: Path, key: bytes | None) -> None:
    ten(tmp_path, key)
    change(tmp_path, "UPDATE events SET tool_name = 'x' WHERE sequence = 2")
    done = prune(tmp_path / "audit.db", "2023-11-14T22:13:24.000000+00:00", lambda: START, key)
    assert (done.removed, [fault.sequence for fault in done.faults]) == (0, [2])
    assert len(stored(tmp_path)) == 10


def test_retention_needs_the_key(tmp_path: Path) -> None:
    ten(tmp_path, KEY)
    assert prune(tmp_path / "audit.db", "2100-01-01T00:00:00.000000+00:00", lambda: START).removed == 0
    assert verify(tmp_path / "audit.db", KEY).rows == 10


def test_an_anchor_that_does_not_hold_is_told(tmp_path: Path) -> None:
    ten(tmp_path, None)
    end = verify(tmp_path / "audit.db").end
    for wrong in (Anchor(10, "0" * 64), Anchor(5, end.hash), Anchor(11, end.hash)):
        assert [fault.kind for fault in verify(tmp_path / "audit.db", None, wrong).faults] == [Kind.ANCHOR]


@given(st.binary(max_size=200), st.text(max_size=50))
def test_the_keyed_digest_is_hmac(key: bytes, text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert Chain(key).digest(text) == hmac.new(key, text.encode(), "sha256").hexdigest()
