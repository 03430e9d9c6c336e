"""The facts around a call that are not in it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Resolver(Protocol):
    """What the file system says of names; a disk, a table, or nobody."""

    def link(self, path: str) -> str | None:
        """What the symbolic link `path` (absolute, its parent already resolved) points to, as written in it.

        None where it is no link or does not exist. Raises OSError where that cannot be told.
        """
        ...

    def is_plain(self, path: str) -> bool:
        """Whether no part of `path` (absolute, normalised) is a link, now; False also where that cannot be told quickly."""
        ...


@dataclass(frozen=True, slots=True)
class TableResolver:
    """Links from a table; an empty one takes every path as written."""

    links: Mapping[str, str] = field(default_factory=dict)

    def link(self, path: str) -> str | None:
        return self.links.get(path)

    def is_plain(self, path: str) -> bool:
        return not self.links


LEXICAL = TableResolver()


@dataclass(frozen=True, slots=True)
class Context:
    """`cwd` stands where the event has none; where it is None too, the workspace does.

    `protected` are self-protection's objects: files, and directories that end in `/` (all below them too).
    """

    home: str
    workspace: str
    cwd: str | None = None
    resolver: Resolver = LEXICAL
    protected: tuple[str, ...] = ()
    ignores_case: bool = False
    users: tuple[tuple[str, str], ...] = ()
    """Names of users with their homes, for `~name`."""
