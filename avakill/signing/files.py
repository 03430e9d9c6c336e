"""Files read once and whole, replaced in one step."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

MAX_POLICY = 16 * 1024 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def sidecar_of(policy: Path) -> Path:
    """Where the signature of a policy stands."""
    return policy.with_name(f"{policy.name}.sig")


def read_once(path: Path, limit: int = MAX_POLICY) -> bytes:
    """The regular file's bytes, by one descriptor; a symbolic link is refused. Raises OSError."""
    return _read(path, _FLAGS | NO_FOLLOW, limit)


def read_followed(path: Path, limit: int = MAX_POLICY) -> bytes:
    """As `read_once`, through symbolic links. Raises OSError."""
    return _read(path, _FLAGS, limit)


def _read(path: Path, flags: int, limit: int) -> bytes:
    try:
        descriptor = os.open(path, flags)
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from None
        raise
    except ValueError:
        raise OSError(errno.EINVAL, "its name has a NUL in it") from None
    with os.fdopen(descriptor, "rb") as stream:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it has over {limit} bytes", str(path))
    return data


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """The file is the old one or the new one, also after kill -9 or a power cut. Raises OSError."""
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.chmod(temporary, mode)
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed in `folder` stays so; where a folder cannot be synced, nothing more can be done."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def distrust(path: Path) -> str:
    """Why a file or folder of ours cannot be trusted: another's, or writable by others; empty where it can. Raises OSError."""
    seen = os.lstat(path)
    if stat.S_ISLNK(seen.st_mode):
        return f"`{path}` is a symbolic link"
    if hasattr(os, "getuid") and seen.st_uid not in (os.getuid(), 0):
        return f"`{path}` belongs to user {seen.st_uid}"
    if seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others can write `{path}`"
    return ""


def told(fault: OSError) -> str:
    """What an operating system's error says, without our path in it."""
    return fault.strerror or str(fault)
