"""JSON in ASCII with nothing between its parts: what is stored, and what is hashed."""

from __future__ import annotations

import json.encoder
from collections.abc import Callable
from json.encoder import encode_basestring_ascii


def _refuse(value: object) -> object:
    raise TypeError(f"a {type(value).__name__} is not JSON")


def _prebuilt() -> Callable[[object], str]:
    """`json.dumps` builds an encoder for each call, which costs more than it encodes; CPython's own is kept here."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":")).encode
    encode = make(None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)

    def text(value: object) -> str:
        parts: tuple[str, ...] = encode(value, 0)
        return parts[0] if len(parts) == 1 else "".join(parts)

    return text


text = _prebuilt()
"""A JSON value's text. Raises TypeError, ValueError (not finite, too large), RecursionError (too deep)."""
