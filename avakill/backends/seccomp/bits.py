"""Sets of argument values that libseccomp can compare: the values whose bits under a mask are given ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

WHOLE = 2**64 - 1
"""All bits of an argument's register."""


@dataclass(frozen=True, slots=True)
class Bits:
    """The values with `value & mask == value`; a kernel that takes an int ignores the upper half, so masks must too."""

    mask: int
    value: int

    def holds(self, value: int) -> bool:
        return value & self.mask == self.value


def meet(one: Bits, other: Bits) -> Bits | None:
    """The values of both, None where there are none."""
    if (one.value ^ other.value) & one.mask & other.mask:
        return None
    return Bits(one.mask | other.mask, one.value | other.value)


def outside(values: frozenset[int], width: int, fixed: Bits = Bits(0, 0)) -> tuple[Bits, ...]:
    """The numbers of `width` bits that are not in `values`, as few and disjoint sets; each also has the bits `fixed`."""
    return tuple(_outside(values, tuple(reversed(range(width))), fixed))


def _outside(values: frozenset[int], bits: tuple[int, ...], so_far: Bits) -> Iterator[Bits]:
    if not values:
        yield so_far
    elif bits:
        bit = 1 << bits[0]
        for chosen in (0, bit):
            kept = frozenset(value for value in values if value & bit == chosen)
            yield from _outside(kept, bits[1:], Bits(so_far.mask | bit, so_far.value | chosen))
