"""Findings gathered while lowering: one for each row and reason, with every place that it lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from avakill.backends.plan import Plan
from avakill.backends.selinux.model import BIT
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.source.span import NOWHERE, Span

READ_STOPS_EXEC = "the kernel opens a program for reading before it runs it, so what cannot be read cannot be run either"
ROOT_STAYS = (
    "a rename onto the name itself could not be told from any other change of its directory, so the object that bears "
    "the name cannot be removed or renamed"
)
HOLE_NAME = (
    "new names in a directory are allowed or refused together: the name of the hole itself cannot be made in its closed directory"
)
NAMES_CLOSED = (
    "new names in a directory are allowed or refused together, so a name of this pattern cannot be made in a closed directory"
)
LATER_DENY = (
    "a label is put on what exists: what takes such a name later keeps the label that it had or gets that of its directory, "
    "and is not refused"
)
LATER_HOLE = "a label is put on what exists: what takes such a name later gets the label of its closed directory and stays refused"
LATER_ABSENT = "the path does not exist yet: what is made there later has the label of its directory until labels are applied again"
DIRECTORY_CLOSED = (
    "what is made in a directory gets the label of that: where a name alone is opened, and not what is below it, a directory of "
    "that name stays closed like what is below it"
)
PLANTED = (
    "new names in a directory are allowed or refused together: where a protected file is missing when the agent starts, the agent can "
    "take its name, and what it puts there has the label of the directory"
)
ABSENT_HOLE = (
    "the hole does not exist yet: what is made there later has the label of its closed directory until labels are applied again"
)
TOO_MANY = "too many overlapping patterns for a label of each combination: they share the label that refuses most"
UNSAYABLE = "the pattern has no regular expression in file contexts"
RELABELLED = (
    "information: its objects get a type of this module; another confined domain that knew them by their old type, such as a login "
    "or backup service, loses them, and they must be labelled again after a relabel of the system"
)
EFFECT_BIT = {**BIT, Effect.CONNECT: 64}
LATER = frozenset({LATER_DENY, LATER_HOLE, LATER_ABSENT, ABSENT_HOLE})
"""Reasons whose witness is an object that takes the name after labels were applied."""


@dataclass(slots=True)
class _Entry:
    """`lost` by operations and place; `wide` the effects lost, as bits, by place and all below it."""

    verdict: Verdict
    effects: int = 0
    witness: Witness | None = None
    lost: dict[tuple[int, int, str, bool], Lost] = field(default_factory=dict)
    wide: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Claims:
    """The findings so far."""

    plan: Plan
    found: dict[tuple[int, str], _Entry] = field(default_factory=dict)

    def note(self, index: int, reason: str) -> None:
        self.found.setdefault((index, reason), _Entry(Verdict.EXACT))

    def unenforceable(self, index: int, reason: str, effects: frozenset[Effect]) -> None:
        self._entry(index, reason, Verdict.UNENFORCEABLE).effects |= bits_of(effects)

    def weaker(self, index: int, reason: str, effects: int, witness: Witness) -> None:
        entry = self._entry(index, reason, Verdict.WEAKER)
        entry.effects |= effects
        entry.witness = entry.witness or witness

    def is_shown(self, index: int, reason: str, effects: int) -> bool:
        """Whether the row has a witness of that reason, which then is about these effects too."""
        entry = self.found.get((index, reason))
        if entry is None or entry.witness is None:
            return False
        entry.effects |= effects
        return True

    def stricter(
        self,
        rows: tuple[int, ...],
        reason: str,
        effect: Effect,
        operations: tuple[Operation, ...],
        place: str,
        below: bool,
        at: str,
    ) -> None:
        """An over-denial, charged to each of `rows` alike; `at` is an object of it."""
        # an operation is hashed by its place in memory: hashing enums is too slow; first and number tell the tuples apart
        key = (id(operations[0]), len(operations), place, below)
        for index in dict.fromkeys(rows):
            entry = self._entry(index, reason, Verdict.STRICTER)
            entry.effects |= EFFECT_BIT[effect]
            if entry.witness is None:
                entry.witness = Witness(_plain(operations), at, policy=True, target=False)
            if key not in entry.lost:
                entry.lost[key] = Lost(operations, place, below)

    def stricter_below(self, rows: tuple[int, ...], reason: str, effects: int, place: str, at: str) -> None:
        """The same for several effects at once, at `place` and anywhere below it."""
        for index in rows:
            entry = self._entry(index, reason, Verdict.STRICTER)
            entry.effects |= effects
            if entry.witness is None:
                entry.witness = Witness(_plain(_operations(effects & -effects)), at, policy=True, target=False)
            entry.wide[place] = entry.wide.get(place, 0) | effects

    def has(self, index: int, reason: str) -> bool:
        return (index, reason) in self.found

    def more_below(self, index: int, reason: str, effects: int, place: str) -> bool:
        """What may be lost there beside, where the row has shown that something is; whether it has."""
        entry = self.found.get((index, reason))
        if entry is None:
            return False
        entry.wide[place] = entry.wide.get(place, 0) | effects
        return True

    def _entry(self, index: int, reason: str, verdict: Verdict) -> _Entry:
        entry = self.found.get((index, reason))
        if entry is None:
            entry = self.found[index, reason] = _Entry(verdict)
        return entry

    def findings(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(index, entry.verdict, reason, _effects(entry.effects), entry.witness, _lost(entry), self._span(index))
            for (index, reason), entry in self.found.items()
        )

    def _span(self, index: int) -> Span:
        row = self.plan.row_by_index.get(index)
        return row.span if row is not None else NOWHERE


def _lost(entry: _Entry) -> tuple[Lost, ...]:
    return (*entry.lost.values(), *(Lost(_operations(effects), place, True) for place, effects in entry.wide.items()))


def bits_of(effects: frozenset[Effect]) -> int:
    return sum(EFFECT_BIT[effect] for effect in effects)


@lru_cache(maxsize=256)
def _effects(bits: int) -> frozenset[Effect]:
    return frozenset(effect for effect, bit in EFFECT_BIT.items() if bit & bits)


@lru_cache(maxsize=256)
def _operations(bits: int) -> tuple[Operation, ...]:
    """Every operation of the effects; a new name is taken by a rename too."""
    found = dict.fromkeys(op for effect, bit in EFFECT_BIT.items() if bit & bits for op in OPERATIONS_OF[effect])
    return (*found, Operation.RENAME) if bits & EFFECT_BIT[Effect.CREATE] and Operation.RENAME not in found else tuple(found)


@lru_cache(maxsize=64)
def _plain(operations: tuple[Operation, ...]) -> Operation:
    """One that has no second name."""
    return next((op for op in operations if op not in (Operation.RENAME, Operation.LINK)), operations[0])
