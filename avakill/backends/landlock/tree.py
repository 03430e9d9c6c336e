"""A view of a file system: what the expansion of a plan asks of it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Protocol

from avakill.paths.glob import join, split


class Kind(Enum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"


class FileTree(Protocol):
    """Paths are absolute and normalised. FILE is whatever is neither a directory nor a symlink."""

    def entries(self, path: str) -> tuple[tuple[str, Kind], ...]:
        """The names in a directory, sorted; none where it cannot be listed."""
        ...

    def kind(self, path: str) -> Kind | None:
        """What is at `path`, not following it; None where nothing is."""
        ...

    def resolve(self, path: str) -> str:
        """`path` with the symlinks of the part that exists resolved."""
        ...


class MemoryTree:
    """A tree made of two sets of paths: what the tests and a dry thought walk."""

    def __init__(self, files: Iterable[str], directories: Iterable[str] = ()) -> None:
        self._below: dict[str, dict[str, Kind]] = {"/": {}}
        for path in directories:
            self._add(split(path), Kind.DIRECTORY)
        for path in files:
            self._add(split(path), Kind.FILE)

    def _add(self, names: tuple[str, ...], kind: Kind) -> None:
        for length in range(1, len(names) + 1):
            here = self._below.setdefault(join(names[: length - 1]), {})
            last = length == len(names)
            if here.get(names[length - 1]) is not Kind.DIRECTORY:
                here[names[length - 1]] = kind if last else Kind.DIRECTORY
        if kind is Kind.DIRECTORY:
            self._below.setdefault(join(names), {})

    def entries(self, path: str) -> tuple[tuple[str, Kind], ...]:
        return tuple(sorted(self._below.get(path, {}).items()))

    def kind(self, path: str) -> Kind | None:
        if path == "/":
            return Kind.DIRECTORY
        names = split(path)
        return self._below.get(join(names[:-1]), {}).get(names[-1])

    def resolve(self, path: str) -> str:
        return path
