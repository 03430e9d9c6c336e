"""Sets of characters as the byte sequences that spell them in UTF-8; a lone byte is its surrogate escape."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from avakill.backends.apparmor.model import Choice, OneOf, Token, Tokens
from avakill.paths.automaton import LAST, Chars

_EDGES = (0x80, 0x800, 0xD800, 0xE000, 0x10000, LAST + 1)
EVERY: Chars = ((1, 46), (48, LAST))
"""What `?` may be."""


def span_mask(low: int, high: int) -> int:
    """The bytes `low` to `high`, both included, as a mask."""
    return (1 << (high + 1)) - (1 << low)


@lru_cache(maxsize=4096)
def character(chars: Chars) -> Token:
    """A token that matches one character of the set."""
    single, options = 0, []
    for low, high in chars:
        for first, last in _pieces(low, high):
            if last < 0x80:
                single |= span_mask(first, last)
            elif 0xD800 <= first <= 0xDFFF:
                if last >= 0xDC80 and first <= 0xDCFF:
                    single |= span_mask(max(first, 0xDC80) - 0xDC00, min(last, 0xDCFF) - 0xDC00)
            else:
                options += _sequences(chr(first).encode(), chr(last).encode())
    if not options:
        return OneOf(single)
    return Choice(((OneOf(single),), *options) if single else tuple(options))


def _pieces(low: int, high: int) -> list[tuple[int, int]]:
    """The range cut where the number of bytes changes."""
    cuts = [low, *(edge for edge in _EDGES if low < edge <= high), high + 1]
    return [(first, after - 1) for first, after in pairwise(cuts)]


def _sequences(low: bytes, high: bytes) -> list[Tokens]:
    """Runs of byte sets that together spell what lies between two spellings of the same length."""
    if len(low) == 1:
        return [(OneOf(span_mask(low[0], high[0])),)]
    rest = len(low) - 1
    least, most = b"\x80" * rest, b"\xbf" * rest
    if low[0] == high[0]:
        return [(OneOf(1 << low[0]), *tail) for tail in _sequences(low[1:], high[1:])]
    result: list[Tokens] = []
    first, last = low[0], high[0]
    if low[1:] != least:
        result += [(OneOf(1 << first), *tail) for tail in _sequences(low[1:], most)]
        first += 1
    tails: list[Tokens] = []
    if high[1:] != most:
        tails = [(OneOf(1 << last), *tail) for tail in _sequences(least, high[1:])]
        last -= 1
    if first <= last:
        result.append((OneOf(span_mask(first, last)), *(OneOf(span_mask(0x80, 0xBF)),) * rest))
    return result + tails
