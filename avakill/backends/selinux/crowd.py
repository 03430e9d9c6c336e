"""Many patterns at once: no label for each combination, but an order, or the label that refuses most.

Where all rules speak of the same effects, lines in the reverse order of the rules say first match exactly, whatever overlaps. Else
each denying pattern refuses all that any rule denies, and a pattern that allows opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from avakill.backends.plan import FLOOR, SELF_PROTECTION, Plan
from avakill.backends.selinux import claims as say
from avakill.backends.selinux.claims import Claims
from avakill.backends.selinux.ground import Ground, ground, merged, parent
from avakill.backends.selinux.judged import NAMES, claim_node, node_label, stays
from avakill.backends.selinux.model import BIT, Closed, Context
from avakill.backends.selinux.units import Node, Unit, instance, label, owner, settle
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Witness
from avakill.paths.automaton import Undecided, witness
from avakill.paths.glob import Glob, Wildcard, join
from avakill.paths.index import PrefixIndex
from avakill.paths.substring import Substring

OTHER = "avakill-other"
MAX_LOOKS = 4_000
MAX_CLOSE = 40


def lines(claims: Claims, plan: Plan, over: Ground) -> tuple[Context, ...]:
    """Lines for trees and patterns, then for literal paths."""
    literal = [unit for node in over.nodes for unit in (*node.enter, *node.enter_alone)]
    denied = 0
    for unit in (*over.patterns, *literal):
        denied |= unit.effects if unit.denies else 0
    crossed: PrefixIndex[Unit] = PrefixIndex()
    for unit in over.patterns:
        if unit.denies:
            crossed.add(unit.prefix, unit)
    ruled = [unit for unit in (*over.patterns, *literal) if unit.index not in (SELF_PROTECTION, FLOOR)]
    only_devices = all(unit.index != FLOOR or unit.prefix[:1] == ("dev",) for unit in literal)
    trees = ground(over.nodes, ())
    for node in over.nodes:
        claim_node(claims, trees, node, _exists(plan, node))
    if only_devices and len({unit.effects for unit in ruled}) == 1:
        _claim_patterns(claims, over, trees, ruled[0].effects, _ordered)
        return (*_in_order(over, ruled), *_alone(claims, over, crossed, ruled[0].effects))
    _claim_patterns(claims, over, trees, denied, _shared)
    for node in over.nodes:
        _claim_hole(claims, crossed, node)
    patterns = (unit for unit in reversed(over.patterns) if unit.denies)
    wide = (Context(unit.piece.within, unit.piece.without, denied, origin=unit.span) for unit in patterns)
    return (*_trees(over), *wide, *_alone(claims, over, crossed, denied))


def _exists(plan: Plan, node: Node) -> bool:
    return plan.target.existing is None or join(node.path) in plan.target.existing


def _in_order(over: Ground, ruled: list[Unit]) -> Iterator[Context]:
    """The last rule's line first; self-protection's trees at the end, with what the patterns refuse in them."""
    ordered = sorted(ruled, key=lambda unit: unit.rank)
    upto = next((n for n, unit in enumerate(ordered) if unit.everything), len(ordered))
    for unit in reversed(ordered[:upto]):
        kind = "" if unit.denies or unit.reaches_below else "--"
        closed = unit.effects if unit.denies else 0
        yield Context(unit.piece.within, unit.piece.without, closed, kind=kind, origin=unit.span)
    for node in over.nodes:
        for guard in (unit for unit in node.enter if unit.index == SELF_PROTECTION):
            yield Context((Glob(node.path, below=True),), (), node.closed_below, origin=guard.span)
            for unit in reversed([unit for unit in ordered[:upto] if not unit.literal and _may_meet(unit, node)]):
                closed = (unit.effects if unit.denies else 0) | guard.effects
                within = (*unit.piece.within, Glob(node.path, below=True))
                yield Context(
                    within, unit.piece.without, closed, kind="" if unit.denies or unit.reaches_below else "--", origin=unit.span
                )


def _may_meet(unit: Unit, node: Node) -> bool:
    shared = min(len(unit.prefix), len(node.path))
    return unit.prefix[:shared] == node.path[:shared]


def _trees(over: Ground) -> Iterator[Context]:
    for node in over.nodes[1:]:
        assert node.parent is not None
        if node.closed_below != node.parent.closed_below:
            yield Context((Glob(node.path, below=True),), (), node.closed_below, origin=node.span)


def _alone(claims: Claims, over: Ground, crossed: PrefixIndex[Unit], denied: int) -> Iterator[Context]:
    """Literal paths whose own label is not their tree's; past the budget, what some pattern may hold refuses most."""
    special = [node for node in over.nodes[1:] if node.closed_here != node.closed_below or stays(node.closed_here, node.around)]
    exactly = len(special) * len(over.patterns) <= MAX_LOOKS
    for node in special:
        if exactly:
            yield Context((Glob(node.path),), (), node_label(over, node), origin=node.span)
            continue
        must_stay = stays(node.closed_here, node.around)
        unit = next(crossed.above(node.path), None)
        closed = node.closed_here | (node.closed_below & Closed.CREATE) | (Closed.DELETE if must_stay else 0)
        if unit is not None:
            _claim_literal(claims, node, unit, denied & ~closed)
            closed |= denied
        yield Context((Glob(node.path),), (), closed, origin=node.span)


def _claim_literal(claims: Claims, node: Node, unit: Unit, more: int) -> None:
    path = join(node.path)
    for effect, bit in BIT.items():
        if more & bit and not (unit.effects & bit and unit.holds(path)):
            mine = owner(node.here, bit)
            rows = (unit.index, *((mine.index,) if mine is not None else ()))
            claims.stricter(rows, say.TOO_MANY, effect, OPERATIONS_OF[effect], path, effect is Effect.CREATE, path)


def _claim_hole(claims: Claims, crossed: PrefixIndex[Unit], node: Node) -> None:
    """A hole of literal paths in which a pattern's line refuses too much."""
    for hole in node.enter:
        if hole.denies or _is_floor_device(hole):
            continue
        for unit in islice(crossed.above(node.path), 3):
            at = _inside(unit, join(node.path))
            if at is not None and owner(node.below, hole.effects & -hole.effects) is hole:
                for effect, bit in BIT.items():
                    if hole.effects & bit and not (unit.effects & bit and unit.rank < hole.rank):
                        rows = (unit.index, hole.index)
                        claims.stricter(rows, say.TOO_MANY, effect, OPERATIONS_OF[effect], join(node.path), True, at)
                return


Labels = Callable[[Ground, Ground, Unit, str, int], tuple[int, int]]
"""What the lines of patterns refuse on an object and on its directory."""


def _shared(seen: Ground, trees: Ground, unit: Unit, sample: str, denied: int) -> tuple[int, int]:
    """Where each denying pattern refuses all that any rule denies."""
    crowded = unit.denies and any(holder.denies for holder in seen.holders(sample))
    labelled = denied if crowded else settle(trees.at(sample)[0])
    before = parent(sample)
    around = label(*trees.at(before))
    return labelled, around | denied if any(holder.denies for holder in seen.holders(before)) else around


def _ordered(seen: Ground, trees: Ground, unit: Unit, sample: str, denied: int) -> tuple[int, int]:
    """Where the lines stand in the reverse order of the rules: first match, exactly."""
    return settle(seen.here(sample)), seen.of_directory(parent(sample))


def _claim_patterns(claims: Claims, over: Ground, trees: Ground, denied: int, labels: Labels) -> None:
    """What each pattern loses and adds, shown on objects that are looked at as closely as their number allows."""
    few = len(over.patterns) <= MAX_CLOSE
    holes: PrefixIndex[str] = PrefixIndex()
    for node in over.nodes:
        if any(not unit.denies and not _is_floor_device(unit) for unit in node.enter):
            holes.add(node.path, join(node.path))
    for unit in over.patterns:
        if not unit.denies and few:
            holes.add(unit.prefix, _sample(unit))
    for unit in over.patterns:
        sample = _sample(unit)
        seen = over if few else Ground(trees.nodes, (unit,), trees.by_path)
        _claim(claims, unit, seen, trees, sample, denied, labels)
        if not unit.denies:
            continue
        if few:
            _claim(claims, unit, seen, trees, f"{sample}/avakill-later", denied, labels)
            if labels is _shared:
                for other in _elsewhere(over, unit, sample, denied):
                    _claim(claims, unit, seen, trees, other, denied, labels)
        elif denied & Closed.CREATE and not unit.reaches_below:
            inner = f"{sample}/avakill-later"
            claims.stricter((unit.index,), say.NAMES_CLOSED, Effect.CREATE, NAMES, join(unit.prefix), True, inner)
        for hole in islice(holes.related(unit.prefix), 8 if few else 1):
            inside = _inside(unit, hole)
            if inside is not None:
                _claim(claims, unit, seen, trees, inside, denied, labels)


def _elsewhere(over: Ground, unit: Unit, sample: str, denied: int) -> Iterator[str]:
    """Objects of the pattern on which another rule's line does not hide what the shared label refuses too much."""
    more = denied & ~unit.effects | (Closed.EXEC if denied & Closed.READ else 0)
    for bit in BIT.values():
        if not more & bit or not settle(over.here(sample)) & bit:
            continue
        units = (*over.patterns, *(other for node in over.nodes for other in (*node.enter, *node.enter_alone)))
        deniers = [other.piece for other in units if other is not unit and other.denies and other.effects & bit]
        without = tuple(piece.within[0] for piece in deniers if len(piece.within) == 1 and not piece.without)
        try:
            found = witness(unit.piece.within, (*unit.piece.without, *without), frozenset({"/"}))
        except Undecided:
            continue
        if found is not None:
            yield found


def _sample(unit: Unit) -> str:
    first = instance(unit.piece.within[0]) if unit.piece.within else None
    return first if first is not None and unit.holds(first) else join(unit.prefix)


def _is_floor_device(unit: Unit) -> bool:
    """Devices of the runtime floor keep their own types, whatever a pattern's line says."""
    return unit.index == FLOOR and unit.prefix[:1] == ("dev",)


def _inside(unit: Unit, hole: str) -> str | None:
    """An object of a pattern in a hole: for patterns that hold a name at any depth."""
    pattern = unit.piece.within[0] if unit.piece.within else None
    if isinstance(pattern, Substring):
        at = f"{hole.rstrip('/')}/{OTHER}{pattern.needle}x"
        return at if "//" not in at and unit.holds(at) else None
    if not isinstance(pattern, Glob) or Wildcard.DEEP not in pattern.parts:
        return None
    at = f"{hole.rstrip('/')}/{OTHER}{instance(Glob(pattern.parts[-1:])) or '/x'}"
    return at if unit.holds(at) else None


def _claim(claims: Claims, unit: Unit, seen: Ground, trees: Ground, sample: str, denied: int, labels: Labels) -> None:
    place = join(unit.prefix)
    literal, _ = trees.at(sample)
    holders = seen.holders(sample)
    here = merged(literal, holders)
    wanted = settle(here)
    keepers, _ = trees.at(parent(sample))
    labelled, around = labels(seen, trees, unit, sample, denied)
    labelled |= Closed.EXEC if labelled & Closed.READ else 0
    around |= Closed.EXEC if around & Closed.READ else 0
    for effect, bit in BIT.items():
        if wanted & bit:
            if not around & bit:
                _claim_leak(claims, here, effect, sample)
            continue
        now = effect is not Effect.CREATE and labelled & bit
        if not now and not around & bit:
            continue
        rows = tuple(row.index for row in (unit if unit.denies else owner(keepers, bit), owner(here, bit), unit) if row is not None)
        if now:
            claims.stricter(rows, say.TOO_MANY, effect, OPERATIONS_OF[effect], place, True, sample)
        if around & bit and effect is Effect.CREATE:
            claims.stricter(rows, say.NAMES_CLOSED, effect, NAMES, place, True, sample)
        elif around & bit:
            claims.stricter(rows, say.LATER_HOLE, effect, OPERATIONS_OF[effect], place, True, sample)


def _claim_leak(claims: Claims, here: tuple[Unit, ...], effect: Effect, sample: str) -> None:
    """What takes the name later is not refused."""
    mine = owner(here, BIT[effect])
    assert mine is not None
    if claims.is_shown(mine.index, say.LATER_DENY, effect):
        return
    if effect is Effect.CREATE:
        shown = Witness(Operation.RENAME, f"/tmp/{OTHER}", policy=False, target=True, to=sample)
    else:
        operation = Operation.UNLINK if effect is Effect.DELETE else OPERATIONS_OF[effect][0]
        shown = Witness(operation, sample, policy=False, target=True)
    claims.weaker(mine.index, say.LATER_DENY, frozenset({effect}), shown)
