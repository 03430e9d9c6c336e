"""Landlock's network: TCP ports that may be connected to, for every host alike (ABI 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from avakill.backends.landlock.model import Network
from avakill.backends.landlock.rights import NETWORK_ABI
from avakill.backends.plan import Layer, Plan, endpoint_example
from avakill.ir.effect import Effect, Operation
from avakill.ir.endpoint import Endpoint, PortRange
from avakill.ir.region import Piece
from avakill.ir.verdict import Finding, Lost, Verdict, Witness

CONNECT = frozenset({Effect.CONNECT})
HOST = "[2001:db8::7]"
UDP = "landlock mediates connect() of TCP only: UDP, other protocols and TCP Fast Open go through"
NO_NET = "landlock mediates TCP from ABI 4 (Linux 6.7) on; this target has ABI {abi}"
HOSTS = "landlock sees ports, not hosts: nothing is emitted for a deny of some hosts"
HOLE_HOSTS = "landlock sees ports, not hosts: the hole for some hosts in denied ports is closed"


@dataclass(frozen=True, slots=True)
class Ports:
    """A set of ports as sorted, disjoint, inclusive ranges."""

    ranges: tuple[tuple[int, int], ...] = ()

    def __or__(self, other: Ports) -> Ports:
        merged: list[tuple[int, int]] = []
        for first, last in sorted((*self.ranges, *other.ranges)):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return Ports(tuple(merged))

    def __sub__(self, other: Ports) -> Ports:
        left: list[tuple[int, int]] = []
        for first, last in self.ranges:
            for low, high in other.ranges:
                if high < first or low > last:
                    continue
                if low > first:
                    left.append((first, low - 1))
                first = high + 1
            if first <= last:
                left.append((first, last))
        return Ports(tuple(left))

    def __and__(self, other: Ports) -> Ports:
        return self - (self - other)


ALL = Ports(((0, 65535),))


def lower_network(plan: Plan) -> tuple[Network | None, tuple[Finding, ...]]:
    layers = plan.layers[Effect.CONNECT]
    if not any(layer.denies for layer in layers):
        return None, ()
    abi = plan.target.landlock_abi
    if abi < NETWORK_ABI:
        return None, tuple(_refusal(layer, NO_NET.format(abi=abi)) for layer in layers if layer.denies)
    return _lower(layers)


def _refusal(layer: Layer, reason: str) -> Finding:
    return Finding(layer.index, Verdict.UNENFORCEABLE, reason, CONNECT, span=layer.span)


def _lower(layers: tuple[Layer, ...]) -> tuple[Network | None, tuple[Finding, ...]]:
    """In order: a port is settled by the first layer that decides it for every host; holes for some hosts are closed."""
    allowed, denied = Ports(), Ports()
    partial: list[tuple[Layer, Piece[Endpoint], Ports]] = []
    findings: list[Finding] = []
    rows: dict[int, None] = {}
    for layer in layers:
        whole = _whole(layer)
        fresh = whole - (allowed | denied)
        if layer.denies:
            findings += _of_deny(layer, whole, fresh, partial)
            denied = denied | fresh
            if fresh.ranges:
                rows[layer.index] = None
        else:
            allowed = allowed | fresh
        holes = () if layer.denies else tuple(piece for piece in layer.region.pieces if not _is_whole(piece))
        partial += [(layer, piece, _outer(piece) - denied) for piece in holes]
    findings += _closed_holes(partial, denied)
    if not denied.ranges:
        return None, tuple(findings)
    ranges = (ALL - denied).ranges
    return Network(tuple(PortRange(first, last) for first, last in ranges), tuple(rows)), tuple(findings)


def _is_whole(piece: Piece[Endpoint]) -> bool:
    """Whether the piece says the same of every host."""
    return not any(end.host is not None or end.network is not None for end in (*piece.within, *piece.without))


def _ports_of(end: Endpoint) -> Ports:
    return Ports(((end.ports.first, end.ports.last),))


def _outer(piece: Piece[Endpoint]) -> Ports:
    """Every port that the piece says something of."""
    found = ALL
    for end in piece.within:
        found = found & _ports_of(end)
    for end in piece.without:
        if end.host is None and end.network is None:
            found = found - _ports_of(end)
    return found


def _whole(layer: Layer) -> Ports:
    found = Ports()
    for piece in layer.region.pieces:
        if _is_whole(piece):
            found = found | _outer(piece)
    return found


def _of_deny(layer: Layer, whole: Ports, fresh: Ports, partial: list[tuple[Layer, Piece[Endpoint], Ports]]) -> Iterator[Finding]:
    hosts = [piece for piece in layer.region.pieces if not _is_whole(piece)]
    if hosts and not whole.ranges:
        yield _refusal(layer, HOSTS)
        return
    if hosts:
        thing = next((t for piece in hosts if (t := endpoint_example(piece.within, piece.without))), None)
        found = Witness(Operation.CONNECT, thing, False, True) if thing else None
        yield Finding(layer.index, Verdict.WEAKER if found else Verdict.UNENFORCEABLE, HOSTS, CONNECT, found, span=layer.span)
    for first, _ in fresh.ranges:
        port = first or 1
        witness = Witness(Operation.CONNECT, f"udp://{HOST}:{port}", False, True)
        yield Finding(layer.index, Verdict.WEAKER, UDP, CONNECT, witness, span=layer.span)
        break
    for _, piece, ports in partial:
        closed = ports & fresh
        thing = _example(piece, closed)
        if thing is not None:
            witness = Witness(Operation.CONNECT, thing, True, False)
            yield Finding(layer.index, Verdict.STRICTER, HOLE_HOSTS, CONNECT, witness, LOST, layer.span)
            break


LOST = (Lost((Operation.CONNECT,), "*"),)


def _closed_holes(partial: list[tuple[Layer, Piece[Endpoint], Ports]], denied: Ports) -> Iterator[Finding]:
    told: set[int] = set()
    for owner, piece, ports in partial:
        thing = _example(piece, ports & denied)
        if thing is not None and owner.index not in told:
            told.add(owner.index)
            witness = Witness(Operation.CONNECT, thing, True, False)
            yield Finding(owner.index, Verdict.STRICTER, HOLE_HOSTS, CONNECT, witness, LOST, owner.span)


def _example(piece: Piece[Any], ports: Ports) -> str | None:
    for first, last in ports.ranges[:4]:
        thing = endpoint_example((*piece.within, Endpoint(ports=PortRange(first, last))), piece.without)
        if thing is not None:
            return thing
    return None
