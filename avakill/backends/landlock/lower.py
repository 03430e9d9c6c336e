"""The ordered layers to the symbolic plan, with every finding that holds on any file system."""

from __future__ import annotations

from collections.abc import Iterator

from avakill.backends.contract import Json, Lowering, Settings
from avakill.backends.landlock.claims import Claims
from avakill.backends.landlock.example import paths_in
from avakill.backends.landlock.field import BIT, Field
from avakill.backends.landlock.ground import Ground
from avakill.backends.landlock.model import Entry, Model, Network, Order
from avakill.backends.landlock.network import lower_network
from avakill.backends.landlock.rights import REFER_ABI, TRUNCATE_ABI
from avakill.backends.landlock.runner import Runner
from avakill.backends.plan import Layer, Plan
from avakill.ir.effect import EFFECT_OF, FILE_EFFECTS, Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness

NO_LANDLOCK = "this target has no Landlock: nothing can be applied"
NO_ATTR = "landlock does not mediate chmod, chown, utimes or setxattr, and the rule denies nothing else"
NO_TRUNCATE = "landlock knows truncation from ABI 3 (Linux 6.2) on: truncate(2) and O_TRUNC empty a file that may not be written"
NO_REFER = "before ABI 2 (Linux 5.19) landlock refuses every rename and link from one directory to another"
ATTR = frozenset({Effect.ATTR})


def lower(plan: Plan, settings: Settings) -> Lowering[Model]:
    """Pure and total. Nothing in `settings` concerns Landlock."""
    facts: dict[str, Json] = {"abi": plan.target.landlock_abi, "home": plan.target.home, "workspace": plan.target.workspace}
    if plan.target.landlock_abi < 1:
        return Lowering(_model(plan, None, None), tuple(_without_landlock(plan)), {}, facts)
    kept = _kept(plan)
    network, findings = lower_network(plan)
    found = [*findings, *_only_attr(plan)]
    ground = Ground(kept)
    runner = Runner(plan, ground, frozenset(kept))
    found.extend(Claims(ground, runner.runs, sum(BIT[effect] for effect in kept)).findings())
    found.extend(runner.findings())
    found.extend(_of_old_kernels(plan, kept))
    return Lowering(_model(plan, ground.field, network), tuple(found), _blind(plan), facts)


def _blind(plan: Plan) -> dict[int, tuple[Operation, ...]]:
    """All that Landlock does not mediate is ATTR."""
    missing = tuple(operation for operation in Operation if EFFECT_OF[operation] is Effect.ATTR)
    return {row.index: missing for row in plan.rows if row.denies and Effect.ATTR in row.effects}


def _kept(plan: Plan) -> dict[Effect, tuple[Layer, ...]]:
    """The layers of each effect that Landlock mediates and that some layer denies."""
    kept: dict[Effect, tuple[Layer, ...]] = {}
    whole: dict[int, bool] = {}
    for effect in FILE_EFFECTS:
        layers = _live(plan.layers[effect], whole)
        if effect is not Effect.ATTR and any(layer.denies for layer in layers):
            kept[effect] = layers
    return kept


def _live(layers: tuple[Layer, ...], whole: dict[int, bool]) -> tuple[Layer, ...]:
    """Without what stands below a layer that decides everything; `whole` remembers which regions do."""
    for number, layer in enumerate(layers):
        known = whole.get(id(layer.region))
        if known is None:
            known = whole[id(layer.region)] = layer.region.is_everything
        if known:
            return layers[: number + 1]
    return layers


def _without_landlock(plan: Plan) -> Iterator[Finding]:
    for row in plan.rows:
        if row.denies and row.effects:
            yield Finding(row.index, Verdict.UNENFORCEABLE, NO_LANDLOCK, span=row.span)


def _only_attr(plan: Plan) -> Iterator[Finding]:
    for row in plan.rows:
        if row.denies and row.effects == ATTR:
            yield Finding(row.index, Verdict.UNENFORCEABLE, NO_ATTR, ATTR, span=row.span)


def _of_old_kernels(plan: Plan, kept: dict[Effect, tuple[Layer, ...]]) -> Iterator[Finding]:
    abi = plan.target.landlock_abi
    if abi < TRUNCATE_ABI:
        for layer in kept.get(Effect.WRITE, ()):
            if layer.denies:
                yield from _truncates(plan, layer)
    if abi < REFER_ABI:
        for index, span in {layer.index: layer.span for layers in kept.values() for layer in layers}.items():
            row = plan.row_by_index[index]
            found = Witness(Operation.RENAME, "/avakill-a/x", True, False, to="/avakill-b/x")
            lost = (Lost((Operation.RENAME, Operation.LINK), "/", True),)
            yield Finding(index, Verdict.STRICTER, NO_REFER, row.effects - ATTR, found, lost, span)


def _truncates(plan: Plan, layer: Layer) -> Iterator[Finding]:
    for piece in layer.region.pieces:
        for path in paths_in(piece):
            found = Witness(Operation.TRUNCATE, path, False, True)
            yield Finding(layer.index, Verdict.WEAKER, NO_TRUNCATE, frozenset({Effect.WRITE}), found, span=layer.span)
            return


def _model(plan: Plan, field: Field | None, network: Network | None) -> Model:
    turns = field.turns if field is not None else {}
    numbers: dict[int, int] = {}
    entries: list[Entry] = []
    for turn in turns.values():
        for unit in turn:
            if unit.order not in numbers:
                numbers[unit.order] = len(entries)
                layer = unit.layer
                name = plan.row_by_index[layer.index].name
                entries.append(Entry(layer.index, name, layer.denies, layer.region, layer.span))
    orders = tuple(Order(effect, tuple([numbers[unit.order] for unit in turn])) for effect, turn in turns.items())
    options = plan.options
    return Model(
        plan.policy.path,
        plan.policy.sha256,
        str(options.scope),
        options.strict,
        options.floor,
        tuple(entries),
        orders,
        network,
    )
