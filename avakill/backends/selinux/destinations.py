"""Which layer decides a destination, and a destination that a given layer decides: exactly, within bounded work."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network

from avakill.backends.plan import Layer
from avakill.ir.endpoint import Endpoint, Network, PortRange, read_destination
from avakill.ir.region import Piece
from avakill.paths.automaton import Undecided

MAX_LOOKS = 20_000
"""Destinations that are tried beyond the likely ones, for one policy."""
HOSTS = ("192.0.2.1", "example.org", "127.0.0.1", "10.0.0.1", "[2001:db8::1]", "avakill-other.invalid", "0.0.0.0", "[::]")
PORTS = (443, 80, 1, 65535)
ANY = ""

Key = str | tuple[int, int, int]


class Destinations:
    """The CONNECT layers, by the host or network that each of their pieces asks for."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        self.looks = MAX_LOOKS
        self.by_key: dict[Key, list[tuple[int, Piece[Endpoint]]]] = {}
        self.lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for rank, layer in enumerate(layers):
            for piece in layer.region.pieces:
                key = self._key(piece)
                self.by_key.setdefault(key, []).append((rank, piece))
        ends = [end for layer in layers for piece in layer.region.pieces for end in (*piece.within, *piece.without)]
        self.hosts = tuple(dict.fromkeys((*HOSTS, *(host for end in ends for host in _edges(end)))))
        self.ports = tuple(dict.fromkeys((*PORTS, *(port for ports in {end.ports for end in ends} for port in _ports(ports)))))

    def decides(self, thing: str) -> Layer | None:
        """The first layer whose region holds the destination."""
        rank = min((self._first(key, thing) for key in self._keys(thing)), default=len(self.layers))
        return self.layers[rank] if rank < len(self.layers) else None

    def example(self, layer: Layer | None, within: tuple[Endpoint, ...], without: tuple[Endpoint, ...]) -> str | None:
        """A destination of the piece that `layer` (None: no layer) decides; None when there is none. Raises Undecided."""
        piece = Piece(within, without)
        likely = self._likely(within)
        found = next((thing for thing in likely if piece.holds(thing) and self.decides(thing) is layer), None)
        return found if found is not None else self._searched(layer, piece)

    def _searched(self, layer: Layer | None, piece: Piece[Endpoint]) -> str | None:
        # between the edges of hosts, networks and ports no layer changes its answer, so one destination stands for all
        for host in self.hosts:
            for port in self.ports:
                self.looks -= 1
                if self.looks < 0:
                    raise Undecided
                thing = f"tcp://{host}:{port}"
                if piece.holds(thing) and self.decides(thing) is layer:
                    return thing
        return None

    def _likely(self, within: tuple[Endpoint, ...]) -> Iterator[str]:
        hosts = dict.fromkeys((*(host for end in within for host in _edges(end)), *HOSTS))
        ports = dict.fromkeys((*(port for end in within for port in _ports(end.ports)), *PORTS))
        return (f"tcp://{host}:{port}" for host in hosts for port in ports)

    def _first(self, key: Key, thing: str) -> int:
        return next((rank for rank, piece in self.by_key.get(key, ()) if piece.holds(thing)), len(self.layers))

    def _key(self, piece: Piece[Endpoint]) -> Key:
        for end in piece.within:
            if end.host is not None and end.host != "*":
                return end.host.lower().rstrip(".")
            if end.network is not None:
                self.lengths[end.network.version].add(end.network.prefixlen)
                return end.network.version, end.network.prefixlen, int(end.network.network_address)
        return ANY

    def _keys(self, thing: str) -> Iterator[Key]:
        """Every key under which a piece that holds the destination may stand."""
        destination = read_destination(thing)
        if destination is None:
            return
        yield ANY
        yield destination.host
        labels = destination.host.split(".")
        yield from (f"*.{'.'.join(labels[n:])}" for n in range(1, len(labels)))
        address = destination.address
        if address is not None:
            for length in self.lengths[address.version]:
                shift = address.max_prefixlen - length
                yield address.version, length, int(address) >> shift << shift


def _edges(end: Endpoint) -> tuple[str, ...]:
    """Hosts at which what an endpoint holds begins and ends."""
    if end.host is not None:
        return _names(end.host)
    return _addresses(end.network) if end.network is not None else ()


def _names(host: str) -> tuple[str, ...]:
    if host.startswith("*."):
        return f"www{host[1:]}", f"avakill-other{host[1:]}"
    try:
        return (host, *_addresses(ip_network(host)))
    except ValueError:
        return (host,)


def _addresses(network: Network) -> tuple[str, ...]:
    first, last = network.network_address, network.broadcast_address
    inner = network[0] if network.num_addresses < 2 else network[1]
    after = () if int(last) + 1 >> network.max_prefixlen else (last + 1,)
    return tuple(_text(address) for address in (inner, first, *after))


def _text(address: IPv4Address | IPv6Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


def _ports(ports: PortRange) -> tuple[int, ...]:
    edges = (ports.first, ports.last, ports.last + 1, ports.first - 1)
    return tuple(port for port in edges if 0 < port < 65536)
