"""The system calls by which an effect is done: what must be refused so that it is refused everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

from avakill.backends.seccomp.bits import Bits, outside
from avakill.ir.effect import Effect

EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97

O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_CLOEXEC, O_TMPFILE = 0x1, 0x2, 0x40, 0x200, 0x80000, 0x400000
INT = 0xFFFFFFFF
"""The bits of a C int: the kernel ignores those above, so comparing all 64 would be a way around."""

CLOSABLE = (Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE, Effect.CONNECT)
"""Without READ or EXEC no process could start."""

RING = ("io_uring_enter", "io_uring_register", "io_uring_setup")
MOUNT = ("fsopen", "fspick", "mount")  # mounting an overlay makes and removes names in its work directory

REFUSED: dict[Effect, tuple[str, ...]] = {
    Effect.WRITE: (
        *("_sysctl", "acct", "creat", "fallocate", "ftruncate", "ftruncate64", "quotactl", "quotactl_fd", "swapon"),
        *("truncate", "truncate64", *MOUNT),
    ),
    Effect.ATTR: (
        *("chmod", "chown", "chown32", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "file_setattr"),
        *("fremovexattr", "fsetxattr", "futimesat", "lchown", "lchown32", "lremovexattr", "lsetxattr", "removexattr"),
        *("removexattrat", "setxattr", "setxattrat", "utime", "utimensat", "utimensat_time64", "utimes"),
    ),
    Effect.CREATE: (
        *("bind", "creat", "link", "linkat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2"),
        *("symlink", "symlinkat", *MOUNT),
    ),
    Effect.DELETE: ("mq_unlink", "rename", "renameat", "renameat2", "rmdir", "unlink", "unlinkat", *MOUNT),
    Effect.CONNECT: (),
}
"""Refused whatever their arguments (EPERM, which runc's own start tolerates where it must)."""

ABSENT: dict[Effect, tuple[str, ...]] = {
    Effect.WRITE: ("openat2", *RING),
    Effect.ATTR: RING,
    Effect.CREATE: ("openat2", *RING),
    Effect.DELETE: RING,
    Effect.CONNECT: RING,
}
"""Their arguments stand behind a pointer: answered ENOSYS, so that callers fall back to what can be judged."""

NO_FAMILY: dict[Effect, tuple[str, ...]] = {Effect.CREATE: ("socketcall",), Effect.CONNECT: ("socketcall",)}
"""32-bit x86 only. Of every rule on `socket` libseccomp makes one on `socketcall` too, without its arguments: only a refusal
of the whole of it, that stands before them, keeps `socket` allowed for one family from opening it for all. Its errno is
one that no profile has as the default: runtimes skip an entry that says the same as the default."""

WRITING = O_WRONLY | O_RDWR | O_TRUNC | O_TMPFILE
FLAGS: dict[str, tuple[int, dict[Effect, int]]] = {
    "open": (1, {Effect.WRITE: WRITING, Effect.CREATE: O_CREAT}),
    "openat": (2, {Effect.WRITE: WRITING, Effect.CREATE: O_CREAT}),
    "open_by_handle_at": (2, {Effect.WRITE: WRITING}),
    "mq_open": (1, {Effect.WRITE: WRITING, Effect.CREATE: O_CREAT}),
    "fanotify_init": (1, {Effect.WRITE: WRITING}),  # the flags of the descriptors that its events bring
}
"""For a call with flags: which argument they are, and the bits that do an effect (the same on all machines here)."""

# AF_INET, AF_INET6, and what carries IP otherwise: PACKET, RDS, PPPOX, RXRPC, KCM, SMC, XDP
INTERNET = frozenset({2, 10, 17, 21, 24, 33, 41, 43, 44})
VALUES: dict[str, tuple[int, int, int, dict[Effect, frozenset[int]]]] = {
    "socket": (0, 6, INT, {Effect.CONNECT: INTERNET}),
    "bpf": (0, 6, INT, {Effect.CREATE: frozenset({6})}),  # BPF_OBJ_PIN
    "ioctl": (
        1,
        16,
        0xFFFF,  # type and number of the request, not its direction and size
        {
            Effect.WRITE: frozenset({0x5441}),  # TIOCGPTPEER opens a terminal
            # FS_IOC_SETFLAGS, SETVERSION, FSSETXATTR, ENABLE_VERITY, SET_ENCRYPTION_POLICY, FAT and btrfs flags
            Effect.ATTR: frozenset({0x6602, 0x7602, 0x5820, 0x6685, 0x6613, 0x7211, 0x941A}),
            Effect.CREATE: frozenset({0x9401, 0x940E, 0x9417, 0x9418}),  # btrfs: make a subvolume or a snapshot
            Effect.DELETE: frozenset({0x940F, 0x943F}),  # btrfs: remove one
        },
    ),
}
"""For a call that one argument divides: which, its width in bits, the bits compared, and the values that do an effect."""

START = O_WRONLY | O_CLOEXEC
"""runc opens its start fifo by openat with exactly these flags after it has loaded the filter (1.1.5, measured):
a profile that refuses them starts no container."""


@dataclass(frozen=True, slots=True)
class Door:
    """What of one call is refused: all (`index` None), or by argument `index`; `passes` and `refused` share no value."""

    name: str
    effects: frozenset[Effect]
    errno: int = EPERM
    index: int | None = None
    width: int = 64
    passes: tuple[Bits, ...] = ()
    refused: tuple[Bits, ...] = ()


def doors(effects: frozenset[Effect]) -> tuple[Door, ...]:
    """All doors of `effects`, one for a name, in the order of names."""
    found = {door.name: door for door in (*_by_flags(effects), *_by_value(effects), *_whole(effects))}
    return tuple(found[name] for name in sorted(found))


def _whole(effects: frozenset[Effect]) -> Iterator[Door]:
    for table, errno in ((REFUSED, EPERM), (ABSENT, ENOSYS), (NO_FAMILY, EAFNOSUPPORT)):
        by: dict[str, set[Effect]] = {}
        for effect in CLOSABLE:
            for name in table.get(effect, ()) if effect in effects else ():
                by.setdefault(name, set()).add(effect)
        yield from (Door(name, frozenset(for_), errno) for name, for_ in by.items())


def _by_flags(effects: frozenset[Effect]) -> Iterator[Door]:
    for name, (index, table) in FLAGS.items():
        mine = frozenset(table) & effects
        if mine:
            mask = reduce(or_, (table[effect] for effect in mine))
            passes: tuple[Bits, ...] = (Bits(mask, 0),)
            refused = tuple(Bits(bit, bit) for bit in _bits(mask))
            if name == "openat" and mask & O_WRONLY:
                passes, refused = (*passes, Bits(INT, START)), tuple(_all_but_the_start(refused))
            yield Door(name, mine, EPERM, index, 64, passes, refused)


def _all_but_the_start(refused: tuple[Bits, ...]) -> Iterator[Bits]:
    """O_WRONLY is refused without O_CLOEXEC, and with it where any other flag is set."""
    yield from (bits for bits in refused if bits.mask != O_WRONLY)
    yield Bits(START, O_WRONLY)
    for bit in _bits(INT & ~START):
        if bit < O_TMPFILE and Bits(bit, bit) not in refused:
            yield Bits(START | bit, START | bit)


def _by_value(effects: frozenset[Effect]) -> Iterator[Door]:
    for name, (index, width, compared, table) in VALUES.items():
        mine = frozenset(table) & effects
        if mine:
            values = frozenset(value for effect in mine for value in table[effect])
            above = compared & ~((1 << width) - 1)
            refused = tuple(Bits(compared, value) for value in sorted(values))
            yield Door(name, mine, EPERM, index, width, outside(values, width, Bits(above, 0)), refused)


def _bits(mask: int) -> tuple[int, ...]:
    return tuple(1 << n for n in range(mask.bit_length()) if mask >> n & 1)
