"""What several layers together did, held against what all of them had promised (semantics §5: `stack`)."""

from __future__ import annotations

from collections.abc import Iterable

from avakill.lab.compare import Claims, compare
from avakill.lab.words import Mark, Outcome, Result, Trial, World

DENIED = (Mark.SILENT, Mark.LEAK)
"""Of a denied trial, the worst first: a leak must have been confessed by every layer."""

ALLOWED = (Mark.LOST, Mark.SILENT, Mark.OVER)
"""Of an allowed trial, the best first: one layer's list is enough."""


def compare_together(
    layers: Iterable[Claims], world: World, trials: tuple[Trial, ...], outcomes: tuple[Outcome, ...]
) -> tuple[Result, ...]:
    """One result for each trial, of the same outcomes held against the claims of each layer."""
    columns = [compare(claims, world, trials, outcomes) for claims in layers]
    return tuple(_together(results) for results in zip(*columns, strict=True))


def _together(results: tuple[Result, ...]) -> Result:
    marks = {result.mark for result in results}
    order = DENIED if marks & {Mark.WEAK, Mark.LEAK} else ALLOWED
    wanted = next((mark for mark in order if mark in marks), results[0].mark)
    return next(result for result in results if result.mark is wanted)
