"""URLs and hosts as written to the hosts that they may mean. Nothing is looked up."""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Host:
    """`names` are the host's spellings (an address in its usual form), `addresses` what it is where it is one.

    Several where programs differ on how to read it: an allow needs all of them. `doubt` says why there may be others.
    """

    names: tuple[str, ...]
    addresses: tuple[Address, ...] = ()
    port: int | None = None
    doubt: str = ""


PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ssh": 22, "git": 9418}
_NAT64 = IPv6Network("64:ff9b::/96")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!\d+(?:[/?#]|$))")
_ODD = re.compile(r"[\x00-\x20\x7f\\\s]")
_NAME = re.compile(r"[a-z0-9_*-]+(\.[a-z0-9_*-]+)*")


@lru_cache(maxsize=4096)
def read_host(text: str) -> Host:
    """The host of a URL, of `HOST:PORT` or of a host alone; what cannot be read has a doubt and maybe no name."""
    stripped = text.strip()
    doubt = "a blank or a backslash in it" if _ODD.search(stripped) else ""
    scheme = ""
    rest = stripped
    match = _SCHEME.match(stripped)
    if match is not None:
        scheme = match[1].lower()
        rest = stripped[match.end() :]
        if not rest.startswith("//") or rest.startswith("///"):
            doubt = doubt or "a URL without `//` and a host"
    authority = re.split(r"[/?#\\]", rest.lstrip("/\\"), maxsplit=1)[0]
    if authority.count("@") > 1:
        doubt = doubt or "several `@` in it"
    host, port, bad_port = _split_port(authority.rpartition("@")[2])
    if bad_port:
        doubt = doubt or "a port that is no number"
    if "%" in host and not host.startswith("["):
        doubt = doubt or "an escape in the host"
        host = unquote(host)
    return _named(host, port if port is not None else PORTS.get(scheme), doubt)


def _split_port(text: str) -> tuple[str, int | None, bool]:
    if text.startswith("["):
        host, _, rest = text.partition("]")
        host += "]"
        rest = rest.removeprefix(":") if rest.startswith(":") else rest
    elif text.count(":") > 1:
        return text, None, False  # an IPv6 address without brackets
    else:
        host, _, rest = text.partition(":")
    if not rest:
        return host, None, False
    if not (rest.isascii() and rest.isdigit() and len(rest) <= 5 and int(rest) <= 65535):
        return host, None, True
    return host, int(rest), False


def _named(host: str, port: int | None, doubt: str) -> Host:
    bare = host.strip("[]").partition("%")[0] if ":" in host else host
    bare = bare.rstrip(".").lower() or bare
    if ":" in bare:
        try:
            return _addressed((ip_address(bare),), port, doubt)
        except ValueError:
            return Host((), (), port, doubt or "not an IPv6 address")
    name = to_ascii(bare)
    if name is None or not _NAME.fullmatch(name):
        return Host((), (), port, doubt or "not a host name")
    numeric = _numeric(name)
    if numeric:
        return _addressed(numeric, port, doubt)
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", name.rpartition(".")[2]):
        return Host((name,), (), port, doubt or "numbers that are no address")
    if name == "localhost" or name.endswith(".localhost"):
        return Host((name,), (IPv4Address("127.0.0.1"), IPv6Address("::1")), port, doubt)
    return Host((name,), (), port, doubt)


def to_ascii(name: str) -> str | None:
    """A host name in its ASCII form (`xn--…`), lower case, without a final dot; None where it has none."""
    if name.isascii():
        return name.lower().rstrip(".")
    try:
        return name.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        return None


def _addressed(addresses: tuple[Address, ...], port: int | None, doubt: str) -> Host:
    known: dict[Address, None] = {}
    for address in addresses:
        inner: Address = address
        if isinstance(address, IPv6Address):
            inner = address.ipv4_mapped or address
            if address in _NAT64:
                known[IPv4Address(int(address) & 0xFFFFFFFF)] = None
            elif address.sixtofour is not None:
                known[address.sixtofour] = None
        known[inner] = None
        if inner == IPv4Address(0) or inner == IPv6Address(0):
            known[IPv4Address("127.0.0.1")] = None  # connecting to no address reaches this host
    return Host(tuple(map(str, known)), tuple(known), port, doubt)


def _numeric(name: str) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that `0x7f.1`, `2130706433` and `0177.0.0.1` are: octal where C reads octal, and decimal too."""
    parts = name.split(".")
    if len(parts) > 4:
        return ()
    found: dict[IPv4Address, None] = {}
    for octal in (True, False):
        numbers = [_number(part, octal) for part in parts]
        if any(number is None for number in numbers):
            continue
        whole = [number for number in numbers if number is not None]
        if any(number > 255 for number in whole[:-1]) or whole[-1] >= 256 ** (5 - len(whole)):
            continue
        value = whole[-1]
        for place, number in enumerate(whole[:-1]):
            value += number << (8 * (3 - place))
        found[IPv4Address(value)] = None
    return tuple(found)


def _number(part: str, octal: bool) -> int | None:
    if len(part) > 32:
        return None
    if re.fullmatch(r"0x[0-9a-f]*", part):
        return int(part[2:] or "0", 16)
    if octal and re.fullmatch(r"0[0-7]+", part):
        return int(part, 8)
    return int(part) if re.fullmatch(r"[0-9]+", part) else None
