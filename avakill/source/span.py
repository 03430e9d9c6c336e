"""A place in a source file: where a fault or a rule stands."""
from __future__ import annotations

from typing import NamedTuple


# A named tuple, not a frozen dataclass: every rule has some, and these are made 3 times faster.
class Span(NamedTuple):
    """From (`line`, `column`) up to, not including, (`end_line`, `end_column`); all from 1, columns in characters."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    def within(self, first: int, last: int) -> Span:
        """The characters `first` to `last` (from 0, end excluded); a span over several lines stays whole."""
        if self.line != self.end_line:
            return self
        start = min(self.column + first, self.end_column)
        return Span(self.path, self.line, start, self.line, max(start, min(self.column + last, self.end_column)))


NOWHERE = Span("<avakill>", 0, 0, 0, 0)
"""The place of what no source file says: self-protection, the runtime floor, the default."""
