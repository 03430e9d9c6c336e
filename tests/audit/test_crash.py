"""What was acknowledged outlives the process, a full disk, a locked store and a broken one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from avakill.audit import segment
from avakill.audit.frame import MAGIC, frame, read_frames
from avakill.audit.trail import Trail
from avakill.audit.verify import verify
from tests.audit.help import ROOT, drain, ended, journal_files, python, record, stored
from tests.conftest import need

BURST = """
import os, sys
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
i = 0
while True:
    os.write(1, (trail.record(record(i)) + "\\n").encode())
    i += 1
"""


@pytest.mark.parametrize("after", [0.05, 0.3, 1.0])
def test_kill_9_in_a_burst_loses_no_acknowledged_event(tmp_path: Path, after: float) -> None:
    """The child prints an id when it has it: each one printed is in the store later, once, and at most one more."""
    process = python(BURST, tmp_path)
    assert process.stdout is not None
    first = process.stdout.readline()
    os.set_blocking(process.stdout.fileno(), True)
    killer = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep({after}); os.kill({process.pid}, {signal.SIGKILL})"])
    ids = (first + process.stdout.read()).split("\n")[:-1]
    process.wait()
    killer.wait()
    drain(tmp_path)
    found = [event.id for event in stored(tmp_path)]
    assert len(ids) > 10
    assert found[: len(ids)] == ids
    assert len(found) - len(ids) <= 1
    assert verify(tmp_path / "audit.db").sound
    assert journal_files(tmp_path) == []


def test_a_kill_while_the_writer_drains_doubles_nothing(tmp_path: Path) -> None:
    """Rows and how far the journal is drained are one transaction, wherever the process dies."""
    text = """
import os, sys, threading, time
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
trail.record(record(0))
threading.Thread(target=lambda: (time.sleep(float(sys.argv[2])), os.kill(os.getpid(), 9))).start()
for i in range(10_000_000):
    trail.record(record(i))
"""
    for after in ("0.11", "0.23", "0.37"):
        process = python(text, tmp_path, after)
        process.wait(60)
        assert process.returncode == -signal.SIGKILL
    drain(tmp_path)
    events = stored(tmp_path)
    assert len(events) > 1000
    numbers: dict[str, list[int]] = {}
    for event in events:
        stream, _, number = event.id.partition("-")
        numbers.setdefault(stream, []).append(int(number))
    assert len(numbers) == 3
    for found in numbers.values():
        assert sorted(found) == list(range(1, len(found) + 1))
    assert verify(tmp_path / "audit.db").sound


ROTATING = """
import os, sys, threading
from avakill.audit import journal
from avakill.audit.trail import Trail
from tests.audit.help import record
journal.SEGMENT_BYTES, journal.GRACE = 20_000, 0.02
trail = Trail(sys.argv[1])
def work():
    for i in range(1_000_000):
        os.write(1, (trail.record(record(i)) + "\\n").encode())
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
"""


def test_kill_9_while_files_change_loses_nothing(tmp_path: Path) -> None:
    """Three threads over files that are retired and removed all the time."""
    process = python(ROTATING, tmp_path)
    assert process.stdout is not None
    first = process.stdout.readline()
    killer = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(1.5); os.kill({process.pid}, {signal.SIGKILL})"])
    ids = (first + process.stdout.read()).split("\n")[:-1]
    process.wait()
    killer.wait()
    drain(tmp_path)
    found = [event.id for event in stored(tmp_path)]
    assert len(found) == len(set(found))
    assert set(ids) <= set(found)
    assert len(found) - len(ids) <= 3
    assert len(ids) > 200
    assert verify(tmp_path / "audit.db").sound


def test_a_locked_store_blocks_nobody_and_loses_nothing(tmp_path: Path) -> None:
    with Trail(tmp_path) as trail:
        trail.record(record())
        assert trail.flush(30)
        lock = python(
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE'); "
            "print('locked', flush=True); sys.stdin.read() if 0 else __import__('time').sleep(600)",
            tmp_path / "audit.db",
        )
        assert lock.stdout is not None
        assert lock.stdout.readline() == "locked\n"
        start = time.monotonic()
        ids = [trail.record(record(i)) for i in range(500)]
        assert time.monotonic() - start < 5
        assert not trail.flush(1.0)
        assert any("locked" in problem for problem in trail.problems)
        lock.kill()
        lock.wait()
        assert trail.flush(30)
        assert trail.problems == ()
    assert [event.id for event in stored(tmp_path)][1:] == ids


def test_a_store_locked_until_the_end_is_filled_by_the_next_process(tmp_path: Path) -> None:
    text = """
import sqlite3, sys
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
ids = [trail.record(record(0))]
assert trail.flush(30)
c = sqlite3.connect(sys.argv[1] + "/audit.db", isolation_level=None)
c.execute("BEGIN EXCLUSIVE")
ids += [trail.record(record(i)) for i in range(300)]
trail.close(0.5)
print("\\n".join(ids))
"""
    ids = ended(python(text, tmp_path)).split()
    assert len(stored(tmp_path)) == 1
    assert len(journal_files(tmp_path)) == 1
    drain(tmp_path)
    assert [event.id for event in stored(tmp_path)] == ids


def test_a_broken_store_keeps_the_journal(tmp_path: Path) -> None:
    (tmp_path / "audit.db").write_bytes(b"no database at all " * 500)
    trail = Trail(tmp_path)
    ids = [trail.record(record(i)) for i in range(50)]
    assert not trail.flush(0.5)
    assert any("not a database" in problem for problem in trail.problems)
    trail.close(0.2)
    (tmp_path / "audit.db").rename(tmp_path / "broken.db")
    drain(tmp_path)
    assert [event.id for event in stored(tmp_path)] == ids


def test_a_store_that_is_removed_is_made_anew(tmp_path: Path) -> None:
    """SQLite would go on writing to the removed file. What the journal still has comes back."""
    with Trail(tmp_path) as trail:
        ids = [trail.record(record(i)) for i in range(20)]
        assert trail.flush(30)
        for name in ("audit.db", "audit.db-wal", "audit.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        ids += [trail.record(record(i)) for i in range(20)]
        assert trail.flush(30), trail.problems
    assert [event.id for event in stored(tmp_path)] == ids
    assert verify(tmp_path / "audit.db").sound


FULL = """
import os, sys
from avakill.audit.trail import Trail, Unrecorded
from tests.audit.help import record
folder = sys.argv[1]
trail = Trail(folder)
ids, refused = [], ""
for i in range(200_000):
    try:
        ids.append(trail.record(record(i, arguments={"content": "x" * 1000})))
    except Unrecorded as fault:
        refused = str(fault)
        if len(ids) > 100:
            break
assert "space" in refused, refused
with open("/tmp/ballast", "r+b") if False else open(sys.argv[2], "r+b") as ballast:
    ballast.truncate(0)
ids.append(trail.record(record(1)))
assert trail.flush(60), trail.problems
trail.close()
from tests.audit.help import stored
assert [event.id for event in stored(__import__("pathlib").Path(folder))] == ids, len(ids)
from avakill.audit.verify import verify
assert verify(__import__("pathlib").Path(folder) / "audit.db").sound
print(len(ids))
"""


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """A small file system of its own fills up: what was acknowledged is stored when there is room again, what was refused is not."""
    need(os.geteuid() == 0 and shutil.which("unshare") is not None, "a mount needs root and unshare")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=12m none "$1" && head -c 9m /dev/zero > "$1/ballast" && exec "$2" -c "$3" "$1/trail" "$1/ballast"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(disk), sys.executable, FULL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_a_torn_record_at_the_end_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir(parents=True)
    one = segment.create(folder, "ab" * 12, 0)
    whole = [frame(i, 0, 0, b'["s","a","t",0,"deny",null,"r",null,"p"]', b'{"n":%d}' % i) for i in range(1, 4)]
    os.write(one.fd, b"".join(whole[:2]) + whole[2][:-3])
    one.leave()
    drain(tmp_path)
    assert [event.arguments for event in stored(tmp_path)] == ['{"n":1}', '{"n":2}']
    assert journal_files(tmp_path) == []


def test_a_strangers_segment_stops_nothing_and_is_told_apart(tmp_path: Path) -> None:
    """Whole frames that say nothing we understand are kept as rows that say so, and the chain holds."""
    folder = tmp_path / "journal"
    folder.mkdir(parents=True)
    one = segment.create(folder, "00" * 12, 0)
    heads = [
        *(b"", b"{", b"[]", b"5", b"\xff\xfe"),
        b'["s","a",["t"],0,"deny",null,"r",null,"p"]',
        b'["s","a","t",true,"deny",null,"r",null,"p"]',
        b'["\\ud800","a","t",0,"deny",null,"r",null,"p"]',
        b'[null,null,"t",0,"d",null,"r",99999999999999999999,"p"]',
    ]
    for i, head in enumerate(heads, 1):
        os.write(one.fd, frame(i, 1 << 62, -5, head, b'{"a":"\xe9"}\n'))
    one.leave()
    with Trail(tmp_path) as trail:
        id_ = trail.record(record())
        assert trail.flush(30), trail.problems
    events = stored(tmp_path)
    assert sum(event.tool == "[unreadable]" for event in events) == len(heads)
    assert id_ in [event.id for event in events]
    assert verify(tmp_path / "audit.db").sound


def test_a_torn_record_in_the_middle_hides_none_behind_it(tmp_path: Path) -> None:
    """What a full disk and a power failure leave: parts of frames, and pages of zeros."""
    whole = [frame(i, 5, 6, b"[]", b'{"n":%d}' % i) for i in range(6)]
    for junk in (b"", b"\0" * 5000, whole[1][:-1], whole[1][:7], MAGIC, MAGIC * 3, b"\xff" * 9):
        read = read_frames(whole[0] + junk + whole[2] + junk + whole[3])
        assert [number for number, *_ in read.frames] == [0, 2, 3]
        assert read.torn == 2 * len(junk)


def test_a_frame_with_one_bit_changed_is_none() -> None:
    whole = frame(7, 5, 6, b"[1]", b'{"n":1}')
    texts = len(whole) - 10
    for place in (*range(8), *range(8, 12), *range(texts, len(whole))):
        changed = bytearray(whole)
        changed[place] ^= 4
        assert read_frames(bytes(changed)).frames == []


def test_a_segment_of_the_living_is_left_alone(tmp_path: Path) -> None:
    process = python(BURST, tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    (name,) = journal_files(tmp_path)
    assert segment.adopt(tmp_path / "journal" / name) is None
    process.kill()
    process.communicate()
    found = segment.adopt(tmp_path / "journal" / name)
    assert found is not None
    found.leave()


def test_a_journal_is_not_followed_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "victim").write_text("keep me")
    (tmp_path / "journal" / f"{'00' * 12}-000000.journal").symlink_to(tmp_path / "victim")
    with Trail(tmp_path) as trail:
        trail.record(record())
        assert trail.flush(30)
        assert [problem.split("`")[2] for problem in trail.problems] == [" cannot be taken: Too many levels of symbolic links"]
    assert (tmp_path / "victim").read_text() == "keep me"
    assert len(stored(tmp_path)) == 1


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_drained(tmp_path: Path, make: Callable[[Path], None]) -> None:
    (tmp_path / "journal").mkdir()
    make(tmp_path / "journal" / "x.journal")
    with Trail(tmp_path) as trail:
        trail.record(record())
        assert trail.flush(30)
        assert any("cannot be taken" in problem for problem in trail.problems)
    assert len(stored(tmp_path)) == 1


def test_another_users_journal_stops_nothing() -> None:
    """Two users of one folder: what one may not read is told, and the rest goes on."""
    need(os.geteuid() == 0, "another user needs root")
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        Path(name).chmod(0o755)
        record_as_nobody(Path(name) / "trail")


def record_as_nobody(folder: Path) -> None:
    (folder / "journal").mkdir(parents=True)
    for place in (folder, folder / "journal"):
        place.chmod(0o777)
    theirs = segment.create(folder / "journal", "00" * 12, 0)
    os.write(theirs.fd, frame(1, 0, 0, b'["s","a","t",0,"deny",null,"r",null,"p"]', b"{}"))
    theirs.leave()
    text = """
import os, sys
from avakill.audit.trail import Trail
from tests.audit.help import record
import re2, sqlite3
trail = Trail(sys.argv[1])
os.setgid(65534)
os.setuid(65534)
id_ = trail.record(record())
assert trail.flush(30), trail.problems
assert any("Permission denied" in problem for problem in trail.problems), trail.problems
trail.close()
print(id_)
"""
    (id_,) = ended(python(text, folder)).split()
    assert [event.id for event in stored(folder)] == [id_]
    assert len(journal_files(folder)) == 1
