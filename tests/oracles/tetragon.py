"""An interpreter of TracingPolicy objects: what their LSM hooks answer, written from Tetragon's own rules.

Sources: the reference pages on selectors and hooks, and bpf/process/types/basic.h; what is measured goes first:
an `lsmhooks` entry is one program; its selectors are tried in order and the first that matches acts; `Override` with an
`argError` other than 0 denies, without one it allows; every entry of a hook is asked and one denial is enough.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import yaml

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

FMODE_READ, FMODE_WRITE, FMODE_EXEC = 0x1, 0x2, 0x20
S_IFDIR, S_IFREG = 0x4000, 0x8000
RENAME_EXCHANGE = 2
UNLISTED = "203.0.113.77"
"""What a host name resolves to that no policy lists."""


@dataclass(frozen=True)
class Sockaddr:
    address: IPv4Address | IPv6Address
    port: int

    @property
    def family(self) -> str:
        return "AF_INET" if self.address.version == 4 else "AF_INET6"


Seen = str | int | Sockaddr | None
Call = Mapping[tuple[int, str], Seen]


@dataclass(frozen=True)
class Matcher:
    key: tuple[int, str]
    operator: str
    values: tuple[str, ...]

    @cached_property
    def known(self) -> tuple[frozenset[str], tuple[int, ...]]:
        return frozenset(self.values), tuple(sorted({len(value) for value in self.values}))

    def holds(self, call: Call) -> bool:
        seen = call[self.key]
        if seen is None:
            return False  # an argument that could not be read matches nothing
        if isinstance(seen, Sockaddr):
            return self.socket(seen)
        if isinstance(seen, int):
            return self.number(seen)
        return self.operator.startswith("Not") != self.string(seen)

    def string(self, seen: str) -> bool:
        values, sizes = self.known
        match self.operator.removeprefix("Not"):
            case "Equal":
                return seen in values
            case "Prefix":
                assert all(len(value.encode()) <= 255 for value in values)
                return any(seen[:size] in values for size in sizes if size <= len(seen))
            case "Postfix":
                assert all(len(value.encode()) <= 127 for value in values)
                return any(seen[len(seen) - size :] in values for size in sizes if size <= len(seen))
            case other:
                raise AssertionError(f"{other} on a string")

    def number(self, seen: int) -> bool:
        assert self.operator == "Mask"
        assert len(self.values) <= 4
        return any(seen & int(value) for value in self.values)

    def socket(self, seen: Sockaddr) -> bool:
        match self.operator:
            case "Family":
                return seen.family in self.values
            case "SPort" | "NotSPort":
                inside = any(int(v.split(":")[0]) <= seen.port <= int(v.split(":")[-1]) for v in self.values)
                return inside != self.operator.startswith("Not")
            case "SAddr" | "NotSAddr":
                networks = [ip_network(value, strict=False) for value in self.values]
                mine = [network for network in networks if network.version == seen.address.version]
                if not mine:
                    return False  # no map for that family: the older reading, the worse one for a `Not…`
                return any(seen.address in network for network in mine) != self.operator.startswith("Not")
            case other:
                raise AssertionError(f"{other} on a socket address")


@dataclass(frozen=True)
class Entry:
    hook: str
    selectors: tuple[tuple[tuple[Matcher, ...], bool], ...]

    def denies(self, call: Call) -> bool:
        for matchers, overrides in self.selectors:
            if all(matcher.holds(call) for matcher in matchers):
                return overrides
        return False


@dataclass
class Tetragon:
    """The policies of one artifact, as loaded."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Tetragon:
        loaded = cls()
        for document in yaml.load_all(text, Loader):
            if document is not None:
                for hook in document["spec"]["lsmhooks"]:
                    loaded.entries.setdefault(hook["hook"], []).append(read_entry(hook))
        return loaded

    def denied(self, hook: str, call: Call) -> bool:
        return any(entry.denies(call) for entry in self.entries.get(hook, ()))

    def allows(self, probe: Probe) -> bool:
        """Whether a process of the selected subject may do it."""
        if probe.operation is Operation.CONNECT:
            return any(self._passes(probe.object, hook, key) for hook, key in SOCKET_HOOKS)
        return not any(self.denied(hook, call) for hook, call in calls(probe))

    def _passes(self, thing: str, hook: str, key: tuple[int, str]) -> bool:
        """One way out; IPv4 destinations are tried as IPv6 sockets write them too."""
        return any(not self.denied(hook, {key: seen}) for seen in sockaddrs(thing))


SOCKET_HOOKS = (("socket_connect", (1, "")), ("socket_sendmsg", (1, "msg_name")))


def read_entry(hook: dict[str, Any]) -> Entry:
    keys = [(arg["index"], arg.get("resolve", "")) for arg in hook["args"]]
    selectors = []
    for selector in hook["selectors"]:
        matchers = tuple(
            Matcher(keys[match["args"][0]], match["operator"], tuple(match["values"])) for match in selector["matchArgs"]
        )
        overrides = any(a["action"] == "Override" and a.get("argError", 0) != 0 for a in selector["matchActions"])
        selectors.append((matchers, overrides))
    return Entry(hook["hook"], tuple(selectors))


# -- what the kernel calls --


def pieces(path: str) -> tuple[str, str]:
    parent, _, name = path.rpartition("/")
    return parent or "/", name or "/"


def of_file(path: str, mode: int) -> Call:
    name = pieces(path)[1]
    return {(0, ""): path, (0, "f_path.dentry.d_name.name"): name, (0, "f_mode"): mode}


def of_path(path: str) -> Call:
    return {(0, ""): path, (0, "dentry.d_name.name"): pieces(path)[1]}


def of_entry(path: str) -> Call:
    parent, name = pieces(path)
    return {(0, ""): parent, (1, "d_name.name"): name}


def calls(probe: Probe) -> list[tuple[str, Call]]:
    """The hooks that the kernel asks, one after the other, each with the arguments that a policy may read."""
    path = probe.object
    match probe.operation:
        case Operation.READ | Operation.LIST:
            return [("file_open", of_file(path, FMODE_READ))]
        case Operation.WRITE:
            return [("file_open", of_file(path, FMODE_WRITE))]
        case Operation.TRUNCATE:
            return [("path_truncate", of_path(path))]
        case Operation.ATTR:
            return [("path_chmod", of_path(path))]
        case Operation.CREATE:
            return [("path_mknod", of_entry(path))]
        case Operation.MKDIR:
            return [("path_mkdir", of_entry(path))]
        case Operation.SYMLINK:
            return [("path_symlink", of_entry(path))]
        case Operation.UNLINK:
            return [("path_unlink", of_entry(path))]
        case Operation.RMDIR:
            return [("path_rmdir", of_entry(path))]
        case Operation.EXEC:
            program = {(0, ""): path, (0, "file.f_path.dentry.d_name.name"): pieces(path)[1]}
            return [("file_open", of_file(path, FMODE_READ | FMODE_EXEC)), ("bprm_check_security", program)]
        case Operation.LINK:
            return [("path_link", of_link(path, probe.to or "/"))]
        case Operation.RENAME:
            return [("path_rename", of_rename(probe))]
        case Operation.CONNECT:
            raise AssertionError("asked of sockets")


def of_link(old: str, new: str) -> Call:
    """`dentry` prints the path inside its mount: all of the path where nothing is mounted above."""
    parent, name = pieces(new)
    return {(0, ""): old, (0, "d_name.name"): pieces(old)[1], (1, ""): parent, (2, "d_name.name"): name}


def of_rename(probe: Probe) -> Call:
    """Since 5.19 the hook is asked once for an exchange too, with its flag. A new name that is free has no inode."""
    old, new = pieces(probe.object), pieces(probe.to or "/")
    return {
        (0, ""): old[0],
        (1, "d_name.name"): old[1],
        (1, "d_inode.i_mode"): S_IFDIR if probe.directory else S_IFREG,
        (2, ""): new[0],
        (3, "d_name.name"): new[1],
        (3, "d_inode.i_mode"): (S_IFDIR if probe.directory else S_IFREG) if probe.replaces or probe.exchange else None,
        (4, ""): RENAME_EXCHANGE if probe.exchange else 0,
    }


def sockaddrs(thing: str) -> list[Sockaddr]:
    host, _, port = thing.rpartition("://")[2].rpartition(":")
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        address = ip_address(UNLISTED)
    if address.version == 4:
        return [Sockaddr(address, int(port)), Sockaddr(IPv6Address(f"::ffff:{address}"), int(port))]
    return [Sockaddr(address, int(port))]
