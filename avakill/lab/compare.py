"""What a kernel did, held against what the policy says and what the report had promised (semantics §5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from avakill.backends.contract import Lowering
from avakill.backends.judge import Judgement, Probe, judgements
from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Verdict, combine
from avakill.lab.doors import SCRIPT, SOURCE
from avakill.lab.gains import MOVES, gains
from avakill.lab.trials import BY_HANDLE, plain_door
from avakill.lab.words import Answer, Mark, Outcome, Result, Trial, World

OPEN = (Verdict.WEAKER, Verdict.UNENFORCEABLE)
PRIVILEGED = "setxattr"
"""`trusted.` attributes, where a tmpfs has no `user.`, take a capability: EPERM, while an object denied by name is EACCES."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What the report promises of one target: the backend's findings by row, and what it is blind to.

    The plan's own findings are only told: what they confess is no denial of f, so they excuse nothing.
    """

    plan: Plan
    findings: tuple[Finding, ...]
    blind: Mapping[int, tuple[Operation, ...]]

    def of(self, index: int) -> Iterator[Finding]:
        return (finding for finding in self.findings if finding.index == index)

    def verdict(self, index: int) -> Verdict:
        row = self.plan.row_by_index[index]
        return combine(row.effects, (f for f in (*self.plan.findings, *self.findings) if f.index == index))


def claims_of(plan: Plan, lowering: Lowering[Any]) -> Claims:
    return Claims(plan, lowering.findings, lowering.blind)


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a difference between f and the target is no contradiction, or (`holds` false) what was promised instead."""

    holds: bool
    row: int | None
    sentence: str


def compare(claims: Claims, world: World, trials: Iterable[Trial], outcomes: Iterable[Outcome]) -> tuple[Result, ...]:
    """One result for each trial; an outcome that is missing is no answer."""
    known = {outcome.number: outcome for outcome in outcomes}
    pairs = [(trial, known.get(trial.number, Outcome(trial.number, Answer.NONE))) for trial in trials]
    gone = frozenset(t.asks[0].operation for t, o in pairs if _is_hidden(o) and t.door == plain_door(t.asks[0]))
    return tuple(_result(claims, world, trial, outcome, gone) for trial, outcome in pairs)


def _is_hidden(outcome: Outcome) -> bool:
    """ENOSYS says that the kernel has no such call: programs then take an older one (`openat` where there is no `openat2`)."""
    return outcome.answer is Answer.REFUSED and outcome.errno == "ENOSYS"


def _result(claims: Claims, world: World, trial: Trial, outcome: Outcome, gone: frozenset[Operation]) -> Result:
    """`gone` are the operations whose plain door is hidden too: nothing is left to fall back on."""
    match outcome.answer:
        case Answer.NONE:
            return Result(trial, outcome, Mark.NONE)
        case Answer.MOOT:
            return Result(trial, outcome, Mark.MOOT)
        case _:
            pass
    refusals = [answer for probe in trial.asks for answer in judgements(claims.plan, probe) if not answer.allowed]
    done = outcome.answer is Answer.DONE
    if trial.alias and not _as_named(outcome, refusals):
        return _finding(trial, outcome, refusals)
    if refusals:
        return _denied(claims, world, trial, outcome, refusals[0])
    if not done and (trial.door == BY_HANDLE or (trial.door == PRIVILEGED and outcome.errno == "EPERM")):
        return Result(trial, outcome, Mark.FINDING, None, "this layer takes the privilege that the door needs")
    if _is_hidden(outcome) and trial.asks[0].operation not in gone:
        return Result(trial, outcome, Mark.FINDING, None, "this layer hides the door's system call; the operation has another")
    if not done:
        return _refused(claims, trial, outcome)
    deciding = (answer.index for answer in judgements(claims.plan, trial.asks[0]) if answer.index is not None)
    return Result(trial, outcome, Mark.AGREED, next(deciding, None))


def _as_named(outcome: Outcome, refusals: list[Judgement]) -> bool:
    """Whether what came of an alias is what the names say."""
    return outcome.answer is Answer.DONE if not refusals else outcome.answer in (Answer.REFUSED, Answer.KILLED)


def _finding(trial: Trial, outcome: Outcome, refusals: list[Judgement]) -> Result:
    sentence = "by an alias, which no name decides" if refusals else "refused by an alias, though no name is denied"
    return Result(trial, outcome, Mark.FINDING, refusals[0].index if refusals else None, sentence)


# -- denied by the policy --


def _denied(claims: Claims, world: World, trial: Trial, outcome: Outcome, first: Judgement) -> Result:
    """Held, let through as was said, or a leak. What "succeeded" without an effect is WEAKER (semantics §5)."""
    if outcome.answer in (Answer.REFUSED, Answer.KILLED):
        return Result(trial, outcome, Mark.AGREED, first.index)
    leaks = list(_let_through(claims.plan, world, trial, outcome))
    excuses = [confession(claims, probe, answer) for probe, answer in leaks]
    if not excuses:
        moved = trial.asks[0].operation in MOVES
        sentence = "moved, and as closed as it was" if moved else "only the lab's own file was denied"
        return Result(trial, outcome, Mark.AGREED, first.index, sentence)
    worst = next((excuse for excuse in excuses if not excuse.holds), excuses[0])
    wrong = Mark.SILENT if outcome.answer is Answer.SILENT else Mark.LEAK
    return Result(trial, outcome, Mark.WEAK if worst.holds else wrong, worst.row, worst.sentence)


OWN = (SCRIPT, SOURCE)


def _let_through(plan: Plan, world: World, trial: Trial, outcome: Outcome) -> Iterator[tuple[Probe, Judgement]]:
    """The denials that what was done goes against; a move is judged by what could be done after it. Reading the
    lab's own script or nameless source may be refused where reading is denied, and goes against nothing where it is not."""
    done = dict(zip(trial.follow, outcome.follow, strict=False))
    for probe in trial.asks:
        if probe.operation in MOVES:
            for gain in gains(plan, probe, world):
                if gain.tried is None or done.get(gain.tried, True):
                    yield probe, gain.answer
        elif probe.object not in OWN or probe.operation is not Operation.READ:
            yield from ((probe, answer) for answer in judgements(plan, probe) if not answer.allowed)


def confession(claims: Claims, probe: Probe, answer: Judgement) -> Excuse:
    """Whether the row that denies had said that this may be let through."""
    assert answer.index is not None
    if probe.operation in claims.blind.get(answer.index, ()):
        return Excuse(True, answer.index, f"this layer does not see `{probe.operation}`")
    for finding in claims.of(answer.index):
        if confesses(finding, answer.effect, probe):
            return Excuse(True, answer.index, finding.reason)
    return Excuse(False, answer.index, promise(claims, answer.index))


def confesses(finding: Finding, effect: Effect | None, probe: Probe) -> bool:
    """Whether a finding says that its row lets `effect` through in such an operation."""
    if finding.verdict not in OPEN:
        return False
    if not finding.effects or effect in finding.effects:
        return True
    named = finding.witness is not None and finding.witness.operation in MOVES
    return probe.operation in MOVES and named


def _lists(finding: Finding, probe: Probe) -> bool:
    return any(lost.holds(probe.operation, probe.object, probe.to) for lost in finding.lost)


def promise(claims: Claims, index: int) -> str:
    """What the report says of a row, in a sentence."""
    row = claims.plan.row_by_index[index]
    blind = "".join(f" −{operation}" for operation in claims.blind.get(index, ()))
    return f"`{row.name}` is {claims.verdict(index)}{blind}"


# -- allowed by the policy --


def _refused(claims: Claims, trial: Trial, outcome: Outcome) -> Result:
    excuses = [loss(claims, probe) for probe in trial.asks]
    best = next((excuse for excuse in excuses if excuse.holds), excuses[0])
    wrong = Mark.SILENT if outcome.answer is Answer.SILENT else Mark.OVER
    return Result(trial, outcome, Mark.LOST if best.holds else wrong, best.row, best.sentence)


def loss(claims: Claims, probe: Probe) -> Excuse:
    """Whether a denying row lists the operation as lost, and the allow row that f names says that it is STRICTER."""
    stricter = [finding for finding in claims.findings if finding.verdict is Verdict.STRICTER]
    listed = [f for f in stricter if claims.plan.row_by_index[f.index].denies and _lists(f, probe)]
    if not listed:
        return Excuse(False, None, "no row says that this is lost")
    named = {answer.index for answer in judgements(claims.plan, probe) if answer.index is not None}
    # each name of a move may be allowed by another rule: which of them lost it cannot be told from outside
    if probe.operation not in MOVES and named and not any(finding.index in named for finding in stricter):
        index = min(named)
        return Excuse(False, index, promise(claims, index))
    return Excuse(True, listed[0].index, listed[0].reason)
