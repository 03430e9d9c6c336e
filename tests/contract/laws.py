"""The law of verdicts as code: an artifact's oracle is compared with f and with every claim (semantics §5, §7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from avakill.backends.contract import Lowering
from avakill.backends.judge import Judgement, Probe, _below, decide, judge, judgements
from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Finding, Verdict, Witness, combine
from avakill.lab.compare import confesses
from avakill.paths.automaton import Pattern, Undecided
from avakill.paths.automaton import witness as witness_of
from avakill.paths.glob import Glob, split, tree
from tests.contract.generate import TARGET, plans, policies
from tests.contract.probes import parent, probes
from tests.contract.world import World, make_world

__all__ = ["TARGET", "World", "contradictions", "make_world", "plans", "policies", "probes", "verdicts"]

TAKEN = {
    Effect.READ: Operation.READ,
    Effect.WRITE: Operation.WRITE,
    Effect.EXEC: Operation.EXEC,
    Effect.DELETE: Operation.UNLINK,
}
"""What a moved directory could take along, and how that is tried at the new name."""

NAME_OPERATIONS = (Operation.RENAME, Operation.LINK)


def verdicts(plan: Plan, lowering: Lowering[Any]) -> dict[int, Verdict]:
    """Each row's verdict by the backend's own findings."""
    return {row.index: combine(row.effects, _of(lowering, row.index)) for row in plan.rows}


def count_verdicts(counter: Counter[str], plan: Plan, lowering: Lowering[Any]) -> None:
    counter.update(str(verdict) for index, verdict in verdicts(plan, lowering).items() if plan.row_by_index[index].denies)


def contradictions(
    plan: Plan, lowering: Lowering[Any], allows: Callable[[Probe], bool], asked: tuple[Probe, ...] | None = None
) -> list[str]:
    """Every way in which the oracle's answers differ from f without a claim that says so, as sentences."""
    result = [*_ill_formed(plan, lowering)]
    for probe in asked if asked is not None else probes(plan):
        answers = judgements(plan, probe)
        wanted = all(answer.allowed for answer in answers)
        got = allows(probe)
        if got and not wanted:
            result.extend(_leaks(plan, lowering, probe, tuple(_let_through(plan, probe, answers, allows))))
        elif wanted and not got:
            result.extend(_over_denials(plan, lowering, probe, answers))
    for finding in lowering.findings:
        if finding.witness is not None and not _is_real(plan, finding, allows):
            result.append(f"row {finding.index}: witness is not real: {finding.verdict} {finding.witness} ({finding.reason})")
    return result


def _of(lowering: Lowering[Any], index: int) -> Iterator[Finding]:
    return (finding for finding in lowering.findings if finding.index == index)


def _ill_formed(plan: Plan, lowering: Lowering[Any]) -> Iterator[str]:
    for finding in lowering.findings:
        if finding.index not in plan.row_by_index:
            yield f"a finding for row {finding.index}, which does not exist: {finding.reason}"
        if finding.verdict is Verdict.STRICTER and (finding.witness is None or not finding.lost):
            yield f"row {finding.index}: STRICTER without a witness or a lost place: {finding.reason}"
        if finding.verdict is Verdict.WEAKER and finding.witness is None:
            yield f"row {finding.index}: WEAKER without a witness: {finding.reason}"


def _let_through(plan: Plan, probe: Probe, answers: tuple[Judgement, ...], allows: Callable[[Probe], bool]) -> Iterator[Judgement]:
    """The answers that an allowed operation goes against. What a moved directory takes along, and is as closed under its
    new name as it was under the old one, was not let through (semantics §2)."""
    if probe.operation is not Operation.RENAME or not probe.directory or probe.exchange or probe.to is None:
        yield from answers
        return
    yield from judgements(plan, replace(probe, directory=False, contents=()))
    for below in _below(plan, probe.object, probe.contents):
        here, there = f"{probe.object.rstrip('/')}/{below}", f"{probe.to.rstrip('/')}/{below}"
        for effect, operation in TAKEN.items():
            answer = decide(plan, effect, here)
            if not answer.allowed and allows(Probe(operation, there)):
                yield answer
        answer = decide(plan, Effect.CREATE, there)
        if not answer.allowed and allows(Probe(Operation.CREATE, here)):
            yield answer


def _leaks(plan: Plan, lowering: Lowering[Any], probe: Probe, answers: tuple[Judgement, ...]) -> Iterator[str]:
    for answer in answers:
        if answer.allowed or answer.index is None:
            continue
        blind = probe.operation in lowering.blind.get(answer.index, ())
        if not blind and not any(confesses(f, answer.effect, probe) for f in _of(lowering, answer.index)):
            yield f"LEAK row {answer.index} ({plan.row_by_index[answer.index].name}) {answer.effect}: {probe}"


def _over_denials(plan: Plan, lowering: Lowering[Any], probe: Probe, answers: tuple[Judgement, ...]) -> Iterator[str]:
    stricter = [f for f in lowering.findings if f.verdict is Verdict.STRICTER]
    listed = [f for f in stricter if any(lost.holds(probe.operation, probe.object, probe.to) for lost in f.lost)]
    if not any(plan.row_by_index[f.index].denies for f in listed):
        yield f"OVER {probe}: no denying row lists it"
    named = {answer.index for answer in answers if answer.index is not None}
    if probe.operation in NAME_OPERATIONS:
        return  # each name of a move may be allowed by another rule: which of them lost it cannot be told from outside
    if named and not any(f.index in named for f in lowering.findings if f.verdict is Verdict.STRICTER):
        yield f"OVER {probe}: the allow row that f names ({sorted(named)}) does not claim STRICTER"


def _is_real(plan: Plan, finding: Finding, allows: Callable[[Probe], bool]) -> bool:
    witness = finding.witness
    assert witness is not None
    return any(judge(plan, probe).allowed == witness.policy and allows(probe) == witness.target for probe in _as_probes(plan, witness))


def _as_probes(plan: Plan, witness: Witness) -> Iterator[Probe]:
    """The probes that a witness may mean: it does not say whether its object is a directory, nor what is in it."""
    world = make_world(plan)
    both = (False, True)
    if witness.operation in NAME_OPERATIONS:
        contents = (*world.below(witness.object), *_examples_below(plan, witness.object))
        for directory in both:
            for replaces in (False,) if witness.exchange else both:
                for held in dict.fromkeys((contents if directory else (), ())):
                    yield Probe(
                        witness.operation,
                        witness.object,
                        witness.to or f"{parent(witness.object).rstrip('/')}/moved",
                        directory,
                        replaces,
                        witness.exchange,
                        contents=held,
                    )
        return
    for directory in both:
        yield Probe(witness.operation, witness.object, directory=directory)


def _examples_below(plan: Plan, path: str) -> Iterator[str]:
    for effect in (Effect.READ, Effect.WRITE, Effect.EXEC, Effect.DELETE, Effect.CREATE):
        for layer in plan.layers[effect]:
            for piece in layer.region.pieces:
                found = _searched_below(piece, path)
                if found is not None and found != path:
                    yield "/".join(split(found)[len(split(path)) :])


@lru_cache(maxsize=1 << 15)
def _searched_below(piece: Piece[Any], path: str) -> str | None:
    """Something of the piece below a path; the same piece stands in the layers of many effects."""
    if not all(_may_meet(atom, split(path)) for atom in piece.within):
        return None
    try:
        return witness_of((*piece.within, tree(path)), piece.without, frozenset({path}))
    except Undecided:
        return None


def _may_meet(atom: Pattern, names: tuple[str, ...]) -> bool:
    """Whether the literal beginnings of a pattern and a path do not part ways."""
    prefix = atom.literal_prefix
    shared = min(len(prefix), len(names))
    return (isinstance(atom, Glob) and atom.fold) or prefix[:shared] == names[:shared]
