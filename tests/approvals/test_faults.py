"""What cannot be told is ApprovalsUnavailable, soon."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from avakill.approvals.store import ApprovalStore
from avakill.approvals.words import ApprovalsUnavailable
from tests.approvals.asker import ask


def test_a_locked_file_is_told_within_the_time(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "a.db", timeout_s=0.2)
    id = ask(store).id
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(ApprovalsUnavailable, match="locked"):
        ask(store)
    with pytest.raises(ApprovalsUnavailable, match="locked"):
        store.grant(id, "maria")
    assert time.monotonic() - began < 5
    other.execute("ROLLBACK")
    assert ask(store).id == id


def rubbish(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def open_to_all(path: Path) -> None:
    path.touch()
    path.chmod(0o666)


def of_another_format(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version=7")
    path.chmod(0o600)


@pytest.mark.parametrize("kind", [rubbish, Path.mkdir, os.mkfifo, link, open_to_all, of_another_format])
def test_a_file_that_is_no_store_of_ours_is_told(kind: Callable[[Path], None], tmp_path: Path) -> None:
    kind(tmp_path / "a.db")
    with pytest.raises(ApprovalsUnavailable):
        ask(ApprovalStore(tmp_path / "a.db", timeout_s=0.2))


@pytest.mark.parametrize("change", ["status = 'yes'", "tool_name = x'00'", "timestamp = 'now'", "expires_at = 'later'"])
def test_content_that_was_changed_approves_nothing(change: str, tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "a.db")
    id = ask(store).id
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute(f"UPDATE asked SET {change}")
    try:
        store.grant(id, "maria")
    except ApprovalsUnavailable:
        assert ask_or_none(store) != "approved"
    else:
        pytest.fail("a broken row was granted")


def ask_or_none(store: ApprovalStore) -> str | None:
    try:
        return str(ask(store).status)
    except ApprovalsUnavailable:
        return None


def test_a_store_of_the_other_product_is_left_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("CREATE TABLE approvals(id TEXT PRIMARY KEY, status TEXT)")
        other.execute("INSERT INTO approvals VALUES('x', 'approved')")
    (tmp_path / "a.db").chmod(0o600)
    assert ask(ApprovalStore(tmp_path / "a.db")).status == "pending"
    with sqlite3.connect(tmp_path / "a.db") as other:
        assert other.execute("SELECT * FROM approvals").fetchall() == [("x", "approved")]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "new" / "a.db")
    ask(store)
    modes = {child.name: oct(child.stat().st_mode & 0o777) for child in (tmp_path / "new").iterdir()}
    assert modes == {"a.db": "0o600", "a.db-wal": "0o600", "a.db-shm": "0o600"}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
