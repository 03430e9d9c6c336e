"""A small file tree made of a policy's own edges: what the probes are about. The lab's, without what only a kernel needs."""

from __future__ import annotations

from avakill.backends.plan import Plan
from avakill.lab.words import World
from avakill.lab.world import edge_world, edges

__all__ = ["World", "edges", "make_world"]


def make_world(plan: Plan) -> World:
    """The tree of the policy's edges, deterministic; the last one is kept, since it is asked for again and again."""
    if _LAST and _LAST[0][0] is plan:
        return _LAST[0][1]
    _LAST[:] = [(plan, edge_world(plan))]
    return _LAST[0][1]


_LAST: list[tuple[Plan, World]] = []
