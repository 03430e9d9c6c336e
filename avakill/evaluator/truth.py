"""Three answers to whether a condition holds, and how they combine."""
from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Truth(IntEnum):
    """UNSURE is both: some of what the call names is in and some is not, or it cannot be told what the call names.

    A rule that is UNSURE to hold decides only where that is the stricter outcome, so a deny fires and an allow does
    not; and because `negate` keeps it, the same holds under `not`.
    """

    NO = 0
    UNSURE = 1
    YES = 2


def negate(truth: Truth) -> Truth:
    return Truth(2 - truth)


def truth_of(claim: bool) -> Truth:
    return Truth.YES if claim else Truth.NO


def weigh(claims: Iterable[Truth]) -> Truth:
    """What all agree on, else UNSURE; NO of nothing."""
    found: Truth | None = None
    for claim in claims:
        if found is not None and claim is not found:
            return Truth.UNSURE
        found = claim
    return Truth.NO if found is None else found
