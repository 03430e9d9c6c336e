"""Conditions to regions: what a kernel can see of a condition, from below and from above (semantics §3, §4)."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from avakill.backends.readings import argument_of, can_carry
from avakill.ir.condition import (
    Always,
    And,
    CommandIn,
    Condition,
    Contains,
    ContentScan,
    Equals,
    Field,
    FieldKind,
    HostIn,
    NetworkIn,
    Not,
    Or,
    Ordered,
    Ordering,
    PathIn,
    ShellSafe,
    StartsWith,
    Test,
)
from avakill.ir.effect import PATH_EFFECTS, Effect
from avakill.ir.endpoint import Endpoint, PortRange
from avakill.ir.policy import Action, Rule
from avakill.ir.region import Piece, Region, TooComplex, union
from avakill.ir.target import Target
from avakill.paths.automaton import Pattern
from avakill.paths.bind import bind
from avakill.paths.glob import Anchor, Glob, Wild, Wildcard, exactly, split
from avakill.paths.substring import Substring

ALL: Region[Any] = Region((Piece(),))
NONE: Region[Any] = Region(())
DEFAULT_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where a command of an allowlist is looked for when nobody told the target's programs."""

SCHEME_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}


class Approximation(NamedTuple):
    """The condition surely holds on `must` and surely fails outside `may`; equal where a kernel sees all of it."""

    must: Region[Any]
    may: Region[Any]

    @property
    def is_exact(self) -> bool:
        return self.must is self.may or self.must == self.may


UNKNOWN = Approximation(NONE, ALL)
NEVER = Approximation(NONE, NONE)
CERTAIN = Approximation(ALL, ALL)


def either(one: Approximation, other: Approximation) -> Approximation:
    return Approximation(one.must | other.must, one.may | other.may)


class View(NamedTuple):
    """From where a condition is looked at: one effect of one rule, by those of its tools that have it, on one target."""

    rule: Rule
    effect: Effect
    target: Target
    tools: frozenset[str]


_COMMAND = Field("command")


def field_of(test: Test) -> Field | None:
    match test:
        case CommandIn() | ShellSafe():
            return _COMMAND
        case ContentScan():
            return None
        case other:
            return other.field


def approximate(look: View, condition: Condition) -> Approximation:
    """What the kernel can see of `condition` for this effect."""
    try:
        return _approximate(look, condition)
    except TooComplex:
        return UNKNOWN


def _approximate(look: View, condition: Condition) -> Approximation:
    match condition:
        case Always():
            return CERTAIN
        case Not(inner):
            seen = _approximate(look, inner)
            return Approximation(~seen.may, ~seen.must)
        case And(parts):
            seen_parts = [_approximate(look, part) for part in parts]
            return Approximation(reduce(and_, (s.must for s in seen_parts), ALL), reduce(and_, (s.may for s in seen_parts), ALL))
        case Or(parts):
            seen_parts = [_approximate(look, part) for part in parts]
            return Approximation(reduce(or_, (s.must for s in seen_parts), NONE), reduce(or_, (s.may for s in seen_parts), NONE))
        case test:
            return _seen(look, test) if can_carry(look.tools, argument_of(test)) else NEVER


def _seen(look: View, test: Test) -> Approximation:
    region: Region[Any] | None = None
    if look.effect in PATH_EFFECTS:
        region = _path_region(test, look.target)
    elif look.effect is Effect.EXEC:
        region = _program_region(test, look)
    else:
        return _endpoint_region(test)
    return UNKNOWN if region is None else Approximation(region, region)


# -- paths --


def _path_region(test: Test, target: Target) -> Region[Pattern] | None:
    field = field_of(test)
    if field is None or field.kind is not FieldKind.ARGUMENT or field.name != "path":
        return None
    match test:
        case PathIn(globs=globs):
            return union(bound for glob in globs for bound in bind_to(glob, target))
        case Contains(needles=needles):
            patterns: tuple[Pattern, ...] = tuple(Substring(needle) for needle in needles)
            return union(patterns)
        case Equals(values=values) if all(isinstance(value, str) and value.startswith("/") for value in values):
            return union(bound for value in values for bound in bind_to(exactly(str(value)), target))
        case StartsWith(prefix=prefix) if prefix.startswith("/"):
            return union(bound for glob in prefix_globs(prefix) for bound in bind_to(glob, target))
        case _:
            return None


def bind_to(glob: Glob, target: Target) -> tuple[Glob, ...]:
    return bind(glob, target.home, target.workspace, target.links, target.ignores_case)


def prefix_globs(prefix: str) -> tuple[Glob, ...]:
    """The absolute paths whose text begins with `prefix`."""
    *names, last = prefix[1:].split("/")
    parts = tuple(name for name in names if name)
    if not last:
        return (Glob((*parts, Wild((Wildcard.SOME,))), below=True, anchor=Anchor.ROOT, text=prefix),)
    return (Glob((*parts, Wild((*last, Wildcard.SOME))), below=True, anchor=Anchor.ROOT, text=prefix),)


# -- programs --


def _program_region(test: Test, look: View) -> Region[Pattern] | None:
    """An exact allowlist of commands on an allow is a set of binaries; of any other condition a kernel sees nothing."""
    if not isinstance(test, CommandIn) or look.rule.action is not Action.ALLOW:
        return None
    return union(exactly(path) for name in test.names for path in program_paths(name, look.target))


def program_paths(name: str, target: Target) -> tuple[str, ...]:
    """The absolute paths that running `name` executes on the target."""
    if name.startswith("/"):
        return (name,)
    known = target.program(name)
    if known is not None:
        return known.paths
    return tuple(f"{folder}/{name}" for folder in DEFAULT_PATH)


# -- endpoints --


def _endpoint_region(test: Test) -> Approximation:
    field = field_of(test)
    if field is None or field.kind is not FieldKind.ARGUMENT:
        return UNKNOWN
    region: Region[Endpoint] | None = None
    match test:
        case HostIn(hosts=hosts) if field.name in ("host", "url"):
            region = union(Endpoint(host=host) if host != "*" else Endpoint() for host in hosts)
        case NetworkIn(networks=networks) if field.name in ("host", "url"):
            region = union(Endpoint(network=network) for network in networks)
        case Equals(values=values) if field.name == "host" and all(isinstance(v, str) for v in values):
            region = union(Endpoint(host=str(value)) for value in values)
        case Equals(values=values) if field.name == "port" and all(type(v) is int and 0 <= v <= 65535 for v in values):
            region = union(Endpoint(ports=PortRange(int(v), int(v))) for v in values)
        case Ordered(ordering=ordering, bound=bound) if field.name == "port":
            region = union(_port_ranges(ordering, bound))
        case StartsWith(prefix=prefix) if field.name == "url":
            return _url_prefix(prefix)
        case _:
            return UNKNOWN
    return UNKNOWN if region is None else Approximation(region, region)


def _port_ranges(ordering: Ordering, bound: int | float) -> tuple[Endpoint, ...]:
    below = {Ordering.LESS: -(-bound // 1) - 1, Ordering.LESS_EQUAL: bound // 1}
    above = {Ordering.GREATER: bound // 1 + 1, Ordering.GREATER_EQUAL: -(-bound // 1)}
    first, last = int(above.get(ordering, 0)), int(below.get(ordering, 65535))
    first, last = max(first, 0), min(last, 65535)
    return (Endpoint(ports=PortRange(first, last)),) if first <= last else ()


def _url_prefix(prefix: str) -> Approximation:
    """`https://host/…`: the kernel sees the host and the port; without the slash the host's end is not known."""
    scheme, separator, rest = prefix.partition("://")
    authority, slash, path = rest.partition("/")
    if not separator or not slash or "@" in authority or scheme.lower() not in SCHEME_PORTS:
        return UNKNOWN
    host, _, port = authority.partition(":") if not authority.startswith("[") else authority.rpartition(":")
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        return UNKNOWN
    number = int(port) if port else SCHEME_PORTS[scheme.lower()]
    region = union((Endpoint(host=host.strip("[]"), ports=PortRange(number, number)),))
    return Approximation(NONE if path else region, region)


def protected_globs(target: Target) -> tuple[Glob, ...]:
    """Self-protection's objects by every spelling."""
    globs: list[Glob] = []
    for path in target.protected:
        glob = Glob(split(path), below=path.endswith("/"), text=path)
        globs.extend(bind_to(glob, target))
    return tuple(dict.fromkeys(globs))
