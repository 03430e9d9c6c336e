"""The ordered layers to the symbolic plan, with every finding that holds on any file system."""

from __future__ import annotations

from collections.abc import Iterator

from avakill.backends.contract import Json, Lowering, Settings, blind_operations
from avakill.backends.landlock.claims import Claims
from avakill.backends.landlock.example import paths_in
from avakill.backends.landlock.field import BIT
from avakill.backends.landlock.ground import Ground
from avakill.backends.landlock.model import Entry, Model, Network, Order
from avakill.backends.landlock.network import lower_network
from avakill.backends.landlock.rights import REFER_ABI, TRUNCATE_ABI
from avakill.backends.landlock.runner import Runner
from avakill.backends.plan import Layer, Plan
from avakill.ir.effect import EFFECT_OF, FILE_EFFECTS, Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness

MEDIATED = frozenset(operation for operation in Operation if EFFECT_OF[operation] is not Effect.ATTR)
NO_LANDLOCK = "this target has no Landlock: nothing can be applied"
NO_ATTR = "landlock does not mediate chmod, chown, utimes or setxattr, and the rule denies nothing else"
NO_TRUNCATE = "landlock knows truncation from ABI 3 (Linux 6.2) on: truncate(2) and O_TRUNC empty a file that may not be written"
NO_REFER = "before ABI 2 (Linux 5.19) landlock refuses every rename and link from one directory to another"
ATTR = frozenset({Effect.ATTR})


def lower(plan: Plan, settings: Settings) -> Lowering[Model]:
    """Pure and total. Nothing in `settings` concerns Landlock."""
    facts: dict[str, Json] = {"abi": plan.target.landlock_abi, "home": plan.target.home, "workspace": plan.target.workspace}
    if plan.target.landlock_abi < 1:
        return Lowering(_model(plan, {}, None), tuple(_without_landlock(plan)), {}, facts)
    kept = _kept(plan)
    network, findings = lower_network(plan)
    found = [*findings, *_only_attr(plan)]
    ground = Ground(kept)
    runner = Runner(plan, ground, frozenset(kept))
    found.extend(Claims(ground, runner.runs, sum(BIT[effect] for effect in kept)).findings())
    found.extend(runner.findings())
    found.extend(_of_old_kernels(plan, kept))
    return Lowering(_model(plan, kept, network), tuple(found), blind_operations(plan, MEDIATED), facts)


def _kept(plan: Plan) -> dict[Effect, tuple[Layer, ...]]:
    """The layers of each effect that Landlock mediates and that some layer denies."""
    kept: dict[Effect, tuple[Layer, ...]] = {}
    for effect in FILE_EFFECTS:
        layers = _live(plan.layers[effect])
        if effect is not Effect.ATTR and any(layer.denies for layer in layers):
            kept[effect] = layers
    return kept


def _live(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Without what stands below a layer that decides everything."""
    for number, layer in enumerate(layers):
        if layer.region.is_everything:
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


def _model(plan: Plan, kept: dict[Effect, tuple[Layer, ...]], network: Network | None) -> Model:
    entries: dict[tuple[int, int], Entry] = {}
    for layers in kept.values():
        for layer in layers:
            name = plan.row_by_index[layer.index].name
            entries.setdefault((layer.index, id(layer.region)), Entry(layer.index, name, layer.denies, layer.region, layer.span))
    numbers = {key: number for number, key in enumerate(entries)}
    orders = tuple(
        Order(effect, tuple(numbers[(layer.index, id(layer.region))] for layer in layers)) for effect, layers in kept.items()
    )
    options = plan.options
    return Model(
        plan.policy.path,
        plan.policy.sha256,
        str(options.scope),
        options.strict,
        options.floor,
        tuple(entries.values()),
        orders,
        network,
    )
