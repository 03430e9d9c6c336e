"""A compiled policy to bytes and back, by columns: 10,000 rules are read in some ten milliseconds.

Every value of a class stands in one batch, each of its fields in one list, so that the objects are made and filled by
loops that run in C. `unpack` trusts its bytes: whoever calls it has verified them first.
"""

from __future__ import annotations

import gc
import marshal
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from itertools import repeat
from typing import Any

from avakill.ir import condition, policy
from avakill.ir.effect import Effect
from avakill.ir.policy import Policy
from avakill.paths.glob import Anchor, CharClass, Glob, Wild, Wildcard
from avakill.source.collector import collector_paused
from avakill.source.span import Span

SLOTTED: tuple[type, ...] = (
    policy.RateLimit, policy.Rule, policy.ToolEffect, policy.Policy, condition.Field, condition.Always, condition.PathIn,
    condition.Contains, condition.Equals, condition.Ordered, condition.StartsWith, condition.Matches, condition.HostIn,
    condition.NetworkIn, condition.CommandIn, condition.ShellSafe, condition.ContentScan, condition.Not, condition.And,
    condition.Or, CharClass, Wild,
)  # fmt: skip
ENUMS: tuple[type[Enum], ...] = (
    policy.Action, policy.Enforcement, policy.Requirement, condition.FieldKind, condition.Ordering, condition.Scan, Effect,
    Anchor, Wildcard,
)  # fmt: skip
NETWORKS: tuple[type, ...] = (IPv4Network, IPv6Network)
CLASSES: tuple[type, ...] = (*SLOTTED, *ENUMS, *NETWORKS, Span, Glob)
_AT = {klass: at for at, klass in enumerate(CLASSES)}
_GLOB = ("parts", "below", "anchor", "anchor_length", "fold", "text")


def _fields(klass: type) -> tuple[str, ...]:
    if klass is Glob:
        return _GLOB
    return Span._fields if klass is Span else tuple(getattr(klass, "__slots__", ()))


FIELDS = tuple(_fields(klass) if klass in SLOTTED or klass in (Span, Glob) else () for klass in CLASSES)
LAYOUT = repr([(klass.__name__, names) for klass, names in zip(CLASSES, FIELDS, strict=True)])
"""What the bytes depend on beside the policy: with another layout they mean something else."""

PLAIN, ONE, SINGLE, MANY, MIXED, ALIKE = range(6)
"""A column: values as they are; an object each (or None); a tuple of one object each; of several; anything; one value for all."""


def pack(made: Policy) -> bytes:
    packer = _Packer()
    packer.visit(made)
    return marshal.dumps(packer.batches())


def unpack(data: bytes | memoryview) -> Policy:
    with collector_paused():
        table: list[Any] = [None]
        for klass, columns, count in marshal.loads(data):
            table.extend(_made(CLASSES[klass], [_read_column(column, table, count) for column in columns], count))
        _grown_old()
    found = table[-1]
    assert isinstance(found, Policy)
    return found


def _grown_old() -> None:
    """All that was made goes to the oldest generation unlooked at: there is no cycle in it, and looking costs a quarter more."""
    if gc.get_freeze_count() == 0:  # else the program froze objects of its own, and thawing them is not ours to do
        gc.freeze()
        gc.unfreeze()


# -- packing --


@dataclass(slots=True)
class _Node:
    """One object: its class, how far it stands above the leaves, its fields' values, and its number in the table."""

    klass: int
    height: int
    values: tuple[object, ...]
    number: int = 0

    @property
    def batch(self) -> tuple[int, int, tuple[int, ...]]:
        return self.height, self.klass, tuple(_kind(value) for value in self.values)


@dataclass(slots=True)
class _Packer:
    nodes: dict[object, _Node] = field(default_factory=dict)

    def visit(self, value: object) -> int:
        """The height of what stands in `value`; its objects are noted."""
        if isinstance(value, tuple | frozenset) and not isinstance(value, Span):
            return max((self.visit(item) for item in value), default=0)
        if type(value) not in _AT:
            return 0
        key = _identity(value)
        known = self.nodes.get(key)
        if known is None:
            values = _values(value)
            height = 1 + max((self.visit(inner) for inner in values), default=0)
            known = self.nodes[key] = _Node(_AT[type(value)], height, values)
        return known.height

    def batches(self) -> list[tuple[int, list[tuple[int, object]], int]]:
        groups: dict[tuple[int, int, tuple[int, ...]], list[_Node]] = {}
        for node in self.nodes.values():
            groups.setdefault(node.batch, []).append(node)
        number = 0
        made: list[tuple[int, list[tuple[int, object]], int]] = []
        for (_, klass, kinds), nodes in sorted(groups.items(), key=lambda group: group[0][:2]):
            columns = [self._column(kind, [node.values[at] for node in nodes]) for at, kind in enumerate(kinds)]
            for node in nodes:
                number += 1
                node.number = number
            made.append((klass, columns, len(nodes)))
        return made

    def _column(self, kind: int, values: list[object]) -> tuple[int, object]:
        match kind:
            case _ if kind == PLAIN:
                told: list[object] = values
            case _ if kind == ONE:
                told = [self._number(value) for value in values]
            case _ if kind == SINGLE:
                told = [self._number(_items(value)[0]) for value in values]
            case _ if kind == MANY:
                told = [tuple(self._number(item) for item in _items(value)) for value in values]
            case _:
                told = [self._mixed(value) for value in values]
        alike = kind != MIXED and all(one == told[0] and _spelled(one) == _spelled(told[0]) for one in told)
        return (ALIKE, (kind, told[0])) if alike else (kind, told)

    def _number(self, value: object) -> int:
        return 0 if value is None else self.nodes[_identity(value)].number

    def _mixed(self, value: object) -> tuple[int, object]:
        if type(value) in _AT:
            return ONE, self._number(value)
        if isinstance(value, tuple | frozenset):
            return MIXED if isinstance(value, tuple) else MANY, tuple(self._mixed(item) for item in value)
        return PLAIN, value


def _spelled(value: Any) -> bytes:
    """Tells 1 from True and 0.0 from -0.0, which compare as equal."""
    return marshal.dumps(value, 2)


def _identity(value: object) -> object:
    """Small values that compare whole are kept once; others by what they are."""
    return (type(value), value) if isinstance(value, Enum | Span | condition.Field) else id(value)


def _values(value: object) -> tuple[object, ...]:
    if isinstance(value, Enum):
        return (value.value,)
    if isinstance(value, NETWORKS):
        return (str(value),)
    return tuple(getattr(value, name) for name in FIELDS[_AT[type(value)]])


def _items(value: object) -> tuple[object, ...]:
    assert isinstance(value, tuple)
    return value


def _kind(value: object) -> int:
    if type(value) in _AT:
        return ONE
    if isinstance(value, frozenset):
        return MIXED
    if not isinstance(value, tuple):
        return PLAIN
    kinds = {_kind(item) for item in value}
    if kinds <= {PLAIN}:
        return PLAIN
    if kinds != {ONE}:
        return MIXED
    return SINGLE if len(value) == 1 else MANY


# -- unpacking --


def _read_column(column: tuple[int, Any], table: list[Any], count: int) -> Iterable[Any]:
    kind: int
    told: list[Any]
    kind, told = column
    if kind == ALIKE:
        inner, one = told
        return repeat(next(iter(_read_column((inner, [one]), table, 1))), count)
    if kind == ONE:
        return map(table.__getitem__, told)
    if kind == SINGLE:
        return zip(map(table.__getitem__, told))
    if kind == MANY:
        return [tuple([table[number] for number in numbers]) for numbers in told]
    return told if kind == PLAIN else [_read_mixed(value, table) for value in told]


def _read_mixed(value: tuple[int, Any], table: list[Any]) -> Any:
    kind, told = value
    if kind == PLAIN:
        return told
    if kind == ONE:
        return table[told]
    items = [_read_mixed(item, table) for item in told]
    return tuple(items) if kind == MIXED else frozenset(items)


def _made(klass: type, columns: list[Iterable[Any]], count: int) -> Iterable[Any]:
    if klass in ENUMS or klass in NETWORKS:
        return map(klass, columns[0])
    if klass is Span:
        return map(tuple.__new__, repeat(Span), zip(*columns, strict=True))
    objects: list[Any] = list(map(object.__new__, repeat(klass, count)))
    if klass is Glob:
        states = [
            {"parts": parts, "below": below, "anchor": anchor, "anchor_length": length, "fold": fold, "text": text}
            for parts, below, anchor, length, fold, text in zip(*columns, strict=True)
        ]
        _exhaust(map(_GLOB_STATE, objects, states))
        return objects
    for name, column in zip(FIELDS[_AT[klass]], columns, strict=True):
        _exhaust(map(getattr(klass, name).__set__, objects, column))
    return objects


_GLOB_STATE: Callable[[Glob, dict[str, Any]], None] = Glob.__dict__["__dict__"].__set__


def _exhaust(steps: Iterable[object]) -> None:
    deque(steps, 0)
