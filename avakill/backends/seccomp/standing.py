"""One effect's layers as a filter can hold them: refused everywhere, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from avakill.backends.plan import FLOOR, Layer, Plan
from avakill.ir.effect import Effect
from avakill.ir.region import Region


@dataclass(frozen=True, slots=True)
class Standing:
    """`total` is the layer that decides everywhere (None: none does), `above` those before it, `below` those it shadows."""

    effect: Effect
    above: tuple[Layer, ...]
    total: Layer | None
    below: tuple[Layer, ...]
    is_closed: bool = False

    @property
    def holes(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.above if not layer.denies)


def standing(plan: Plan, effect: Effect, closable: bool) -> Standing:
    """Closed where the deciding layer denies and no rule opens a hole in it; with --strict rules' holes are closed too.

    Refusing everything where a rule allows a part of it would make of a condition that seccomp cannot see a global deny;
    as for conditions that no kernel sees (semantics §4), only --strict does so. The floor's holes are closed always.
    """
    layers = plan.layers[effect]
    at = next((n for n, layer in enumerate(layers) if is_all(layer.region)), None)
    if at is None:
        return Standing(effect, layers, None, ())
    above, total, below = layers[:at], layers[at], layers[at + 1 :]
    opened = any(not layer.denies and layer.index != FLOOR for layer in above)
    closed = closable and total.denies and (plan.options.strict or not opened)
    return Standing(effect, above, total, below, closed)


def is_all(region: Region[Any]) -> bool:
    """Surely holds every object."""
    return any(not piece.without and all(atom.is_everything for atom in piece.within) for piece in region.pieces)
