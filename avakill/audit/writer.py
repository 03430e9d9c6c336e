"""The one background thread: journal to store, in batches; what it cannot do it says in `problems` and tries again."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Condition, Thread
from time import monotonic

from avakill.audit import segment
from avakill.audit.chain import Chain
from avakill.audit.frame import read_frames
from avakill.audit.journal import Journal
from avakill.audit.schema import DATABASE, open_to_write
from avakill.audit.segment import Segment
from avakill.audit.store import OtherKey, Row, Store

POLL = 0.05
"""Seconds between two looks at a journal that is being written."""
QUIET = 20
"""Looks without an event after which the thread sleeps until it is woken."""
SWEEP = 10.0
"""Seconds between two looks for journals of the dead."""
SYNC = 1.0
"""Seconds after which what is written must be on the disk, where each event need not be."""
SLOWEST = 5.0
CHUNK = 1 << 20
PATIENCE = 0.25

Observe = Callable[[Sequence[Row]], None]


class Writer:
    """Started by the first event, and again in the child of a fork."""

    def __init__(self, folder: Path, journal: Journal, chain: Chain, full: bool, observe: Observe | None) -> None:
        self.folder = folder
        self.asleep = True
        self.problems: tuple[str, ...] = ()
        self._journal = journal
        self._chain = chain
        self._full = full
        self._observe = observe
        self._store: Store | None = None
        self._file: tuple[int, int] | None = None
        self._condition = Condition()
        self._thread: Thread | None = None
        self._wanted = 0
        self._finished = 0
        self._stop = False
        self._swept = 0.0
        self._synced = 0.0
        self._dirty = False
        self._skipped: tuple[str, ...] = ()
        """Journal files of others that we may not take."""

    # -- from other threads --

    def wake(self) -> None:
        """There is something to do."""
        with self._condition:
            self.asleep = False
            if self._thread is None and not self._stop:
                self._start()
            self._condition.notify_all()

    def _start(self) -> None:
        made = Thread(target=self._run, name="avakill-audit", daemon=True)
        try:
            made.start()
            self._thread = made
        except RuntimeError as fault:  # no more threads, or the interpreter ends: the journal has the event all the same
            self.asleep = True
            self.problems = (f"the audit trail's thread cannot be started: {fault}",)

    def flush(self, timeout: float | None) -> bool:
        """Whether all that was recorded before is in the store."""
        deadline = None if timeout is None else monotonic() + timeout
        with self._condition:
            self._wanted += 1
            wanted = self._wanted
        self.wake()
        with self._condition:
            while self._finished < wanted and self._thread is not None:
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    return False
                self._condition.wait(left)
            return self._finished >= wanted

    def stop(self, timeout: float) -> None:
        """After `flush`: the thread ends, or is left to its end as a daemon."""
        with self._condition:
            self._stop = True
            self._condition.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)

    # -- the thread --

    def _run(self) -> None:
        quiet = faults = 0
        while True:
            with self._condition:
                wanted, stop = self._wanted, self._stop
            moved, problems = self._turn(bool(wanted > self._finished) or stop)
            self.problems = (*problems, *self._skipped)
            faults = min(faults + 1, 16) if problems else 0
            quiet = 0 if moved else quiet + 1
            with self._condition:
                if not problems:
                    self._finished = max(self._finished, wanted)
                    self._condition.notify_all()
                if stop:
                    break
                self._rest(quiet, faults)
        self._close()
        with self._condition:
            self._thread = None
            self._condition.notify_all()

    def _rest(self, quiet: int, faults: int) -> None:
        """Wait, with the condition held, until it is time or something is asked for."""
        if self._wanted > self._finished and not faults:
            return
        if faults:
            self._condition.wait(min(SLOWEST, POLL * 2 ** min(faults - 1, 7)))
        elif quiet < QUIET or self._dirty:
            self._condition.wait(POLL)
        else:
            self.asleep = True
            if not self._journal.has_more():  # an event that came before `asleep` was set woke nobody
                self._condition.wait(SWEEP)
            self.asleep = False

    def _turn(self, thorough: bool) -> tuple[bool, tuple[str, ...]]:
        """One look at everything: whether events were moved, and what stands in the way."""
        moved = False
        try:
            now = monotonic()
            self._journal.rotate()
            store = self._opened()
            for one in self._journal.segments():
                moved |= self._drain(store, one)
                if self._journal.spent(one):
                    self._sync()
                    self._journal.remove(one)
            if now - self._swept > SWEEP or not self._swept:
                moved |= self._sweep(store)
                self._swept = now
            if self._dirty and (now - self._synced > SYNC or thorough):
                self._sync()
            if self._journal.refusal:
                self._journal.refuse_when_full()
        except (OSError, sqlite3.Error, OtherKey) as fault:
            self._guard_disk()
            return moved, (_said(fault),)
        except Exception as fault:  # an edge: a thread that dies of a fault of ours would leave the journal to grow unseen
            return moved, (f"the audit trail's writer failed: {type(fault).__name__}: {fault}",)
        return moved, ()

    def _opened(self) -> Store:
        """The store; another one where its file was removed or replaced, with what the journal still has of the old one."""
        path = self.folder / DATABASE
        if self._store is not None and _identity(path) != self._file:
            self._close()
        if self._store is None:
            store = Store(open_to_write(path, PATIENCE, "FULL" if self._full else "NORMAL"), self._chain)
            self._file = _identity(path)
            for one in self._journal.segments():
                one.drained = store.drained(one.name)
            self._store = store
        return self._store

    def _drain(self, store: Store, one: Segment) -> bool:
        moved = False
        while data := one.read(CHUNK):
            read = read_frames(data)
            if not read.frames:
                if len(data) == CHUNK:  # longer than any frame of ours: nothing but torn bytes
                    one.drained += CHUNK // 4
                    continue
                break
            rows = store.add(one.name, one.stream, read.frames, one.drained + read.end)
            one.drained += read.end
            moved = self._dirty = True
            self._tell(rows)
        return moved

    def _tell(self, rows: Sequence[Row]) -> None:
        if self._observe is not None:
            try:
                self._observe(rows)
            except Exception as fault:  # an edge: what a stranger's callback does must not stop the trail
                self.problems = (f"an observer of the audit trail failed: {type(fault).__name__}",)

    def _sweep(self, store: Store) -> bool:
        """Drain what the dead left."""
        moved = False
        skipped: list[str] = []
        own = {one.path for one in self._journal.segments()}
        for path in segment.found(self._journal.folder):
            if path in own:
                continue
            try:
                one = segment.adopt(path)
            except FileNotFoundError:
                continue
            except OSError as fault:
                skipped.append(f"the journal file `{path.name}` cannot be taken: {fault.strerror}")
                continue
            if one is None:
                continue
            try:
                one.drained = store.drained(one.name)
                moved |= self._drain(store, one)
                self._sync()
                one.remove()
            finally:
                one.leave()
        self._skipped = tuple(skipped)
        store.forget_segments([path.name.removesuffix(segment.SUFFIX) for path in segment.found(self._journal.folder)])
        self._journal.refuse_when_full()
        return moved

    def _sync(self) -> None:
        """What the store has is on the disk; SQLite itself syncs its log only when it folds it in."""
        if self._dirty and not self._full:
            _sync_file(self.folder / f"{DATABASE}-wal")
        self._dirty = False
        self._synced = monotonic()

    def _guard_disk(self) -> None:
        """The store takes nothing: the journal is all there is, so it is synced, and measured."""
        try:
            self._journal.refuse_when_full()
            if monotonic() - self._synced > SYNC:
                self._journal.sync()
                self._synced = monotonic()
        except OSError:
            return  # the disk itself is the problem, and already told

    def _close(self) -> None:
        if self._store is not None:
            self._store.connection.close()
            self._store = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return seen.st_dev, seen.st_ino


def _sync_file(path: Path) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _said(fault: Exception) -> str:
    match fault:
        case OSError():
            return f"the audit store cannot be used: {fault.strerror}"
        case OtherKey():
            return str(fault)
        case _:
            return f"the audit store cannot be written: {fault}"
