"""Findings as they are collected: one for each row and reason, with every place that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness


@dataclass(slots=True)
class _Draft:
    effects: set[tuple[Effect, ...]]
    witness: Witness | None
    lost: list[tuple[Lost, ...]] = field(default_factory=list)


class Ledger:
    """Collects findings; the first witness of a row and reason stays."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._drafts: dict[tuple[int, str], tuple[Verdict, _Draft]] = {}

    def note(
        self,
        index: int,
        verdict: Verdict,
        reason: str,
        effects: tuple[Effect, ...],
        witness: Witness | None = None,
        lost: tuple[Lost, ...] = (),
    ) -> None:
        """A reason always goes with the same verdict."""
        known = self._drafts.get((index, reason))
        if known is None:
            known = self._drafts[index, reason] = (verdict, _Draft(set(), witness))
        draft = known[1]
        draft.effects.add(effects)
        if draft.witness is None:
            draft.witness = witness
        if lost and not (draft.lost and draft.lost[-1] is lost):
            draft.lost.append(lost)

    def has(self, index: int, reason: str, effects: tuple[Effect, ...]) -> bool:
        """Whether this is already said, of these effects."""
        known = self._drafts.get((index, reason))
        return known is not None and effects in known[1].effects

    def findings(self) -> tuple[Finding, ...]:
        made = []
        for (index, reason), (verdict, draft) in self._drafts.items():
            row = self._plan.row_by_index[index]
            effects = _within(frozenset(draft.effects), row.effects)
            made.append(Finding(index, verdict, reason, effects, draft.witness, _merged(draft.lost), row.span))
        return tuple(made)


@lru_cache(maxsize=1024)
def _within(some: frozenset[tuple[Effect, ...]], effects: frozenset[Effect]) -> frozenset[Effect]:
    return frozenset(effect for one in some for effect in one) & effects


def _merged(found: list[tuple[Lost, ...]]) -> tuple[Lost, ...]:
    """Each place once, with all that is lost there."""
    if not found:
        return ()
    if len(found) == 1 or len(set(found)) == 1:
        only = found[0]
        if len(only) == 1:
            return only
        if len({(lost.place, lost.below) for lost in only}) == len(only):
            return only
    places: dict[tuple[str, bool], list[Lost]] = {}
    for lost in dict.fromkeys(lost for some in found for lost in some):
        places.setdefault((lost.place, lost.below), []).append(lost)
    return tuple(same[0] if len(same) == 1 else _together(same) for same in places.values())


def _together(same: list[Lost]) -> Lost:
    operations = {operation for lost in same for operation in lost.operations}
    return Lost(tuple(sorted(operations, key=_ORDER.index)), same[0].place, same[0].below)


_ORDER = tuple(Operation)
