"""CONNECT layers as clauses. The language has ports and no hosts: a destination is `*` or `localhost`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avakill.backends.plan import Layer, Plan, endpoint_example
from avakill.backends.sbpl.claims import Claims
from avakill.backends.sbpl.model import OPERATIONS, All, Any, Clause, Filter, Not, Port
from avakill.ir.effect import Effect, Operation
from avakill.ir.endpoint import Endpoint, read_destination
from avakill.ir.region import Piece
from avakill.ir.verdict import Lost, Witness

MAX_PORTS = 256
"""How many ports are listed one by one: the language has no ranges."""

MAX_CHECKS = 400
CONNECT = frozenset({Effect.CONNECT})
NO_HOST = "the profile language knows ports and no hosts, so this region cannot be said"
CLOSED_HOLE = "an allowed host or network cannot be said in the profile language, so the hole stays closed"
HOLE_LOST = "a hole above it cannot be said in the profile language and stays closed"


@dataclass(frozen=True, slots=True)
class Said:
    """A layer with what of it can be said: ports that it covers on every host."""

    layer: Layer
    ports: tuple[frozenset[int] | None, ...]
    unsaid: tuple[Piece[Endpoint], ...]

    def holds(self, port: int) -> bool:
        return any(ports is None or port in ports for ports in self.ports)


def connect_clauses(plan: Plan, claims: Claims) -> tuple[Clause, ...]:
    """The clauses of CONNECT, last layer first, with every loss claimed."""
    said = tuple(_said(layer) for layer in plan.layers[Effect.CONNECT])
    checks = 0
    for entry in said:
        for piece in entry.unsaid:
            checks += 1
            _confess(plan, said, entry, piece, claims, checks <= MAX_CHECKS)
    return tuple(_clauses(said))


def _said(layer: Layer) -> Said:
    ports: list[frozenset[int] | None] = []
    unsaid: list[Piece[Endpoint]] = []
    for piece in layer.region.pieces:
        found = _ports(piece)
        if found is None or not _is_short(found):
            unsaid.append(piece)
        else:
            ports.append(None if len(found) == 65536 else found)
    return Said(layer, tuple(ports), tuple(unsaid))


def _ports(piece: Piece[Endpoint]) -> frozenset[int] | None:
    """The ports of a piece that holds every host; None where it tells hosts apart."""
    found = set(range(65536)) if piece.without or not piece.within else set(_range(piece.within[0]))
    if any(end.host is not None or end.network is not None for end in (*piece.within, *piece.without)):
        return None
    for end in piece.within:
        found &= set(_range(end))
    for end in piece.without:
        found -= set(_range(end))
    return frozenset(found)


def _range(end: Endpoint) -> range:
    return range(end.ports.first, end.ports.last + 1)


def _is_short(ports: frozenset[int]) -> bool:
    return len(ports) <= MAX_PORTS or 65536 - len(ports) <= MAX_PORTS


def _clauses(said: tuple[Said, ...]) -> Iterator[Clause]:
    for entry in reversed(said):
        filters = tuple(found for ports in entry.ports for found in _filters(ports))
        if filters:
            yield Clause(entry.layer.denies, OPERATIONS[Effect.CONNECT], filters, entry.layer.span)


def _filters(ports: frozenset[int] | None) -> tuple[Filter, ...]:
    if ports is None:
        return (Port(),)
    if len(ports) <= MAX_PORTS:
        return tuple(Port(number) for number in sorted(ports))
    missing = tuple(Port(number) for number in range(65536) if number not in ports)
    return (All((Port(), Not(Any(missing)))),)


# -- claims --


def _confess(plan: Plan, said: tuple[Said, ...], entry: Said, piece: Piece[Endpoint], claims: Claims, checked: bool) -> None:
    layer = entry.layer
    thing = endpoint_example(piece.within, piece.without)
    if layer.denies:
        if not entry.ports:
            claims.unenforceable(layer, CONNECT, NO_HOST)
        elif thing is not None and (not checked or _differs(plan, said, thing, False)):
            claims.weaker(layer, CONNECT, NO_HOST, Witness(Operation.CONNECT, thing, False, True))
        return
    if thing is None or (checked and not _differs(plan, said, thing, True)):
        return
    found = Witness(Operation.CONNECT, thing, True, False)
    lost = (Lost((Operation.CONNECT,), "*"),)
    claims.stricter(layer, CONNECT, CLOSED_HOLE, found, lost)
    closing = _decides(said, thing)
    if closing is not None:
        claims.stricter(closing, CONNECT, HOLE_LOST, found, lost)


def _differs(plan: Plan, said: tuple[Said, ...], thing: str, allowed: bool) -> bool:
    """Whether the policy's answer for `thing` is `allowed` and the profile's is the other."""
    layer = next((layer for layer in plan.layers[Effect.CONNECT] if layer.region.holds(thing)), None)
    closing = _decides(said, thing)
    return (layer is None or not layer.denies) == allowed and (closing is None or not closing.denies) != allowed


def _decides(said: tuple[Said, ...], thing: str) -> Layer | None:
    destination = read_destination(thing)
    if destination is None:
        return None
    return next((entry.layer for entry in said if entry.holds(destination.port)), None)
