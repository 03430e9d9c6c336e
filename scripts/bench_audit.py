"""What an audited event costs its caller, beside a bare `write` and a bare SQLite commit, and what the writer sustains."""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from avakill.audit.encode import Encoder
from avakill.audit.trail import Trail
from avakill.events.record import Record

BATCH = 50
BATCHES = 400
EVENTS = 50_000


def example(number: int = 0) -> Record:
    arguments = {"path": f"/home/u/project/src/main_{number}.py", "content": "def main():\n    print('hello world')\n"}
    reason = "rule `no-writes` denies `/home/u/project/src`"
    session = "3e1f9a90-aaaa-bbbb-cccc-1234567890ab"
    return Record(
        time.time_ns(), "file_write", arguments, "claude-code", session, "deny", False, 3, "no-writes", reason, "ab" * 32, 2100
    )


def cost(work: Callable[[int], object], batches: int = BATCHES, each: int = BATCH) -> tuple[float, float]:
    """Microseconds a call: the median of batches, and the fastest one, which is the machine left alone."""
    times = []
    for batch in range(batches):
        start = time.perf_counter_ns()
        for number in range(batch * each, (batch + 1) * each):
            work(number)
        times.append((time.perf_counter_ns() - start) / each / 1000)
    return statistics.median(times), min(times)


def single(work: Callable[[int], object], count: int = 20_000) -> tuple[float, float]:
    """The median and the 99th percentile of single calls in microseconds, the clock's own cost included."""
    times = []
    for number in range(count):
        start = time.perf_counter_ns()
        work(number)
        times.append(time.perf_counter_ns() - start)
    times.sort()
    return times[count // 2] / 1000, times[count * 99 // 100] / 1000


def audit_rows() -> None:
    """Print the audit trail's rows of the bench."""
    records = [example(number) for number in range(BATCH * BATCHES)]
    frame = Encoder(None).frame(records[0], 1)
    print("an audited event          median    quiet   (µs for the caller)")
    with tempfile.TemporaryDirectory(dir=os.environ.get("AVAKILL_BENCH_FOLDER")) as name:
        folder = Path(name)
        fd = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        bare = cost(lambda _: os.write(fd, frame))
        print(f"  bare write, {len(frame)} bytes {bare[0]:9.2f} {bare[1]:8.2f}")
        with Trail(folder / "trail") as trail:
            ours = cost(lambda number: trail.record(records[number]))
            print(f"  Trail.record          {ours[0]:9.2f} {ours[1]:8.2f}   {ours[1] / bare[1]:.1f} × the bare write")
            trail.flush(60)
            median, late = single(lambda number: trail.record(records[number]))
            print(f"  … one by one          {median:9.2f}            p99 {late:.2f}, while the writer drains")
        commit = cost(_commits(folder / "bare.db"), 20, 20)
        print(f"  SQLite insert, commit {commit[0]:9.2f} {commit[1]:8.2f}   {commit[1] / bare[1]:.1f} × the bare write")
        rate, cpu = writer_rate(folder / "rate")
        print(f"the writer, {EVENTS} events: {rate:,.0f} a second, {cpu:,.0f} a second of its processor time")


def _commits(path: Path) -> Callable[[int], object]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER, tool TEXT, arguments TEXT, reason TEXT)")
    insert = "INSERT INTO events (at, tool, arguments, reason) VALUES (?, ?, ?, ?)"
    return lambda number: connection.execute(insert, (number, "file_write", '{"path":"/home/u/project/src/main.py"}', "denied"))


def writer_rate(folder: Path) -> tuple[float, float]:
    """Events a second from the journal to the store, chained: by the clock, and by the processor time that it took.

    A first process leaves a full journal by ending without a word; what is timed is the next one's draining.
    """
    child = os.fork()
    if child == 0:
        trail = Trail(folder)
        trail._writer.wake = lambda: None  # type: ignore[method-assign]
        for number in range(EVENTS):
            trail.record(example(number))
        os._exit(0)
    os.waitpid(child, 0)
    trail = Trail(folder)
    start, cpu = time.perf_counter(), time.process_time()
    trail.flush(120)
    took, used = time.perf_counter() - start, time.process_time() - cpu
    trail.close()
    return EVENTS / took, EVENTS / used


if __name__ == "__main__":
    audit_rows()
