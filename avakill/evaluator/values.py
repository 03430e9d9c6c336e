"""The values of an argument, and text with case and composition taken out."""
from __future__ import annotations

import unicodedata

from avakill.evaluator.call import Call
from avakill.evaluator.texts import ports_of
from avakill.events.value import Scalar, scalars
from avakill.ir.condition import Field


def folded(text: str) -> str:
    """Text with case and composition taken out."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def scalars_of(call: Call, field: Field) -> tuple[Scalar, ...]:
    if field.name == "port":
        return ports_of(call)
    return tuple(scalar for value in call.values(field.name) for scalar in scalars(value))
