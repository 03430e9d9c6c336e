"""The system calls of the lab for which Python has no function."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
CLONE_NEWUSER = 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD = -100
RENAME_EXCHANGE = 2
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 1
MOUNT_SETATTR = 442  # on every architecture
PR_SET_PDEATHSIG = 1

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276}
_LIBC = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    _check(_LIBC.unshare(flags), "unshare")


def mount(source: bytes, target: bytes, kind: bytes, flags: int = 0, data: bytes = b"") -> None:
    _check(_LIBC.mount(source, target, kind, ctypes.c_ulong(flags), data), "mount")


def detach(target: bytes) -> None:
    _check(_LIBC.umount2(target, MNT_DETACH), "umount")


def make_read_only(target: bytes) -> None:
    """The mount at `target` and all below it."""
    attributes = struct.pack("=QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
    _check(_LIBC.syscall(MOUNT_SETATTR, AT_FDCWD, target, AT_RECURSIVE, attributes, len(attributes)), "mount_setattr")


def pivot_root(new: bytes, old: bytes) -> None:
    _check(_LIBC.syscall(_number(_PIVOT_ROOT), new, old), "pivot_root")


def exchange(one: bytes, other: bytes) -> None:
    _check(_LIBC.syscall(_number(_RENAMEAT2), AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), "renameat2")


def die_with_parent(parent: int, signal: int) -> None:
    """The calling process gets `signal` when its parent ends, at once if it already has."""
    _check(_LIBC.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def _number(numbers: dict[str, int]) -> int:
    return numbers[platform.machine()]


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
