"""What a rule asks of a call: one tree of conditions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum, StrEnum

from avakill.ir.endpoint import Network
from avakill.paths.glob import Glob
from avakill.source.span import NOWHERE, Span


class FieldKind(Enum):
    """Where a field's value comes from: the call's arguments, or the call itself."""

    __hash__ = object.__hash__  # Enum's own is slow

    ARGUMENT = "argument"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Field:
    """`ARGUMENT`: the canonical argument `name` (wherever nested). `CALL`: `tool`, `agent` or `session`.

    `host` and `port` are arguments; where a call has none, they are read from its `url`.
    """

    name: str
    kind: FieldKind = FieldKind.ARGUMENT


class Ordering(StrEnum):
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="


class Scan(StrEnum):
    SECRETS = "secrets"
    PROMPT_INJECTION = "prompt_injection"


@dataclass(frozen=True, slots=True)
class Always:
    """Holds for every call: a rule without conditions."""


@dataclass(frozen=True, slots=True)
class PathIn:
    """Some path in the field's value is in one of `globs`."""

    field: Field
    globs: tuple[Glob, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Contains:
    """Some needle is a substring of the field's text, in any case."""

    field: Field
    needles: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Equals:
    """The field is one of `values` (`==`, and `in` with a list)."""

    field: Field
    values: tuple[str | int | float | bool, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ordered:
    """The field is a number that stands in `ordering` to `bound`."""

    field: Field
    ordering: Ordering
    bound: int | float
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StartsWith:
    field: Field
    prefix: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Matches:
    """An RE2 regular expression matches somewhere in the field's text."""

    field: Field
    regex: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class HostIn:
    """The field is a host (or a URL with one) that a name pattern holds; `*.example.org` holds subdomains only."""

    field: Field
    hosts: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NetworkIn:
    """The field is an IP address in one of `networks`; a name is in none (nothing is looked up)."""

    field: Field
    networks: tuple[Network, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CommandIn:
    """`command_allowlist`: every simple command that the call's command line runs is one of `names`."""

    names: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ShellSafe:
    """`shell_safe: true`: the command line is one simple command."""

    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ContentScan:
    kinds: tuple[Scan, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    inner: Condition


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Condition, ...]


Test = (
    PathIn
    | Contains
    | Equals
    | Ordered
    | StartsWith
    | Matches
    | HostIn
    | NetworkIn
    | CommandIn
    | ShellSafe
    | ContentScan
)
"""A leaf: it asks one thing of one field (`CommandIn` and `ShellSafe` of `command`, `ContentScan` of every argument)."""

Condition = Always | Not | And | Or | Test

ALWAYS = Always()
