"""An interpreter of OCI seccomp profiles, after libseccomp 2.5.4 and runc 1.1.5, over every call that does an operation.

An operation is allowed when the calls of any one of its doors all pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation

X86_64, X86, X32, ARM, AARCH64 = (f"SCMP_ARCH_{name}" for name in ("X86_64", "X86", "X32", "ARM", "AARCH64"))
MACHINES = {"x86_64": (X86_64, X86, X32), "aarch64": (AARCH64, ARM)}
PASSING = frozenset({"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE"})

TOO_NEW = frozenset({"setxattrat", "getxattrat", "listxattrat", "removexattrat", "file_getattr", "file_setattr", "open_tree_attr"})
"""Calls of later kernels whose names libseccomp 2.5.4 does not know: an entry on them is skipped, the default decides."""

SOCKETCALLS = {"socket": 1, "bind": 2, "connect": 3, "listen": 4, "accept": 5, "sendto": 11, "sendmsg": 16, "sendmmsg": 20}
"""On 32-bit x86 libseccomp makes of a rule on the name also one on `socketcall` with this number as its first argument."""

REFUSED = "refused"
"""The answer of a profile that does not list the architecture: libseccomp kills the call."""


class Conflict(Exception):
    """libseccomp would refuse the profile, or its answer depends on the order of entries."""


@dataclass(frozen=True, slots=True)
class Call:
    """One system call by its registers."""

    arch: str
    name: str
    args: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    action: tuple[str, int | None]
    tests: frozenset[tuple[int, str, int, int]]

    def holds(self, args: tuple[int, ...]) -> bool:
        padded = (*args, 0, 0, 0, 0, 0, 0)
        return all(_compare(op, padded[index] & (2**64 - 1), value, two) for index, op, value, two in self.tests)


def _compare(op: str, got: int, value: int, two: int) -> bool:
    match op.removeprefix("SCMP_CMP_"):
        case "MASKED_EQ":
            return got & value == two
        case "EQ":
            return got == value
        case "NE":
            return got != value
        case "LT":
            return got < value
        case "LE":
            return got <= value
        case "GE":
            return got >= value
        case "GT":
            return got > value
    raise AssertionError(op)


class Profile:
    """A profile's text, read back."""

    def __init__(self, text: str, machine: str = "x86_64", capabilities: frozenset[str] = frozenset()) -> None:
        tree = json.loads(text)
        self.machine = machine
        self.default = (tree["defaultAction"], tree.get("defaultErrnoRet"))
        listed = tree.get("architectures")
        self.architectures = frozenset(listed) if listed else frozenset(_from_map(tree.get("archMap"), MACHINES[machine][0]))
        self.entries = [entry for entry in tree.get("syscalls") or () if _is_meant(entry, machine, capabilities)]
        self.rules: dict[tuple[str, str], list[Rule]] = {}
        self.known: dict[tuple[Operation, bool], bool] = {}
        for entry in self.entries:
            for rule in _rules(entry):
                if rule.action != self.default:
                    for name in entry.get("names") or (entry["name"],):
                        self._add(name, rule)

    def _add(self, name: str, rule: Rule) -> None:
        if name in TOO_NEW:
            return
        for arch in self.architectures:
            self._add_one((arch, name), rule)
        if name in SOCKETCALLS and X86 in self.architectures:
            tests = frozenset(t for t in rule.tests if t[0] != 0) | {(0, "SCMP_CMP_EQ", SOCKETCALLS[name], 0)}
            self._add_one((X86, "socketcall"), Rule(rule.action, tests))

    def _add_one(self, key: tuple[str, str], rule: Rule) -> None:
        """Unconditional swallows conditional in both orders; the same tests with another action are refused (EEXIST)."""
        rules = self.rules.setdefault(key, [])
        whole = next((other for other in rules if not other.tests), None)
        if whole is not None and rule.tests:
            return
        if any(other.tests == rule.tests and other.action != rule.action for other in rules):
            raise Conflict(f"file exists: {key} {rule}")
        rules.append(rule)

    def passes(self, call: Call) -> bool:
        if call.arch not in self.architectures:
            return False
        rules = self.rules.get((call.arch, call.name), [])
        whole = [rule for rule in rules if not rule.tests]
        actions = {rule.action for rule in whole or rules if rule.holds(call.args)}
        kinds = {action[0] in PASSING for action in actions}
        if len(kinds) > 1:
            raise Conflict(f"both answers for {call}: {actions}")
        return kinds.pop() if kinds else self.default[0] in PASSING

    def allows(self, probe: Probe) -> bool:
        """Whether any way to do the operation is open. Objects do not matter: a filter sees none."""
        key = (probe.operation, probe.object.startswith("bind://"))
        if key not in self.known:
            self.known[key] = any(all(self.passes(call) for call in door) for door in doors(probe, self.machine))
        return self.known[key]


def _from_map(tree: Any, native: str) -> Iterator[str]:
    for item in tree or ():
        if item["architecture"] == native:
            yield from (native, *(item.get("subArchitectures") or ()))
            return
    yield native


def _is_meant(entry: Mapping[str, Any], machine: str, capabilities: frozenset[str]) -> bool:
    """Docker's conditions on an entry: all of `includes`, none of `excludes`."""
    arches = {"x86_64": {"amd64", "x32", "x86"}, "aarch64": {"arm64", "arm"}}[machine]
    wanted, unwanted = entry.get("includes") or {}, entry.get("excludes") or {}
    if wanted.get("arches") and not arches & set(wanted["arches"]):
        return False
    if unwanted.get("arches") and arches & set(unwanted["arches"]):
        return False
    return set(wanted.get("caps") or ()) <= capabilities and not capabilities & set(unwanted.get("caps") or ())


def _rules(entry: Mapping[str, Any]) -> Iterator[Rule]:
    """runc makes of two tests of one argument two rules, either of which suffices."""
    tests = [(t["index"], t["op"], t["value"], t.get("valueTwo") or 0) for t in entry.get("args") or ()]
    action = (entry["action"], entry.get("errnoRet"))
    if len({test[0] for test in tests}) == len(tests):
        yield Rule(action, frozenset(tests))
    else:
        yield from (Rule(action, frozenset((test,))) for test in tests)


# -- the doors: which calls do an operation --

Door = tuple[Call, ...]
AT = -100
HIGH = 1 << 32
"""A bit that the kernel ignores in an int."""

READING = (0, 0o2000000, 0o200000)
WRITING = (1, 2, 3, 0x401, 0x80001, 0x80401, 0x80002, 0x241, 0x42, 0x410002, HIGH | 1, HIGH | 2)
TRUNCATING = (0x200, 0x201, 0x202, 0x80201, HIGH | 0x200)
CREATING = (0x40, 0x41, 0xC1, 0x42, 0x241, 0x80040, HIGH | 0x40)
INTERNET = (2, 10, 17, 21, 24, 33, 41, 43, 44, HIGH | 2, HIGH | 10)
ATTR_REQUESTS = (0x40086602, 0x40046602, 0x401C5820, 0x40087602, 0x40047602, 0x40047211, 0x40806685, HIGH | 0x40086602)
SIMPLE: dict[Operation, tuple[str, ...]] = {
    Operation.READ: (),
    Operation.LIST: (),
    Operation.WRITE: ("creat", "openat2", "io_uring_setup", "acct", "swapon", "mount", "fsopen", "quotactl", "_sysctl"),
    Operation.TRUNCATE: ("creat", "truncate", "truncate64", "openat2", "io_uring_setup"),
    Operation.ATTR: (
        *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "chown32", "fchown32"),
        *("lchown32", "utime", "utimes", "utimensat", "utimensat_time64", "futimesat", "setxattr", "lsetxattr", "fsetxattr"),
        *("setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr", "io_uring_setup"),
    ),
    Operation.CREATE: ("creat", "mknod", "mknodat", "openat2", "io_uring_setup", "mount", "fsopen"),
    Operation.MKDIR: ("mkdir", "mkdirat", "io_uring_setup", "mount", "fsopen"),
    Operation.SYMLINK: ("symlink", "symlinkat", "io_uring_setup"),
    Operation.LINK: ("link", "linkat", "io_uring_setup"),
    Operation.RENAME: ("rename", "renameat", "renameat2", "io_uring_setup"),
    Operation.UNLINK: ("unlink", "unlinkat", "mq_unlink", "io_uring_setup", "mount", "fsopen"),
    Operation.RMDIR: ("rmdir", "unlinkat", "io_uring_setup", "mount", "fsopen"),
    Operation.EXEC: ("execve", "execveat"),
    Operation.CONNECT: ("io_uring_setup",),
}
LACKS = {
    X86_64: frozenset({"socketcall", "truncate64", "chown32", "fchown32", "lchown32", "utimensat_time64"}),
    X32: frozenset({"socketcall", "truncate64", "chown32", "fchown32", "lchown32", "utimensat_time64", "_sysctl"}),
    X86: frozenset[str](),
    ARM: frozenset({"socketcall"}),
    AARCH64: frozenset(
        {
            *("socketcall", "open", "creat", "truncate64", "chmod", "chown", "lchown", "chown32", "fchown32", "lchown32"),
            *("utime", "utimes", "utimensat_time64", "futimesat", "mknod", "mkdir", "symlink", "link", "rename", "unlink"),
            *("rmdir", "renameat", "_sysctl"),
        }
    ),
}
"""The names of the tables here that an architecture does not have."""


def doors(probe: Probe, machine: str) -> Iterator[Door]:
    for arch in MACHINES[machine]:
        for door in _doors(probe, arch):
            if not any(call.name in LACKS[arch] for call in door):
                yield door


def _doors(probe: Probe, arch: str) -> Iterator[Door]:
    operation = probe.operation
    if operation is Operation.CONNECT and probe.object.startswith("bind://"):
        yield (Call(arch, "socket", (2, 1, 0)), Call(arch, "bind", (3,)), Call(arch, "listen", (3,)))
        return
    yield from ((Call(arch, name),) for name in SIMPLE[operation])
    match operation:
        case Operation.READ | Operation.LIST:
            yield from ((call,) for flags in READING for call in _opens(arch, flags))
        case Operation.WRITE:
            yield from ((call,) for flags in WRITING for call in _opens(arch, flags))
            yield (Call(arch, "open_by_handle_at", (3, 0, 2)),)
            yield (Call(arch, "fanotify_init", (0, 2)),)
            yield (Call(arch, "ioctl", (0, 0x5441, 2)),)
        case Operation.TRUNCATE:
            yield from ((call,) for flags in TRUNCATING for call in _opens(arch, flags))
            for flags in WRITING:
                for call in _opens(arch, flags):
                    yield from ((call, Call(arch, name)) for name in ("ftruncate", "fallocate"))
        case Operation.CREATE:
            yield from ((call,) for flags in CREATING for call in _opens(arch, flags))
            yield (Call(arch, "mq_open", (0, 0x42)),)
            yield (Call(arch, "socket", (1, 1, 0)), Call(arch, "bind", (3,)))
            yield (Call(arch, "socketcall", (1,)), Call(arch, "socketcall", (2,)))
            yield (Call(arch, "bpf", (6,)),)
        case Operation.MKDIR:
            yield from ((Call(arch, "ioctl", (3, r)),) for r in (0x5000940E, 0x50009418, 0x50009401, HIGH | 0x50009417))
        case Operation.RMDIR | Operation.UNLINK:
            yield from ((Call(arch, "ioctl", (3, request)),) for request in (0x5000940F, 0x5000943F))
        case Operation.ATTR:
            yield from ((Call(arch, "ioctl", (3, request)),) for request in ATTR_REQUESTS)
        case Operation.CONNECT:
            for family in INTERNET:
                socket = Call(arch, "socket", (family, 2, 0))
                yield from ((socket, Call(arch, name, (3,))) for name in ("connect", "sendto", "sendmsg", "sendmmsg"))
            yield (Call(arch, "socketcall", (1,)), Call(arch, "socketcall", (3,)))
        case _:
            return


def _opens(arch: str, flags: int) -> tuple[Call, Call]:
    return Call(arch, "open", (0, flags)), Call(arch, "openat", (AT, 0, flags))
