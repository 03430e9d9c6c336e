"""Network objects: sets of endpoints by host name, network and port."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports `first` to `last`, both included."""

    first: int = 0
    last: int = 65535


ALL_PORTS = PortRange()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What `holds` a destination: at most one of `host` (a name; `*.` in front means subdomains) and `network`; neither is every host.

    Objects are written `HOST:PORT` or `PROTOCOL://HOST:PORT` (protocol tcp or udp; an IPv6 host in brackets).
    """

    host: str | None = None
    network: Network | None = None
    ports: PortRange = ALL_PORTS

    @property
    def is_everything(self) -> bool:
        return self.host is None and self.network is None and self.ports == ALL_PORTS

    def holds(self, thing: str) -> bool:
        destination = read_destination(thing)
        if destination is None or not self.ports.first <= destination.port <= self.ports.last:
            return False
        if self.host is not None:
            return host_matches(self.host, destination.host)
        if self.network is not None:
            address = destination.address
            return address is not None and address.version == self.network.version and address in self.network
        return True


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination of a connection; `address` is set where the host is an IP address (IPv4-mapped ones unwrapped)."""

    protocol: str
    host: str
    port: int
    address: IPv4Address | IPv6Address | None


@lru_cache(maxsize=4096)
def read_destination(thing: str) -> Destination | None:
    """`tcp://HOST:PORT` or `HOST:PORT` to a Destination; None when it is not one."""
    protocol, _, rest = thing.rpartition("://")
    host, colon, port = rest.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        return None
    host = host.strip("[]").lower().rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return Destination(protocol or "tcp", host, int(port), address)


def host_matches(pattern: str, host: str) -> bool:
    """Whether `host` is the name `pattern`, or below it where the pattern begins with `*.`; case does not count."""
    pattern = pattern.lower().rstrip(".")
    host = host.lower().rstrip(".")
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern
