"""A plan to TracingPolicies, and what they lose: from one function, so that claim and emission cannot drift apart."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from avakill.backends.contract import Json, Lowering, Settings, blind_operations
from avakill.backends.judge import Probe
from avakill.backends.plan import FLOOR, Layer, Plan, endpoint_example
from avakill.backends.tetragon.ask import Ask
from avakill.backends.tetragon.claims import Claims
from avakill.backends.tetragon.files import add_files
from avakill.backends.tetragon.groups import Grouping, Shared, group
from avakill.backends.tetragon.hooks import Draft
from avakill.backends.tetragon.losses import claim_grouping
from avakill.backends.tetragon.model import Document, Hook, Model, Selector, Subject
from avakill.backends.tetragon.moves import claim_crossings, claim_inner_moves, claim_moves_in_holes, claim_programs
from avakill.backends.tetragon.network import Network, add_network
from avakill.backends.tetragon.notes import notes
from avakill.backends.tetragon.pack import MAX_ENTRIES, MAX_FOLLOWED, documents, pack
from avakill.backends.tetragon.renames import add_moves, moves_of
from avakill.backends.tetragon.trims import claim_trims
from avakill.ir.effect import FILE_EFFECTS, OPERATIONS_OF, Effect, Operation
from avakill.ir.endpoint import Endpoint
from avakill.ir.region import Piece
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.glob import Glob, join

MEDIATED = frozenset(Operation) - {Operation.ATTR}
"""chmod and chown are refused, but utimes, setxattr and file flags have no hook that is the same on 6.1 and 6.12."""

ORDER = (
    "file_open",
    "path_mknod",
    "path_mkdir",
    "path_symlink",
    "path_link",
    "path_rename",
    "path_unlink",
    "path_rmdir",
    "path_truncate",
    "path_chmod",
    "path_chown",
    "bprm_check_security",
    "socket_connect",
    "socket_sendmsg",
    "file_truncate",
)
LIMITS = (12, 4, 1)
"""Selectors spent on pairs of directory and name: fewer where they would not fit, at the price of merging pairs."""

ASSUMED = (
    "a new hard link is judged by the path inside its mount, so it is seen where no ancestor of a denied path is a mount point"
)


def lower(plan: Plan, settings: Settings) -> Lowering[Model]:
    subject = Subject(settings.namespace, settings.pod_labels, settings.binaries)
    shared = Shared()
    groupings = _groupings(plan, shared)
    moves = moves_of(groupings)
    for shared.room.pairs in LIMITS:
        draft = Draft({}, [], {})
        add_files(groupings, draft)
        add_moves(moves, draft)
        network = add_network(plan.layers[Effect.CONNECT], draft)
        hooks, left = _pack(draft, subject)
        if not left:
            break
    ask = Ask(plan, {name: tuple(s for hook in hooks if hook.name == name for s in hook.selectors) for name in ORDER})
    claims = Claims(plan, ask, not left)
    for effects, grouping in _distinct(groupings):
        claim_grouping(claims, grouping, effects)
    claim_inner_moves(claims, groupings)
    claim_crossings(claims, draft.crossings)
    claim_trims(claims, draft.trimmed)
    claim_programs(claims, groupings)
    claim_moves_in_holes(claims, groupings)
    _claim_network(claims, network)
    findings = (*claims.findings(), *_left(plan, left), *_everyone(plan, subject), *notes(plan, hooks))
    model = Model(tuple(_documents(plan, hooks)), subject, plan.policy.path, plan.policy.sha256, _options(plan))
    facts: Mapping[str, Json] = {"subject": "every process" if subject.is_everyone else "selected", "assumes": ASSUMED}
    return Lowering(model, findings, blind_operations(plan, MEDIATED), facts)


def _options(plan: Plan) -> str:
    floor = "" if plan.options.floor else " --no-floor"
    return f"--scope {plan.options.scope}{' --strict' if plan.options.strict else ''}{floor}"


def _groupings(plan: Plan, shared: Shared) -> dict[Effect, Grouping]:
    """One grouping for the effects whose layers are the same; the floor counts where some deny could reach it."""
    made: list[tuple[Layers, Grouping]] = []
    result: dict[Effect, Grouping] = {}
    reach: dict[int, bool] = {}
    for effect in FILE_EFFECTS:
        layers = plan.layers[effect]
        if effect is not Effect.EXEC and any(layer.index == FLOOR for layer in layers) and not _reach_floor(layers, reach):
            layers = tuple([layer for layer in layers if layer.index != FLOOR])
        grouping = next((grouping for others, grouping in made if _are_same(layers, others)), None)
        if grouping is None:
            grouping = group(layers, shared)
            made.append((layers, grouping))
        result[effect] = grouping
    return result


Layers = tuple[Layer, ...]


def _are_same(layers: Layers, others: Layers) -> bool:
    """Effects mostly share their regions, so few are compared."""
    if len(layers) != len(others):
        return False
    pairs = zip(layers, others, strict=True)
    return all(one is other or (one.index == other.index and one.region == other.region) for one, other in pairs)


def _reach_floor(layers: Layers, known: dict[int, bool]) -> bool:
    """Whether some deny may hold a device or, being everything, what a process needs to start."""
    for layer in layers:
        if layer.denies:
            found = known.get(id(layer.region))
            if found is None:
                found = known[id(layer.region)] = any(map(_reaches_floor, layer.region.pieces))
            if found:
                return True
    return False


def _reaches_floor(piece: Piece[Any]) -> bool:
    return all(not isinstance(atom, Glob) or atom.literal_prefix[:1] in ((), ("dev",)) for atom in piece.within)


def _distinct(groupings: Mapping[Effect, Grouping]) -> Iterator[tuple[frozenset[Effect], Grouping]]:
    found: dict[int, list[Effect]] = {}
    for effect, grouping in groupings.items():
        found.setdefault(id(grouping), []).append(effect)
    for effects in found.values():
        yield frozenset(effects), groupings[effects[0]]


def _pack(draft: Draft, subject: Subject) -> tuple[tuple[Hook, ...], tuple[Selector, ...]]:
    hooks: list[Hook] = []
    left: list[Selector] = []
    room = MAX_FOLLOWED
    for name in ORDER:
        selectors = tuple(draft.selectors.get(name, {}).values())
        if subject.binaries:
            left.extend(selectors[room:])
            selectors = selectors[:room]
            room -= len(selectors)
        entries, over = pack(name, selectors, MAX_ENTRIES)
        hooks.extend(entries)
        left.extend(over)
    return tuple(hooks), tuple(left)


def _documents(plan: Plan, hooks: tuple[Hook, ...]) -> Iterator[Document]:
    name = f"avakill-{plan.policy.sha256[:12].lower() or 'policy'}"
    yield from documents(name, (hook for hook in hooks if hook.name != "file_truncate"))
    if not _is_old(plan.target.kernel):
        yield from documents(f"{name}-ftruncate", (hook for hook in hooks if hook.name == "file_truncate"))


def _is_old(kernel: str) -> bool:
    """Whether the kernel is known to have no `file_truncate` hook (before 6.2): it would refuse the whole object."""
    numbers = kernel.split("-")[0].split(".")
    if len(numbers) < 2 or not all(number.isdigit() for number in numbers[:2]):
        return False
    return (int(numbers[0]), int(numbers[1])) < (6, 2)


def _left(plan: Plan, left: tuple[Selector, ...]) -> Iterator[Finding]:
    """What did not fit is said, never silently lost."""
    missing: dict[int, set[Effect]] = {}
    for selector in left:
        for row in selector.rows:
            missing.setdefault(row, set()).update(selector.effects)
    for row, effects in missing.items():
        reason = "it does not fit: a hook takes so many programs, and a node so many followed binaries"
        found = plan.row_by_index[row]
        yield Finding(row, Verdict.UNENFORCEABLE, reason, frozenset(effects) & found.effects or found.effects, span=found.span)


def _everyone(plan: Plan, subject: Subject) -> Iterator[Finding]:
    """Without a selector it holds for every process of every node (semantics §2)."""
    if not subject.is_everyone:
        return
    reason = "no pod selector, namespace or binary was given: every process of every node is denied it, not only the agent"
    examples: dict[int, tuple[Effect, str]] = {}
    losses: dict[frozenset[Effect], tuple[Lost, ...]] = {}
    for effect in Effect:
        for layer in plan.layers[effect]:
            if layer.denies and layer.index not in examples:
                found = next((place for piece in layer.region.pieces if (place := _example(piece)) is not None), None)
                if found is not None:
                    examples[layer.index] = (effect, found)
    for index, (effect, thing) in examples.items():
        row = plan.row_by_index[index]
        lost = losses.get(row.effects)
        if lost is None:
            lost = losses[row.effects] = _everywhere(row.effects)
        seen = Witness(OPERATIONS_OF[effect][-1], thing, policy=True, target=False)
        yield Finding(index, Verdict.STRICTER, reason, row.effects, seen, lost, row.span)


def _everywhere(effects: frozenset[Effect]) -> tuple[Lost, ...]:
    operations = tuple(op for e in Effect if e in effects for op in OPERATIONS_OF[e])
    lost = Lost(operations, "/", True)
    return (lost, Lost(operations, "*")) if Effect.CONNECT in effects else (lost,)


def _example(piece: Piece[Any]) -> str | None:
    """A place of a piece; None where nothing is emitted for it, as for a text anywhere in a path."""
    if not piece.within:
        return "/"
    globs = [atom for atom in piece.within if isinstance(atom, Glob)]
    if globs:
        return join(globs[0].literal_prefix)
    if all(isinstance(atom, Endpoint) for atom in piece.within):
        return endpoint_example(piece.within, piece.without) or "/"
    return None


# -- destinations --


def _claim_network(claims: Claims, network: Network) -> None:
    said = {layer.index for layer in network.said}
    connect = frozenset({Effect.CONNECT})
    lost = (Lost((Operation.CONNECT,), "*"),)
    for layer, piece in network.unsaid:
        reason = "Tetragon sees addresses, never the names that were asked for: a host name cannot be denied"
        thing = endpoint_example(piece.within, piece.without)
        if layer.index in said and thing is not None:
            seen = Witness(Operation.CONNECT, thing, policy=False, target=True)
            claims.others.append(Finding(layer.index, Verdict.WEAKER, reason, connect, seen, span=layer.span))
        else:
            claims.others.append(Finding(layer.index, Verdict.UNENFORCEABLE, reason, connect, span=layer.span))
    for hole, piece, layer in network.closed:
        reason = "an exception by host name stays closed: Tetragon sees addresses, never the names that were asked for"
        thing = endpoint_example(piece.within, piece.without)
        if thing is not None:
            rows = tuple(dict.fromkeys((layer.index, hole.index)))
            claims.over(rows, connect, reason, (Probe(Operation.CONNECT, thing),), lost)
