"""Landlock's access rights as data: the bit, the ABI that brought it, and whether a file can carry it."""

from __future__ import annotations

from dataclasses import dataclass

from avakill.ir.effect import Effect

REFER_ABI = 2
TRUNCATE_ABI = 3
NETWORK_ABI = 4
SCOPE_ABI = 6


@dataclass(frozen=True, slots=True)
class Right:
    """`abi` is the first version that knows it; `on_file` says that a rule on a file may grant it."""

    name: str
    bit: int
    abi: int = 1
    on_file: bool = False


# include/uapi/linux/landlock.h; ABI 1 is Linux 5.13, 2 is 5.19, 3 is 6.2, 5 is 6.10
RIGHTS = (
    Right("execute", 0, on_file=True),
    Right("write_file", 1, on_file=True),
    Right("read_file", 2, on_file=True),
    Right("read_dir", 3),
    Right("remove_dir", 4),
    Right("remove_file", 5),
    Right("make_char", 6),
    Right("make_dir", 7),
    Right("make_reg", 8),
    Right("make_sock", 9),
    Right("make_fifo", 10),
    Right("make_block", 11),
    Right("make_sym", 12),
    Right("refer", 13, abi=REFER_ABI),
    Right("truncate", 14, abi=TRUNCATE_ABI, on_file=True),
    Right("ioctl_dev", 15, abi=5, on_file=True),
)

RIGHT = {right.name: right for right in RIGHTS}

RIGHTS_OF: dict[Effect, tuple[str, ...]] = {
    Effect.READ: ("read_file", "read_dir"),
    Effect.WRITE: ("write_file", "truncate"),
    Effect.CREATE: ("make_char", "make_dir", "make_reg", "make_sock", "make_fifo", "make_block", "make_sym"),
    Effect.DELETE: ("remove_dir", "remove_file"),
    Effect.EXEC: ("execute",),
}
"""The rights that an effect needs. ATTR has none. `ioctl_dev` is no effect of semantics §2, so it is never handled."""

OBJECT_EFFECTS = (Effect.READ, Effect.WRITE, Effect.EXEC)
"""Their rights are asked of the object itself."""

NAME_EFFECTS = (Effect.CREATE, Effect.DELETE)
"""Their rights are asked of the directory that the name stands in."""

CONNECT_TCP = 1 << 1
SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0
SCOPE_SIGNAL = 1 << 1


def known_rights(effect: Effect, abi: int) -> tuple[str, ...]:
    """The rights of `effect` that a kernel of this ABI knows."""
    return tuple(name for name in RIGHTS_OF.get(effect, ()) if RIGHT[name].abi <= abi)


def mask(names: tuple[str, ...]) -> int:
    return sum(1 << RIGHT[name].bit for name in dict.fromkeys(names))
