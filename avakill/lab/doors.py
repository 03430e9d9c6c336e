"""The doors and routes of the lab: by which system calls an operation is tried, and how its path is spelled. A pure table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from avakill.ir.effect import EFFECT_OF, Effect, Operation
from avakill.ir.effect import Operation as Op

SCRATCH = "/run/avakill-lab"
"""The supervisor's own directory in a stage: symlinks and scripts that a trial needs are laid there, and taken away after."""

SCRIPT = f"{SCRATCH}/script"
"""The `#!` script by which the door `script` executes its object."""

SOURCE = f"{SCRATCH}/source"
"""Stands for the nameless file from which the door `sendfile-in` takes what it writes."""

COPY = f"{SCRATCH}/copy"
"""Where the door `copy-exec` writes its copy of the object."""


class Takes(StrEnum):
    """What stands at the object's path before the trial."""

    FILE = "file"
    DIRECTORY = "directory"
    EMPTY = "empty"  # an empty directory
    EITHER = "either"  # a file or a directory
    MISSING = "missing"
    TCP = "tcp"  # `tcp://HOST:PORT`, an address
    UDP = "udp"  # `udp://HOST:PORT`, an address
    TCP4 = "tcp4"  # as TCP, IPv4 only


class Needs(StrEnum):
    ROOT = "root"
    IO_URING = "io_uring"


@dataclass(frozen=True, slots=True)
class Door:
    """One way to do something. `asks` are the operations on the object, the main one first.

    `parent` is asked of the directory that holds the object, `also` of fixed paths. `is_alias`: no name decides, a finding.
    """

    name: str
    takes: Takes
    asks: tuple[Operation, ...]
    parent: Operation | None = None
    also: tuple[tuple[Operation, str], ...] = ()
    needs: Needs | None = None
    is_alias: bool = False

    @property
    def operation(self) -> Operation:
        return self.asks[0]


_FILE, _DIR, _EITHER, _MISSING = Takes.FILE, Takes.DIRECTORY, Takes.EITHER, Takes.MISSING
_RING, _ROOT = Needs.IO_URING, Needs.ROOT

DOORS: tuple[Door, ...] = (
    # reading
    Door("open-read", _FILE, (Op.READ,)),
    Door("openat2-read", _FILE, (Op.READ,)),
    Door("uring-read", _FILE, (Op.READ,), needs=_RING),
    Door("uring-async-read", _FILE, (Op.READ,), needs=_RING),
    Door("mmap-read", _FILE, (Op.READ,)),
    Door("sendfile-out", _FILE, (Op.READ,)),
    Door("splice-out", _FILE, (Op.READ,)),
    Door("handle-read", _FILE, (Op.READ,), needs=_ROOT),
    Door("list", _DIR, (Op.LIST,)),
    # content
    Door("open-write", _FILE, (Op.WRITE,)),
    Door("append", _FILE, (Op.WRITE,)),
    Door("rdwr", _FILE, (Op.WRITE, Op.READ)),
    Door("create-existing", _FILE, (Op.WRITE,)),
    Door("openat2-write", _FILE, (Op.WRITE,)),
    Door("uring-write", _FILE, (Op.WRITE,), needs=_RING),
    Door("fallocate", _FILE, (Op.WRITE,)),
    Door("mmap-write", _FILE, (Op.WRITE, Op.READ)),
    Door("copy-range", _FILE, (Op.WRITE, Op.READ)),
    Door("sendfile-in", _FILE, (Op.WRITE,), also=((Op.READ, SOURCE),)),
    Door("splice-in", _FILE, (Op.WRITE,)),
    Door("tmpfile", _DIR, (Op.WRITE,)),
    Door("truncate", _FILE, (Op.TRUNCATE,)),
    Door("ftruncate", _FILE, (Op.TRUNCATE,)),
    Door("trunc-write", _FILE, (Op.TRUNCATE,)),
    Door("trunc-read", _FILE, (Op.TRUNCATE, Op.READ)),
    Door("creat-existing", _FILE, (Op.TRUNCATE,)),
    # new names
    Door("open-create", _MISSING, (Op.CREATE, Op.WRITE)),
    Door("create-read", _MISSING, (Op.CREATE, Op.READ)),
    Door("creat", _MISSING, (Op.CREATE, Op.WRITE)),
    Door("openat2-create", _MISSING, (Op.CREATE, Op.WRITE)),
    Door("uring-create", _MISSING, (Op.CREATE, Op.WRITE), needs=_RING),
    Door("mknod", _MISSING, (Op.CREATE,)),
    Door("mkfifo", _MISSING, (Op.CREATE,)),
    Door("mknod-device", _MISSING, (Op.CREATE,), needs=_ROOT),
    Door("unix-bind", _MISSING, (Op.CREATE,)),
    Door("tmpfile-link", _MISSING, (Op.CREATE,), parent=Op.WRITE),
    Door("mkdir", _MISSING, (Op.MKDIR,)),
    Door("uring-mkdir", _MISSING, (Op.MKDIR,), needs=_RING),
    Door("symlink", _MISSING, (Op.SYMLINK,)),
    Door("uring-symlink", _MISSING, (Op.SYMLINK,), needs=_RING),
    Door("link", _FILE, (Op.LINK,)),
    Door("link-fd", _FILE, (Op.LINK,)),
    Door("uring-link", _FILE, (Op.LINK,), needs=_RING),
    # names that change
    Door("rename", _EITHER, (Op.RENAME,)),
    Door("rename-noreplace", _EITHER, (Op.RENAME,)),
    Door("exchange", _EITHER, (Op.RENAME,)),
    Door("uring-rename", _EITHER, (Op.RENAME,), needs=_RING),
    # names that go
    Door("unlink", _FILE, (Op.UNLINK,)),
    Door("uring-unlink", _FILE, (Op.UNLINK,), needs=_RING),
    Door("rmdir", Takes.EMPTY, (Op.RMDIR,)),
    Door("uring-rmdir", Takes.EMPTY, (Op.RMDIR,), needs=_RING),
    # owner, mode, times, labels, flags
    Door("chmod", _EITHER, (Op.ATTR,)),
    Door("fchmod", _EITHER, (Op.ATTR, Op.READ)),
    Door("chown", _EITHER, (Op.ATTR,), needs=_ROOT),
    Door("utimes", _EITHER, (Op.ATTR,)),
    Door("setxattr", _EITHER, (Op.ATTR,), needs=_ROOT),
    Door("flags", _EITHER, (Op.ATTR, Op.READ)),
    # programs
    Door("exec", _FILE, (Op.EXEC,)),
    Door("fexec", _FILE, (Op.EXEC,)),
    Door("script", _FILE, (Op.EXEC,), also=((Op.EXEC, SCRIPT), (Op.READ, SCRIPT))),
    # destinations
    Door("connect-tcp", Takes.TCP, (Op.CONNECT,)),
    Door("fastopen", Takes.TCP, (Op.CONNECT,)),
    Door("fastopen-connect", Takes.TCP, (Op.CONNECT,)),
    Door("mapped-tcp", Takes.TCP4, (Op.CONNECT,)),
    Door("uring-connect", Takes.TCP, (Op.CONNECT,), needs=_RING),
    Door("connect-udp", Takes.UDP, (Op.CONNECT,)),
    Door("sendto-udp", Takes.UDP, (Op.CONNECT,)),
    Door("sendmsg-udp", Takes.UDP, (Op.CONNECT,)),
    Door("sendmmsg-udp", Takes.UDP, (Op.CONNECT,)),
    Door("raw", Takes.UDP, (Op.CONNECT,), needs=_ROOT),
    # what no name decides
    Door("inherited-read", _FILE, (Op.READ,), is_alias=True),
    Door("inherited-reopen", _FILE, (Op.READ,), is_alias=True),
    Door("inherited-write", _FILE, (Op.WRITE,), is_alias=True),
    Door("bind-read", _FILE, (Op.READ,), needs=_ROOT, is_alias=True),
    Door("bind-write", _FILE, (Op.WRITE,), needs=_ROOT, is_alias=True),
    Door("chroot-read", _FILE, (Op.READ,), needs=_ROOT, is_alias=True),
    Door("chroot-write", _FILE, (Op.WRITE,), needs=_ROOT, is_alias=True),
    Door("memfd-exec", _FILE, (Op.EXEC, Op.READ), is_alias=True),
    Door("copy-exec", _FILE, (Op.EXEC, Op.READ), also=((Op.CREATE, COPY), (Op.EXEC, COPY)), is_alias=True),
    Door("loader", _FILE, (Op.EXEC, Op.READ), is_alias=True),
)
"""`rename` and `uring-rename` also replace what is at the new name; `rename-noreplace` needs it missing, `exchange` needs it there."""

DOOR = {door.name: door for door in DOORS}

PLAIN_DOOR: dict[Operation, str] = {
    Op.READ: "open-read",
    Op.LIST: "list",
    Op.WRITE: "open-write",
    Op.TRUNCATE: "truncate",
    Op.ATTR: "chmod",
    Op.CREATE: "mknod",
    Op.MKDIR: "mkdir",
    Op.SYMLINK: "symlink",
    Op.LINK: "link",
    Op.RENAME: "rename",
    Op.UNLINK: "unlink",
    Op.RMDIR: "rmdir",
    Op.EXEC: "exec",
    Op.CONNECT: "connect-tcp",
}
"""The door by which a `follow` probe is tried: it asks nothing else."""


@dataclass(frozen=True, slots=True)
class Route:
    """How the path of a trial is spelled. `only_followed`: only for what judges the object after the final symlink."""

    name: str
    only_followed: bool = False
    only_directory: bool = False


ROUTES: tuple[Route, ...] = (
    Route("plain"),
    Route("relative"),  # from its parent as working directory
    Route("dotdot"),  # /a/b/../b/c
    Route("slashes"),  # //a//b
    Route("dot"),  # /a/./b
    Route("proc-root"),  # /proc/self/root/a/b
    Route("proc-cwd"),  # /proc/self/cwd/b
    Route("dirfd"),  # openat from a descriptor of its parent
    Route("proc-dirfd"),  # /proc/self/fd/N/b
    Route("symlink-middle"),  # a link elsewhere to its parent
    Route("proc-fd", only_followed=True),  # O_PATH, then /proc/self/fd/N
    Route("symlink-final", only_followed=True),  # a link elsewhere to the object
    Route("trailing-slash", only_directory=True),
)

ROUTE = {route.name: route for route in ROUTES}

_BY_NAME = frozenset({Effect.CREATE, Effect.DELETE})
_SPELLED = frozenset({"script"})  # the kernel reads the object's path from the script: no descriptor can stand in it
_BY_DESCRIPTOR = frozenset({"dirfd", "proc-dirfd", "proc-fd"})


def routes_for(door: Door, directory: bool = False) -> tuple[Route, ...]:
    """The routes that a door can take to its object; a destination has one spelling, and an alias is tried plainly."""
    if door.is_alias or door.operation is Operation.CONNECT:
        return ROUTES[:1]
    if door.name in _SPELLED:
        return tuple(route for route in ROUTES if route.name not in _BY_DESCRIPTOR and not route.only_directory)
    named = EFFECT_OF[door.operation] in _BY_NAME
    return tuple(route for route in ROUTES if not (route.only_followed and named) and not (route.only_directory and not directory))
