"""What is left of a token pattern after one byte: the steps by which a hole is cut out of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from avakill.backends.apparmor.model import Choice, Many, OneOf, Tokens
from avakill.backends.apparmor.tokens import ALL_BYTES, NOT_SLASH, joined


@lru_cache(maxsize=65536)
def accepts(tokens: Tokens) -> bool:
    """Whether the pattern matches the empty run."""
    for token in tokens:
        match token:
            case Many():
                continue
            case Choice(options) if any(accepts(option) for option in options):
                continue
            case _:
                return False
    return True


@lru_cache(maxsize=65536)
def steps(tokens: Tokens) -> tuple[tuple[int, Tokens], ...]:
    """Each way to match one byte: the set of bytes, and what must follow."""
    return tuple(dict.fromkeys(_steps(tokens)))


@lru_cache(maxsize=65536)
def joined_steps(tokens: Tokens) -> tuple[tuple[int, Tokens], ...]:
    """As `steps`, with neighbouring literal bytes of what follows as one token."""
    return tuple(dict.fromkeys((mask, joined(left)) for mask, left in steps(tokens)))


def _steps(tokens: Tokens) -> Iterator[tuple[int, Tokens]]:
    if not tokens:
        return
    first, rest = tokens[0], tokens[1:]
    match first:
        case bytes():
            left = first[1:]
            yield 1 << first[0], ((left, *rest) if left else rest)
        case OneOf(mask):
            yield mask, rest
        case Many.NAME | Many.ANY:
            yield (NOT_SLASH if first is Many.NAME else ALL_BYTES), tokens
            yield from _steps(rest)
        case Choice(options):
            for option in options:
                yield from _steps((*option, *rest))


def after(states: frozenset[Tokens], byte: int) -> frozenset[Tokens]:
    """What may follow once `byte` was matched."""
    if len(states) == 1:
        (state,) = states
        return frozenset([left for mask, left in steps(state) if mask >> byte & 1])
    return frozenset(left for state in states for mask, left in steps(state) if mask >> byte & 1)
