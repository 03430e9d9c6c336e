"""Layers to labels: each object bears one, so first match is resolved before it is put on."""

from __future__ import annotations

from collections.abc import Iterator

from avakill.backends.contract import Lowering, Settings
from avakill.backends.plan import FLOOR_DEVICES, Plan
from avakill.backends.selinux import claims as say
from avakill.backends.selinux import crowd
from avakill.backends.selinux.cells import Cell, alone, cells, contexts, example
from avakill.backends.selinux.claims import Claims
from avakill.backends.selinux.ground import Ground, ground
from avakill.backends.selinux.judged import claim_later, claim_node, claim_reading, node_label
from avakill.backends.selinux.model import Closed, Context, DeviceGrant, Model, Transition
from avakill.backends.selinux.network import lower_network
from avakill.backends.selinux.quoting import Unsayable, regex
from avakill.backends.selinux.units import Node, Unit, effects_in, instance, is_floor_device, nodes_of, settle, units_of
from avakill.ir.effect import FILE_EFFECTS, OPERATIONS_OF
from avakill.paths.automaton import Pattern, Undecided
from avakill.paths.glob import Glob, Wildcard, join
from avakill.paths.substring import Substring

DEVICE_TYPES = dict(
    zip(
        FLOOR_DEVICES,
        ("null_device_t", "zero_device_t", "null_device_t", "random_device_t", "urandom_device_t", "devtty_t", "ptmx_t"),
        strict=True,
    )
)
"""The types that Debian's policy gives the devices of the runtime floor (seen with matchpathcon)."""
TERMINALS = ("devpts_t", "user_devpts_t")


def lower(plan: Plan, settings: Settings) -> Lowering[Model]:
    """Every effect's layers to file contexts, base grants and sockets, and what that loses or adds."""
    claims = Claims(plan)
    units = tuple(_sayable(claims, units_of(plan)))
    nodes = nodes_of(units)
    over = ground(nodes, tuple(unit for unit in units if not unit.literal))
    base = nodes[0].closed_below
    found = cells(over) if over.patterns else ()
    lines: tuple[Context, ...]
    if found is not None:
        lines = (*_trees(nodes), *contexts(found), *_alone(over))
        _claim_all(claims, plan, over, found)
    else:
        lines = crowd.lines(claims, plan, over)
    devices, spared = _devices(over, base)
    network = lower_network(plan, claims)
    model = Model(
        contexts=(*(line for line in lines if not _is_device(line)), *spared),
        base=base,
        network=network,
        devices=devices,
        transitions=tuple(_transitions(units)),
        policy_path=plan.policy.path,
        policy_sha256=plan.policy.sha256,
        options=_options(plan),
    )
    _inform(claims, plan, model)
    facts = {"existing": "unknown" if plan.target.existing is None else "known"}
    return Lowering(model, claims.findings(), {}, facts)  # blind to no operation


def _options(plan: Plan) -> str:
    strict = "strict" if plan.options.strict else "not strict"
    return f"scope {plan.options.scope}, {strict}, {'with' if plan.options.floor else 'without'} the runtime floor"


def _sayable(claims: Claims, units: tuple[Unit, ...]) -> Iterator[Unit]:
    for unit in units:
        try:
            for pattern in (*unit.piece.within, *unit.piece.without):
                regex(pattern)
        except Unsayable:
            effects = effects_in(unit.effects)
            if unit.denies:
                claims.unenforceable(unit.index, say.UNSAYABLE, effects)
            else:
                at = instance(unit.piece.within[0]) if unit.piece.within else None
                for effect in sorted(effects):
                    claims.stricter((unit.index,), say.UNSAYABLE, effect, OPERATIONS_OF[effect], join(unit.prefix), True, at or "/")
        else:
            yield unit


# -- lines --


def _trees(nodes: tuple[Node, ...]) -> Iterator[Context]:
    """A line for each tree that differs from what it stands in."""
    for node in nodes[1:]:
        assert node.parent is not None
        if node.below is node.parent.below:
            continue
        if node.closed_below != node.parent.closed_below:
            yield Context((Glob(node.path, below=True),), (), node.closed_below, origin=node.span)


def _alone(over: Ground) -> Iterator[Context]:
    """A line for each literal path that differs from what its line would give it."""
    for node in over.nodes[1:]:
        closed = node_label(over, node)
        if closed != node.closed_below or (over.patterns and over.holders(join(node.path))):
            yield from alone(over, node, closed)


def _is_device(line: Context) -> bool:
    """A device of the runtime floor keeps its type: every program on the system needs it."""
    only = line.within[0] if len(line.within) == 1 and not line.without else None
    if not isinstance(only, Glob) or only.parts[:1] != ("dev",) or not only.is_literal:
        return False
    path = join(only.literal_prefix)
    return path in DEVICE_TYPES or path == "/dev/pts"


def _devices(over: Ground, base: int) -> tuple[tuple[DeviceGrant, ...], tuple[Context, ...]]:
    """Grants by the types that devices have, and lines that keep every other line off them."""
    closed: dict[str, int] = {}
    spared: list[Context] = []
    for path, type_ in DEVICE_TYPES.items():
        node = over.by_path.get(tuple(path.split("/")[1:]))
        if node is not None:
            closed[type_] = closed.get(type_, Closed.NOTHING) | node_label(over, node)
            spared.append(Context((Glob(node.path),), (), None, kind="-c", type=type_))
    terminals = over.by_path.get(("dev", "pts"))
    if terminals is not None:
        closed.update(dict.fromkeys(TERMINALS, terminals.closed_below))
        spared.append(Context((Glob(terminals.path, below=True),), (), None))
    grants = tuple(DeviceGrant(type_, mine) for type_, mine in closed.items() if mine != base)
    labelled = bool(over.patterns) or _is_ruled(over)
    return grants, tuple(spared) if labelled else ()


def _is_ruled(over: Ground) -> bool:
    """Whether some rule beside the floor is about devices by name."""
    return any(unit.index >= 0 for node in over.nodes if node.path[:1] == ("dev",) for unit in (*node.enter, *node.enter_alone))


MAX_TRANSITIONS = 16


def _transitions(units: tuple[Unit, ...]) -> Iterator[Transition]:
    """`/**/.env`: what the agent makes under that exact name is labelled from the start, unless a rule above may allow it."""
    seen: set[str] = set()
    for unit in units:
        if unit.denies and len(seen) < MAX_TRANSITIONS:
            for name in _exact_names(unit):
                if name not in seen:
                    seen.add(name)
                    if not _is_opened(units, unit, name):
                        yield Transition(name, unit.effects, unit.span)


def _exact_names(unit: Unit) -> Iterator[str]:
    match unit.piece.within, unit.piece.without:
        case (Glob(parts=(Wildcard.DEEP, str(name)), fold=False, below=False),), ():
            if name.isascii() and all(char.isalnum() or char in "._-" for char in name):
                yield name
        case _:
            return


def _is_opened(units: tuple[Unit, ...], unit: Unit, name: str) -> bool:
    """Whether a hole may hold what is made under the name: a transition knows no paths, and would close it there too."""
    lost = unit.effects & Closed.CREATE or unit.effects
    above = (hole for hole in units if hole.rank < unit.rank and not hole.denies and hole.effects & lost)
    return any(not is_floor_device(hole) and all(_may_end(atom, name) for atom in hole.piece.within) for hole in above)


def _may_end(pattern: Pattern, name: str) -> bool:
    """Whether it may hold a path of that last name."""
    if isinstance(pattern, Substring) or pattern.below or not pattern.parts:
        return True
    return Glob(pattern.parts[-1:], fold=pattern.fold).holds(f"/{name}")


# -- claims --


def _claim_all(claims: Claims, plan: Plan, over: Ground, found: tuple[Cell, ...]) -> None:
    existing = None if plan.target.existing is None else frozenset(plan.target.existing)
    for node in over.nodes:
        if join(node.path) not in DEVICE_TYPES:
            claim_node(claims, over, node, None if existing is None else join(node.path) in existing)
    for cell in found:
        place = join(cell.overlap.prefix)
        here = over.here(cell.sample)
        claim_reading(claims, here, settle(here), place, cell.sample)
        claim_later(claims, over, cell.sample, place, absent=False)
        claim_later(claims, over, f"{cell.sample}/avakill-later", place, absent=False)
    for unit in over.patterns:
        _claim_exceptions(claims, over, unit)


def _claim_exceptions(claims: Claims, over: Ground, unit: Unit) -> None:
    """What a pattern leaves out, and what lies below that."""
    for pattern in unit.piece.without:
        try:
            sample = example((*unit.piece.within, pattern), ())
        except Undecided:
            sample = instance(pattern)
        if sample is not None:
            place = join(unit.prefix)
            claim_later(claims, over, sample, place, absent=False)
            claim_later(claims, over, f"{sample}/avakill-later", place, absent=False)


def _inform(claims: Claims, plan: Plan, model: Model) -> None:
    if not model.contexts:
        return
    on_paths = {layer.index for effect in FILE_EFFECTS for layer in plan.layers[effect] if layer.denies}
    for row in plan.rows:
        if row.index in on_paths:
            claims.note(row.index, say.RELABELLED)
