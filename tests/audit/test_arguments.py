"""Arguments may be anything: each event is recorded, in a clear and bounded form, and takes no other with it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avakill.audit.encode import MAX_LINE, Encoder
from avakill.audit.frame import MAX_FRAME, read_frames
from avakill.audit.trail import Trail
from avakill.audit.verify import verify
from avakill.events.value import Members
from tests.audit.help import record, recorded, stored


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError


class Endless(Mapping[str, str]):
    """A mapping that never ends, and lies about it."""

    def __getitem__(self, key: str) -> str:
        return "x" * 1000

    def __iter__(self) -> Iterator[str]:
        n = 0
        while True:
            n += 1
            yield f"k{n}"

    def __len__(self) -> int:
        return 3


class Raising(Mapping[str, str]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> str:
        raise KeyError

    def __iter__(self) -> Iterator[str]:
        raise ValueError

    def __len__(self) -> int:
        return 1


def cyclic() -> object:
    made: dict[str, object] = {"a": []}
    made["me"] = made
    return made


def deep() -> object:
    made: object = "bottom"
    for _ in range(1_000_000):
        made = [made]
    return {"a": made}


def laughs() -> object:
    made: object = "ha"
    for _ in range(8):
        made = [made] * 60
    return {"a": made}


BAD: dict[str, tuple[object, str]] = {
    "bytes": ({"a": b"\x00\xff"}, '{"a":"[2 bytes]"}'),
    "a circle": (cyclic(), '{"a":[],"me":"[left out: a circle]"}'),
    "NaN": ({"a": math.nan, "b": -math.inf}, '{"a":"[not a number: nan]","b":"[not a number: -inf]"}'),
    "a lone surrogate": ({"a": "x\ud800y"}, '{"a":"x\\ud800y"}'),
    "a huge integer": ({"a": 1 << 100_000}, '{"a":"[an integer of 100001 bits]"}'),
    "a set": ({"a": {1}}, '{"a":[1]}'),
    "an object": ({"a": Hostile()}, '{"a":"[a Hostile]"}'),
    "keys that are no texts": ({1: "a", None: "b", (1, 2): "c", "1": "d"}, '{"1":"a","None":"b","[a tuple]":"c","1\'":"d"}'),
    "a mapping that raises": (Raising(), '"[a Raising that cannot be read: ValueError]"'),
    "no mapping": ("text", '"text"'),
    "nothing": (None, "null"),
    "frozen members": (Members((("a", (1, Members((("password", "x"),)))),)), '{"a":[1,{"password":"[redacted]"}]}'),
    "a NUL": ({"a": "x\0y"}, '{"a":"x\\u0000y"}'),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_not_json_is_recorded_in_a_clear_form(tmp_path: Path, kind: str) -> None:
    given_, told = BAD[kind]
    recorded(tmp_path, record(1), record(2, arguments=given_), record(3))
    assert [event.arguments for event in stored(tmp_path)] == ['{"path":"/srv/1"}', told, '{"path":"/srv/3"}']
    assert verify(tmp_path / "audit.db").sound


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(lambda: {"a": "x" * 100_000_000}, id="100 MB of text"),
        pytest.param(lambda: {"x" * 10_000_000: 1}, id="10 MB of name"),
        pytest.param(lambda: {"a": list(range(1_000_000))}, id="a million items"),
        pytest.param(lambda: {str(n): "x" * 100 for n in range(100_000)}, id="100,000 members"),
        pytest.param(lambda: {"a": ["\U0001f600" * 20_000] * 50}, id="characters that JSON writes long"),
        pytest.param(lambda: {"a": [["x"] * 64] * 64}, id="wide and nested"),
        pytest.param(lambda: {f"{n}": "x" * 4000 for n in range(60)}, id="many long ones"),
        pytest.param(laughs, id="a billion of the same"),
        pytest.param(deep, id="a million deep"),
        pytest.param(Endless, id="endless"),
    ],
)
def test_what_is_too_large_is_cut_with_a_mark_and_in_time(arguments: object) -> None:
    assert callable(arguments)
    made = arguments()
    encode = Encoder(None).frame
    start = time.process_time()
    line = encode(record(arguments=made), 1)
    took = time.process_time() - start
    ((_, _, _, _, text),) = read_frames(line).frames
    assert len(line) < MAX_FRAME
    assert len(text) <= MAX_LINE * 8
    assert "left out" in text.decode() or "cut:" in text.decode()
    assert took < 2
    json.loads(text)


def test_a_text_that_is_cut_says_how_long_it_was(tmp_path: Path) -> None:
    recorded(tmp_path, record(arguments={"content": "word " * 100_000}))
    (event,) = stored(tmp_path)
    assert json.loads(event.arguments)["content"].endswith("…[cut: 500000 characters]")
    assert len(event.arguments) < 20_000


def test_names_and_reasons_may_be_anything_too(tmp_path: Path) -> None:
    odd = ["\ud800", "a\nb\0c", "x" * 1_000_000, b"bytes", 5, None, ["a"], {"a": 1}, "", math.nan]
    with Trail(tmp_path) as trail:
        for value in odd:
            trail.record(record(tool=value, agent=value, session=value, action=value, rule=value, rule_name=value, reason=value))
            trail.record(record(policy=value, allowed=value))
    assert len(stored(tmp_path)) == 2 * len(odd)
    assert verify(tmp_path / "audit.db").sound


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 60), 1 << 60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ANYTHING = JSON | st.binary(max_size=5) | st.floats() | st.text(st.characters(exclude_categories=[]), max_size=10)


@given(
    st.dictionaries(st.text(max_size=8) | st.integers() | st.none(), ANYTHING, max_size=6) | ANYTHING, st.integers(-(1 << 70), 1 << 70)
)
def test_every_record_makes_one_frame_that_is_read_back(arguments: object, at: int) -> None:
    line = Encoder(None).frame(record(arguments=arguments, at=at), 7)
    read = read_frames(line)
    assert (len(read.frames), read.end, read.torn) == (1, len(line), 0)
    json.loads(read.frames[0][4])
