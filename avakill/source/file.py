"""One source file's text, kept for showing lines of it."""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

# What ends a line for a YAML 1.1 reader, so that its line numbers are ours.
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True)
class SourceFile:
    """`path` as the user wrote it (for messages) and the decoded `text`; `sha256` of its bytes, in hex."""

    path: str
    text: str
    sha256: str = ""

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(_LINE_END.split(self.text))

    def line(self, number: int) -> str:
        """Line `number` (from 1), without its line end; empty where there is none."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""
