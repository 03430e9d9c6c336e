"""The user's mistakes as data: a code, a message, places and a help."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from avakill.source.codes import Code
from avakill.source.span import Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that a diagnostic points at, with what is to be seen there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint. `span` is None where the fault has no place in a file (a missing file, a bad option)."""

    code: Code
    severity: Severity
    message: str
    span: Span | None = None
    label: str = ""
    others: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""


MANY = 100


@dataclass(slots=True)
class Bag:
    """Diagnostics in the making: handed down through a phase, read once at its end."""

    items: list[Diagnostic] = field(default_factory=list)
    errors: int = 0

    def error(
        self, code: Code, message: str, span: Span | None = None, *others: Label, label: str = "", help: str = ""
    ) -> None:
        self.errors += 1
        self.items.append(Diagnostic(code, Severity.ERROR, message, span, label, others, (), help))

    def warning(
        self, code: Code, message: str, span: Span | None = None, *others: Label, label: str = "", help: str = ""
    ) -> None:
        self.items.append(Diagnostic(code, Severity.WARNING, message, span, label, others, (), help))

    def note(
        self, code: Code, message: str, span: Span | None = None, *others: Label, label: str = "", help: str = ""
    ) -> None:
        self.items.append(Diagnostic(code, Severity.NOTE, message, span, label, others, (), help))

    def extend(self, more: Iterable[Diagnostic]) -> None:
        self.items.extend(more)

    @property
    def is_full(self) -> bool:
        """So many errors that looking for more helps nobody."""
        return self.errors >= MANY

    @property
    def has_errors(self) -> bool:
        return any(item.severity is Severity.ERROR for item in self.items)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.items)
