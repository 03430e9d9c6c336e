"""Policy × target → for each effect the ordered layers that every backend lowers, and what all of them must confess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, lru_cache, reduce
from typing import Any

from avakill.backends.approximate import (
    ALL,
    NONE,
    Approximation,
    View,
    approximate,
    either,
    protected_globs,
)
from avakill.backends.readings import Reading, Sight, leaves, readings, sights
from avakill.ir.condition import ALWAYS, CommandIn, Condition, ContentScan, ShellSafe
from avakill.ir.effect import FILE_EFFECTS, OPERATIONS_OF, TOOL_EFFECTS, Effect
from avakill.ir.endpoint import Endpoint
from avakill.ir.policy import Action, Enforcement, Policy, Rule
from avakill.ir.region import Piece, Region, union
from avakill.ir.target import Target
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.automaton import Pattern, Undecided, covers, disjoint, witness
from avakill.paths.glob import Glob, Wild, Wildcard, exactly, join, tree
from avakill.paths.index import PrefixIndex
from avakill.source.span import NOWHERE, Span

SELF_PROTECTION = -1
FLOOR = -2
DEFAULT = -3
"""The indexes of the rows that no rule of the file has."""

FLOOR_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx"))
LD_SO = Glob(("etc", Wild((*"ld.so.", Wildcard.SOME))), text="/etc/ld.so.*")
FLOOR_FILES = ("/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/resolv.conf")


class Scope(StrEnum):
    """`DENY_RULES`: what deny rules say with the holes above them. `CLOSED`: the default action too."""

    DENY_RULES = "deny-rules"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Options:
    """How a policy is lowered; recorded in the report."""

    scope: Scope = Scope.DENY_RULES
    strict: bool = False
    floor: bool = True


@dataclass(frozen=True, slots=True)
class Layer:
    """One entry in the ordered list of an effect: on `region`, row `index` decides.

    A path effect's and EXEC's region is of patterns bound to the target, CONNECT's of endpoints. An allow that is not
    `certain` depends on what no kernel sees: it is an open hole, and the denies below it confess that already.
    """

    index: int
    denies: bool
    region: Region[Any]
    certain: bool = True
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the report. `effects` are those that the row lowers; `denies` says whether it is a deny in the layers."""

    index: int
    name: str
    effects: frozenset[Effect]
    denies: bool
    span: Span = NOWHERE


@dataclass(frozen=True)
class Plan:
    """What every backend is asked to lower. `layers[effect]` are tried in order; an object in none of them is allowed."""

    policy: Policy
    target: Target
    options: Options
    layers: Mapping[Effect, tuple[Layer, ...]]
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()

    @cached_property
    def row_by_index(self) -> Mapping[int, Row]:
        return {row.index: row for row in self.rows}

    @cached_property
    def answers(self) -> dict[tuple[Effect, str], tuple[bool, int | None]]:
        """What `judge.decide` has answered so far."""
        return {}

    @property
    def has_denies(self) -> bool:
        return any(layer.denies for layers in self.layers.values() for layer in layers)

    def effect_groups(self) -> tuple[tuple[tuple[Effect, ...], tuple[Layer, ...]], ...]:
        """The file effects, those with the same layers together, in a fixed order."""
        groups: dict[tuple[tuple[int, bool, int], ...], list[Effect]] = {}
        for effect in FILE_EFFECTS:
            key = tuple((layer.index, layer.denies, id(layer.region)) for layer in self.layers[effect])
            groups.setdefault(key, []).append(effect)
        return tuple((tuple(effects), self.layers[effects[0]]) for effects in groups.values())


def make_plan(policy: Policy, target: Target, options: Options = Options()) -> Plan:
    """Lower a policy to ordered layers. Total: what cannot be lowered is a finding."""
    layers: dict[Effect, list[Layer]] = {effect: [] for effect in Effect}
    findings: list[Finding] = []
    rows: list[Row] = []
    _add_self_protection(target, layers, rows)
    floor_at = len(rows)
    starts = {effect: len(found) for effect, found in layers.items()}
    read = tuple([readings(policy, rule) for rule in policy.rules])
    for rule, one in zip(policy.rules, read, strict=True):
        rows.append(_add_rule(rule, one, target, options, layers, findings))
    if options.scope is Scope.CLOSED and policy.default is not Action.ALLOW:
        for effect in Effect:
            layers[effect].append(Layer(DEFAULT, True, ALL, span=policy.default_span))
        rows.append(Row(DEFAULT, "<default>", frozenset(Effect), True, policy.default_span))
    if options.floor:
        floor = _floor(target, layers)
        for effect, layer in floor.items():
            layers[effect].insert(starts[effect], layer)
        if floor:
            rows.insert(floor_at, Row(FLOOR, "<floor>", frozenset(floor), False))
    frozen = {effect: tuple(found) for effect, found in layers.items()}
    plan = Plan(policy, target, options, frozen, tuple(rows))
    return replace(plan, findings=(*findings, *_open_holes(plan), *_other_tools(plan, read)))


# -- the rows in front of the list --


def _add_self_protection(target: Target, layers: dict[Effect, list[Layer]], rows: list[Row]) -> None:
    if not target.protected:
        return
    region = union(protected_globs(target))
    effects = (Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE)
    for effect in effects:
        layers[effect].append(Layer(SELF_PROTECTION, True, region))
    rows.append(Row(SELF_PROTECTION, "<self-protection>", frozenset(effects), True))


def _floor(target: Target, layers: Mapping[Effect, list[Layer]]) -> dict[Effect, Layer]:
    """The runtime floor (semantics §6): what a process needs to start, where some rule denies that effect."""
    devices: list[Pattern] = [*(exactly(path) for path in FLOOR_DEVICES), tree("/dev/pts")]
    floor: dict[Effect, list[Pattern]] = {Effect.READ: list(devices), Effect.WRITE: list(devices)}
    floor[Effect.EXEC] = [exactly(path) for path in target.entry]
    if any(layer.denies and layer.region.is_everything for layer in layers[Effect.READ]):
        floor[Effect.READ] += [tree(path) for path in (*target.libraries, "/etc/ssl/certs")]
        floor[Effect.READ] += [exactly(path) for path in (*FLOOR_FILES, *target.entry)]
        floor[Effect.READ] += [LD_SO, tree("/etc/ld.so.conf.d")]
        floor[Effect.READ] += _allowed_programs(layers[Effect.EXEC])
    return {
        effect: Layer(FLOOR, False, union(patterns))
        for effect, patterns in floor.items()
        if patterns and any(layer.denies and layer.index != SELF_PROTECTION for layer in layers[effect])
    }


def _allowed_programs(layers: Iterable[Layer]) -> Iterator[Pattern]:
    """The files of a command allowlist: the kernel opens for reading what it runs, so the unread cannot be run (Linux 6.18)."""
    for layer in layers:
        for piece in layer.region.pieces if not layer.denies else ():
            if len(piece.within) == 1 and not piece.without:
                only = piece.within[0]
                if isinstance(only, Glob) and only.is_literal and not only.below:
                    yield only


# -- one rule --


def _add_rule(
    rule: Rule,
    read: tuple[Reading, ...],
    target: Target,
    options: Options,
    layers: dict[Effect, list[Layer]],
    findings: list[Finding],
) -> Row:
    denies = rule.action is not Action.ALLOW and (options.strict or not _is_by_call(rule))
    if rule.enforcement is Enforcement.ADVISORY:
        return Row(rule.index, rule.name, frozenset(), False, rule.span)
    lowered: list[Effect] = []
    emitted: list[Effect] = []
    made: dict[tuple[tuple[int, str, tuple[bool, ...]], ...], Layer | None] = {}
    for effect, seen in _sights(read):
        lowered.append(effect)
        key = tuple([(at, sight.kind, sight.met) for at, sight in seen])
        if key not in made or options.strict:  # by --strict each effect has findings of its own
            parts = [approximate(View(rule, effect, target, sight.tools), read[at].condition) for at, sight in seen]
            made[key] = _layer(rule, effect, reduce(either, parts), options, findings)
        layer = made[key]
        if layer is not None:
            layers[effect].append(layer)
            emitted.append(effect)
    effects = _set(tuple(lowered))
    if rule.action is not Action.ALLOW or rule.rate_limit is not None:
        had = any(effects for reading in read for _, effects in reading.tools)
        findings.extend(_evaluator_alone(rule, effects, _set(tuple(emitted)), had, denies, options))
    return Row(rule.index, rule.name, effects, denies, rule.span)


@lru_cache(maxsize=256)
def _set(effects: tuple[Effect, ...]) -> frozenset[Effect]:
    return frozenset(effects)


def _sights(read: tuple[Reading, ...]) -> Iterable[tuple[Effect, list[tuple[int, Sight]]]]:
    """The effects that a rule lowers, in order, each with what binds it: the place of a reading, and from where that looks."""
    if len(read) == 1:
        return [(sight.effect, [(0, sight)]) for sight in sights(read[0])]
    found: dict[Effect, list[tuple[int, Sight]]] = {}
    for at, reading in enumerate(read):
        for sight in sights(reading):
            found.setdefault(sight.effect, []).append((at, sight))
    return [(effect, found[effect]) for effect in Effect if effect in found]


def _layer(rule: Rule, effect: Effect, seen: Approximation, options: Options, findings: list[Finding]) -> Layer | None:
    """The layer of one effect of one rule, or None where nothing can be lowered."""
    refuses = rule.action is not Action.ALLOW
    by_call = _is_by_call(rule)
    certain = seen.is_exact and not by_call
    if refuses and options.strict and not certain:
        if effect is Effect.EXEC and seen.may.is_everything and not seen.must.is_everything:
            return None  # a condition on a command line never becomes "no process may exec"
        if not seen.may.is_nothing:
            findings.append(_strict_deny(rule, effect, seen))
        return None if seen.may.is_nothing else Layer(rule.index, True, seen.may, span=rule.span)
    if refuses and not by_call:
        return None if seen.must.is_nothing else Layer(rule.index, True, seen.must, span=rule.span)
    if certain or not options.strict:
        return None if seen.may.is_nothing else Layer(rule.index, False, seen.may, certain, rule.span)
    kept = NONE if by_call else seen.must
    if not seen.may.is_nothing:
        reason = "with --strict the hole of an allow that depends on what no kernel sees is closed"
        findings.append(_stricter(rule, effect, seen.may, kept, reason))
    return None if kept.is_nothing else Layer(rule.index, False, kept, span=rule.span)


def _is_by_call(rule: Rule) -> bool:
    """Whether each call is decided for itself: by a person, or by how many there were."""
    if rule.action is Action.DENY:
        return rule.enforcement is Enforcement.SOFT
    return rule.action is Action.REQUIRE_APPROVAL or rule.rate_limit is not None


def _strict_deny(rule: Rule, effect: Effect, seen: Approximation) -> Finding:
    if seen.is_exact:
        reason = "with --strict what a person may still grant is denied for every call"
        return _stricter(rule, effect, seen.may, NONE, reason)
    reason = "with --strict the condition that no kernel sees is dropped, so its region is denied for every call"
    return _stricter(rule, effect, seen.may, seen.must, reason)


def _stricter(rule: Rule, effect: Effect, wide: Region[Any], narrow: Region[Any], reason: str) -> Finding:
    operations = OPERATIONS_OF[effect]
    place = _example(wide, narrow) or "/"
    found = Witness(operations[0], place, policy=True, target=False)
    lost = tuple(Lost(operations, where, True) for where in _places(wide))
    return Finding(rule.index, Verdict.STRICTER, reason, frozenset({effect}), found, lost, rule.span)


def _places(region: Region[Any]) -> tuple[str, ...]:
    """Trees that together contain the region."""
    places: dict[str, None] = {}
    for piece in region.pieces:
        globs = [atom for atom in piece.within if isinstance(atom, Glob)]
        best = max((glob.literal_prefix for glob in globs), key=len, default=())
        ends = [atom for atom in piece.within if isinstance(atom, Endpoint)]
        places["*" if ends else join(best)] = None
    return tuple(places)


def _evaluator_alone(
    rule: Rule,
    lowered: frozenset[Effect],
    emitted: frozenset[Effect],
    had: bool,
    denies: bool,
    options: Options,
) -> Iterable[Finding]:
    """What is said of a rule, or of some of its effects, for which nothing can be lowered on any target."""
    missing = lowered - emitted if denies else lowered
    if rule.action is not Action.ALLOW and _is_by_call(rule) and (missing or not lowered):
        reason = _by_call_reason(rule)
    elif rule.action is Action.ALLOW:
        reason = "no kernel counts calls: the rate limit is the evaluator's alone"
    elif not had:
        reason = "its tools have no effect that a kernel could see: the rule is the evaluator's alone"
    elif not lowered:
        reason = "its conditions are on arguments that no kernel sees: the rule is the evaluator's alone"
    elif missing:
        reason = _invisible_reason(rule)
    else:
        return
    yield Finding(rule.index, Verdict.UNENFORCEABLE, reason, frozenset(missing), span=rule.span)


def _by_call_reason(rule: Rule) -> str:
    what = "an approval" if rule.action is Action.REQUIRE_APPROVAL else "a soft deny"
    return f"{what} is decided call by call: the rule is the evaluator's alone"


def _invisible_reason(rule: Rule) -> str:
    tests = leaves(rule.condition)
    if any(isinstance(test, ContentScan) for test in tests):
        return "no kernel scans the content of a call: the rule is the evaluator's alone"
    on_command = any(
        isinstance(test, ShellSafe | CommandIn) or test.field.name == "command" for test in tests if not isinstance(test, ContentScan)
    )
    if on_command:
        return "no kernel sees a command line: a condition on it is never lowered to `no process may exec`"
    return "its conditions are on arguments that no kernel sees: the rule is the evaluator's alone"


# -- what conditional allows cost the denies below them --

MAX_COMPARISONS = 2_000


def _open_holes(plan: Plan) -> Iterable[Finding]:
    """A deny below an allow that depends on what no kernel sees is WEAKER where they meet, UNENFORCEABLE inside it."""
    groups = [*plan.effect_groups(), ((Effect.CONNECT,), plan.layers[Effect.CONNECT])]
    for effects, layers in groups:
        if not any(not layer.certain for layer in layers):
            continue
        holes: PrefixIndex[tuple[Piece[Any], Layer]] = PrefixIndex()
        for layer in layers:
            if not layer.denies and not layer.certain:
                for piece in layer.region.pieces:
                    holes.add(_prefix(piece), (piece, layer))
            elif layer.denies:
                finding = _hole_in(plan, layer, holes, frozenset(effects))
                if finding is not None:
                    yield finding


def _hole_in(plan: Plan, layer: Layer, holes: PrefixIndex[tuple[Piece[Any], Layer]], effects: frozenset[Effect]) -> Finding | None:
    met: tuple[Layer, str] | None = None
    open_pieces = 0
    work = 0
    for piece in layer.region.pieces:
        swallowed = False
        for hole, owner in holes.related(_prefix(piece)):
            work += 1
            if work > MAX_COMPARISONS:
                break
            if _piece_covers(hole, piece):
                swallowed = True
            shared = _meeting(piece, hole)
            if shared is not None:
                met = met or (owner, shared)
            if swallowed:
                break
        open_pieces += swallowed
    if met is None:
        return None
    owner, shared = met
    name = plan.row_by_index[owner.index].name if owner.index in plan.row_by_index else str(owner.index)
    whole = open_pieces == len(layer.region.pieces)
    operation = OPERATIONS_OF[min(effects, key=list(Effect).index)][0]
    reason = f"rule `{name}` above allows it on a condition that no kernel sees, so its region stays open"
    verdict = Verdict.UNENFORCEABLE if whole else Verdict.WEAKER
    found = Witness(operation, shared, policy=False, target=True)
    return Finding(layer.index, verdict, reason, effects, found, span=layer.span)


def _prefix(piece: Piece[Any]) -> tuple[str, ...]:
    return max((atom.literal_prefix for atom in piece.within if isinstance(atom, Glob)), key=len, default=())


def _piece_covers(big: Piece[Any], small: Piece[Any]) -> bool:
    """Whether every object of `small` is surely in `big`."""
    inside = all(any(_covers(b, s) for s in small.within) or _is_all(b) for b in big.within)
    return inside and all(w in small.without or any(_apart(w, s) for s in small.within) for w in big.without)


def _is_all(atom: Any) -> bool:
    return bool(atom.is_everything)


def _covers(big: Any, small: Any) -> bool:
    if isinstance(big, Endpoint) or isinstance(small, Endpoint):
        return bool(big == small)
    return covers(big, small)


def _apart(one: Any, other: Any) -> bool:
    if isinstance(one, Endpoint) or isinstance(other, Endpoint):
        return False
    return disjoint(one, other)


def _meeting(one: Piece[Any], other: Piece[Any]) -> str | None:
    """An object in both pieces, or None when there is none."""
    atoms = (*one.within, *other.within, *one.without, *other.without)
    if any(isinstance(atom, Endpoint) for atom in atoms):
        return endpoint_example((*one.within, *other.within), (*one.without, *other.without))
    if any(disjoint(a, b) for a in one.within for b in other.within):
        return None
    return _path_example((*one.within, *other.within), (*one.without, *other.without))


def _path_example(within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> str | None:
    near = tuple(w for w in without if not any(disjoint(w, p) for p in within)) if within else without
    try:
        return witness(within, near, frozenset({"/"})) or witness(within, near)
    except Undecided:
        return next((join(p.literal_prefix) for p in within if isinstance(p, Glob)), "/")


def _example(wide: Region[Any], narrow: Region[Any]) -> str | None:
    """Some object of `wide`, outside the simple pieces of `narrow`."""
    outside = tuple(p.within[0] for p in narrow.pieces if len(p.within) == 1 and not p.without)
    for piece in wide.pieces:
        if any(isinstance(atom, Endpoint) for atom in (*piece.within, *piece.without, *outside)):
            found = endpoint_example(piece.within, (*piece.without, *outside))
        else:
            found = _path_example(piece.within, (*piece.without, *outside))
        if found is not None:
            return found
    return None


def endpoint_example(within: tuple[Endpoint, ...], without: tuple[Endpoint, ...]) -> str | None:
    """A destination in all of `within` and none of `without`, from a small set of candidates; None when none fits."""
    hosts = ["192.0.2.1", "example.org", "127.0.0.1", "10.0.0.1", "[2001:db8::1]"]
    ports = [443, 80, 1, 65535]
    for end in (*within, *without):
        if end.host is not None:
            hosts.insert(0, end.host.replace("*.", "www."))
        if end.network is not None:
            first = end.network[0] if end.network.num_addresses < 2 else end.network[1]
            hosts.insert(0, f"[{first}]" if end.network.version == 6 else str(first))
        ports[:0] = [p for p in (end.ports.first, end.ports.last, end.ports.last + 1, end.ports.first - 1) if 0 < p < 65536]
    for host in hosts:
        for port in ports:
            thing = f"tcp://{host}:{port}"
            if all(end.holds(thing) for end in within) and not any(end.holds(thing) for end in without):
                return thing
    return None


# -- information --


def _other_tools(plan: Plan, read: tuple[tuple[Reading, ...], ...]) -> Iterable[Finding]:
    """A deny of an effect that the evaluator would still grant to another tool says so (semantics §3)."""
    denying = [row for row in plan.rows if row.index >= 0 and row.denies]
    by_condition: dict[Condition, set[str]] = {}
    for row in denying:
        for reading in read[row.index]:
            by_condition.setdefault(reading.condition, set()).update([tool for tool, _ in reading.tools])
    always = by_condition.get(ALWAYS, set())
    for row in denying:
        first, *more = [by_condition[reading.condition] for reading in read[row.index]] or [always]
        others = _tools_with(row.effects) - first.intersection(*more) - always
        if others:
            names = ", ".join(f"`{tool}`" for tool in sorted(others))
            reason = f"the evaluator may still grant the same effect to {names}; a kernel cannot tell the tools apart"
            yield Finding(row.index, Verdict.EXACT, reason, span=row.span)


@lru_cache(maxsize=256)
def _tools_with(effects: frozenset[Effect]) -> frozenset[str]:
    return frozenset(tool for tool, has in TOOL_EFFECTS.items() if has & effects)
