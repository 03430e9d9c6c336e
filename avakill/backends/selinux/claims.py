"""Findings gathered while lowering: one for each row and reason, with every place that it lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
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
ABSENT_HOLE = (
    "the hole does not exist yet: what is made there later has the label of its closed directory until labels are applied again"
)
TOO_MANY = "too many overlapping patterns for a label of each combination: they share the label that refuses most"
UNSAYABLE = "the pattern has no regular expression in file contexts"
RELABELLED = (
    "information: its objects get a type of this module; another confined domain that knew them by their old type, such as a login "
    "or backup service, loses them, and they must be labelled again after a relabel of the system"
)
LATER = frozenset({LATER_DENY, LATER_HOLE, LATER_ABSENT, ABSENT_HOLE})
"""Reasons whose witness is an object that takes the name after labels were applied."""


@dataclass(slots=True)
class _Entry:
    verdict: Verdict
    effects: set[Effect] = field(default_factory=set)
    witness: Witness | None = None
    lost: dict[tuple[int, int, str, bool], Lost] = field(default_factory=dict)


@dataclass(slots=True)
class Claims:
    """The findings so far."""

    plan: Plan
    found: dict[tuple[int, str], _Entry] = field(default_factory=dict)

    def note(self, index: int, reason: str, effects: frozenset[Effect] = frozenset()) -> None:
        self.found.setdefault((index, reason), _Entry(Verdict.EXACT)).effects.update(effects)

    def unenforceable(self, index: int, reason: str, effects: frozenset[Effect]) -> None:
        self.found.setdefault((index, reason), _Entry(Verdict.UNENFORCEABLE)).effects.update(effects)

    def weaker(self, index: int, reason: str, effects: frozenset[Effect], witness: Witness) -> None:
        entry = self.found.setdefault((index, reason), _Entry(Verdict.WEAKER))
        entry.effects.update(effects)
        entry.witness = entry.witness or witness

    def is_shown(self, index: int, reason: str, effect: Effect) -> bool:
        """Whether the row has a witness of that reason, which then is about the effect too."""
        entry = self.found.get((index, reason))
        if entry is None or entry.witness is None:
            return False
        entry.effects.add(effect)
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
            entry = self.found.setdefault((index, reason), _Entry(Verdict.STRICTER))
            entry.effects.add(effect)
            if entry.witness is None:
                entry.witness = Witness(_plain(operations), at, policy=True, target=False)
            if key not in entry.lost:
                entry.lost[key] = Lost(operations, place, below)

    def findings(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                index, entry.verdict, reason, frozenset(entry.effects), entry.witness, tuple(entry.lost.values()), self._span(index)
            )
            for (index, reason), entry in self.found.items()
        )

    def _span(self, index: int) -> Span:
        row = self.plan.row_by_index.get(index)
        return row.span if row is not None else NOWHERE


@lru_cache(maxsize=64)
def _plain(operations: tuple[Operation, ...]) -> Operation:
    """One that has no second name."""
    return next((op for op in operations if op not in (Operation.RENAME, Operation.LINK)), operations[0])
