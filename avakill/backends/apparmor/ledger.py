"""Findings as they are collected: one for each row and reason, with every place that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness


@dataclass(slots=True)
class _Draft:
    effects: set[Effect]
    witness: Witness | None
    lost: dict[tuple[str, bool], dict[Operation, None]] = field(default_factory=dict)


class Ledger:
    """Collects findings; the first witness of a row and reason stays."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._drafts: dict[tuple[int, Verdict, str], _Draft] = {}

    def note(
        self,
        index: int,
        verdict: Verdict,
        reason: str,
        effects: tuple[Effect, ...],
        witness: Witness | None = None,
        lost: tuple[Lost, ...] = (),
    ) -> None:
        draft = self._drafts.setdefault((index, verdict, reason), _Draft(set(), witness))
        draft.effects.update(effects)
        draft.witness = draft.witness or witness
        for entry in lost:
            draft.lost.setdefault((entry.place, entry.below), {}).update(dict.fromkeys(entry.operations))

    def findings(self) -> tuple[Finding, ...]:
        made = []
        for (index, verdict, reason), draft in self._drafts.items():
            row = self._plan.row_by_index[index]
            lost = tuple(Lost(tuple(sorted(ops, key=_ORDER.index)), place, below) for (place, below), ops in draft.lost.items())
            made.append(Finding(index, verdict, reason, frozenset(draft.effects) & row.effects, draft.witness, lost, row.span))
        return tuple(made)


_ORDER = tuple(Operation)
