"""Arguments that nobody should have made are refused with a reason, in bounded time and memory."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.events.event import BadEvent, Event, make_event
from avakill.events.value import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, BadValue, Members, Value, freeze

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "300"))
SECONDS = 10.0  # a hundred times what it takes, for machines that are busy
MEGABYTES = 160  # 16 million characters of four bytes, and once more as UTF-8


@contextmanager
def bounded() -> Iterator[None]:
    tracemalloc.start()
    began = time.process_time()
    try:
        yield
        assert time.process_time() - began < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 1024 * 1024
    finally:
        tracemalloc.stop()


def cyclic_list() -> object:
    ring: list[object] = []
    ring.append(ring)
    return ring


def cyclic_dict() -> object:
    ring: dict[str, object] = {}
    ring["a"] = [ring, ring]
    return ring


def wide_and_cyclic() -> object:
    ring: list[object] = []
    ring.extend([ring] * 1000)
    return ring


def deep(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def deep_dicts(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def doubling(levels: int) -> object:
    """2 ** levels leaves in `levels` objects."""
    value: object = "x"
    for _ in range(levels):
        value = [value, value]
    return value


class Endless(dict[str, object]):
    """A mapping whose members never end."""

    def items(self) -> Any:
        while True:
            yield "a", 1


HOSTILE: dict[str, Callable[[], object]] = {
    "a list in itself": cyclic_list,
    "an object in itself": cyclic_dict,
    "a list a thousand times in itself": wide_and_cyclic,
    "a million lists deep": lambda: deep(1_000_000),
    "a million objects deep": lambda: deep_dicts(1_000_000),
    "one over the depth": lambda: deep(MAX_DEPTH),
    "2^60 leaves": lambda: doubling(60),
    "100 MB of text": lambda: "x" * 100_000_000,
    "100 MB in a name": lambda: {"x" * 100_000_000: 1},
    "1 MB of text a thousand times": lambda: ["x" * 1_000_000] * 1000,
    "text of four bytes a character": lambda: ["\U0001f600" * MAX_CHARACTERS, "\U0001f600"],
    "a million values": lambda: [0] * 1_000_000,
    "a million members": lambda: {str(n): n for n in range(1_000_000)},
    "members without end": Endless,
    "a lone surrogate": lambda: "a\ud800",
    "a lone surrogate in a name": lambda: {"\udfff": 1},
    "two surrogates that would be a pair": lambda: "\ud83d\ude00",
    "not a number": lambda: float("nan"),
    "infinity": lambda: [float("-inf")],
    "a number of a million digits": lambda: 10**1_000_000,
    "the same below zero": lambda: -(10**1_000_000),
    "bytes": lambda: b"x",
    "a set": lambda: {1},
    "a complex number": lambda: 1j,
    "a function": lambda: deep,
    "a generator": lambda: (n for n in range(3)),
    "a name that is none": lambda: {None: 1},
    "a name that is a number": lambda: {1: 1},
    "an object of its own": object,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_value_is_refused_with_a_short_reason(kind: str) -> None:
    raw = HOSTILE[kind]()
    with bounded(), pytest.raises(BadValue) as refused:
        freeze({"a": raw})
    assert 0 < len(str(refused.value)) < 200


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_call_with_one_is_no_event_wherever_it_stands(kind: str) -> None:
    raw = HOSTILE[kind]()
    with bounded():
        for told in (make_event("t", {"a": [{"b": raw}]}), make_event("t", {"a": 1}, agent=raw), make_event(raw)):
            assert isinstance(told, BadEvent)
            assert 0 < len(told.reason) < 200


def thaw(value: Value) -> object:
    match value:
        case Members(items):
            return {name: thaw(inner) for name, inner in items}
        case tuple():
            return [thaw(inner) for inner in value]
        case scalar:
            return scalar


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**1023), 2**1023), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
plain = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@settings(max_examples=EXAMPLES)
@given(plain)
def test_plain_json_is_kept_as_it_is(raw: object) -> None:
    frozen = freeze(raw)
    assert thaw(frozen) == raw
    assert json.dumps(thaw(frozen)) == json.dumps(raw)


surrogates = st.text(st.characters(categories=("Cs", "L")), max_size=5)
odd = st.one_of(
    scalars,
    surrogates,
    st.floats(),
    st.binary(),
    st.integers(2**1000, 2**1100),
    st.sampled_from((b"", 1j, object(), {1}, range(3), Ellipsis)),
)
mixed = st.recursive(
    odd,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(surrogates | st.integers() | st.none(), inner),
    max_leaves=20,
)


@settings(max_examples=EXAMPLES)
@given(tool=mixed, arguments=mixed, agent=mixed, session=mixed, cwd=mixed)
def test_whatever_is_given_is_an_event_or_a_reason(
    tool: object, arguments: object, agent: object, session: object, cwd: object
) -> None:
    told = make_event(tool, arguments, agent=agent, session=session, cwd=cwd)
    match told:
        case BadEvent(reason):
            assert reason
        case Event():
            assert isinstance(tool, str)
            assert json.dumps(thaw(told.arguments), allow_nan=False).encode("ascii")


def test_the_largest_that_is_judged_is_judged_in_time() -> None:
    with bounded():
        assert isinstance(make_event("t", {"a": "x" * (MAX_CHARACTERS - 1)}), Event)
    with bounded():
        assert isinstance(make_event("t", {"a": [0] * (MAX_NODES - 2)}), Event)
    assert isinstance(make_event("t", {"a": deep(MAX_DEPTH - 2)}), Event)
