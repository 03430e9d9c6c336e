"""The function f: what the policy, as layers, says of one operation of a confined process (semantics §2, §3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avakill.backends.plan import Layer, Plan
from avakill.ir.effect import EFFECT_OF, Effect, Operation
from avakill.paths.glob import Glob, join, split

KEPT = (Effect.READ, Effect.WRITE, Effect.EXEC)
"""What a rename or a link must not gain for the object."""

BIND = "bind://"
"""`bind://HOST:PORT`, the object of a socket made to listen there: no effect of semantics §2, so f never denies it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One operation to ask about. For RENAME and LINK `to` is the new name, and `exchange` swaps the two.

    `directory` says whether the object (for RENAME also what is moved) is a directory; `replaces` that something exists
    at `to`; `contents` are the paths that exist below a moved directory, relative to it (`.env`, `a/b`).
    """

    operation: Operation
    object: str
    to: str | None = None
    directory: bool = False
    replaces: bool = False
    exchange: bool = False
    contents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether f allows it, and the row and effect that decided (None: no layer does, so it is allowed)."""

    allowed: bool
    index: int | None = None
    effect: Effect | None = None


ALLOWED = Judgement(True)


def decide(plan: Plan, effect: Effect, thing: str) -> Judgement:
    """f(effect, object): the first layer whose region holds the object decides."""
    if effect is Effect.CONNECT and thing.startswith(BIND):
        return Judgement(True, None, effect)
    known = plan.answers.get((effect, thing))
    if known is None:
        layer = next((layer for layer in plan.layers[effect] if layer.region.holds(thing)), None)
        known = (True, None) if layer is None else (not layer.denies, layer.index)
        plan.answers[effect, thing] = known
    return Judgement(*known, effect)


def judge(plan: Plan, probe: Probe) -> Judgement:
    """f for a whole operation: for rename and link each name that changes, and that nothing is gained."""
    answers = judgements(plan, probe)
    return next((answer for answer in answers if not answer.allowed), answers[0] if answers else ALLOWED)


def judgements(plan: Plan, probe: Probe) -> tuple[Judgement, ...]:
    """All answers that the operation depends on: it is allowed when each of them allows."""
    if probe.operation not in (Operation.RENAME, Operation.LINK):
        return (decide(plan, EFFECT_OF[probe.operation], probe.object),)
    assert probe.to is not None
    asked = [*_asked(plan, probe, probe.object, probe.to, probe.contents)]
    if probe.exchange:
        asked += _asked(plan, probe, probe.to, probe.object, ())
    return tuple(asked)


def _asked(plan: Plan, probe: Probe, old: str, new: str, contents: tuple[str, ...]) -> Iterator[Judgement]:
    """Every answer that the move or link of `old` to `new` depends on."""
    moves = probe.operation is Operation.RENAME
    for below in ("", *(_below(plan, old, contents) if probe.directory and moves else ())):
        here, there = _under(old, below), _under(new, below)
        if moves:
            yield decide(plan, Effect.DELETE, here)
        yield decide(plan, Effect.CREATE, there)
        if below == "" and (probe.replaces or probe.exchange) and moves:
            yield decide(plan, Effect.DELETE, there)
        for effect in KEPT:
            before = decide(plan, effect, here)
            if not before.allowed and decide(plan, effect, there).allowed:
                yield before


def _under(path: str, below: str) -> str:
    return join((*split(path), *split(below)) if below else split(path))


def _below(plan: Plan, old: str, contents: tuple[str, ...]) -> tuple[str, ...]:
    """What exists below a moved directory; a denied literal path counts as existing, so its ancestors cannot move."""
    found = dict.fromkeys(contents)
    names = split(old)
    for effect in (*KEPT, Effect.DELETE, Effect.CREATE):
        for layer in plan.layers[effect]:
            for path in literal_denials(layer):
                if len(path) > len(names) and path[: len(names)] == names:
                    found["/".join(path[len(names) :])] = None
    return tuple(found)


def literal_denials(layer: Layer) -> Iterator[tuple[str, ...]]:
    """The literal paths and trees that a denying layer names, as components."""
    if layer.denies:
        for piece in layer.region.pieces:
            for atom in piece.within:
                if isinstance(atom, Glob) and atom.is_literal:
                    yield atom.literal_prefix
