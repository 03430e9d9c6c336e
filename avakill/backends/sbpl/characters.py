"""Sets of characters as regular expressions over the bytes of a name, which is what the kernel's matcher sees.

A byte above 0x7f is written as itself (here a surrogate escape). A volume of this system takes names in UTF-8 only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from avakill.paths.automaton import LAST, Chars, class_chars
from avakill.paths.glob import CharClass

ANY: Chars = ((1, 46), (48, LAST))


@lru_cache(maxsize=1)
def any_character() -> str:
    return _expression(ANY)


def character_class(klass: CharClass, fold: bool) -> str:
    chars = class_chars(klass)
    if fold:
        # beyond Latin-1 the two cases of a class are not worth a table: what is written counts there
        more = [ord(c) for n in range(1, 0x100) for c in _cases(chr(n)) if _holds(chars, n) and len(c) == 1]
        chars = (*chars, *((n, n) for n in more if n != 47))
    return _expression(_merged(chars))


def either_case(char: str, quote: Callable[[str], str]) -> str:
    """A letter in any case. One that folds to several letters is taken as those too."""
    cases = sorted(_cases(char))
    if len(cases) == 1:
        return quote(char)
    if all(len(c) == 1 and c.isascii() for c in cases):
        return f"[{''.join(cases)}]"
    return "(" + "|".join("".join(map(quote, c)) for c in cases) + ")"


@lru_cache(maxsize=4096)
def _cases(char: str) -> frozenset[str]:
    found = {char, char.lower(), char.upper(), char.casefold()}
    # the Kelvin sign is a `k`, the long s an `s`
    found |= {"k": {"\u212a"}, "s": {"\u017f"}}.get(char.casefold(), set())
    return frozenset(found)


def _holds(chars: Chars, char: int) -> bool:
    return any(low <= char <= high for low, high in chars)


def _merged(chars: Chars) -> Chars:
    result: list[tuple[int, int]] = []
    for low, high in sorted(chars):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


def _expression(chars: Chars) -> str:
    ascii_part = _ascii(tuple((low, min(high, 0x7F)) for low, high in chars if low <= 0x7F))
    choices = [ascii_part] if ascii_part else []
    choices += ["".join(_bytes(low, high) for low, high in sequence) for sequence in _sequences(chars)]
    if not choices:
        return "[^" + _byte(1) + "-" + _byte(0xFF) + "]"
    return choices[0] if len(choices) == 1 else f"({'|'.join(choices)})"


def _ascii(chars: Chars) -> str:
    """A class of ASCII characters; `]` first and `-` last stand for themselves, `^` is never first."""
    if not chars:
        return ""
    if sum(high - low + 1 for low, high in chars) > 64:
        return f"[^{_members(_inverse(chars))}{_byte(0x80)}-{_byte(0xFF)}]"
    text = _members(chars)
    if text == "^":
        return "\\^"
    return f"[{text}]"


def _inverse(chars: Chars) -> Chars:
    missing = [n for n in range(1, 0x80) if not _holds(chars, n)]
    return _merged(tuple((n, n) for n in missing))


def _members(chars: Chars) -> str:
    """The inside of a class. Only letters and digits stand in ranges, so that no special character ends one."""
    singles: list[str] = []
    ranges: list[str] = []
    for low, high in chars:
        run: list[str] = []
        for n in range(low, high + 1):
            char = chr(n)
            if char.isalnum() and (not run or _same_kind(run[0], char)):
                run.append(char)
                continue
            ranges += _run(run)
            run = []
            if char.isalnum():
                run = [char]
            else:
                singles.append(char)
        ranges += _run(run)
    last = [char for char in ("^", "-") if char in singles]
    first = ["]"] if "]" in singles else []
    # twice: a bracket expression may or may not read a backslash as an escape
    middle = ["\\\\" if char == "\\" else char for char in singles if char not in "]^-"]
    return "".join((*first, *ranges, *middle, *last))


def _same_kind(one: str, other: str) -> bool:
    return (one.isdigit(), one.isupper()) == (other.isdigit(), other.isupper())


def _run(run: list[str]) -> list[str]:
    return [f"{run[0]}-{run[-1]}"] if len(run) > 2 else run


def _byte(value: int) -> str:
    return chr(value) if value < 0x80 else chr(0xDC00 + value)


def _bytes(low: int, high: int) -> str:
    return _byte(low) if low == high else f"[{_byte(low)}-{_byte(high)}]"


def _sequences(chars: Chars) -> Iterator[tuple[tuple[int, int], ...]]:
    """The characters beyond ASCII as sequences of byte ranges; single bytes that are not UTF-8 as themselves."""
    for low, high in chars:
        for first, last in ((0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, LAST)):
            if low <= last and high >= first:
                yield from _split(chr(max(low, first)).encode(), chr(min(high, last)).encode())
        if low == high and 0xDC80 <= low <= 0xDCFF:
            yield ((low - 0xDC00, low - 0xDC00),)


def _split(low: bytes, high: bytes) -> Iterator[tuple[tuple[int, int], ...]]:
    """Byte sequences from `low` to `high`, of one length."""
    if len(low) == 1:
        yield ((low[0], high[0]),)
        return
    rest = len(low) - 1
    bottom, top = bytes([0x80]) * rest, bytes([0xBF]) * rest
    if low[0] == high[0]:
        yield from (((low[0], low[0]), *tail) for tail in _split(low[1:], high[1:]))
        return
    begin, end = low[0], high[0]
    if low[1:] != bottom:
        yield from (((begin, begin), *tail) for tail in _split(low[1:], top))
        begin += 1
    if high[1:] != top:
        end -= 1
    if begin <= end:
        yield ((begin, end), *(((0x80, 0xBF),) * rest))
    if high[1:] != top:
        yield from (((high[0], high[0]), *tail) for tail in _split(bottom, high[1:]))
