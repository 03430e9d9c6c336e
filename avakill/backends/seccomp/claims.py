"""What a filter that refuses whole effects does to every row: the findings."""

from __future__ import annotations

from collections.abc import Iterator

from avakill.backends.plan import FLOOR, Layer, Plan
from avakill.backends.seccomp.example import Example, examples
from avakill.backends.seccomp.standing import Standing
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.endpoint import Endpoint
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, join

NO_PATHS = "seccomp sees no paths: a name stands behind a pointer, and to refuse the effect everywhere would deny more than the rule"
NO_HOSTS = "seccomp sees no hosts and no ports: an address stands behind a pointer"
NEEDED = {
    Effect.READ: "a process that may open nothing for reading could not start",
    Effect.EXEC: "the runtime loads the filter before the container's own execve, so a profile that refuses it starts nothing",
}
SHADOWED = "a rule above it decides everywhere, so nothing is left for it to deny"
UNDECIDED = "whether the filter keeps what this rule denies could not be decided within the bounds of the search"
STARTING = (
    "runc opens its start fifo for writing after it has loaded the filter, so an open with exactly O_WRONLY|O_CLOEXEC passes "
    "and can overwrite a file that exists"
)
OLD_LIBRARY = "the base allows by default, so a call that the runtime's libseccomp is too old to know passes (setxattrat, file_setattr)"
BIND = {
    Effect.CONNECT: "a socket of an internet family cannot be made at all, so bind, listen and accept are refused too",
    Effect.CREATE: "bind is refused, since a filter cannot tell a unix socket's name from an address and port, and so is "
    "O_CREAT on a file that exists",
}
CLOSED_HOLE = "a filter cannot open the hole of an allow: the effect is refused everywhere"

REAL = {
    Effect.WRITE: Operation.TRUNCATE,
    Effect.ATTR: Operation.ATTR,
    Effect.CREATE: Operation.CREATE,
    Effect.DELETE: Operation.UNLINK,
    Effect.CONNECT: Operation.CONNECT,
}
"""An operation of the effect that is refused by every door."""

LISTENING = Witness(Operation.CONNECT, "bind://0.0.0.0:8080", policy=True, target=False)


def claims(plan: Plan, stands: tuple[Standing, ...], trouble: str | None, leaky: bool) -> Iterator[Finding]:
    """`trouble`: why nothing can be lowered at all; `leaky`: the profile lets calls pass that it does not know."""
    open_: dict[tuple[int, str, Verdict], set[Effect]] = {}
    known: Known = {}
    for stand in stands:
        if stand.is_closed:
            yield from _closed(plan, stand, leaky, known)
        else:
            for layer, reason, verdict in _not_lowered(plan, stand, trouble):
                open_.setdefault((layer.index, reason, verdict), set()).add(stand.effect)
    for (index, reason, verdict), effects in open_.items():
        yield Finding(index, verdict, reason, frozenset(effects), span=plan.row_by_index[index].span)


# -- nothing emitted --


def _not_lowered(plan: Plan, stand: Standing, trouble: str | None) -> Iterator[tuple[Layer, str, Verdict]]:
    parts = NO_HOSTS if stand.effect is Effect.CONNECT else NO_PATHS
    for layer in stand.above:
        if layer.denies:
            yield layer, trouble or parts, Verdict.UNENFORCEABLE
    if stand.total is not None and stand.total.denies:
        yield stand.total, trouble or _why_open(plan, stand), Verdict.UNENFORCEABLE
    for layer in stand.below:
        if layer.denies:
            yield layer, SHADOWED, Verdict.EXACT


def _why_open(plan: Plan, stand: Standing) -> str:
    if stand.effect in NEEDED:
        return NEEDED[stand.effect]
    hole = next((layer for layer in stand.holes if layer.index != FLOOR), None)
    if hole is None:
        return "the base profile tests the same arguments in a way that cannot be merged with"
    name = plan.row_by_index[hole.index].name
    unseen = "hosts or ports" if stand.effect is Effect.CONNECT else "paths"
    return f"rule `{name}` above allows a part of it and seccomp sees no {unseen}: only `--strict` refuses the part too"


# -- refused everywhere --


Known = dict[object, tuple[Example, ...]]
"""The examples of a list of layers: effects of the same rules share them."""


def _examples(stand: Standing, denies_too: bool, known: Known) -> tuple[Example, ...]:
    assert stand.total is not None
    layers = (*stand.above, stand.total)
    regions = tuple((layer.index, layer.denies, id(layer.region)) for layer in layers)
    key = (stand.effect is Effect.CONNECT, denies_too, regions)
    if key not in known:
        known[key] = tuple(examples(stand.effect, layers, denies_too))
    return known[key]


def _closed(plan: Plan, stand: Standing, leaky: bool, known: Known) -> Iterator[Finding]:
    assert stand.total is not None
    only, total = frozenset({stand.effect}), stand.total
    leak = STARTING if stand.effect is Effect.WRITE else OLD_LIBRARY if leaky and stand.effect is Effect.ATTR else None
    if stand.effect in BIND:
        lost = Lost((Operation.CONNECT,), "bind://*", True)
        yield Finding(total.index, Verdict.STRICTER, BIND[stand.effect], only, LISTENING, (lost,), total.span)
    holes: list[Example] = []
    for example in _examples(stand, leak is not None, known):
        if not example.layer.denies:
            holes.append(example)
        elif leak is not None:
            yield from _leaks(stand.effect, example, leak)
    yield from _lost_holes(plan, stand, holes)
    for layer in stand.below:
        if layer.denies:
            yield Finding(layer.index, Verdict.EXACT, SHADOWED, only, span=layer.span)


def _leaks(effect: Effect, example: Example, reason: str) -> Iterator[Finding]:
    only, layer = frozenset({effect}), example.layer
    if example.thing is not None:
        found = Witness(OPERATIONS_OF[effect][0], example.thing, policy=False, target=True)
        yield Finding(layer.index, Verdict.WEAKER, reason, only, found, span=layer.span)
    elif not example.is_sure:
        yield Finding(layer.index, Verdict.UNENFORCEABLE, UNDECIDED, only, span=layer.span)


def _lost_holes(plan: Plan, stand: Standing, holes: list[Example]) -> Iterator[Finding]:
    """An over-denial is charged to the allow whose hole is closed, and to the deny without which it would be open."""
    assert stand.total is not None
    only = frozenset({stand.effect})
    everything: dict[Lost, None] = {}
    first: Witness | None = None
    for hole in holes:
        lost, span = _lost(stand.effect, hole.layer), plan.row_by_index[hole.layer.index].span
        everything.update(dict.fromkeys(lost))
        if hole.thing is not None:
            found = Witness(REAL[stand.effect], hole.thing, policy=True, target=False)
            first = first or found
            yield Finding(hole.layer.index, Verdict.STRICTER, CLOSED_HOLE, only, found, lost, span)
        elif not hole.is_sure:
            yield Finding(hole.layer.index, Verdict.UNENFORCEABLE, UNDECIDED, only, span=span)
    if first is not None:
        total = stand.total
        yield Finding(total.index, Verdict.STRICTER, CLOSED_HOLE, only, first, tuple(everything), total.span)


def _lost(effect: Effect, layer: Layer) -> tuple[Lost, ...]:
    operations = OPERATIONS_OF[effect] + ((Operation.RENAME,) if effect is Effect.CREATE else ())
    return tuple(dict.fromkeys(Lost(operations, *_place(piece.within)) for piece in layer.region.pieces))


def _place(within: tuple[Pattern | Endpoint, ...]) -> tuple[str, bool]:
    """A place that holds the whole piece, and whether what is below it is lost too."""
    if any(isinstance(atom, Endpoint) for atom in within):
        return "*", True
    globs = [atom for atom in within if isinstance(atom, Glob)]
    best = max(globs, key=lambda glob: len(glob.literal_prefix), default=None)
    if best is None:
        return "/", True
    return join(best.literal_prefix), best.below or not best.is_literal
