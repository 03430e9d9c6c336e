"""A process of its own that takes calls of one budget: `python -m tests.ratelimit.taker STORE KEY MAX TRIES [pause]`.

It says how many it got. With `pause` it stops inside the first transaction, its call taken and not committed, until it is killed.
"""

from __future__ import annotations

import sys
import time

from avakill.ratelimit.limiter import Limiter
from avakill.ratelimit.redis import RedisLimiter
from avakill.ratelimit.sqlite import SQLiteLimiter

HOUR = 3600 * 10**9


def limiter(store: str) -> Limiter:
    return RedisLimiter(store) if store.startswith("redis:") else SQLiteLimiter(store, timeout_s=60)


def main(store: str, key: str, max_calls: str, tries: str) -> None:
    shared = limiter(store)
    got = sum(shared.take(key, int(max_calls), HOUR, time.time_ns()).allowed for _ in range(int(tries)))
    sys.stdout.write(f"{got}\n")


def stop_inside(store: str, key: str) -> None:
    shared = SQLiteLimiter(store)
    with shared._database.transaction() as connection:
        connection.execute("INSERT INTO budgets(key, last, expires) VALUES(?, 1, 1)", (key,))
        connection.execute("INSERT INTO calls VALUES(?, ?, 1)", (key, time.time_ns()))
        sys.stdout.write("inside\n")
        sys.stdout.flush()
        time.sleep(600)


def take_for_ever(store: str, key: str) -> None:
    """Say each call before the next is taken."""
    shared = limiter(store)
    while shared.take(key, 10**6, HOUR, time.time_ns()).allowed:
        sys.stdout.write("x")
        sys.stdout.flush()


if __name__ == "__main__":
    match sys.argv[1:]:
        case [store, key, "inside"]:
            stop_inside(store, key)
        case [store, key, "for-ever"]:
            take_for_ever(store, key)
        case [store, key, max_calls, tries]:
            main(store, key, max_calls, tries)
        case _:
            sys.exit(2)
