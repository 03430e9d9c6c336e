"""How faithful a lowering is: findings with witnesses, and the verdict they add up to (semantics §5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from avakill.ir.effect import Effect, Operation
from avakill.paths.glob import split
from avakill.source.span import NOWHERE, Span


class Verdict(StrEnum):
    """From best to worst."""

    __hash__ = str.__hash__  # Enum's own is slow, and every row is looked up by some

    EXACT = "exact"
    STRICTER = "stricter"
    WEAKER = "weaker"
    UNENFORCEABLE = "unenforceable"


# Named tuples, and below a constructor by hand: a large policy has ten of these for each rule, and made dataclasses cost thrice.
class Witness(NamedTuple):
    """One operation on which policy and target differ; True is allow. `to` is the new name of a rename or link, and
    `exchange` says that a rename swaps the two names (RENAME_EXCHANGE).

    For CONNECT the object is `tcp://HOST:PORT` or `udp://HOST:PORT`; `bind://HOST:PORT` stands for bind and listen there,
    which no policy denies but some layers lose.
    """

    operation: Operation
    object: str
    policy: bool
    target: bool
    to: str | None = None
    exchange: bool = False


class Lost(NamedTuple):
    """Operations that the policy allows and the target denies: on `place` (directly in it, for operations on names), or also below."""

    operations: tuple[Operation, ...]
    place: str
    below: bool = False

    def holds(self, operation: Operation, *things: str | None) -> bool:
        """Whether it lists the operation on one of `things` (an object, a new name): the place, directly in it, or below it."""
        if operation not in self.operations:
            return False
        if self.place == "*":
            return True
        place = split(self.place)
        for thing in things:
            if thing is not None and "://" not in thing:
                names = split(thing)
                if names == place or names[:-1] == place or (self.below and names[: len(place)] == place):
                    return True
        return False


@dataclass(frozen=True, init=False)
class Finding:
    """One thing to know about the row `index` on a target. EXACT findings are information only.

    `effects` are the effects of the rule that it is about; empty means all that the row lowers.
    STRICTER needs `lost` and a witness, WEAKER a witness, UNENFORCEABLE a reason.
    """

    index: int
    verdict: Verdict
    reason: str
    effects: frozenset[Effect] = frozenset()
    witness: Witness | None = None
    lost: tuple[Lost, ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def __init__(
        self,
        index: int,
        verdict: Verdict,
        reason: str,
        effects: frozenset[Effect] = frozenset(),
        witness: Witness | None = None,
        lost: tuple[Lost, ...] = (),
        span: Span = NOWHERE,
    ) -> None:
        own = self.__dict__
        own["index"] = index
        own["verdict"] = verdict
        own["reason"] = reason
        own["effects"] = effects
        own["witness"] = witness
        own["lost"] = lost
        own["span"] = span


def combine(effects: frozenset[Effect], findings: Iterable[Finding]) -> Verdict:
    """The verdict of a row that lowers `effects`: the worst finding; but where only a part of it is UNENFORCEABLE
    and the rest was emitted, the row is WEAKER."""
    said = tuple(findings)
    verdicts = {finding.verdict for finding in said}
    overall = max(verdicts, key=_RANK.__getitem__, default=Verdict.EXACT)
    if overall is Verdict.UNENFORCEABLE and effects:
        nothing = [finding.effects or effects for finding in said if finding.verdict is overall]
        return overall if effects <= frozenset().union(*nothing) else Verdict.WEAKER
    return overall


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
