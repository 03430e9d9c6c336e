"""Contradictions of the emitted texts themselves that the closer look at each line has found, and that are not mended yet."""

from __future__ import annotations

KNOWN: dict[tuple[str, str], tuple[str, ...]] = {}
