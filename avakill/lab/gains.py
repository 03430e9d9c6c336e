"""What f says a rename or a link gains, and how the lab finds out whether it really did (semantics §2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avakill.backends.judge import KEPT, Judgement, Probe, decide
from avakill.backends.plan import Plan
from avakill.ir.effect import Effect, Operation
from avakill.lab.words import World
from avakill.paths.glob import join, split

MOVES = (Operation.RENAME, Operation.LINK)
ON_A_FILE = {
    Effect.READ: Operation.READ,
    Effect.WRITE: Operation.WRITE,
    Effect.EXEC: Operation.EXEC,
    Effect.DELETE: Operation.UNLINK,
}
ON_A_DIRECTORY = {Effect.READ: Operation.LIST}


@dataclass(frozen=True, slots=True)
class Gain:
    """One denial that a move goes against. `tried` is the operation under the new name that shows it; None: the move itself does.

    A layer that lets the move pass but keeps the object as closed as it was has let nothing through.
    """

    answer: Judgement
    tried: Probe | None = None


def gains(plan: Plan, probe: Probe, world: World) -> Iterator[Gain]:
    """Every gain of a rename or a link, of what exists in the world."""
    assert probe.to is not None
    moves = probe.operation is Operation.RENAME
    yield from _names(plan, probe, moves)
    yield from _kept(plan, world, probe.object, probe.to, ())
    if probe.exchange:
        yield from _names(plan, Probe(probe.operation, probe.to, probe.object), moves)
        yield from _kept(plan, world, probe.to, probe.object, ())
    for below in probe.contents if probe.directory and moves else ():
        yield from _carried(plan, world, probe.object, probe.to, split(below))


def _names(plan: Plan, probe: Probe, moves: bool) -> Iterator[Gain]:
    """The names that change: what is denied of them is denied whatever comes of the object."""
    assert probe.to is not None
    asked = [(Effect.CREATE, probe.to)]
    if moves:
        asked.append((Effect.DELETE, probe.object))
    if moves and (probe.replaces or probe.exchange):
        asked.append((Effect.DELETE, probe.to))
    for effect, path in asked:
        answer = decide(plan, effect, path)
        if not answer.allowed:
            yield Gain(answer)


def _kept(plan: Plan, world: World, old: str, new: str, below: tuple[str, ...]) -> Iterator[Gain]:
    """What may not be done with the object under its old name and may be under the new one."""
    here, there = join((*split(old), *below)), join((*split(new), *below))
    how = ON_A_DIRECTORY if here in world.directories else ON_A_FILE
    for effect in KEPT:
        before = decide(plan, effect, here)
        if effect in how and not before.allowed and decide(plan, effect, there).allowed:
            yield Gain(before, Probe(how[effect], there, directory=here in world.directories))


def _carried(plan: Plan, world: World, old: str, new: str, below: tuple[str, ...]) -> Iterator[Gain]:
    """What a moved directory takes along."""
    yield from _kept(plan, world, old, new, below)
    here, there = join((*split(old), *below)), join((*split(new), *below))
    gone = decide(plan, Effect.DELETE, here)
    if not gone.allowed and here in world.files:
        yield Gain(gone, Probe(Operation.UNLINK, there))
    made = decide(plan, Effect.CREATE, there)
    if not made.allowed and decide(plan, Effect.CREATE, here).allowed:
        yield Gain(made)
