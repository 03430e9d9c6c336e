"""A trial as the prober is asked for it: its paths spelled by its route, and what must lie ready for that."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from avakill.ir.effect import Operation
from avakill.ir.endpoint import read_destination
from avakill.lab.doors import COPY, SCRATCH, SCRIPT
from avakill.lab.words import Trial

MIDDLE, MIDDLE_TO, FINAL, MOUNT = (f"{SCRATCH}/{name}" for name in ("middle", "middle-to", "final", "mount"))


def bytes_of(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A path in a way of the prober's; `link` is a symlink that must exist: (its path, what it points to)."""

    way: str
    directory: str
    path: str
    link: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """`links` and `script` (a path and its text) are laid before, and taken away after."""

    message: bytes
    links: tuple[tuple[str, str], ...] = ()
    script: tuple[str, bytes] | None = None


def request_of(trial: Trial, descriptor: int = -1) -> Request:
    """`descriptor` is the number under which the prober holds the object open (the doors `inherited-…`)."""
    main = trial.asks[0]
    if main.operation is Operation.CONNECT:
        return _to_destination(trial.door, main.object)
    first = spell(trial.route, main.object, MIDDLE)
    second = spell_second(trial.route, main.to, main.directory)
    links = tuple(link for link in (first.link, second.link) if link is not None)
    argument, script = _extra(trial.door, first.path, descriptor)
    fields = (trial.door, first.way, first.directory, first.path, second.directory, second.path, argument)
    return Request(_message(fields), links, script)


def _to_destination(door: str, thing: str) -> Request:
    there = read_destination(thing)
    address, port = (str(there.address or there.host), there.port) if there is not None else (thing, 0)
    return Request(_message((door, "", "", address, "", str(port), "")))


def _extra(door: str, path: str, descriptor: int) -> tuple[str, tuple[str, bytes] | None]:
    match door:
        case "script":
            return SCRIPT, (SCRIPT, b"#!" + bytes_of(path) + b"\n")
        case "copy-exec":
            return COPY, None
        case "bind-read" | "bind-write":
            return MOUNT, None
        case "inherited-read" | "inherited-reopen" | "inherited-write":
            return str(descriptor), None
    return "", None


def _message(fields: tuple[str, ...]) -> bytes:
    body = b"".join(bytes_of(field) + b"\0" for field in fields)
    return struct.pack("=I", len(body)) + body


def spell(route: str, path: str, middle: str) -> Spelled:
    """An absolute path by a route; `middle` is where a link to its parent may stand."""
    parent, name = cut(path)
    match route:
        case "relative":
            return Spelled("cwd", parent, name)
        case "proc-cwd":
            return Spelled("cwd", parent, f"/proc/self/cwd/{name}")
        case "dirfd":
            return Spelled("dirfd", parent, name)
        case "proc-dirfd":
            return Spelled("procdirfd", parent, name)
        case "proc-fd":
            return Spelled("procfd", "", path)
        case "symlink-middle":
            return Spelled("", "", f"{middle}/{name}", (middle, parent))
        case "symlink-final":
            return Spelled("", "", FINAL, (FINAL, path))
    return Spelled("", "", respell(route, path))


def spell_second(route: str, path: str | None, directory: bool) -> Spelled:
    """The new name of a rename or link, by the same route as far as it has one."""
    if path is None:
        return Spelled("", "", "")
    if route in ("relative", "proc-cwd", "proc-fd", "symlink-final") or (route == "trailing-slash" and not directory):
        return Spelled("", "", path)
    return spell(route, path, MIDDLE_TO)


def respell(route: str, path: str) -> str:
    """The routes that are only another text for the same path."""
    parent, name = cut(path)
    base = parent.rstrip("/")
    match route:
        case "plain":
            return path
        case "dotdot":
            return f"{base}/../{base.rpartition('/')[2]}/{name}" if base else f"/../{name}"
        case "slashes":
            return path.replace("/", "//")
        case "dot":
            return f"{base}/./{name}"
        case "proc-root":
            return f"/proc/self/root{path}"
        case "trailing-slash":
            return f"{path}/"
    raise ValueError(f"no route `{route}`")


def cut(path: str) -> tuple[str, str]:
    """Its parent and its name; `/` is `.` in itself."""
    parent, _, name = path.rpartition("/")
    return parent or "/", name or "."
