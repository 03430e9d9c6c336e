"""A file as it was seen, and whether it still is: cheap to ask, and not fooled by a restored time."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from avakill.signing.files import read_once, sidecar_of

SETTLED = 2_000_000_000
"""How old (in ns) a change time must be before a later change is sure to get another one: coarse clocks tick every 2 s."""

MISSING = -1
Facts = tuple[int, int, int, int, int, int, int, int]
NOTHING: Facts = (0, 0, MISSING, 0, 0, 0, 0, 0)


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
    _name: str = field(init=False, repr=False, compare=False)
    _facts: Facts = field(init=False, repr=False, compare=False)
    _is_settled: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # worked out once: the guard asks before every decision
        facts = (self.inode, self.device, self.size, self.mtime_ns, self.ctime_ns, self.mode, self.uid, self.gid)
        object.__setattr__(self, "_name", str(self.path))
        object.__setattr__(self, "_facts", facts)
        object.__setattr__(self, "_is_settled", self.size == MISSING or self.at - self.ctime_ns > SETTLED)

    @classmethod
    def from_path(cls, path: Path) -> FileSnapshot:
        return take(path)

    def again(self) -> FileSnapshot | None:
        """The snapshot to go on with, None where the file is another one, or has another content or other rights."""
        at = 0 if self._is_settled else time.time_ns()
        if _facts_of(self._name) != self._facts:
            return None
        if self._is_settled:
            return self
        if not self.sha256 or _digest(self.path) != self.sha256:
            return None
        if at - self.ctime_ns > SETTLED:  # read again after its tick was over: from now on its facts are enough
            object.__setattr__(self, "_is_settled", True)
        return replace(self, at=at)

    def changed(self) -> bool:
        return self.again() is None

    def verify(self) -> tuple[bool, str]:
        """Whether it is still the same, and in words what is not."""
        if not self.changed():
            return True, ""
        now = _look(self.path)
        if now.size == MISSING:
            return False, f"`{self.path}` is gone"
        names = ("inode", "device", "size", "mtime_ns", "ctime_ns", "mode", "uid", "gid")
        other = [name for name in names if getattr(now, name) != getattr(self, name)]
        return False, f"`{self.path}` is another one than before: {', '.join(other) or 'its content'} differs"


@dataclass(frozen=True, slots=True)
class SignedSnapshot:
    """A policy with its sidecar: where the policy is not the verified one, a new sidecar may make it so."""

    policy: FileSnapshot
    sidecar: FileSnapshot

    def changed(self) -> bool:
        return self.policy.changed() or self.sidecar.changed()


def take_signed(path: Path) -> SignedSnapshot:
    return SignedSnapshot(take(path), take(sidecar_of(path)))


def take(path: Path) -> FileSnapshot:
    """The file, or link, of this name as it is now; a missing one has a snapshot too."""
    seen = _look(path)
    if seen.size == MISSING:
        return seen
    taken = replace(seen, sha256=_digest(path))
    after = _look(path)
    # changed while it was read: never equal to what will be seen, so the caller looks again
    return taken if after._facts == seen._facts else replace(taken, ctime_ns=MISSING)


def take_read(path: Path, data: bytes) -> FileSnapshot:
    """As `take`, for a file of which `data` was read just before: where it holds something else by now, it has changed."""
    taken = take(path)
    return taken if taken.sha256 == hashlib.sha256(data).hexdigest() else replace(taken, ctime_ns=MISSING)


def _look(path: Path) -> FileSnapshot:
    at = time.time_ns()
    return FileSnapshot(path, *_facts_of(str(path)), "", at)


def _facts_of(name: str) -> Facts:
    try:
        seen = os.lstat(name)
    except (OSError, ValueError):
        return NOTHING
    return (
        seen.st_ino, seen.st_dev, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode, seen.st_uid, seen.st_gid,
    )  # fmt: skip


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_once(path)).hexdigest()
    except OSError:
        return ""
