"""What one field of a call says, as text: the material of every question about text."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avakill.evaluator.line import Simple


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that the field says: an allow is content with any of its `spellings`, and needs that of every unit."""

    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """`others` count for a deny only. `open` are texts with holes. `doubt` says why there may be more."""

    units: tuple[Unit, ...] = ()
    others: tuple[str, ...] = ()
    open: tuple[Simple, ...] = ()
    doubt: str = ""

    def every(self) -> Iterator[str]:
        for unit in self.units:
            yield from unit.spellings
        yield from self.others
