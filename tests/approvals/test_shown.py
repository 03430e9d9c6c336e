"""What a person is shown is bounded, and cannot act on the terminal or hide a part of itself."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from avakill.approvals.shown import shown


@given(st.text(), st.integers(10, 80))
def test_every_text_is_visible_and_bounded(text: str, limit: int) -> None:
    told = shown(text, limit)
    assert len(told) <= limit + 60
    assert all(char == " " or unicodedata.category(char)[0] not in "CMZ" for char in told)


def test_plain_text_is_shown_as_it_is() -> None:
    assert shown('{"command":"make Größe=3 日本"}') == '{"command":"make Größe=3 日本"}'


def test_an_escape_a_line_break_and_a_turn_of_direction_are_written_out() -> None:
    assert shown("a\x1b[2Kb\r\nc\u202ed\x9b\x7f") == "a\\x1b[2Kb\\r\\nc\\u202ed\\x9b\\x7f"
    assert shown("\u3164\u00a0\ufe0f\u200b\u0336") == "\\u3164\\xa0\\ufe0f\\u200b\\u0336"
    assert shown("\ud800\U000e0041") == "\\ud800\\U000e0041"


def test_of_a_long_text_both_ends_are_shown_and_what_lies_between_is_counted() -> None:
    told = shown("a" * 5000 + "; rm -rf /", 100)
    assert told.startswith("a" * 50 + " […")
    assert told.endswith("; rm -rf /")
    assert "4910 characters are not shown" in told


def test_a_text_that_grows_when_it_is_written_out_is_still_bounded() -> None:
    assert len(shown("\x1b" * 10**6, 100)) < 160
