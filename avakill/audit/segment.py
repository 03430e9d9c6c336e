"""One file of the journal: appended by the one process that holds its lock, drained by it, or by another when it is dead."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from time import monotonic, sleep

SUFFIX = ".journal"
NOT_THROUGH_LINKS = os.O_CLOEXEC | os.O_NOFOLLOW


class Segment:
    """A file `STREAM-NUMBER.journal`, locked by its descriptor; `drained` is up to where the store has it."""

    __slots__ = ("drained", "fd", "name", "path", "stream")

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.name = path.name.removesuffix(SUFFIX)
        self.stream = self.name.partition("-")[0]
        self.fd = fd
        self.drained = 0

    @property
    def size(self) -> int:
        return os.fstat(self.fd).st_size

    def read(self, most: int) -> bytes:
        return os.pread(self.fd, most, self.drained)

    def remove(self) -> None:
        """The file is gone, then the lock: nobody else takes it in between."""
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """The lock is given up, the file stays for whoever comes next."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


CONTENDED = 2.0
"""Seconds for which a name that another process holds is waited for."""


def create(folder: Path, stream: str, number: int) -> Segment:
    """A new segment that is ours. Raises OSError."""
    path = folder / f"{stream}-{number:06d}{SUFFIX}"
    deadline = monotonic() + CONTENDED
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | NOT_THROUGH_LINKS, 0o600)
        except FileExistsError:
            if monotonic() > deadline:
                raise
            sleep(0.002)
            continue
        # Whoever looks for segments of the dead may have locked this one before we did, and removes it in a moment.
        if _lock(fd) and os.fstat(fd).st_nlink:
            return Segment(path, fd)
        os.close(fd)


def adopt(path: Path) -> Segment | None:
    """A segment whose process is dead; None while it lives. Raises OSError."""
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | NOT_THROUGH_LINKS)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file")
    if _lock(fd) and os.fstat(fd).st_nlink:
        return Segment(path, fd)
    os.close(fd)
    return None


def found(folder: Path) -> tuple[Path, ...]:
    """All segments, the oldest first."""
    try:
        return tuple(sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX)))
    except FileNotFoundError:
        return ()


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
