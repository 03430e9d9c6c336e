"""Tokens as AppArmor's pattern text, between double quotes (apparmor.d(5), and what parser 3.0.8 was seen to accept)."""

from __future__ import annotations

import re
from functools import lru_cache

from avakill.backends.apparmor.model import Choice, Many, OneOf, Token, Tokens
from avakill.backends.apparmor.tokens import NOT_SLASH

_SPECIAL = frozenset(b'"\\*?[]{}^,')
_TABLE = {byte: f"\\{byte:03o}" for byte in range(256) if not 0x20 <= byte < 0x7F or byte == 0x40}
_TABLE |= {byte: f"\\{chr(byte)}" for byte in _SPECIAL}
"""What does not stand for itself: a meaning goes behind a backslash; what is not ASCII, and the `@` of `@{`, in octal."""
_NOT_PLAIN = re.compile(r"[^ !#-)+\-->A-Z_-z|~]")
"""Perhaps no byte that stands for itself: a quick look before all are looked up."""
_PLAIN_IN_CLASS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./")


def quoted(tokens: Tokens) -> str:
    """A pattern in its quotes."""
    text = _run(tokens)
    if text.endswith("/**") and tokens[-1] is Many.ANY:
        text = text[:-2] + "{,**}"  # `**` alone between a slash and the end asks for one byte at least
    if text.endswith("\\\\"):
        text = text[:-2] + "[\\134]"  # before the closing quote the lexer would take it for the quote's own
    return f'"{text}"'


def _run(tokens: Tokens) -> str:
    if len(tokens) == 2 and type(tokens[0]) is bytes:
        return literal(tokens[0]) + _text(tokens[1])
    return "".join([literal(token) if type(token) is bytes else _syntax(token) for token in tokens])


def _text(token: Token) -> str:
    return literal(token) if type(token) is bytes else _syntax(token)


@lru_cache(maxsize=4096)
def _syntax(token: Token) -> str:
    match token:
        case bytes():
            return literal(token)
        case OneOf(mask):
            return _class(mask)
        case Many():
            return str(token.value)
        case Choice(options):
            return _choice(options)


def literal(name: bytes) -> str:
    """Bytes that mean themselves."""
    text = name.decode("latin-1")
    return text.translate(_TABLE) if _NOT_PLAIN.search(text) else text


@lru_cache(maxsize=4096)
def _choice(options: tuple[Tokens, ...]) -> str:
    if len(options) == 1:
        return _run(options[0])
    return "{" + ",".join(_run(option) for option in options) + "}"


@lru_cache(maxsize=4096)
def _class(mask: int) -> str:
    everything = NOT_SLASH | 1 << 0x2F
    inverse = everything & ~mask
    if inverse.bit_count() < mask.bit_count() and inverse:
        return f"[^{_members(inverse)}]"
    return f"[{_members(mask)}]"


def _members(mask: int) -> str:
    """Ranges of bytes; whatever is neither a letter nor a digit in octal."""
    text, byte = "", 0
    if mask >> 0x2D & 1:
        text, mask = "-", mask & ~(1 << 0x2D)  # first, where it makes no range
    while mask >> byte:
        if not mask >> byte & 1:
            byte += 1
            continue
        last = byte
        while mask >> (last + 1) & 1:
            last += 1
        text += _member(byte) + ("-" if last > byte + 1 else "") + (_member(last) if last > byte else "")
        byte = last + 1
    return text


def _member(byte: int) -> str:
    return chr(byte) if byte in _PLAIN_IN_CLASS else f"\\{byte:03o}"
