"""Values of a TracingPolicy: what is emitted, before it is text."""
from __future__ import annotations

from dataclasses import dataclass

from avakill.ir.effect import Effect
from avakill.source.span import Span

Value = tuple[str, Span]
"""A value of a matchArg and the rule that it comes from."""


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument of a hook: its number, its type, and the member that is read instead (`resolve`)."""

    index: int
    type: str
    resolve: str = ""


@dataclass(frozen=True, slots=True)
class Test:
    """One matchArg: the values are alternatives; a `Not…` operator holds when none of them does."""

    arg: Arg
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Selector:
    """All of `tests` hold: denied. `rows` are whose denies it carries, `effects` what it denies."""

    tests: tuple[Test, ...]
    effects: frozenset[Effect]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hook:
    """One entry of `lsmhooks`."""

    name: str
    args: tuple[Arg, ...]
    selectors: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One object of the cluster."""

    name: str
    hooks: tuple[Hook, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom it holds for; with nothing set, every process of every node."""

    namespace: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    binaries: tuple[str, ...] = ()

    @property
    def is_everyone(self) -> bool:
        return self.namespace is None and not self.labels and not self.binaries


@dataclass(frozen=True, slots=True)
class Model:
    """All documents, whom they hold for and what the header says."""

    documents: tuple[Document, ...]
    subject: Subject
    policy_path: str
    policy_sha256: str
    options: str
