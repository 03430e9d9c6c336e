"""What cannot be told is LimiterUnavailable, soon: a lock, a broken file, a server that is gone."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from avakill.ratelimit.limiter import LimiterUnavailable
from avakill.ratelimit.redis import RedisLimiter
from avakill.ratelimit.sqlite import SQLiteLimiter
from tests.ratelimit.conftest import end, free_port, start_server
from tests.ratelimit.taker import HOUR

NOW = 10**18


def test_a_locked_file_is_told_within_the_time(tmp_path: Path) -> None:
    limiter = SQLiteLimiter(tmp_path / "limits.db", timeout_s=0.2)
    assert limiter.take("k", 5, HOUR, NOW).allowed
    other = sqlite3.connect(tmp_path / "limits.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(LimiterUnavailable, match="locked"):
        limiter.take("k", 5, HOUR, NOW)
    assert time.monotonic() - began < 5
    other.execute("ROLLBACK")
    assert limiter.take("k", 5, HOUR, NOW).used == 2


def rubbish(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def folder(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def open_to_all(path: Path) -> None:
    path.touch()
    path.chmod(0o666)


def of_another_user(path: Path) -> None:
    path.touch(0o600)
    os.chown(path, 12345, 12345)


def of_another_format(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version=7")
    path.chmod(0o600)


def without_its_tables(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version=1")
    path.chmod(0o600)


@pytest.mark.parametrize("kind", [rubbish, folder, fifo, link, open_to_all, of_another_format, without_its_tables])
def test_a_file_that_is_no_store_of_ours_is_told(kind: Callable[[Path], None], tmp_path: Path) -> None:
    kind(tmp_path / "limits.db")
    with pytest.raises(LimiterUnavailable):
        SQLiteLimiter(tmp_path / "limits.db", timeout_s=0.2).take("k", 5, HOUR, NOW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_a_file_of_another_user_is_told(tmp_path: Path) -> None:
    of_another_user(tmp_path / "limits.db")
    with pytest.raises(LimiterUnavailable, match="another user"):
        SQLiteLimiter(tmp_path / "limits.db").take("k", 5, HOUR, NOW)


def test_content_that_was_changed_is_told(tmp_path: Path) -> None:
    limiter = SQLiteLimiter(tmp_path / "limits.db")
    limiter.take("k", 5, HOUR, NOW)
    with sqlite3.connect(tmp_path / "limits.db") as other:
        other.execute("UPDATE budgets SET last = 'yesterday'")
    with pytest.raises(LimiterUnavailable):
        limiter.take("k", 5, HOUR, NOW)


def test_without_a_home_the_default_place_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    with pytest.raises(LimiterUnavailable):
        SQLiteLimiter().take("k", 5, HOUR, NOW)


def test_a_full_disk_is_told_and_what_was_told_before_stays(tmp_path: Path) -> None:
    limiter = SQLiteLimiter(tmp_path / "limits.db")
    assert limiter.take("k", 5, HOUR, NOW).allowed
    with limiter._database.transaction() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own full disk
    with pytest.raises(LimiterUnavailable, match="full"):
        take_many(limiter, 1000)
    assert limiter.take("k", 5, HOUR, NOW).used == 2


def take_many(limiter: SQLiteLimiter, keys: int) -> None:
    for n in range(keys):
        limiter.take(f"k{n}", 5, HOUR, NOW)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "limits.db"
    path.parent.mkdir()
    path.touch(0o644)
    limiter = SQLiteLimiter(path)
    limiter.take("k", 5, HOUR, NOW)
    modes = {child.name: oct(child.stat().st_mode & 0o777) for child in path.parent.iterdir()}
    assert modes == {"limits.db": "0o600", "limits.db-wal": "0o600", "limits.db-shm": "0o600"}


def test_all_who_hold_a_file_that_was_replaced_go_to_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    one, two = SQLiteLimiter(path), SQLiteLimiter(path)
    assert one.take("k", 9, HOUR, NOW).used == 1
    for child in tmp_path.iterdir():
        child.unlink()
    assert [two.take("k", 9, HOUR, NOW).used for _ in range(3)] == [1, 2, 3]
    assert one.take("k", 9, HOUR, NOW).used == 4


def test_where_budgets_are_full_the_expired_go_and_no_live_one(tmp_path: Path) -> None:
    limiter = SQLiteLimiter(tmp_path / "limits.db", max_keys=2)
    assert limiter.take("a", 1, 10, NOW).allowed
    assert limiter.take("b", 1, 100, NOW).allowed
    with pytest.raises(LimiterUnavailable, match="2 budgets are live"):
        limiter.take("c", 1, 10, NOW + 9)
    assert limiter.take("c", 1, 10, NOW + 10).allowed
    assert not limiter.take("b", 1, 100, NOW + 99).allowed


def test_a_dropped_budget_returns_no_earlier_than_it_went(tmp_path: Path) -> None:
    limiter = SQLiteLimiter(tmp_path / "limits.db", max_keys=2)
    assert limiter.take("a", 1, 10, NOW).allowed
    assert limiter.take("c", 1, 10, NOW).allowed
    assert limiter.take("b", 1, 10, NOW + 10).allowed  # both others go
    assert limiter.take("a", 1, 10, NOW + 5).allowed
    assert not limiter.take("a", 1, 10, NOW + 19).allowed
    assert limiter.take("a", 1, 10, NOW + 20).allowed


def test_a_budget_that_never_expires_is_one(tmp_path: Path) -> None:
    limiter = SQLiteLimiter(tmp_path / "limits.db", max_keys=1)
    assert limiter.take("a", 1, 2**62, 2**62).allowed
    with pytest.raises(LimiterUnavailable, match="live"):
        limiter.take("b", 1, 1, 2**62 + 10)


# -- Redis --


def test_a_server_that_is_gone_is_told_and_one_that_is_back_is_used(tmp_path: Path) -> None:
    port = free_port()
    limiter = RedisLimiter(f"redis://127.0.0.1:{port}/0")
    with pytest.raises(LimiterUnavailable):
        limiter.take("k", 5, HOUR, NOW)
    server = start_server(tmp_path, port)
    try:
        assert limiter.take("k", 5, HOUR, NOW).used == 1
    finally:
        end(server)
    with pytest.raises(LimiterUnavailable):
        limiter.take("k", 5, HOUR, NOW)


def test_a_server_that_never_answers_is_told_within_the_time() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        limiter = RedisLimiter(f"redis://127.0.0.1:{mute.getsockname()[1]}/0")
        began = time.monotonic()
        with pytest.raises(LimiterUnavailable):
            limiter.take("k", 5, HOUR, NOW)
        assert time.monotonic() - began < 10


def test_a_key_of_another_kind_is_told(redis_client: Redis) -> None:
    redis_client.set("avakill:limit:{k}", "text")
    with pytest.raises(LimiterUnavailable, match="WRONGTYPE"):
        RedisLimiter(redis_client).take("k", 5, HOUR, NOW)


def test_no_address_is_told() -> None:
    with pytest.raises(LimiterUnavailable):
        RedisLimiter("http://127.0.0.1")


def test_the_servers_clock_counts_whatever_the_callers_say(redis_client: Redis) -> None:
    limiter = RedisLimiter(redis_client)
    assert limiter.take("k", 2, HOUR, 0).allowed
    assert limiter.take("k", 2, HOUR, 10**18).allowed
    assert not limiter.take("k", 2, HOUR, 2 * 10**18).allowed


def test_what_no_longer_counts_is_forgotten_by_the_server(redis_client: Redis) -> None:
    RedisLimiter(redis_client).take("k", 2, 60 * 10**9, 0)
    kept = [redis_client.pttl(key) for key in redis_client.scan_iter()]
    assert len(kept) == 2
    assert all(isinstance(left, int) and 50_000 < left <= 61_000 for left in kept)
