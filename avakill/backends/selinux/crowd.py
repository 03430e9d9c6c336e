"""Many patterns at once: no label for each combination, but an order, or the label that refuses most.

Where all rules speak of the same effects, lines in the reverse order of the rules say first match exactly, whatever overlaps. Else
each denying pattern refuses all that any rule denies, and a pattern that allows opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from avakill.backends.plan import FLOOR, SELF_PROTECTION, Plan
from avakill.backends.selinux import claims as say
from avakill.backends.selinux.claims import Claims
from avakill.backends.selinux.ground import Ground, ground
from avakill.backends.selinux.judged import claim_node, stays
from avakill.backends.selinux.model import BIT, Closed, Context
from avakill.backends.selinux.units import Node, Unit, instance, owner
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Witness
from avakill.paths.glob import Glob, Wildcard, join
from avakill.paths.index import PrefixIndex

OTHER = "avakill-other"


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
        for unit in over.patterns:
            _claim(claims, unit, unit.effects)
        return (*_in_order(over, ruled), *_alone(over, crossed, ruled[0].effects))
    for unit in over.patterns:
        _claim(claims, unit, denied)
    for node in over.nodes:
        _claim_hole(claims, crossed, node)
    patterns = (unit for unit in reversed(over.patterns) if unit.denies)
    wide = (Context(unit.piece.within, unit.piece.without, denied, origin=unit.span) for unit in patterns)
    return (*_trees(over), *wide, *_alone(over, crossed, denied))


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


def _alone(over: Ground, crossed: PrefixIndex[Unit], denied: int) -> Iterator[Context]:
    """Literal paths whose own label is not their tree's; what some pattern may hold refuses most."""
    for node in over.nodes[1:]:
        around = node.around
        must_stay = stays(node.closed_here, around)
        if node.closed_here == node.closed_below and not must_stay:
            continue
        held = next(crossed.above(node.path), None) is not None
        closed = node.closed_here | (node.closed_below & Closed.CREATE) | (Closed.DELETE if must_stay else 0)
        yield Context((Glob(node.path),), (), closed | (denied if held else 0), origin=node.span)


def _claim_hole(claims: Claims, crossed: PrefixIndex[Unit], node: Node) -> None:
    """A hole of literal paths in which a pattern's line refuses too much."""
    for hole in node.enter:
        if hole.denies:
            continue
        for unit in islice(crossed.above(node.path), 3):
            pattern = unit.piece.within[0] if unit.piece.within else None
            if not isinstance(pattern, Glob) or Wildcard.DEEP not in pattern.parts:
                continue
            at = f"{join(node.path)}/{OTHER}{instance(Glob(pattern.parts[-1:])) or '/x'}"
            if unit.holds(at) and owner(node.below, hole.effects & -hole.effects) is hole:
                for effect, bit in BIT.items():
                    if hole.effects & bit:
                        rows = (unit.index, hole.index)
                        claims.stricter(rows, say.TOO_MANY, effect, OPERATIONS_OF[effect], join(node.path), True, at)
                return


def _claim(claims: Claims, unit: Unit, denied: int) -> None:
    sample = instance(unit.piece.within[0]) if unit.piece.within else None
    if sample is None or not unit.holds(sample):
        sample = join(unit.prefix)
    place = join(unit.prefix)
    if not unit.denies:
        for effect, bit in BIT.items():
            if unit.effects & bit & denied:
                claims.stricter((unit.index,), say.TOO_MANY, effect, OPERATIONS_OF[effect], place, True, sample)
        return
    for effect, bit in BIT.items():
        if not unit.effects & bit:
            if denied & bit or (effect is Effect.EXEC and denied & Closed.READ):
                claims.stricter((unit.index,), say.TOO_MANY, effect, OPERATIONS_OF[effect], place, True, sample)
        elif effect is Effect.CREATE:
            witness = Witness(Operation.RENAME, f"/tmp/{OTHER}", policy=False, target=True, to=sample)
            claims.weaker(unit.index, say.LATER_DENY, frozenset({effect}), witness)
        else:
            operation = Operation.UNLINK if effect is Effect.DELETE else OPERATIONS_OF[effect][0]
            claims.weaker(unit.index, say.LATER_DENY, frozenset({effect}), Witness(operation, sample, policy=False, target=True))
