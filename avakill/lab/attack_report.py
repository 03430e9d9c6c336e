"""What came of an attack, in groups: each rule's trials as held, open, leaked, over-denied or silently lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from avakill.enforce.residue import Residue
from avakill.ir.effect import Operation
from avakill.lab.attack import Attacked
from avakill.lab.report import NO_RULE, in_words
from avakill.lab.words import CONTRADICTIONS, Answer, Mark, Result


class Came(StrEnum):
    """What came of a trial, whatever had been promised."""

    HELD = "held"
    OPEN = "open"  # allowed, and done
    LEAKED = "leaked"
    OVER_DENIED = "over-denied"
    LOST = "silently lost"


BEYOND = (Mark.FINDING, Mark.MOOT, Mark.NONE)
"""What says nothing of a rule."""


def came(result: Result) -> Came | None:
    """None for what says nothing of a rule."""
    if result.mark in BEYOND:
        return None
    if result.outcome.answer is Answer.SILENT:
        return Came.LOST
    match result.mark:
        case Mark.AGREED:
            stayed_closed = bool(result.sentence) or result.outcome.answer is not Answer.DONE
            return Came.HELD if stayed_closed else Came.OPEN
        case Mark.WEAK | Mark.LEAK:
            return Came.LEAKED
        case _:
            return Came.OVER_DENIED


@dataclass(frozen=True, slots=True)
class Group:
    """Trials of one rule of which the same came, and the sentence that the report had promised."""

    came: Came
    wrong: bool
    sentence: str
    results: tuple[Result, ...]

    @property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(dict.fromkeys(result.trial.asks[0].operation for result in self.results))

    @property
    def doors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(result.trial.door for result in self.results))

    @property
    def example(self) -> Result:
        return min(
            self.results, key=lambda result: (len(result.trial.asks), result.trial.route != "plain", result.trial.asks[0].object)
        )

    @property
    def told(self) -> str:
        """`as told`, or that it contradicts what was told; nothing for what agrees with the policy."""
        if self.wrong:
            return "CONTRADICTION"
        return "" if self.came in (Came.HELD, Came.OPEN) else "as told"


@dataclass(frozen=True, slots=True)
class Section:
    """A rule with the verdict of all layers together. `index` is None for what no rule decides."""

    name: str
    line: int
    index: int | None
    promise: str
    groups: tuple[Group, ...]


def sections(attacked: Attacked) -> Iterator[Section]:
    """Every rule in its order, and last what no rule decides."""
    for stacked in attacked.rows:
        row = stacked.row
        blind = "".join(f" −{operation}" for operation in stacked.blind)
        yield Section(row.name, row.span.line, row.index, f"{stacked.verdict}{blind}", _groups(attacked, row.index))
    yield Section(NO_RULE, 0, None, "allowed", _groups(attacked, None))


def _groups(attacked: Attacked, index: int | None) -> tuple[Group, ...]:
    found: dict[tuple[Came, bool, str], list[Result]] = {}
    for result in attacked.results:
        what = came(result)
        if what is not None and result.row == index:
            sentence = "" if what in (Came.HELD, Came.OPEN) else result.sentence
            found.setdefault((what, result.mark in CONTRADICTIONS, sentence), []).append(result)
    groups = [Group(*key, tuple(results)) for key, results in found.items()]
    order = list(Came)
    return tuple(sorted(groups, key=lambda group: (not group.wrong, order.index(group.came), -len(group.results))))


def counts(attacked: Attacked) -> dict[str, int]:
    """How often each thing came, and what says nothing."""
    found = Counter(str(came(result) or result.mark) for result in attacked.results)
    return {name: found[name] for name in (*map(str, Came), *map(str, BEYOND)) if found[name]}


def ways(attacked: Attacked) -> tuple[Residue, ...]:
    """Deputies in reach and second links of this machine; open descriptors are closed before a start."""
    found = attacked.dry.residues if attacked.dry is not None else ()
    return tuple(way for way in found if way.kind != "descriptor")


def to_json(attacked: Attacked) -> dict[str, Any]:
    """The report as plain JSON data."""
    target, policy = attacked.made.plan.target, attacked.made.plan.policy
    return {
        "policy": {"path": policy.path, "sha256": policy.sha256},
        "layers": list(attacked.layers),
        "machine": {"kernel": target.kernel, "abi": target.landlock_abi, "home": target.home, "workspace": target.workspace},
        "entry": list(target.entry),
        "trials": len(attacked.results),
        "counts": counts(attacked),
        "contradictions": len(attacked.contradictions),
        "rules": [_section(section) for section in sections(attacked)],
        "findings": [_told(result) for result in attacked.results if result.mark is Mark.FINDING],
        "ways": [{"kind": way.kind, "place": way.place, "reason": way.reason} for way in ways(attacked)],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "rule": section.name,
        "line": section.line,
        "index": section.index,
        "promise": section.promise,
        "groups": [_group(group) for group in section.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "came": str(group.came),
        "told": group.told,
        "sentence": group.sentence,
        "count": len(group.results),
        "operations": [str(operation) for operation in group.operations],
        "doors": list(group.doors),
        "example": in_words(group.example),
    }


def _told(result: Result) -> dict[str, Any]:
    return {"trial": in_words(result), "sentence": result.sentence}
