"""Many patterns at once: no label for each combination, but an order, or the label that refuses most.

Where all rules speak of the same effects, lines in the reverse order of the rules say first match exactly, whatever overlaps. Else
each denying pattern refuses all that any rule denies, and a pattern that allows opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from avakill.backends.plan import FLOOR, SELF_PROTECTION, Plan
from avakill.backends.selinux.cells import alone as lines_alone
from avakill.backends.selinux.claims import Claims
from avakill.backends.selinux.crowded import claim_crowd
from avakill.backends.selinux.ground import Ground
from avakill.backends.selinux.judged import node_label, stays
from avakill.backends.selinux.labels import Labels
from avakill.backends.selinux.model import Closed, Context
from avakill.backends.selinux.units import Node, Unit
from avakill.paths.glob import Glob

MAX_LOOKS = 4_000


def lines(claims: Claims, plan: Plan, over: Ground) -> tuple[Context, ...]:
    """Lines for trees and patterns, then for literal paths."""
    literal = [unit for node in over.nodes for unit in (*node.enter, *node.enter_alone)]
    denied = 0
    for unit in (*over.patterns, *literal):
        denied |= unit.effects if unit.denies else 0
    ruled = [unit for unit in (*over.patterns, *literal) if unit.index not in (SELF_PROTECTION, FLOOR)]
    only_devices = all(unit.index != FLOOR or unit.prefix[:1] == ("dev",) for unit in literal)
    ordered = only_devices and len({unit.effects for unit in ruled}) == 1
    alone = dict(_alone(over, denied))
    claim_crowd(claims, plan, Labels(over, denied, ordered, alone))
    apart = (line for node in over.nodes if node.path in alone for line in lines_alone(over, node, alone[node.path]))
    if ordered:
        return (*_in_order(over, ruled), *apart)
    patterns = (unit for unit in reversed(over.patterns) if unit.denies)
    wide = (Context(unit.piece.within, unit.piece.without, denied, origin=unit.span) for unit in patterns)
    return (*_trees(over), *wide, *apart)


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


def _alone(over: Ground, denied: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Literal paths whose own label is not their tree's; past the budget, what some pattern may hold refuses most."""
    special = [node for node in over.nodes[1:] if node.closed_here != node.closed_below or stays(node.closed_here, node.around)]
    exactly = len(special) * len(over.patterns) <= MAX_LOOKS
    beginnings = frozenset(unit.prefix for unit in over.patterns if unit.denies)
    for node in special:
        if exactly:
            yield node.path, node_label(over, node)
            continue
        must_stay = stays(node.closed_here, node.around)
        closed = node.closed_here | (node.closed_below & Closed.CREATE) | (Closed.DELETE if must_stay else 0)
        is_crossed = any(node.path[:length] in beginnings for length in range(len(node.path) + 1))
        yield node.path, closed | denied if is_crossed else closed
