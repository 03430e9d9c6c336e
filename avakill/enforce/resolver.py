"""The disk's answers to what a name is a link to."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass

OPEN_PATH = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0)
"""A descriptor that stands for a place and opens nothing (open(2), Linux 2.6.39)."""

HAS_NAMES = sys.platform == "linux"
"""Whether `/proc/self/fd/N` is the name that the kernel has of what is open."""

MAX_MISSING = 8
"""How many last names of a path may be missing before it takes the long way."""


@dataclass(frozen=True, slots=True)
class DiskResolver:
    """Asks the file system, now."""

    def link(self, path: str) -> str | None:
        try:
            return os.readlink(path)
        except OSError as error:
            # not a link, missing, below a file, a name no file system holds: the name is what it says
            if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
                return None
            raise

    def is_plain(self, path: str) -> bool:
        """By the kernel's own name of what is there; of a path that is missing, by that of the last part that exists."""
        if not HAS_NAMES:
            return False
        missing = ""
        for _ in range(MAX_MISSING):
            try:
                descriptor = os.open(path or "/", OPEN_PATH)
            except FileNotFoundError:
                missing = path
                path = path[: path.rfind("/")]
                continue
            except OSError:
                return False
            try:
                if os.readlink(f"/proc/self/fd/{descriptor}") != (path or "/"):
                    return False
            except OSError:
                return False
            finally:
                os.close(descriptor)
            return not missing or not _is_link(missing)
        return False


def _is_link(path: str) -> bool:
    """Whether a path that leads nowhere is itself a link."""
    try:
        os.readlink(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
