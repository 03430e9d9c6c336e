"""A call's text for a person's eyes: bounded, and nothing in it that moves the cursor, hides or turns other text round."""

from __future__ import annotations

import unicodedata

MAX_SHOWN = 2000
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that look like a blank."""


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` with each invisible character written out; of a long one its two ends, and how much lies between.

    `limit` is of characters of the result, its mark left out.
    """
    if len(text) <= limit and len(whole := _visible(text)) <= limit:
        return whole
    half = limit // 2
    head, tail = _fitting(text, half), _fitting(text[::-1], half)[::-1]
    between = len(text) - len(head) - len(tail)
    return f"{_visible(head)} […{between} characters are not shown…] {_visible(tail)}"


def _fitting(text: str, room: int) -> str:
    """As much of the beginning as fits when it is written out."""
    used = 0
    for index, char in enumerate(text):
        used += len(_visible(char))
        if used > room:
            return text[:index]
    return text


def _visible(text: str) -> str:
    return text if text.isascii() and text.isprintable() else "".join(map(_one, text))


def _one(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    # C: controls, formats, surrogates, unassigned; M: marks, which change the letter before; Z: other blanks
    if unicodedata.category(char)[0] in "CMZ" or char in _BLANK:
        return char.encode("unicode_escape", "surrogatepass").decode()
    return char
