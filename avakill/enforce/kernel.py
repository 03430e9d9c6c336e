"""Landlock's system calls: the file system's through the `landlock` package, the network's by its structures extended."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from dataclasses import dataclass

from avakill.backends.landlock.expand import Expansion, Grant
from avakill.backends.landlock.rights import CONNECT_TCP, mask
from avakill.ir.endpoint import PortRange

RULE_PATH_BENEATH = 1
RULE_NET_PORT = 2
MAX_LAYERS = 16


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done, and what to do about it."""

    reason: str
    help: str = ""


class Refused(Exception):
    """Carries a Refusal out of the system calls; never crosses this package's border."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def abi() -> int:
    """The ABI that this kernel speaks, by syscall; 0 where it has no Landlock."""
    if not sys.platform.startswith("linux"):
        return 0
    from landlock import LandlockError, landlock_abi_version

    ctypes.set_errno(0)
    try:
        return int(landlock_abi_version())
    except (OSError, LandlockError):
        return 0


def missing() -> Refusal | None:
    """Why Landlock cannot be used here; None where it can."""
    if not sys.platform.startswith("linux"):
        return Refusal(f"Landlock is Linux's, this is {sys.platform}", "use `avakill enforce sandbox` on macOS")
    if abi() > 0:
        return None
    return Refusal(
        f"this kernel ({os.uname().release}) has no Landlock, or it is switched off at boot",
        "Linux 5.13 or newer with `landlock` in CONFIG_LSM or in the `lsm=` boot parameter",
    )


def restrict(expansion: Expansion) -> None:
    """Restricts the current thread and its children, for good. Raises Refused."""
    if expansion.is_nothing:
        return
    try:
        files = _file_ruleset(expansion) if expansion.handled else None
        ports = _port_ruleset(expansion.ports) if expansion.ports is not None else None
        ctypes.set_errno(0)
        if files is not None:
            files.apply()
        if ports is not None:
            _apply_fd(ports)
    except OSError as error:
        raise Refused(_because(error)) from error


def _because(error: OSError) -> Refusal:
    if error.errno == errno.E2BIG:
        return Refusal(f"over {MAX_LAYERS} Landlock layers are stacked already", "start from a less confined process")
    return Refusal(f"the kernel refused the ruleset: {os.strerror(error.errno or 0)}")


# -- files --


def _file_ruleset(expansion: Expansion):  # type: ignore[no-untyped-def]  # the package has no types
    from landlock import FSAccess, Ruleset

    ctypes.set_errno(0)
    ruleset = Ruleset(restrict_rules=FSAccess(mask(expansion.handled)))
    for grant in expansion.grants:
        _allow(ruleset, grant, FSAccess(mask(grant.rights)))
    return ruleset


def _allow(ruleset, grant: Grant, access) -> None:  # type: ignore[no-untyped-def]
    """Opened without following: a symlink put in the place of what was walked gets nothing."""
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_DIRECTORY if grant.directory else 0)
    try:
        fd = os.open(grant.path, flags)
    except OSError:
        return  # gone or changed since the walk: no grant is the safe side
    try:
        ctypes.set_errno(0)
        ruleset.allow(f"/proc/self/fd/{fd}", rules=access)
    except OSError as error:
        if error.errno not in (errno.EBADFD, errno.EBADF, errno.ENOENT):
            raise
        # a kernel's own object that cannot carry a rule: Landlock does not look at it either
    finally:
        os.close(fd)


# -- ports --


def _port_ruleset(ports: tuple[PortRange, ...]) -> int:
    """A ruleset that does not handle REFER refuses every rename and link across directories (landlock(7)): so this one
    handles it, and grants it everywhere."""
    from landlock.plumbing import SYSCALL_ADD_RULE, SYSCALL_CREATE_RULESET, PathBeneathAttr, RulesetAttr, get_libc

    class NetRulesetAttr(RulesetAttr):  # type: ignore[misc]
        """`struct landlock_ruleset_attr` as of ABI 4."""

        _fields_ = (("handled_access_net", ctypes.c_uint64),)

    class NetPortAttr(ctypes.Structure):
        _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))

    call = get_libc()["syscall"]
    call.restype = ctypes.c_long
    refer = mask(("refer",))
    attr = NetRulesetAttr(refer, CONNECT_TCP)
    fd = int(call(SYSCALL_CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(ctypes.sizeof(attr)), 0))
    _check(fd)
    root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        _check(int(call(SYSCALL_ADD_RULE, fd, RULE_PATH_BENEATH, ctypes.byref(PathBeneathAttr(refer, root)), 0)))
    finally:
        os.close(root)
    rule = NetPortAttr(CONNECT_TCP, 0)
    pointer = ctypes.byref(rule)
    for ports_range in ports:
        for port in range(ports_range.first, ports_range.last + 1):
            rule.port = port
            _check(int(call(SYSCALL_ADD_RULE, fd, RULE_NET_PORT, pointer, 0)))
    return fd


def _apply_fd(fd: int) -> None:
    from landlock.plumbing import PR_SET_NO_NEW_PRIVS, SYSCALL_RESTRICT_SELF, get_libc

    libc = get_libc()
    _check(int(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
    call = libc["syscall"]
    call.restype = ctypes.c_long
    _check(int(call(SYSCALL_RESTRICT_SELF, fd, 0)))
    os.close(fd)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
