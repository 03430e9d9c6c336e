"""Findings as they are collected: one for each row and reason, with all that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from avakill.backends.plan import Layer
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness


@dataclass(slots=True)
class _Open:
    layer: Layer
    effects: set[Effect] = field(default_factory=set)
    witness: Witness | None = None
    lost: dict[Lost, None] = field(default_factory=dict)


@dataclass(slots=True)
class Claims:
    """Findings of one lowering, in the order in which they were first made."""

    found: dict[tuple[int, Verdict, str], _Open] = field(default_factory=dict)

    def stricter(self, layer: Layer, effects: frozenset[Effect], reason: str, witness: Witness, lost: tuple[Lost, ...]) -> None:
        self._add(layer, Verdict.STRICTER, effects, reason, witness, lost)

    def weaker(self, layer: Layer, effects: frozenset[Effect], reason: str, witness: Witness) -> None:
        self._add(layer, Verdict.WEAKER, effects, reason, witness, ())

    def unenforceable(self, layer: Layer, effects: frozenset[Effect], reason: str) -> None:
        self._add(layer, Verdict.UNENFORCEABLE, effects, reason, None, ())

    def _add(
        self,
        layer: Layer,
        verdict: Verdict,
        effects: frozenset[Effect],
        reason: str,
        witness: Witness | None,
        lost: tuple[Lost, ...],
    ) -> None:
        entry = self.found.setdefault((layer.index, verdict, reason), _Open(layer))
        entry.effects |= effects
        entry.witness = entry.witness or witness
        entry.lost.update(dict.fromkeys(lost))

    def findings(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(index, verdict, reason, frozenset(e.effects), e.witness, tuple(e.lost), e.layer.span)
            for (index, verdict, reason), e in self.found.items()
        )


RENAMES = (Operation.RENAME, Operation.RMDIR)
REMOVALS = (Operation.UNLINK, Operation.RMDIR, Operation.RENAME)
NEW_NAMES = (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK, Operation.LINK, Operation.RENAME)
