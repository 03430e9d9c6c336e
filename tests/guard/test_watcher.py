"""A policy file that changes while a guard is in use."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avakill import Guard

ALLOW = 'version: "1.0"\ndefault_action: allow\npolicies: []\n'
DENY = 'version: "1.0"\ndefault_action: deny\npolicies: []\n'


@pytest.fixture(params=[False, True], ids=["notified", "polling"])
def watched(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Guard]:
    place = tmp_path / "avakill.yaml"
    place.write_text(DENY)
    guard = Guard(policy=place)
    guard.watch(debounce_ms=50, poll_interval_s=0.1, force_polling=request.param)
    yield guard
    guard.stop_watching()


def replace(guard: Guard, text: str) -> None:
    """As editors do."""
    assert guard.policy_path is not None
    new = guard.policy_path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, guard.policy_path)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_new_policy_is_in_force_soon(watched: Guard) -> None:
    assert not watched.evaluate("x").allowed
    replace(watched, ALLOW)
    assert within(20, lambda: watched.evaluate("x").allowed)


def test_a_bad_file_keeps_the_old_policy_and_says_so(watched: Guard) -> None:
    watcher = watched._watcher
    assert watcher is not None
    replace(watched, "version: [")
    assert within(20, lambda: watcher.last_error is not None)
    assert not watched.evaluate("x").allowed
    replace(watched, ALLOW)
    assert within(20, lambda: watched.evaluate("x").allowed)
    assert within(5, lambda: watcher.last_error is None)


def test_a_deleted_file_keeps_the_old_policy(watched: Guard) -> None:
    assert watched.policy_path is not None
    watched.policy_path.unlink()
    watcher = watched._watcher
    assert watcher is not None
    within(5, lambda: watcher.last_error is not None)
    assert not watched.evaluate("x").allowed


def test_calls_go_on_while_the_policy_is_swapped(tmp_path: Path) -> None:
    place = tmp_path / "avakill.yaml"
    place.write_text(ALLOW)
    guard = Guard(policy=place)
    ended = threading.Event()
    reasons: set[str] = set()

    def ask() -> None:
        while not ended.is_set():
            reasons.add(guard.evaluate("file_read", {"path": "/a"}).reason)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for text in (DENY, ALLOW) * 10:
        place.write_text(text)
        guard.reload_policy()
    ended.set()
    for thread in threads:
        thread.join()
    assert reasons <= {"no rule matched; the default is `allow`", "no rule matched; the default is `deny`"}


def test_watching_twice_and_watching_nothing_are_refused(watched: Guard) -> None:
    with pytest.raises(RuntimeError):
        watched.watch()
    asyncio.run(watched.unwatch())
    watched.watch(force_polling=True)
    with pytest.raises(ValueError, match="no file"):
        Guard(policy={"version": "1.0", "policies": []}).watch()
