"""What is recorded is stored: once, as it was, whatever else is going on."""

from __future__ import annotations

import math
import os
import stat
import threading
from pathlib import Path

import pytest

from avakill.audit.trail import Trail, Unrecorded
from avakill.audit.verify import verify
from tests.audit.help import drain, ended, journal_files, python, record, recorded, stored

EACH = """
import sys
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
ids = [trail.record(record(i, agent=sys.argv[3])) for i in range(int(sys.argv[2]))]
print("\\n".join(ids))
"""


def test_a_record_is_stored_as_it_was(tmp_path: Path) -> None:
    (id_,) = recorded(tmp_path, record(1, took=1_500_000))
    (event,) = stored(tmp_path)
    assert event.id == id_
    assert event.timestamp == "2023-11-14T22:13:21.000000+00:00"
    assert (event.tool, event.arguments, event.agent, event.session) == ("file_write", '{"path":"/srv/1"}', "claude", "s-1")
    assert (event.action, event.allowed, event.rule, event.rule_name) == ("deny", False, 3, "no-writes")
    assert (event.reason, event.policy, event.latency_ms) == ("`/srv` is closed", "ab" * 32, 1.5)


def test_a_thousand_records_and_a_normal_exit(tmp_path: Path) -> None:
    """Nobody closes the trail: the interpreter's end does."""
    ids = ended(python(EACH, tmp_path, "1000", "a")).split()
    assert len(ids) == 1000
    assert [event.id for event in stored(tmp_path)] == ids
    assert journal_files(tmp_path) == []


def test_many_processes_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    running = [python(EACH, tmp_path, "500", f"agent-{n}") for n in range(5)]
    ids = [id_ for process in running for id_ in ended(process).split()]
    drain(tmp_path)
    events = stored(tmp_path)
    assert len(set(ids)) == 2500
    assert sorted(event.id for event in events) == sorted(ids)
    assert verify(tmp_path / "audit.db").faults == ()


def test_many_threads_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    ids: list[list[str]] = [[] for _ in range(8)]
    with Trail(tmp_path) as trail:

        def work(mine: list[str]) -> None:
            mine.extend(trail.record(record(i)) for i in range(300))

        threads = [threading.Thread(target=work, args=(mine,)) for mine in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    given = [id_ for mine in ids for id_ in mine]
    assert len(set(given)) == 2400
    assert sorted(event.id for event in stored(tmp_path)) == sorted(given)


FORK = """
import os, sys
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
ids = [trail.record(record(i)) for i in range(100)]
assert trail.flush(30)
ids += [trail.record(record(i)) for i in range(50)]
told, tell = os.pipe()
child = os.fork()
if child == 0:
    mine = [trail.record(record(i, agent="child")) for i in range(200)]
    os.write(tell, " ".join(mine).encode())
    os._exit(0)
os.close(tell)
ids += [trail.record(record(i)) for i in range(100)]
os.waitpid(child, 0)
ids += os.read(told, 1 << 20).decode().split()
trail.close()
print("\\n".join(ids))
"""


def test_a_fork_has_a_journal_of_its_own(tmp_path: Path) -> None:
    """The child ends without any clean-up, and what it recorded is drained by the next process."""
    ids = ended(python(FORK, tmp_path)).split()
    drain(tmp_path)
    events = stored(tmp_path)
    assert len(ids) == len(set(ids)) == 450
    assert sorted(event.id for event in events) == sorted(ids)
    assert sum(event.agent == "child" for event in events) == 200
    assert verify(tmp_path / "audit.db").sound


def test_two_trails_of_one_process_share_a_store(tmp_path: Path) -> None:
    with Trail(tmp_path) as one, Trail(tmp_path) as other:
        ids = [trail.record(record(i)) for i in range(50) for trail in (one, other)]
    assert sorted(event.id for event in stored(tmp_path)) == sorted(ids)


def test_a_signal_handler_may_record_too(tmp_path: Path) -> None:
    text = """
import signal, sys
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
more = [trail.record(record())]
signal.signal(signal.SIGALRM, lambda *_: more.append(trail.record(record(7, agent="handler"))))
signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
ids = [trail.record(record(i)) for i in range(20000)]
signal.setitimer(signal.ITIMER_REAL, 0)
trail.close()
print("\\n".join(ids + more))
"""
    ids = ended(python(text, tmp_path)).split()
    assert len(ids) > 20010
    assert sorted(event.id for event in stored(tmp_path)) == sorted(ids)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "trail"
    before = os.umask(0)
    try:
        with Trail(folder) as trail:
            trail.record(record())
            assert trail.flush(30)
            files = [path for path in folder.rglob("*") if path.is_file()]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
    finally:
        os.umask(before)
    assert {"audit.db", "audit.db-wal"} < set(modes)
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((folder / "journal").stat().st_mode) == 0o700


def test_a_closed_trail_takes_nothing(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    trail.record(record())
    trail.close()
    with pytest.raises(Unrecorded, match="closed"):
        trail.record(record())
    assert not trail.flush()
    trail.close()
    assert len(stored(tmp_path)) == 1


def test_without_threads_the_journal_has_it_all(tmp_path: Path) -> None:
    """The process may start no thread, and is told so; what it recorded is stored by the next one."""
    text = """
import resource, sys, threading
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
threading.stack_size(1 << 30)
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
ids = [trail.record(record(i)) for i in range(100)]
assert any("thread cannot be started" in problem for problem in trail.problems), trail.problems
assert not trail.flush(1)
print(*ids)
"""
    ids = ended(python(text, tmp_path)).split()
    assert len(ids) == 100
    drain(tmp_path)
    assert [event.id for event in stored(tmp_path)] == ids


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unrecorded, match="folder"):
        Trail(tmp_path / "file" / "trail").record(record())


def test_each_event_is_on_the_disk_with_full_durability(tmp_path: Path) -> None:
    with Trail(tmp_path, durability="full") as trail:
        ids = [trail.record(record(i)) for i in range(20)]
    assert [event.id for event in stored(tmp_path)] == ids


def fill(trail: Trail) -> None:
    for i in range(1000):
        trail.record(record(i))
    trail.flush(1)
    trail.record(record())


def test_a_journal_that_nobody_drains_has_a_limit(tmp_path: Path) -> None:
    """A broken store must not fill the disk: past the limit calls are denied instead, with the reason."""
    (tmp_path / "audit.db").write_text("this is no database, and long enough to look at" * 100)
    trail = Trail(tmp_path, limit=20_000)
    with pytest.raises(Unrecorded, match="has not taken"):
        fill(trail)
    assert any("has not taken" in problem for problem in trail.problems)
    trail.close(0.1)


def test_a_long_run_leaves_no_journal_behind(tmp_path: Path) -> None:
    """More than one journal file's worth: files are retired, drained and removed."""
    with Trail(tmp_path) as trail:
        ids = [trail.record(record(i, arguments={"content": "x" * 4000})) for i in range(3000)]
        assert trail.flush(60)
        assert len(journal_files(tmp_path)) >= 1
    assert [event.id for event in stored(tmp_path)] == ids
    assert journal_files(tmp_path) == []


def test_what_observes_gets_each_row_and_cannot_stop_the_trail(tmp_path: Path) -> None:
    seen: list[object] = []

    def observe(rows: object) -> None:
        assert isinstance(rows, list)
        seen.extend(rows)
        raise RuntimeError

    with Trail(tmp_path, observe=observe) as trail:
        for i in range(10):
            trail.record(record(i))
    assert len(seen) == len(stored(tmp_path)) == 10


@pytest.mark.parametrize("at", [-1, 0, 1 << 70, math.nan, "now", None])
def test_a_time_that_is_none_is_recorded_all_the_same(tmp_path: Path, at: object) -> None:
    recorded(tmp_path, record(at=at), record(took=at))
    assert len(stored(tmp_path)) == 2
    assert verify(tmp_path / "audit.db").sound
