"""The spellings of a text whose case does not count, by full case folding: what `casefold` makes equal."""

from __future__ import annotations

from functools import lru_cache

from avakill.backends.apparmor.model import Choice, OneOf, Token, Tokens

LAST_CASED = 0x1E943
"""No character above has a case (Unicode 15)."""
MAX_SPELLINGS = 32


@lru_cache(maxsize=1)
def _folded() -> tuple[dict[str, str], dict[str, str]]:
    """For a folded character those that fold to it; and each character that folds to several with what it becomes."""
    singles: dict[str, str] = {}
    expansions: dict[str, str] = {}
    for code in range(0x80, LAST_CASED + 1):
        char = chr(code)
        folded = char.casefold()
        if len(folded) > 1:
            expansions[char] = folded
        elif folded != char:
            singles[folded] = singles.get(folded, "") + char
    return singles, expansions


@lru_cache(maxsize=4096)
def any_case(char: str) -> Token:
    """One folded character in each of its spellings of one character."""
    singles, _ = _folded()
    ascii_ = {c for c in (char, char.upper()) if len(c) == 1 and ord(c) < 128}
    others = tuple(dict.fromkeys((*(() if ord(char) < 128 else (char,)), *singles.get(char, ""))))
    mask = sum(1 << ord(c) for c in ascii_)
    if not others:
        return OneOf(mask)
    spelled = tuple((c.encode("utf-8", "surrogateescape"),) for c in others)
    return Choice(((OneOf(mask),), *spelled) if mask else spelled)


def spellings(text: str, part_of_more: bool) -> tuple[Tokens, ...] | None:
    """Runs of tokens that together match what folds to `text`; None past MAX_SPELLINGS.

    With `part_of_more` the first and the last character may fold to something that only ends or begins in `text`.
    """
    text = text.casefold()
    _, expansions = _folded()
    found: list[Tokens] = []
    todo: list[tuple[int, Tokens]] = [(0, ())]
    while todo:
        at, run = todo.pop()
        if at >= len(text):
            found.append(run)
            if len(found) > MAX_SPELLINGS:
                return None
            continue
        for char, folded in expansions.items():
            starts = range(len(folded)) if at == 0 and part_of_more else (0,)
            for start in starts:
                tail = folded[start:]
                if text.startswith(tail, at) or (part_of_more and len(tail) > len(text) - at and tail.startswith(text[at:])):
                    todo.append((at + len(tail), (*run, char.encode())))
        todo.append((at + 1, (*run, any_case(text[at]))))
    return tuple(dict.fromkeys(found))
