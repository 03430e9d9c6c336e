"""A part of a value is found in the file however the value is quoted."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.compiler.places import part
from avakill.compiler.yamltree import Map, Scalar, read_tree
from avakill.source.diagnostic import Bag
from tests.compiler.reading import quoted, source


def scalar(text: str) -> Scalar:
    tree = read_tree(source(text), Bag())
    assert isinstance(tree, Map)
    value = tree.get("a")
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize(
    "text",
    [
        "a: one fault two\n",
        "a: 'it''s one fault two'\n",
        'a: "\\u00e9\\t\\"one fault two"\n',
        "a: &anchor one fault two\n",
        "a: &x 'one fault two'\n",
        "a: |\n  one\n  fault\n  two\n",
        "a: >-\n    one\n    fault two\n\n    three\n",
        "a: one\n  fault\n  two\n",
        'a: "one \\\n  fault two"\n',
        "a: |2\n    one\n     fault\n",
    ],
)
def test_the_word_is_pointed_at(text: str) -> None:
    value = scalar(text)
    at = value.text.index("fault")
    line = next(number for number, line in enumerate(text.split("\n"), 1) if "fault" in line)
    assert quoted(part(value, at, at + 5), value.source) == f"`fault` (line {line})"


@given(st.text(alphabet="ab '\"\\é\t:#-{}&*", max_size=30), st.sampled_from(['"', "'"]))
@settings(max_examples=60, deadline=None)
def test_each_character_of_a_quoted_value_is_found(value: str, quote: str) -> None:
    written = value.replace("'", "''") if quote == "'" else value.replace("\\", "\\\\").replace('"', '\\"')
    node = scalar(f"a: {quote}{written}{quote}\n")
    assert node.text == value
    for index, char in enumerate(value):
        span = part(node, index, index + 1)
        shown = node.source.line(span.line)[span.column - 1 : span.end_column - 1]
        assert shown in (char, "\\"), (index, shown)


def test_a_part_of_an_empty_value_is_the_whole() -> None:
    value = scalar('a: ""\n')
    assert part(value, 0, 1).line == 1
