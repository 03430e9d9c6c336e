"""Destinations: address families, networks and ports of the address that a process passes (facts §3, network)."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from avakill.backends.plan import Layer
from avakill.backends.tetragon.hooks import Draft
from avakill.backends.tetragon.model import Arg, Test, Value
from avakill.ir.effect import Effect
from avakill.ir.endpoint import ALL_PORTS, Endpoint, PortRange
from avakill.ir.region import Piece
from avakill.source.span import NOWHERE, Span

CONNECT = Arg(1, "sockaddr")
SEND = Arg(1, "sockaddr", "msg_name")
MAX_NEGATIONS = 2
"""Exceptions by address and by port together: each splits the selectors in two."""


@dataclass(slots=True)
class Network:
    """`unsaid`: denies by name; `closed`: allows that stay closed, each with the rows of denies below it."""

    unsaid: list[tuple[Layer, Piece[Endpoint]]] = field(default_factory=list)
    said: list[Layer] = field(default_factory=list)
    closed: list[tuple[Layer, Piece[Endpoint], Layer]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Hole:
    end: Endpoint
    layer: Layer


def add_network(layers: tuple[Layer, ...], draft: Draft) -> Network:
    result = Network()
    holes: list[_Hole] = []
    hopeless: list[tuple[Layer, Piece[Endpoint]]] = []
    groups: dict[tuple[object, ...], tuple[list[tuple[Endpoint, Span]], list[_Hole], dict[int, None]]] = {}
    for layer in layers:
        for piece in layer.region.pieces:
            if not layer.denies:
                if len(piece.within) > 1 or piece.without or (piece.within and piece.within[0].host is not None):
                    hopeless.append((layer, piece))
                else:
                    holes.append(_Hole(piece.within[0] if piece.within else Endpoint(), layer))
                continue
            end = _one(piece.within)
            if end is None:
                result.unsaid.append((layer, piece))
                continue
            result.said.append(layer)
            own = [_Hole(other, layer) for other in piece.without if other.host is None]
            result.closed.extend((layer, Piece((other,)), layer) for other in piece.without if other.host is not None)
            result.closed.extend((above, shut, layer) for above, shut in hopeless[:64])
            mine = [*holes, *own]
            key = (end.network is None, end.ports, tuple(hole.end for hole in mine))
            found = groups.setdefault(key, ([], mine, {}))
            found[0].append((end, layer.span))
            found[2][layer.index] = None
    for ends, mine, rows in groups.values():
        _add(ends, mine, tuple(rows), draft, result)
    return result


def _one(ends: tuple[Endpoint, ...]) -> Endpoint | None:
    """The intersection as one endpoint without a name; None where it cannot be said."""
    found = Endpoint()
    for end in ends:
        if end.host is not None:
            return None
        if end.network is not None and found.network is not None and end.network != found.network:
            return None
        first, last = max(found.ports.first, end.ports.first), min(found.ports.last, end.ports.last)
        if first > last:
            return None
        found = Endpoint(None, end.network or found.network, PortRange(first, last))
    return found


def _add(ends: list[tuple[Endpoint, Span]], holes: list[_Hole], rows: tuple[int, ...], draft: Draft, result: Network) -> None:
    positive = _positive(ends)
    kept: list[_Hole] = []
    both = 0
    for hole in holes:
        if hole.end.network is not None and hole.end.ports != ALL_PORTS:
            both += 1
            if both > MAX_NEGATIONS:
                result.closed.extend((hole.layer, Piece((hole.end,)), layer) for layer in result.said if layer.index in rows)
                continue
        kept.append(hole)
    if any(hole.end.is_everything for hole in kept):
        return
    for negation in _negations(kept):
        for arg, hook in ((CONNECT, "socket_connect"), (SEND, "socket_sendmsg")):
            tests = tuple(Test(arg, operator, values) for operator, values in (*positive, *negation))
            draft.add(hook, tests, frozenset({Effect.CONNECT}), rows)


Part = tuple[str, tuple[Value, ...]]


def _positive(ends: list[tuple[Endpoint, Span]]) -> tuple[Part, ...]:
    first = ends[0][0]
    span = ends[0][1]
    parts: list[Part] = []
    if first.network is None:
        parts.append(("Family", (("AF_INET", span), ("AF_INET6", span))))
    else:
        parts.append(("SAddr", tuple((text, s) for end, s in ends for text in _texts(end))))
    if first.ports != ALL_PORTS:
        parts.append(("SPort", ((_range(first.ports), span),)))
    return tuple(parts)


def _texts(end: Endpoint) -> Iterator[str]:
    """A network, and an IPv4 one also as IPv6 sockets write it."""
    assert end.network is not None
    yield str(end.network)
    if isinstance(end.network, IPv4Network):
        yield f"::ffff:{end.network.network_address}/{96 + end.network.prefixlen}"


def _range(ports: PortRange) -> str:
    return str(ports.first) if ports.first == ports.last else f"{ports.first}:{ports.last}"


def _negations(holes: Iterable[_Hole]) -> list[tuple[Part, ...]]:
    """Outside of every hole: by address, by port, or for a hole of both by either."""
    addresses: dict[str, None] = {}
    ports: dict[str, None] = {}
    both: list[Endpoint] = []
    for hole in holes:
        if hole.end.network is None:
            ports[_range(hole.end.ports)] = None
        elif hole.end.ports == ALL_PORTS:
            addresses.update(dict.fromkeys(_texts(hole.end)))
        else:
            both.append(hole.end)
    choices: list[tuple[dict[str, None], dict[str, None]]] = [(addresses, ports)]
    for end in both:
        choices = [
            choice
            for a, p in choices
            for choice in ((a | dict.fromkeys(_texts(end)), p), (a, p | {_range(end.ports): None}))
        ]
    return [parts for a, p in choices for parts in _not(a, p)]


def _not(addresses: dict[str, None], ports: dict[str, None]) -> Iterator[tuple[Part, ...]]:
    """`NotSAddr` never lacks values of the family that it is asked about: without a map of that family some versions
    let it fail (Tetragon's filter_addr_map), and the destination would pass."""
    last: tuple[Part, ...] = (("NotSPort", _plain(ports)),) if ports else ()
    if not addresses:
        yield last
    elif all(":" in text for text in addresses):
        yield (("Family", _plain(("AF_INET",))), *last)
        yield (("Family", _plain(("AF_INET6",))), ("NotSAddr", _plain(addresses)), *last)
    else:
        yield (("NotSAddr", _plain(addresses)), *last)


def _plain(texts: Iterable[str]) -> tuple[Value, ...]:
    return tuple((text, NOWHERE) for text in texts)
