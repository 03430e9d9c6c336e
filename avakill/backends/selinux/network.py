"""CONNECT: all internet sockets or none, because a module sees families and port types, not hosts."""

from __future__ import annotations

from avakill.backends.judge import BIND
from avakill.backends.plan import Layer, Plan, endpoint_example
from avakill.backends.selinux.claims import Claims
from avakill.ir.effect import Effect, Operation

NO_HOSTS = "the module knows socket families, not hosts or ports: nothing is refused to this rule's destinations alone"
NO_SOCKETS = "there are no internet sockets for the agent at all, so it cannot bind or listen either"
HOLE = "the module knows socket families, not hosts or ports: the allowed destinations are refused with all others"


def lower_network(plan: Plan, claims: Claims) -> bool:
    """Whether the agent gets internet sockets."""
    layers = plan.layers[Effect.CONNECT]
    last = next((n for n, layer in enumerate(layers) if _is_all(layer)), None)
    closing = layers[last] if last is not None and layers[last].denies else None
    before = layers[:last] if last is not None else layers
    if closing is None:
        for layer in before:
            if layer.denies:
                claims.unenforceable(layer.index, NO_HOSTS, frozenset({Effect.CONNECT}))
        return True
    _claim_sockets(claims, closing)
    for layer in before:
        if not layer.denies:
            _claim_hole(claims, layer, closing)
    _claim_rest(claims, closing)
    return False


def _is_all(layer: Layer) -> bool:
    """Every destination, or every one but some."""
    return layer.region.is_everything or (layer.denies and any(not piece.within for piece in layer.region.pieces))


def _claim_sockets(claims: Claims, closing: Layer) -> None:
    at = f"{BIND}0.0.0.0:0"
    claims.stricter((closing.index,), NO_SOCKETS, Effect.CONNECT, (Operation.CONNECT,), "*", True, at)


def _claim_hole(claims: Claims, layer: Layer, closing: Layer) -> None:
    for piece in layer.region.pieces:
        at = endpoint_example(piece.within, piece.without)
        if at is not None:
            claims.stricter((layer.index, closing.index), HOLE, Effect.CONNECT, (Operation.CONNECT,), "*", True, at)


def _claim_rest(claims: Claims, closing: Layer) -> None:
    for piece in closing.region.pieces:
        for left_out in piece.without:
            at = endpoint_example((*piece.within, left_out), ())
            if at is not None:
                claims.stricter((closing.index,), HOLE, Effect.CONNECT, (Operation.CONNECT,), "*", True, at)
