"""CONNECT: all internet sockets or none, because a module sees families and port types, not hosts."""

from __future__ import annotations

from avakill.backends.judge import BIND
from avakill.backends.plan import Layer, Plan
from avakill.backends.selinux.claims import Claims
from avakill.backends.selinux.destinations import Destinations
from avakill.ir.effect import Effect, Operation
from avakill.paths.automaton import Undecided

NO_HOSTS = "the module knows socket families, not hosts or ports: nothing is refused to this rule's destinations alone"
NO_SOCKETS = "there are no internet sockets for the agent at all, so it cannot bind or listen either"
HOLE = "the module knows socket families, not hosts or ports: the allowed destinations are refused with all others"
UNDECIDED = "too many destinations to tell whether this rule allows one that no rule above decides; none of them is open"


def lower_network(plan: Plan, claims: Claims) -> bool:
    """Whether the agent gets internet sockets."""
    layers = plan.layers[Effect.CONNECT]
    last = next((n for n, layer in enumerate(layers) if _is_all(layer)), None)
    closing = layers[last] if last is not None and layers[last].denies else None
    if last is None or closing is None:
        for layer in layers[:last]:
            if layer.denies:
                claims.unenforceable(layer.index, NO_HOSTS, frozenset({Effect.CONNECT}))
        return True
    _claim_sockets(claims, closing)
    telling = layers[: last + 1] if closing.region.is_everything else layers
    seen = Destinations(telling)
    for layer in telling:
        if not layer.denies:
            _claim_hole(claims, seen, layer, closing)
    _claim_rest(claims, seen, closing)
    return False


def _is_all(layer: Layer) -> bool:
    """Every destination, or every one but some."""
    return layer.region.is_everything or (layer.denies and any(not piece.within for piece in layer.region.pieces))


def _claim_sockets(claims: Claims, closing: Layer) -> None:
    at = f"{BIND}0.0.0.0:0"
    claims.stricter((closing.index,), NO_SOCKETS, Effect.CONNECT, (Operation.CONNECT,), "*", True, at)


def _claim_hole(claims: Claims, seen: Destinations, layer: Layer, closing: Layer) -> None:
    """An allow row, where f names it for some destination; where rules above deny all of them, nothing is lost."""
    for piece in layer.region.pieces:
        try:
            at = seen.example(layer, piece.within, piece.without)
        except Undecided:
            claims.unenforceable(layer.index, UNDECIDED, frozenset({Effect.CONNECT}))
            return
        if at is not None:
            _claim_lost(claims, (layer.index, closing.index), at)
            return


def _claim_rest(claims: Claims, seen: Destinations, closing: Layer) -> None:
    """What the closing rule leaves out and no other rule decides."""
    left_out = (end for piece in closing.region.pieces if not piece.within for end in piece.without)
    for end in left_out:
        try:
            at = seen.example(None, (end,), ())
        except Undecided:
            return  # the closing row has its STRICTER by the sockets, with every destination listed
        if at is not None:
            _claim_lost(claims, (closing.index,), at)
            return


def _claim_lost(claims: Claims, rows: tuple[int, ...], at: str) -> None:
    claims.stricter(rows, HOLE, Effect.CONNECT, (Operation.CONNECT,), "*", True, at)
