"""One source file's text, kept for showing lines of it."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class SourceFile:
    """`path` as the user wrote it (for messages) and the decoded `text`."""

    path: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.split("\n"))

    def line(self, number: int) -> str:
        """Line `number` (from 1), without its line end; empty where there is none."""
        return self.lines[number - 1].rstrip("\r") if 1 <= number <= len(self.lines) else ""
