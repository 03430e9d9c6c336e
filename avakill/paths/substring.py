"""The paths that contain a text, in any case: what `args_match` on a path means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Substring:
    """Every path whose text contains `needle`, ignoring case."""

    needle: str

    @property
    def literal_prefix(self) -> tuple[str, ...]:
        return ()

    @property
    def is_everything(self) -> bool:
        return not self.needle

    def holds(self, path: str) -> bool:
        return self.needle.casefold() in path.casefold()
