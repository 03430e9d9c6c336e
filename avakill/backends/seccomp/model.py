"""What an OCI seccomp profile is made of."""

from __future__ import annotations

from dataclasses import dataclass

from avakill.backends.contract import Json
from avakill.source.span import Span

ALLOW = "SCMP_ACT_ALLOW"
ERRNO = "SCMP_ACT_ERRNO"
MASKED_EQ = "SCMP_CMP_MASKED_EQ"


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of argument `index`: with MASKED_EQ `value` is the mask and `two` what the masked bits must be."""

    index: int
    value: int
    two: int
    op: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `syscalls`. `extra` are further keys of a base's entry (includes, excludes, …), kept as they were."""

    names: tuple[str, ...]
    action: str
    errno: int | None = None
    tests: tuple[Test, ...] = ()
    comment: str = ""
    extra: tuple[tuple[str, Json], ...] = ()
    origin: Span | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A profile. `head` are its keys before `syscalls`, `header` what the artifact says of itself."""

    header: tuple[tuple[str, Json], ...]
    head: tuple[tuple[str, Json], ...]
    entries: tuple[Entry, ...]
