"""The kernel's Landlock, written from its source (security/landlock/fs.c, Linux 6.18): what a ruleset lets a process do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation

FILE_RIGHTS = {"execute", "write_file", "read_file", "truncate", "ioctl_dev"}
OF_OBJECTS = {
    Operation.READ: "read_file",
    Operation.LIST: "read_dir",
    Operation.WRITE: "write_file",
    Operation.TRUNCATE: "truncate",
    Operation.EXEC: "execute",
}
OF_NAMES = {
    Operation.CREATE: "make_reg",
    Operation.MKDIR: "make_dir",
    Operation.SYMLINK: "make_sym",
    Operation.UNLINK: "remove_file",
    Operation.RMDIR: "remove_dir",
}


def parent(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"


def upwards(path: str) -> Iterator[str]:
    yield path
    while path != "/":
        path = parent(path)
        yield path


class Kernel:
    """`ruleset` is plain data: `handled` rights, `grants` as {path: rights}, `ports` as ranges or None, `abi`."""

    def __init__(self, ruleset: Mapping[str, Any]) -> None:
        self.abi: int = ruleset["abi"]
        self.handled = frozenset(ruleset["handled"])
        self.grants = {path: frozenset(rights) for path, rights in ruleset["grants"].items()}
        self.ports: tuple[tuple[int, int], ...] | None = ruleset["ports"]

    def allows(self, probe: Probe) -> bool:
        """Whether the system call succeeds, as far as Landlock has a say."""
        operation = probe.operation
        if operation is Operation.CONNECT:
            return self._connects(probe.object)
        if operation is Operation.EXEC and not self.holds("read_file", probe.object):
            return False  # the kernel opens what it executes for reading
        if operation in OF_OBJECTS:
            return self.holds(OF_OBJECTS[operation], probe.object)
        if operation in OF_NAMES:
            return self.holds(OF_NAMES[operation], parent(probe.object))
        if operation is Operation.ATTR:
            return True
        return self._moves(probe)

    def holds(self, right: str, path: str) -> bool:
        """is_access_to_paths_allowed: a right is found on the object or on any directory above it."""
        if right not in self.handled:
            return True
        return any(right in self.grants.get(place, ()) for place in upwards(path))

    def _connects(self, thing: str) -> bool:
        if self.ports is None or not thing.startswith("tcp://"):
            return True
        port = int(thing.rpartition(":")[2])
        return any(first <= port <= last for first, last in self.ports)

    def _moves(self, probe: Probe) -> bool:
        """current_check_refer_path."""
        assert probe.to is not None
        old, new = parent(probe.object), parent(probe.to)
        make = "make_dir" if probe.directory else "make_reg"
        remove = "remove_dir" if probe.directory else "remove_file"
        asked = [(make, new)]
        if probe.operation is Operation.RENAME:
            asked.append((remove, old))
            if probe.replaces or probe.exchange:
                asked.append((remove, new))
            if probe.exchange:
                asked.append((make, old))
        if not all(self.holds(right, place) for right, place in asked):
            return False
        if old == new or not self.handled:
            return True
        if self.abi < 2:
            return False
        if not (self.holds("refer", old) and self.holds("refer", new)):
            return False
        if self._gains(probe.object, new, probe.directory):
            return False
        return not (probe.exchange and self._gains(probe.to, old, probe.directory))

    def _gains(self, path: str, into: str, directory: bool) -> bool:
        """no_more_access, the other way round: a right that the object lacks and the new directory has."""
        rights = self.handled if directory else self.handled & FILE_RIGHTS
        return any(not self.holds(right, path) and self.holds(right, into) for right in rights)

    def holds_after_move(self, right: str, old: str, below: str, to: str) -> bool:
        """Whether `old`/`below` has the right once `old` bears the name `to`: grants follow the inode."""
        if right not in self.handled:
            return True
        inner = f"{old}/{below}" if below else old
        for place in upwards(inner):
            if right in self.grants.get(place, ()):
                return True
            if place == old:
                break
        return self.holds(right, parent(to))
