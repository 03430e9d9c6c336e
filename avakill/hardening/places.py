"""Protected places, and whether a path reaches one: by name, by directory entry, by what the file system calls the same file.

`hooks` runs this file in a namespace of its own (see there): import by name, and only what is written in C.
"""

from __future__ import annotations

from errno import EINVAL, ENOENT, ENOTDIR
from os import lstat, readlink, scandir, stat
from re import compile as pattern
from stat import S_ISDIR

LINKS = 40
"""Linux follows as many symbolic links in one path (path_resolution(7))."""

SIDECARS = ("-journal", "-wal", "-shm")
"""SQLite plays these back into the file beside them, whatever that holds."""

MEMORY = pattern(r"/proc/[0-9]+(/task/[0-9]+)?/mem").fullmatch
"""The memory of a process as a file: writing it writes past every hook."""

Identity = tuple[int, int]
"""Device and inode."""


class UnknowableError(Exception):
    """What would be changed cannot be told: the attempt is refused."""


class Places:
    """The protected places: they grow and never shrink."""

    __slots__ = ("above", "entries", "identities", "names")

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.above: set[str] = set()
        self.entries: dict[tuple[Identity, str], str] = {}
        self.identities: dict[Identity, str] = {}

    def add(self, path: str) -> None:
        """A path, what its links lead to, and every link on its way."""
        links: list[str] = []
        entry, target = walk(path, links)
        names = {entry, target, *links}
        if not _is_directory(target):
            names |= {target + suffix for suffix in SIDECARS}
        for name in names:
            self._add_name(name)
        self._add_identities(target)

    def _add_name(self, name: str) -> None:
        parent, _, base = name.rpartition("/")
        if found := identity(parent or "/"):
            self.entries[found, base] = name
        self.names.add(name)
        while parent:
            self.above.add(parent)
            parent = parent.rpartition("/")[0]
        self.above.add("/")

    def _add_identities(self, name: str) -> None:
        """Of a file, or of all that a tree holds now: a hard link or a bind mount elsewhere names the same file."""
        todo = [name]
        while todo:
            place = todo.pop()
            if found := identity(place):
                self.identities[found] = place
            if _is_directory(place):
                with scandir(place) as entries:
                    todo += [entry.path for entry in entries if not entry.is_symlink()]

    def find(self, path: str, follows: bool, removes: bool) -> str | None:
        """The protected place that a change of `path` (absolute) would touch.

        `follows`: a link at the end is followed. `removes`: the entry goes away, and what is below it.
        """
        entry, target = walk(path, [])
        for real in (entry, target) if target != entry and (follows or path.endswith("/")) else (entry,):
            found = self._covering(real) or (real if removes and real in self.above else None) or self._same_file(real)
            if found is not None or MEMORY(real):
                return found or real
        return None

    def _covering(self, real: str) -> str | None:
        if not self.above:
            return None
        while real:
            if real in self.names:
                return real
            real = real.rpartition("/")[0]
        return "/" if "/" in self.names else None

    def _same_file(self, real: str) -> str | None:
        own = identity(real)
        if own is not None and (found := self._still(own)):
            return found
        parent, _, base = real.rpartition("/")
        above = identity(parent or "/")
        return None if above is None else self.entries.get((above, base)) or self._still(above)

    def _still(self, number: Identity) -> str | None:
        """File systems give numbers anew: the protected file must have it now."""
        name = self.identities.get(number)
        return name if name is not None and identity(name) == number else None


def walk(path: str, links: list[str]) -> tuple[str, str]:
    """The entry that an absolute path names (its directories real) and where that leads; links met are added to `links`."""
    pending = [part for part in reversed(path.split("/")) if part and part != "."]
    real, entry, budget = "", None, LINKS
    while pending:
        part = pending.pop()
        if part == "..":
            real = real.rpartition("/")[0]
            continue
        here = f"{real}/{part}"
        if entry is None and not pending:
            entry = here
        target = _link(here)
        if target is None:
            real = here
            continue
        links.append(here)
        budget -= 1
        if budget < 0:
            raise UnknowableError("too many links")
        if target.startswith("/"):
            real = ""
        pending += [part for part in reversed(target.split("/")) if part and part != "."]
    return entry or real or "/", real or "/"


def _link(place: str) -> str | None:
    try:
        return readlink(place)
    except OSError as error:
        if error.errno in (EINVAL, ENOENT, ENOTDIR):
            return None
        raise


def identity(place: str) -> Identity | None:
    """What the file system calls the file, links not followed; none where there is no file."""
    try:
        found = lstat(place)
    except OSError as error:
        if error.errno in (ENOENT, ENOTDIR):
            return None
        raise
    return found.st_dev, found.st_ino


def _is_directory(place: str) -> bool:
    try:
        return S_ISDIR(stat(place).st_mode)
    except OSError:
        return False
