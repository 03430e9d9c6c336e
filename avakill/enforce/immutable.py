"""The immutable flag of a file: `chattr +i` on Linux, `chflags schg` on macOS and BSD."""
from __future__ import annotations

import os
import platform
import stat
import struct
from pathlib import Path

# linux/fs.h: FS_IOC_GETFLAGS = _IOR('f', 1, long), FS_IOC_SETFLAGS = _IOW('f', 2, long), FS_IMMUTABLE_FL
GET_FLAGS = 0x80086601 if struct.calcsize("l") == 8 else 0x80046601
SET_FLAGS = 0x40086602 if struct.calcsize("l") == 8 else 0x40046602
IMMUTABLE = 0x10


def is_immutable(path: Path) -> bool | None:
    """Whether the flag is set; None where the file system has no such flag. Raises OSError for a missing file."""
    if platform.system() == "Linux":
        flags = _linux_flags(path)
        return None if flags is None else bool(flags & IMMUTABLE)
    flags = getattr(path.stat(follow_symlinks=True), "st_flags", None)
    return None if flags is None else bool(flags & (stat.SF_IMMUTABLE | stat.UF_IMMUTABLE))


def _linux_flags(path: Path) -> int | None:
    from fcntl import ioctl

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return int(struct.unpack("i", ioctl(descriptor, GET_FLAGS, bytes(8))[:4])[0])
    except OSError:
        return None
    finally:
        os.close(descriptor)


def set_immutable(path: Path, wanted: bool = True) -> None:
    """Set or clear the flag. Raises OSError: EPERM without root, ENOTTY or EOPNOTSUPP where there is no such flag."""
    if platform.system() == "Linux":
        _set_linux(path, wanted)
        return
    flags = path.stat().st_flags  # type: ignore[attr-defined,unused-ignore]
    changed = flags | stat.SF_IMMUTABLE if wanted else flags & ~stat.SF_IMMUTABLE
    os.chflags(path, changed)  # type: ignore[attr-defined,unused-ignore]


def _set_linux(path: Path, wanted: bool) -> None:
    from fcntl import ioctl

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        (flags,) = struct.unpack("i", ioctl(descriptor, GET_FLAGS, bytes(8))[:4])
        changed = flags | IMMUTABLE if wanted else flags & ~IMMUTABLE
        ioctl(descriptor, SET_FLAGS, struct.pack("l", changed))
    finally:
        os.close(descriptor)
