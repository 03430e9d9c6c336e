"""Findings of one lowering, each with a witness that was checked on the selectors themselves."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from avakill.backends.judge import KEPT, Judgement, Probe
from avakill.backends.plan import Plan
from avakill.backends.tetragon.ask import Ask
from avakill.backends.tetragon.samples import example
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.automaton import Pattern

BUDGET = 400
"""Searches for a shortest path in one lowering."""

VERIFIED = 64
"""Rows of a small plan."""

TRIED = 8
"""Witnesses of one make that are tried before the others, whose paths no layer touches, are taken to be as real."""

PROBE_OF = {
    Effect.READ: (Operation.READ, Operation.LIST),
    Effect.WRITE: (Operation.WRITE, Operation.TRUNCATE),
    Effect.ATTR: (Operation.ATTR,),
    Effect.CREATE: (Operation.CREATE, Operation.MKDIR),
    Effect.DELETE: (Operation.UNLINK, Operation.RMDIR),
    Effect.EXEC: (Operation.EXEC,),
}
MOVES = (Operation.RENAME, Operation.LINK)
NONE: frozenset[Effect] = frozenset()
Effects = frozenset[Effect]


@dataclass(slots=True)
class _Claim:
    """What one row loses for one reason. `lost` as it was told, united at the end."""

    witness: Witness
    effects: Effects = NONE
    lost: list[tuple[Lost, ...]] = field(default_factory=list)

    def add(self, effects: Effects, lost: tuple[Lost, ...]) -> None:
        if effects is not self.effects and not effects <= self.effects:
            self.effects |= effects
        if not self.lost or self.lost[-1] is not lost:
            self.lost.append(lost)

    def places(self) -> tuple[Lost, ...]:
        if len(self.lost) == 1:
            return self.lost[0]
        found = {(id(one.operations), one.place, one.below): one for several in self.lost for one in several}
        return tuple(found.values())


class Claims:
    def __init__(self, plan: Plan, ask: Ask, all_fits: bool = True) -> None:
        self.plan = plan
        self.ask = ask
        self.budget = BUDGET
        self.all_fits = all_fits
        self.is_big = len(plan.rows) > VERIFIED
        self.strict: dict[str, dict[int, _Claim]] = {}
        self.carried: dict[tuple[str, ...], tuple[Lost, ...]] = {}
        self.others: list[Finding] = []

    def findings(self) -> tuple[Finding, ...]:
        rows = self.plan.row_by_index
        made = [
            Finding(row, Verdict.STRICTER, reason, claim.effects, claim.witness, claim.places(), rows[row].span)
            for reason, claims in self.strict.items()
            for row, claim in claims.items()
        ]
        return (*self.others, *made)

    # -- over-denials --

    def allowing(self, probe: Probe) -> tuple[Judgement, ...] | None:
        """f's answers where all of them allow it; None also where the plan is big and what is below a moved directory
        would have to be compared with all of it."""
        if self.is_big and self.ask.takes_along(probe):
            return None
        answers = self.ask.judge(probe)
        for answer in answers:
            if not answer.allowed:
                return None
        return answers

    def is_over(self, probe: Probe) -> tuple[int, ...] | None:
        """The rows that f names where f allows and the selectors deny; None where they agree."""
        answers = self.allowing(probe)
        if answers is None or not self.ask.denied(probe):
            return None
        return _named(answers)

    def over(self, rows: tuple[int, ...], effects: Effects, reason: str, probes: Iterable[Probe], lost: tuple[Lost, ...]) -> bool:
        """Claim STRICTER for `rows` and the allows that f names, if a probe shows it."""
        return self.more(rows, effects, reason, lost) or self.show(rows, effects, reason, probes, lost)

    def show(self, rows: tuple[int, ...], effects: Effects, reason: str, probes: Iterable[Probe], lost: tuple[Lost, ...]) -> bool:
        """As `over`, with a probe of its own even where `rows` have claimed it before."""
        for probe in probes:
            named = self.is_over(probe)
            if named is not None:
                self.claim_with(rows, effects, reason, probe, lost, named)
                return True
        return False

    def claim_with(
        self, rows: tuple[int, ...], effects: Effects, reason: str, probe: Probe, lost: tuple[Lost, ...], named: tuple[int, ...]
    ) -> None:
        """A claim, and one for the allows that f names."""
        self.claim(rows, effects, reason, probe, lost)
        if named:
            allows = tuple(row for row in named if row not in rows)
            self.claim(allows, NONE, f"a deny below closes a part of it: {reason}", probe, lost)

    def claim(self, rows: Iterable[int], effects: Effects, reason: str, probe: Probe, lost: tuple[Lost, ...]) -> None:
        witness = Witness(probe.operation, probe.object, policy=True, target=False, to=probe.to, exchange=probe.exchange)
        told = self.strict.setdefault(reason, {})
        for row in rows:
            found = told.get(row)
            if found is None:
                found = told[row] = _Claim(witness)
            found.add(effects, lost)

    def more(self, rows: tuple[int, ...], effects: Effects, reason: str, lost: tuple[Lost, ...]) -> bool:
        """Another place that claims with a witness already lose; False where one of `rows` has no such claim yet."""
        told = self.strict.get(reason)
        if told is None:
            return False
        for row in rows:
            if row not in told:
                return False
        for row in rows:
            told[row].add(effects, lost)
        return True

    def has(self, row: int, reason: str) -> bool:
        return row in self.strict.get(reason, ())

    def example(self, within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> tuple[str, ...]:
        self.budget -= 1
        path = example(within, without) if self.budget >= 0 else None
        return () if path is None else (path,)


def _named(answers: tuple[Judgement, ...]) -> tuple[int, ...]:
    if len(answers) == 1:
        index = answers[0].index
        return () if index is None else (index,)
    return tuple(dict.fromkeys([answer.index for answer in answers if answer.index is not None]))


class Alike:
    """Many denies of one group and one make: the selectors are the same ones, and f does not touch the path."""

    def __init__(self, claims: Claims, reason: str) -> None:
        self.claims = claims
        self.reason = reason
        self.tried: dict[tuple[object, int], int] = {}

    def claim(
        self,
        key: object,
        row: int,
        effects: Effects,
        probes: Iterable[Probe],
        lost: tuple[Lost, ...],
        sure: bool = False,
    ) -> None:
        """`sure`: the selectors that deny it have no exceptions, so it does not matter what touches the path."""
        claims, reason = self.claims, self.reason
        for at, probe in enumerate(probes):
            answers = claims.allowing(probe)
            if answers is None:
                continue
            worked = self.tried.get((key, at), 0)
            ours = sure or self._is_ours(probe, row)
            known = ours and worked >= TRIED and claims.all_fits
            if known or claims.ask.denied(probe):
                claims.claim_with((row,), effects, reason, probe, lost, _named(answers))
                self.tried[key, at] = worked + ours
                return
            self.tried[key, at] = 0

    def _is_ours(self, probe: Probe, row: int) -> bool:
        """Whether f does not touch the path, or this row denies it."""
        ask = self.claims.ask
        if ask.is_free(probe.object) and (probe.to is None or ask.is_free(probe.to)):
            return True
        return any(ask.row_of(effect, probe.object) == row for effect in KEPT)


def file_probes(path: str, effects: Effects) -> Iterable[Probe]:
    for effect in (effect for effect in Effect if effect in effects):
        for operation in PROBE_OF[effect]:
            yield Probe(operation, path)
    if any(effect in KEPT for effect in effects):
        yield Probe(Operation.LINK, path, "/tmp/q7-moved")
    if Effect.DELETE in effects or any(effect in KEPT for effect in effects):
        yield Probe(Operation.RENAME, path, "/tmp/q7-moved")
        yield Probe(Operation.RENAME, path, "/tmp/q7-moved", directory=True)
    if Effect.CREATE in effects:
        yield Probe(Operation.RENAME, "/tmp/q7", path)


@lru_cache(maxsize=64)
def operations(effects: Effects) -> tuple[Operation, ...]:
    """What a closed place loses: renames and links wherever an effect that they ask for is denied."""
    found = dict.fromkeys(operation for effect in Effect if effect in effects for operation in OPERATIONS_OF[effect])
    if Effect.CREATE in effects or any(effect in KEPT for effect in effects):
        found.update(dict.fromkeys(MOVES))
    if Effect.READ in effects:
        found[Operation.EXEC] = None
    return tuple(found)
