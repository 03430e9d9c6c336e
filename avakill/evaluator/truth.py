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
    seen = set(claims)
    if len(seen) == 1:
        return seen.pop()
    return Truth.UNSURE if seen else Truth.NO
