"""A report as text is what the standard library writes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from avakill.coverage import coverage, coverage_text
from tests.golden.fixtures import made

PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | some.text()
VALUES = some.recursive(PLAIN, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner), max_leaves=20)


@pytest.mark.parametrize("name", ["coding-agent", "odd-names", "nothing", "shell-allowlist"])
def test_a_report_is_written_as_the_standard_library_does(name: str) -> None:
    report = coverage(made(name), {"require": None})
    assert coverage_text(report) == json.dumps(report, indent=2)


@given(some.dictionaries(some.text(), VALUES))
def test_so_is_any_value(value: dict[str, Any]) -> None:
    assert coverage_text(value) == json.dumps(value, indent=2)


def test_a_list_of_words_is_indented_by_where_it_stands() -> None:
    value = {"a": ["x", "y"], "b": {"c": ["x", "y"], "d": [["x", "y"], {}, []], "e": ["x", {"y": 1}]}}
    assert coverage_text(value) == json.dumps(value, indent=2)
