"""What a plain YAML scalar is: the core schema of YAML 1.2, so `yes` and `on` are texts."""
from __future__ import annotations

import re

from avakill.compiler.yamltree import Scalar

Value = str | bool | int | float | None

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 40
_ODD = frozenset(("", *"~nNtTfF0123456789+-."))
"""What begins a value that may be more than a text."""


def value_of(scalar: Scalar) -> Value:
    """A quoted scalar is its text; a plain one whatever it looks like, and so is one that is a variable and no more."""
    return resolve(scalar.text) if scalar.is_plain or is_variable(scalar) else scalar.text


def is_variable(scalar: Scalar) -> bool:
    """All of it is one `${NAME}`: in quotes too, since braces cannot always stand without."""
    return len(scalar.inserts) == 1 and scalar.inserts[0].to - scalar.inserts[0].from_ == len(scalar.written)


def resolve(text: str) -> Value:
    if text[:1] not in _ODD:
        return text
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if len(text) <= _MAX_DIGITS and _INT.fullmatch(text):
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
