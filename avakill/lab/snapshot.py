"""What stands at a path: looked at before and after a trial, and put back as it was."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import struct
from dataclasses import dataclass, replace

from avakill.lab import calls

FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602


@dataclass(frozen=True, slots=True)
class Node:
    """An object with all that a trial could change. What a directory holds is not looked at: its names have nodes of their own."""

    mode: int
    uid: int
    gid: int
    inode: int
    links: int
    modified: int
    content: bytes
    xattrs: tuple[tuple[str, bytes], ...]
    flags: int = 0

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


def look(path: bytes) -> Node | None:
    """Not following a symlink; None where nothing is, or nothing can be."""
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    content = b""
    if stat.S_ISREG(seen.st_mode):
        content = _read(path)
    elif stat.S_ISLNK(seen.st_mode):
        content = os.readlink(path)
    names = os.listxattr(path, follow_symlinks=False)
    xattrs = tuple(sorted((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)) if names else ()
    links = 0 if stat.S_ISDIR(seen.st_mode) else seen.st_nlink
    return Node(seen.st_mode, seen.st_uid, seen.st_gid, seen.st_ino, links, seen.st_mtime_ns, content, xattrs)


def look_with_flags(path: bytes) -> Node | None:
    node = look(path)
    if node is None or not (node.is_file or node.is_directory):
        return node
    return replace(node, flags=_flags(path))


def _read(path: bytes) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return os.read(fd, 1 << 20)
    finally:
        os.close(fd)


def _flags(path: bytes) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        (flags,) = struct.unpack("=i", fcntl.ioctl(fd, FS_IOC_GETFLAGS, b"\0\0\0\0"))
    except OSError:
        return 0
    else:
        return int(flags)
    finally:
        os.close(fd)


def remove(path: bytes) -> None:
    """Whatever a trial made there."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return


def move_back(here: bytes, back: bytes, exchanged: bool) -> None:
    """The same inodes under the names that they had: a layer by inode then still knows them."""
    if exchanged:
        calls.exchange(here, back)
    else:
        os.rename(here, back)


def remake_directory(path: bytes, was: Node) -> None:
    os.mkdir(path)
    put_back(path, look(path), was)


def put_back(path: bytes, now: Node | None, was: Node) -> None:
    """Content, owner, mode, labels, flags and times of the same object. Raises OSError."""
    if now is None or stat.S_IFMT(now.mode) != stat.S_IFMT(was.mode):
        raise FileNotFoundError(path)
    if now.flags != was.flags:
        _set_flags(path, was.flags)
    if now.content != was.content:
        _write(path, was.content)
    if (now.uid, now.gid) != (was.uid, was.gid):
        os.chown(path, was.uid, was.gid, follow_symlinks=False)
    if now.mode != was.mode or (now.uid, now.gid) != (was.uid, was.gid):
        os.chmod(path, stat.S_IMODE(was.mode))
    _put_xattrs_back(path, dict(now.xattrs), dict(was.xattrs))
    os.utime(path, ns=(was.modified, was.modified), follow_symlinks=False)


def _put_xattrs_back(path: bytes, now: dict[str, bytes], was: dict[str, bytes]) -> None:
    for name in now.keys() - was.keys():
        os.removexattr(path, name, follow_symlinks=False)
    for name, value in was.items():
        if now.get(name) != value:
            os.setxattr(path, name, value, follow_symlinks=False)


def _set_flags(path: bytes, flags: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("=i", flags))
    finally:
        os.close(fd)


def _write(path: bytes, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)
