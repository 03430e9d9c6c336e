"""A file as it was seen, and whether it still is: cheap to ask, and not fooled by a restored time."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from avakill.signing.files import read_once

SETTLED = 2_000_000_000
"""How old (in ns) a change time must be before a later change is sure to get another one: coarse clocks tick every 2 s."""

MISSING = -1


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """`size` is MISSING where there is no file. `sha256` is empty where it cannot be read. `at` is when it was looked at.

    The change time cannot be set back by whoever may write the file, as the modification time can. A change within the
    same tick of the clock as the last one is not seen in it, so a file that changed just now is read again.
    """

    path: Path
    inode: int
    device: int
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    uid: int
    gid: int
    sha256: str
    at: int

    def again(self) -> FileSnapshot | None:
        """The snapshot to go on with, None where the file is another one, or has another content or other rights."""
        now = _look(self.path)
        if _facts(now) != _facts(self):
            return None
        if self.size == MISSING or self.at - self.ctime_ns > SETTLED:
            return self
        read = replace(now, sha256=_digest(self.path))
        return read if read.sha256 == self.sha256 and self.sha256 else None

    def changed(self) -> bool:
        return self.again() is None


def take(path: Path) -> FileSnapshot:
    """The file, or link, of this name as it is now; a missing one has a snapshot too."""
    seen = _look(path)
    if seen.size == MISSING:
        return seen
    taken = replace(seen, sha256=_digest(path))
    after = _look(path)
    # changed while it was read: never equal to what will be seen, so the caller looks again
    return taken if _facts(after) == _facts(seen) else replace(taken, ctime_ns=MISSING)


def take_read(path: Path, data: bytes) -> FileSnapshot:
    """As `take`, for a file of which `data` was read just before: where it holds something else by now, it has changed."""
    taken = take(path)
    return taken if taken.sha256 == hashlib.sha256(data).hexdigest() else replace(taken, ctime_ns=MISSING)


def _look(path: Path) -> FileSnapshot:
    at = time.time_ns()
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return FileSnapshot(path, 0, 0, MISSING, 0, 0, 0, 0, 0, "", at)
    return FileSnapshot(
        path, seen.st_ino, seen.st_dev, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode, seen.st_uid, seen.st_gid, "", at
    )


def _facts(seen: FileSnapshot) -> tuple[int, ...]:
    return (seen.inode, seen.device, seen.size, seen.mtime_ns, seen.ctime_ns, seen.mode, seen.uid, seen.gid)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_once(path)).hexdigest()
    except OSError:
        return ""
