"""Many real processes and one budget, killed ones among them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from redis import Redis

from avakill.ratelimit.limiter import Limiter
from avakill.ratelimit.memory import MemoryLimiter
from avakill.ratelimit.redis import RedisLimiter
from avakill.ratelimit.sqlite import SQLiteLimiter
from tests.ratelimit.taker import HOUR

ROOT = Path(__file__).parents[2]
PROCESSES, TRIES, BUDGET = 8, 40, 137


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "tests.ratelimit.taker", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "new" / "limits.db")
    client: Redis = request.getfixturevalue("redis_client")
    assert client.ping()
    url = request.getfixturevalue("redis_url")
    assert isinstance(url, str)
    return url


def test_processes_share_one_budget_to_the_call(store: str) -> None:
    takers = [start(store, "k", str(BUDGET), str(TRIES)) for _ in range(PROCESSES)]
    got = [int(taker.communicate(timeout=120)[0]) for taker in takers]
    assert sum(got) == BUDGET
    assert [taker.returncode for taker in takers] == [0] * PROCESSES


def test_what_a_killed_process_was_told_stays_taken(store: str) -> None:
    taker = start(store, "k", "for-ever")
    assert taker.stdout is not None
    said = taker.stdout.read(50)
    os.kill(taker.pid, signal.SIGKILL)
    said += taker.stdout.read()
    taker.wait(20)
    limiter: Limiter = RedisLimiter(store) if store.startswith("redis:") else SQLiteLimiter(store)
    taken = limiter.take("k", 10**6, HOUR, time.time_ns()).used - 1
    assert len(said) <= taken <= len(said) + 1  # one may have been taken and not yet said


def test_a_process_killed_inside_its_transaction_leaves_no_trace_and_no_lock(tmp_path: Path) -> None:
    store = tmp_path / "limits.db"
    limiter = SQLiteLimiter(store)
    assert limiter.take("k", 2, HOUR, time.time_ns()).allowed
    taker = start(str(store), "other", "inside")
    assert taker.stdout is not None
    assert taker.stdout.readline() == "inside\n"
    os.kill(taker.pid, signal.SIGKILL)
    taker.communicate(timeout=20)
    assert limiter.take("other", 1, HOUR, time.time_ns()).used == 1
    assert limiter.take("k", 2, HOUR, time.time_ns()).used == 2


@pytest.mark.parametrize(("kind", "keys"), [("memory", 2000), ("sqlite", 20)])
def test_threads_share_each_budget_to_the_call(kind: str, keys: int, tmp_path: Path) -> None:
    limiter: Limiter = MemoryLimiter() if kind == "memory" else SQLiteLimiter(tmp_path / "limits.db", timeout_s=60)
    got: list[str] = []
    together = threading.Barrier(PROCESSES)

    def run() -> None:
        together.wait(60)
        for key in map(str, range(keys)):
            if limiter.take(key, 3, HOUR, time.time_ns()).allowed:
                got.append(key)

    threads = [threading.Thread(target=run) for _ in range(PROCESSES)]
    between = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that threads meet inside a take
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    finally:
        sys.setswitchinterval(between)
    assert Counter(Counter(got).values()) == {3: keys}


def test_a_forked_child_takes_from_the_same_budget(tmp_path: Path) -> None:
    limiter = SQLiteLimiter(tmp_path / "limits.db", timeout_s=60)
    assert limiter.take("k", 10, HOUR, time.time_ns()).used == 1
    child = os.fork()
    if child == 0:
        os._exit(limiter.take("k", 10, HOUR, time.time_ns()).used)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert limiter.take("k", 10, HOUR, time.time_ns()).used == 3


def test_a_child_forked_while_a_thread_takes_is_not_locked_out(tmp_path: Path) -> None:
    """The thread that holds the lock is not in the child, and the connection is the parent's."""
    limiter = SQLiteLimiter(tmp_path / "limits.db", timeout_s=5)
    limiter.take("k", 10, HOUR, time.time_ns())
    with limiter._database._lock:
        child = os.fork()
        if child == 0:
            is_free = limiter._database._connection is None and limiter.take("k", 10, HOUR, time.time_ns()).used == 2
            os._exit(0 if is_free else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_budget_outlives_its_process(store: str) -> None:
    for _ in range(2):
        start(store, "k", "5", "3").communicate(timeout=60)
    got = start(store, "k", "5", "3").communicate(timeout=60)[0]
    assert got == "0\n"
