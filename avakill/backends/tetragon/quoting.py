"""Scalars and comments of YAML that no value can break out of."""
from __future__ import annotations

import json
import re

_PLAIN = re.compile(r'[ !#-\[\]-~]*')


def scalar(text: str) -> str:
    """A double-quoted scalar. JSON's escapes are YAML's; all beyond ASCII is escaped, so no reader's opinion matters.

    Characters beyond the BMP are written as `\\U…`: YAML has no surrogate pairs.
    """
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return '"' + "".join(_escape(char) for char in text) + '"'


def _escape(char: str) -> str:
    code = ord(char)
    if code > 0xFFFF:
        return f"\\U{code:08X}"
    if code == 0x7F:
        return "\\x7F"
    return json.dumps(char)[1:-1]


def comment(text: str) -> str:
    """Text in a comment: one line, printable."""
    return "".join(char if char.isprintable() else "?" for char in text)
