"""Any object at all to a bounded JSON value without secrets in it, with a mark where something was left out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from avakill.audit.secrets import Mark, is_secret_name, redact_text
from avakill.events.value import Members

MAX_DEPTH = 32
MAX_NODES = 4_000
MAX_CHARACTERS = 48 * 1024
MAX_TEXT = 16 * 1024
MAX_KEY = 256
MAX_BITS = 4096
BEYOND = 8 * 1024
"""A text is searched for secrets this far past where it is cut, so that the cut leaves no half of one."""


@dataclass(slots=True)
class _Budget:
    nodes: int = MAX_NODES
    characters: int = MAX_CHARACTERS
    inside: set[int] = field(default_factory=set)
    """The containers that we are in, by identity: one met again is a circle."""


def tame(value: object, mark: Mark) -> object:
    """`value` as JSON can say it. Never raises, never calls `repr`, takes a bounded time whatever the value is."""
    return _tame(value, mark, _Budget(), 0)


def _tame(value: object, mark: Mark, budget: _Budget, depth: int) -> object:
    budget.nodes -= 1
    if budget.nodes < 0:
        return "[left out: too many values]"
    match value:
        case None | bool():
            return value
        case str():
            return cut(str.__str__(value), mark, budget)
        case int():
            bits = int.bit_length(value)
            return int(value) if bits <= MAX_BITS else f"[an integer of {bits} bits]"
        case float():
            return float(value) if math.isfinite(value) else f"[not a number: {float(value)}]"
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
    if depth >= MAX_DEPTH:
        return "[left out: nested too deep]"
    if id(value) in budget.inside:
        return "[left out: a circle]"
    budget.inside.add(id(value))
    try:
        return _container(value, mark, budget, depth)
    except Exception as fault:  # an edge: these are a stranger's objects, whose methods may do anything
        return f"[a {_kind(value)} that cannot be read: {_kind(fault)}]"
    finally:
        budget.inside.discard(id(value))


def _container(value: object, mark: Mark, budget: _Budget, depth: int) -> object:
    match value:
        case Members(items):
            return _members(items, len(items), mark, budget, depth)
        case Mapping():
            return _members(value.items(), len(value), mark, budget, depth)
        case list() | tuple() | set() | frozenset():
            return _items(value, len(value), mark, budget, depth)
        case _:
            return f"[a {_kind(value)}]"


def _members(pairs: Iterable[tuple[object, object]], count: int, mark: Mark, budget: _Budget, depth: int) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, inner in islice(pairs, max(0, budget.nodes)):
        if budget.nodes <= 0 or budget.characters <= 0:
            break
        name = _name(key, mark, budget)
        while name in made:
            name += "'"
        is_secret = is_secret_name(name) and _can_be_secret(name, inner)
        made[name] = _secret(inner, mark) if is_secret else _tame(inner, mark, budget, depth + 1)
    if len(made) < count:
        made["[left out]"] = count - len(made)
    return made


def _items(values: Iterable[object], count: int, mark: Mark, budget: _Budget, depth: int) -> list[object]:
    made: list[object] = []
    flag = False
    for inner in islice(values, max(0, budget.nodes)):
        if budget.nodes <= 0 or budget.characters <= 0:
            break
        made.append(_secret(inner, mark) if flag and isinstance(inner, str) else _tame(inner, mark, budget, depth + 1))
        # `["mysql", "--password", "x"]`: the word after a flag of a secret name is the secret
        flag = isinstance(inner, str) and inner.startswith("-") and "=" not in inner and is_secret_name(inner[:MAX_KEY])
    if len(made) < count:
        made.append(f"[left out: {count - len(made)} more]")
    return made


def _name(key: object, mark: Mark, budget: _Budget) -> str:
    match key:
        case str():
            return cut(str.__str__(key), mark, budget, MAX_KEY)
        case None | bool() | float():
            return str(key)
        case int() if int.bit_length(key) <= MAX_BITS:
            return str(int(key))
        case _:
            return f"[a {_kind(key)}]"


def _can_be_secret(name: str, value: object) -> bool:
    """Not an absent one, and not the count of `max_tokens`."""
    if value is None or isinstance(value, bool) or value == "":
        return False
    return not (isinstance(value, int | float) and name.lower().endswith("tokens"))


def _secret(value: object, mark: Mark) -> str:
    return mark(str.__str__(value)) if isinstance(value, str) else mark("")


def cut(text: str, mark: Mark, budget: _Budget | None = None, most: int = MAX_TEXT) -> str:
    """`text` without secrets and no longer than `most`, with its true length where it is cut."""
    most = most if budget is None else max(64, min(most, budget.characters))
    clean = redact_text(text[: most + BEYOND], mark)
    if len(text) > most + BEYOND or len(clean) > most:
        clean = f"{clean[:most]}…[cut: {len(text)} characters]"
    if budget is not None:
        budget.characters -= len(clean)
    return clean


def _kind(value: object) -> str:
    return type(value).__name__[:64].encode("ascii", "backslashreplace").decode()
