"""The words of a profile: clauses over sets of objects, in the order in which they are written."""

from __future__ import annotations

from dataclasses import dataclass, field

from avakill.ir.effect import Effect
from avakill.paths.automaton import Pattern
from avakill.source.span import NOWHERE, Span

OPERATIONS: dict[Effect, tuple[str, ...]] = {
    Effect.READ: ("file-read-data", "file-read-xattr", "file-clone"),
    Effect.WRITE: ("file-write-data",),
    Effect.ATTR: (
        "file-write-flags",
        "file-write-mode",
        "file-write-owner",
        "file-write-setugid",
        "file-write-times",
        "file-write-xattr",
    ),
    Effect.CREATE: ("file-write-create",),
    Effect.DELETE: ("file-write-unlink",),
    Effect.EXEC: ("process-exec*",),
    Effect.CONNECT: ("network-outbound",),
}
"""What the kernel asks for each effect. A clone is a copy, so it reads; `process-exec*` holds a script's interpreter too."""

UNLINK = OPERATIONS[Effect.DELETE]
CREATE = OPERATIONS[Effect.CREATE]
LINK = ("file-link",)


@dataclass(frozen=True, slots=True)
class Every:
    """Every path."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The object is a directory."""


@dataclass(frozen=True, slots=True)
class Paths:
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Port:
    """A destination of IPv4 or IPv6, any protocol; every port where `number` is None. No host can be said."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Any:
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class All:
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    filter: Filter


Filter = Every | Directory | Paths | Port | Any | All | Not


@dataclass(frozen=True, slots=True)
class Clause:
    """`(deny OPERATION… FILTER…)`: for these operations, on an object that one of `filters` holds."""

    denies: bool
    operations: tuple[str, ...]
    filters: tuple[Filter, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Section:
    """Clauses with one reason, `title`, which is fixed text."""

    title: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A whole profile. `home` and `workspace` are the values that its parameters stand for."""

    policy: str
    sha256: str
    scope: str
    strict: bool
    home: str
    workspace: str
    sections: tuple[Section, ...] = ()
