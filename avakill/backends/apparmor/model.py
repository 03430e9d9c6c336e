"""What an AppArmor profile of ours is made of: path patterns as tokens over bytes, deny rules, families of sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from avakill.source.span import Span

PROFILE = "avakill-agent"


class Many(Enum):
    """A run of bytes, also empty: `NAME` stops at a slash (`*`), `ANY` does not (`**`)."""

    NAME = "*"
    ANY = "**"

    __hash__ = object.__hash__  # members are single objects; the standard one hashes the name in Python each time


class OneOf(NamedTuple):  # a tuple hashes without a call in Python
    """One byte of a set; bit n of `mask` stands for byte n."""

    mask: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several runs of tokens."""

    options: tuple[tuple[Token, ...], ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.options))

    def __hash__(self) -> int:
        return self._hash  # the few that there are stand in thousands of patterns


Token = bytes | OneOf | Many | Choice
Tokens = tuple[Token, ...]
"""A pattern over the names that the kernel shows to the profile: absolute, and a directory's ends in a slash."""


@dataclass(frozen=True, slots=True)
class PathRule:
    """`deny "<tokens>" <permissions>,` for the row `index`; `permissions` is a part of `rwlx`."""

    tokens: Tokens
    permissions: str
    index: int
    origin: Span | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """What the header and the comments say of the policy."""

    path: str
    sha256: str
    scope: str
    strict: bool
    names: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile without attachment. `guarded`: something is denied, so the profile defends itself too.

    `network` is the row that takes the IP families away, with its place; None when none does.
    """

    heading: Heading
    rules: tuple[PathRule, ...] = ()
    network: tuple[int, Span | None] | None = None
    guarded: bool = False
