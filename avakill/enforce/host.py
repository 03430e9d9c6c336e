"""This machine's file system, as the expansion of a plan asks for it."""

from __future__ import annotations

import os
import stat

from avakill.backends.landlock.tree import Kind


class HostTree:
    """Each directory is read once. What cannot be listed has no entries, so nothing in it is granted by name."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[tuple[str, Kind], ...]] = {}
        self.unreadable: list[str] = []

    def entries(self, path: str) -> tuple[tuple[str, Kind], ...]:
        known = self._entries.get(path)
        if known is None:
            known = self._entries[path] = self._listed(path)
        return known

    def _listed(self, path: str) -> tuple[tuple[str, Kind], ...]:
        try:
            with os.scandir(path) as listing:
                return tuple(sorted(((entry.name, _kind_of(entry)) for entry in listing), key=lambda e: e[0]))
        except OSError:
            self.unreadable.append(path)
            return ()

    def kind(self, path: str) -> Kind | None:
        try:
            mode = os.lstat(path).st_mode
        except (OSError, ValueError):
            return None
        return Kind.SYMLINK if stat.S_ISLNK(mode) else Kind.DIRECTORY if stat.S_ISDIR(mode) else Kind.FILE

    def resolve(self, path: str) -> str:
        return os.path.realpath(path)


def _kind_of(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return Kind.SYMLINK
    return Kind.DIRECTORY if entry.is_dir(follow_symlinks=False) else Kind.FILE
