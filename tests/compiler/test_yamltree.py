"""Reading YAML: what is refused, and where the complaint points."""
from __future__ import annotations

import time
from itertools import pairwise

import pytest

from avakill.compiler.compile import read_source
from avakill.compiler.yamltree import MAX_BYTES, Map, Scalar, Seq, read_tree
from avakill.source.diagnostic import Bag, Diagnostic
from tests.compiler.reading import PATH, complaints, helps, quoted, source


def test_every_node_knows_its_place() -> None:
    file = source('a: "x"\nb: [plain , \'y\']\n')
    tree = read_tree(file, Bag())
    assert isinstance(tree, Map)
    items = tree.get("b")
    assert isinstance(items, Seq)
    assert [quoted(item.span, file) for item in items.items] == ["`plain` (line 2)", "`'y'` (line 2)"]


def test_lines_are_counted_as_yaml_counts_them() -> None:
    assert complaints('# one\u2028# two\x85# three\r\n# four\rversion: 2\npolicies: []\n') == ["AVK1102 `2` (line 5)"]


def test_a_key_given_twice_points_at_both() -> None:
    text = 'version: "1.0"\npolicies: []\npolicies: []\n'
    assert complaints(text) == ["AVK1002 `policies` (line 3), see `policies` (line 2)"]


def test_a_tag_is_refused_and_its_value_not_judged() -> None:
    assert complaints("version: !!float 1.0\npolicies: !x []\n") == ["AVK1003 `!!float 1.0` (line 1)", "AVK1003 `!x [` (line 2)"]


def test_a_merge_key_is_refused() -> None:
    text = 'version: "1.0"\npolicies: []\ntool_effects: &a {x: [read]}\nsandbox: {<<: *a}\n'
    assert "AVK1008 `<<` (line 4)" in complaints(text)


def test_a_quoted_merge_key_is_a_key() -> None:
    assert "AVK1008" not in " ".join(complaints('version: "1.0"\npolicies: []\nnotifications: {"<<": 1}\n'))


def test_an_alias_repeats_a_value() -> None:
    text = """version: "1.0"
policies:
  - {name: a, tools: &t ["x"], action: deny, conditions: {args_match: {q: ["drop"]}}}
  - {name: b, tools: *t, action: allow}
"""
    assert complaints(text) == []


def test_an_unquoted_star_says_what_to_do() -> None:
    text = 'version: "1.0"\npolicies: [{name: a, tools: [*], action: deny}]\n'
    assert helps(text) == ['a text that begins with `*` or `&` must be quoted: "*"']


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "AVK1007"),
        ("# nothing\n", "AVK1007"),
        ("- a\n", "AVK1007"),
        ("a\n", "AVK1007"),
        ("policies: []\n---\npolicies: []\n", "AVK1007"),
        ("a: [*a]\n", "AVK1009"),
        ("a: &a [*a]\n", "AVK1009"),
        ("a: [\n", "AVK1001"),
        ('a: "x\n', "AVK1001"),
        ("a: b: c\n", "AVK1001"),
        ("\ta: 1\n", "AVK1001"),
        ("a: \0\n", "AVK1006"),
        ("a: \x1b[31m\n", "AVK1006"),
    ],
)
def test_a_broken_file_gets_its_code(text: str, code: str) -> None:
    assert complaints(text)[0].split()[0] == code


@pytest.mark.parametrize(
    "text",
    [
        "[" * MAX_BYTES,
        "- " * (MAX_BYTES // 2),
        "{a," * (MAX_BYTES // 3),
        "? " * (MAX_BYTES // 2),
        "[" + "a," * (MAX_BYTES // 2 - 1),
        '"' * MAX_BYTES,
        "!" * MAX_BYTES,
        "a: |\n" + " \n" * (MAX_BYTES // 2 - 3),
        "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(f"{b}: &{b} [{f'*{a}, ' * 8}]\n" for a, b in pairwise("abcdefgh")),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_bomb_is_answered_soon(text: str) -> None:
    began = time.process_time()
    assert complaints(text)
    assert time.process_time() - began < 5  # seconds, on a machine busy with other things


def test_ten_megabytes_of_nesting_are_not_even_decoded() -> None:
    refused = read_source(b"[" * 10_000_000, PATH)
    assert isinstance(refused, Diagnostic)
    assert str(refused.code) == "AVK1005"


def test_a_byte_that_is_not_utf8_is_shown_at_its_place() -> None:
    refused = read_source(b"a: 1\nb: caf\xe9\n", PATH)
    assert isinstance(refused, Diagnostic)
    assert str(refused.span) == "avakill.yaml:2:7"


def test_a_byte_order_mark_is_no_character() -> None:
    assert complaints("\ufeffversion: 2\npolicies: []\n") == ["AVK1102 `2` (line 1)"]


def test_scalars_of_200000_rules_are_named_tuples_without_surprises() -> None:
    tree = read_tree(source("a: 'it''s'"), Bag())
    assert isinstance(tree, Map)
    value = tree.get("a")
    assert isinstance(value, Scalar)
    assert (value.text, value.is_plain) == ("it's", False)
