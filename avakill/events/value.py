"""JSON values, frozen: what a tool call's arguments are made of."""
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_CHARACTERS = 16 * 1024 * 1024
MAX_BITS = 1024


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object: names with their values, in the order given."""

    items: tuple[tuple[str, Value], ...] = ()


Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | Members | None"

Scalar = bool | int | float | str | None


class BadValue(ValueError):
    """What is given is no JSON value that can be judged; the text says why."""


@dataclass(slots=True)
class _Budget:
    nodes: int = MAX_NODES
    characters: int = MAX_CHARACTERS


def freeze(raw: object) -> Value:
    """A parsed JSON value as a frozen one. Raises BadValue: not JSON, too deep (or cyclic), too large, not text."""
    return _freeze(raw, MAX_DEPTH, _Budget())


def _freeze(raw: object, depth: int, budget: _Budget) -> Value:
    if depth == 0:
        raise BadValue(f"nested over {MAX_DEPTH} deep")
    budget.nodes -= 1
    if budget.nodes < 0:
        raise BadValue(f"over {MAX_NODES} values")
    match raw:
        case None | bool():
            return raw
        case str():
            return checked_text(raw, budget)
        case int():
            if raw.bit_length() > MAX_BITS:
                raise BadValue(f"a number of over {MAX_BITS} bits")
            return int(raw)
        case float():
            if not math.isfinite(raw):
                raise BadValue(f"`{raw}` is not a JSON number")
            return float(raw)
        case list() | tuple():
            return tuple(_freeze(item, depth - 1, budget) for item in raw)
        case dict():
            return Members(tuple((_name(key, budget), _freeze(item, depth - 1, budget)) for key, item in raw.items()))
        case _:
            raise BadValue(f"a `{type(raw).__name__}` is not a JSON value")


def _name(key: object, budget: _Budget) -> str:
    if not isinstance(key, str):
        raise BadValue(f"a `{type(key).__name__}` cannot name a member")
    return checked_text(key, budget)


def checked_text(text: str, budget: _Budget | None = None) -> str:
    """`text` as a plain `str`. Raises BadValue for a lone surrogate, and past the budget."""
    if budget is not None:
        budget.characters -= len(text)
        if budget.characters < 0:
            raise BadValue(f"over {MAX_CHARACTERS} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadValue("a lone surrogate, which is not text") from None
    return str(text)


def scalars(value: Value) -> Iterator[Scalar]:
    """Every scalar in `value`, members' names left out."""
    match value:
        case Members(items):
            for _, inner in items:
                yield from scalars(inner)
        case tuple():
            for inner in value:
                yield from scalars(inner)
        case scalar:
            yield scalar


def names(value: Value) -> Iterator[str]:
    """Every member's name in `value`, at any depth."""
    match value:
        case Members(items):
            for name, inner in items:
                yield name
                yield from names(inner)
        case tuple():
            for inner in value:
                yield from names(inner)
        case _:
            return


def as_text(scalar: Scalar) -> str:
    """A scalar as a rule's text sees it: JSON's spelling, a string without its quotes, null empty."""
    match scalar:
        case None:
            return ""
        case bool():
            return "true" if scalar else "false"
        case _:
            return str(scalar)
