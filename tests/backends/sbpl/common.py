"""What the tests of this backend share: a plan put through it, and the oracle's answer by the law."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from avakill.backends.contract import Lowering, Settings
from avakill.backends.judge import KEPT, Judgement, Probe, _below, decide, judgements
from avakill.backends.plan import Plan
from avakill.backends.sbpl import BACKEND
from avakill.backends.sbpl.model import Model
from avakill.ir.effect import Effect, Operation
from tests.contract.laws import _leaks, _over_denials, contradictions
from tests.contract.probes import probes
from tests.oracles.sbpl import Profile, load

MOVES = (Operation.RENAME, Operation.LINK)


def compiled(plan: Plan) -> tuple[Lowering[Model], str]:
    lowering = BACKEND.lower(plan, Settings())
    (artifact,) = BACKEND.emit(lowering.model)
    return lowering, artifact.text


def loaded(plan: Plan, text: str) -> Profile:
    return load(text, {"HOME": plan.target.home, "WORKSPACE": plan.target.workspace})


def disagreements(plan: Plan, lowering: Lowering[Model], profile: Profile) -> list[str]:
    """All that the laws find; directory moves content by content, because one that leaves an object as closed as it was
    under its old name has let nothing of it through (semantics §2)."""
    every = asked(plan)
    moves = tuple(probe for probe in every if probe.operation is Operation.RENAME and probe.directory)
    found = contradictions(plan, lowering, profile.allows, tuple(probe for probe in every if probe not in moves))
    for probe in moves:
        answers = judgements(plan, probe)
        wanted = all(answer.allowed for answer in answers)
        if wanted and not profile.allows(probe):
            found.extend(_over_denials(plan, lowering, probe, answers))
        elif not wanted and profile.allows(probe):
            found.extend(_leaks(plan, lowering, probe, tuple(_let_through(plan, profile, probe))))
    return found


def _let_through(plan: Plan, profile: Profile, probe: Probe) -> Iterator[Judgement]:
    """The answers against a directory's move that the kernel's passing it really goes against."""
    assert probe.to is not None
    yield from judgements(plan, replace(probe, directory=False, contents=()))
    for below in _below(plan, probe.object, probe.contents):
        here, there = f"{probe.object.rstrip('/')}/{below}", f"{probe.to.rstrip('/')}/{below}"
        for effect in (*KEPT, Effect.DELETE):
            if profile.permits_at(WORDS[effect], there):
                yield decide(plan, effect, here)
        if profile.permits_at("file-write-create", here):
            yield decide(plan, Effect.CREATE, there)


WORDS = {
    Effect.READ: "file-read-data",
    Effect.WRITE: "file-write-data",
    Effect.EXEC: "process-exec",
    Effect.DELETE: "file-write-unlink",
}


def asked(plan: Plan) -> tuple[Probe, ...]:
    """The probes; without moves in or out of /dev, which is a file system of its own: no kernel makes them."""
    return tuple(probe for probe in probes(plan) if probe.operation not in MOVES or _in_dev(probe.object) == _in_dev(probe.to))


def _in_dev(path: str | None) -> bool:
    return path is not None and (path == "/dev" or path.startswith("/dev/"))
