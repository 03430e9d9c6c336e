"""What automata answer is what matching says, for patterns and paths that hypothesis draws."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.paths.automaton import Pattern, Undecided, covers, disjoint, witness
from avakill.paths.glob import Glob, parse
from avakill.paths.index import PrefixIndex
from avakill.paths.substring import Substring

PARTS = st.sampled_from(["a", "b", "ab", "*", "?", "a*", "*b", "[ab]", "[!a]?", "**", "*a*b"])
TEXTS = st.lists(PARTS, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
GLOBS: st.SearchStrategy[Pattern] = TEXTS.map(lambda text: parse(text)[0])
PATTERNS = st.one_of(GLOBS, GLOBS, st.sampled_from(["a", "AB", "a/b"]).map(Substring))
PATHS = st.lists(st.text("abcB", min_size=1, max_size=3), max_size=4).map(lambda names: "/" + "/".join(names))


@settings(max_examples=300, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), st.lists(PATTERNS, max_size=2))
def test_a_witness_is_in_all_it_should_be_in_and_in_nothing_else(within: list[Pattern], without: list[Pattern]) -> None:
    found = witness(within, without)
    if found is not None:
        assert all(pattern.holds(found) for pattern in within)
        assert not any(pattern.holds(found) for pattern in without)


@settings(max_examples=600, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), st.lists(PATTERNS, max_size=2), PATHS)
def test_where_there_is_no_witness_no_path_fits(within: list[Pattern], without: list[Pattern], path: str) -> None:
    fits = all(pattern.holds(path) for pattern in within) and not any(pattern.holds(path) for pattern in without)
    if fits:
        assert witness(within, without) is not None


@settings(max_examples=600, deadline=None)
@given(PATTERNS, PATTERNS, PATHS)
def test_cover_and_disjointness_hold_for_every_path(one: Pattern, other: Pattern, path: str) -> None:
    if covers(one, other) and other.holds(path):
        assert one.holds(path)
    if disjoint(one, other):
        assert not (one.holds(path) and other.holds(path))


def test_a_question_that_is_too_large_is_undecided_and_answered_the_cautious_way() -> None:
    far_from_the_end = parse("/*a" + "?" * 16)[0]
    with pytest.raises(Undecided):
        witness((far_from_the_end,), (far_from_the_end,))
    assert not covers(far_from_the_end, far_from_the_end)


def test_the_prefix_index_finds_what_could_meet() -> None:
    index: PrefixIndex[str] = PrefixIndex()
    for text in ("/a", "/a/b", "/a/b/c", "/x", "/**/y"):
        glob = parse(text)[0]
        assert isinstance(glob, Glob)
        index.add(glob.literal_prefix, text)
    assert list(index.related(("a", "b"))) == ["/**/y", "/a", "/a/b", "/a/b/c"]
    assert list(index.above(("a", "b"))) == ["/**/y", "/a", "/a/b"]
