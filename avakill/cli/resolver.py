"""The disk's answers to what a name is a link to."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass


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
