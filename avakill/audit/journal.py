"""The append-only journal: one `write` for each event before the caller is answered, so that it outlives the process.

Appending takes no lock: `O_APPEND` is atomic, and the descriptor's number stays the same while the file behind it changes
(`dup2`), so that no thread ever writes to a closed one. A retired file is drained once more some time after it was retired.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import RLock
from time import monotonic

from avakill.audit import segment
from avakill.audit.segment import Segment

SEGMENT_BYTES = 4 << 20
LIMIT = 1 << 30
"""What the journal may hold that the store has not taken: beyond it a call is denied rather than the disk filled."""

GRACE = 2.0
"""Seconds for which a retired file is kept: a `write` that began before it was retired has long ended."""


class Unrecorded(Exception):
    """An event that could not be recorded; the text says why. The guard denies the call."""


class Journal:
    """One stream of numbered events in a folder. `fd` is where they are appended, -1 before the first one and after the last;
    `refusal` says why none is taken now.
    """

    def __init__(self, folder: Path, clock: Callable[[], int], limit: int = LIMIT, full: bool = False) -> None:
        self.folder = folder
        self.fd = -1
        self.stream = ""
        self.next_number: Callable[[], int] = count(1).__next__
        self.refusal = ""
        self._closed = ""
        self._clock = clock
        self._limit = limit
        self._full = full
        self._lock = RLock()  # a signal handler may record while its thread opens the journal
        self._opened = 0
        self._current: Segment | None = None
        self._retired: list[tuple[Segment, float]] = []

    def open(self) -> None:
        """The first event is coming. Raises Unrecorded."""
        with self._lock:
            if self.fd >= 0:
                return
            if self.refusal:
                raise Unrecorded(self.refusal)
            stream = f"{self._clock() & (1 << 64) - 1:016x}{secrets.token_hex(4)}"
            try:
                made = self._create(stream, 0)
                fd = os.dup(made.fd)
            except OSError as fault:
                raise Unrecorded(f"the audit journal cannot be opened: {fault.strerror}") from None
            if self.fd >= 0:  # a signal handler was faster
                os.close(fd)
                made.remove()
                return
            self.stream, self._current, self.fd = stream, made, fd

    def _create(self, stream: str, number: int) -> Segment:
        """A segment whose name is on the disk, too, if each event must be. Raises OSError."""
        made = segment.create(self.folder, stream, number)
        if self._full:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return made

    def rotate(self) -> None:
        """A file that is large enough is retired, and so is none when a new one cannot be made. For the writer's thread."""
        with self._lock:
            current = self._current
            if current is None or current.size < SEGMENT_BYTES:
                return
            try:
                made = self._create(self.stream, self._opened + 1)
            except OSError:
                return
            self._opened += 1
            os.dup2(made.fd, self.fd, inheritable=False)
            self._retired.append((current, monotonic()))
            self._current = made

    def refuse_when_full(self) -> None:
        """Looks at the folder: more than the limit that nobody drained, and no event is taken until somebody does."""
        held = sum(_size(path) for path in segment.found(self.folder))
        full = f"the audit journal holds {held >> 20} MiB that its store has not taken" if held > self._limit else ""
        with self._lock:
            self.refusal = self._closed or full

    def segments(self) -> tuple[Segment, ...]:
        """Ours, the oldest first."""
        with self._lock:
            return (*(one for one, _ in self._retired), *((self._current,) if self._current else ()))

    def spent(self, one: Segment) -> bool:
        """Whether nothing more can come into a segment."""
        with self._lock:
            return any(held is one and monotonic() - since > GRACE for held, since in self._retired)

    def remove(self, one: Segment) -> None:
        """A spent segment is all in the store."""
        with self._lock:
            self._retired = [(held, since) for held, since in self._retired if held is not one]
        one.remove()

    def sync(self) -> None:
        """Everything appended so far is on the disk. Raises OSError."""
        if self.fd >= 0:
            os.fsync(self.fd)

    def has_more(self) -> bool:
        return any(one.drained < one.size for one in self.segments())

    def close(self, why: str) -> None:
        """Nothing more is taken; the segments stay ours until `leave`."""
        with self._lock:
            self.refusal = self._closed = why

    def leave(self) -> None:
        """Files that are drained go, others stay for the next process."""
        with self._lock:
            for one in (*(held for held, _ in self._retired), *((self._current,) if self._current else ())):
                one.remove() if one.drained >= one.size else one.leave()
            if self.fd >= 0:
                os.close(self.fd)
            self._retired, self._current, self.fd = [], None, -1

    def forget(self) -> None:
        """In the child of a fork: the files are the parent's."""
        self._lock = RLock()
        for one in (*(held for held, _ in self._retired), *((self._current,) if self._current else ())):
            one.leave()
        if self.fd >= 0:
            os.close(self.fd)
        self._retired, self._current, self.fd, self._opened = [], None, -1, 0
        self.next_number = count(1).__next__


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
