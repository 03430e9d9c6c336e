"""Names with anything in them become printable expressions that match just their bytes."""

from __future__ import annotations

import re

import pytest

from avakill.backends.selinux.quoting import spec
from avakill.paths.glob import exactly, parse, tree
from tests.contract.generate import ODD


def matches(text: str, path: str) -> bool:
    return re.search(f"^{text}$".replace("\\z", "\\Z").encode(), path.encode("utf-8", "surrogateescape"), re.DOTALL) is not None


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_matched_alone(name: str) -> None:
    text = spec((exactly(f"/srv/{name}"),), ())
    assert text.isascii()
    assert re.fullmatch(r"[!-~]+", text)
    assert '"' not in text
    assert matches(text, f"/srv/{name}")
    assert not matches(text, f"/srv/{name}\n")
    assert not matches(text, f"/srv/{name}x")


def test_words_that_move_a_line_to_the_templates_are_spelt_otherwise() -> None:
    text = spec((tree("/srv/ROLE/USER"),), ())
    assert "ROLE" not in text
    assert "USER" not in text
    assert matches(text, "/srv/ROLE/USER/x")


def test_an_odd_first_component_is_not_taken_for_a_stem() -> None:
    assert spec((tree("/a b"),), ()).startswith("/(?:a\\x20b)")


def test_a_question_mark_is_a_character_or_a_byte() -> None:
    (glob,) = parse("/srv/??")
    text = spec((glob,), ())
    assert matches(text, "/srv/éé")
    assert not matches(text, "/srv/é")
    assert matches(text, "/srv/\udcff\udcfe")


def test_a_star_before_a_question_mark_takes_no_character_apart() -> None:
    (glob,) = parse("/srv/*??")
    assert not matches(spec((glob,), ()), "/srv/€")
    assert matches(spec((glob,), ()), "/srv/€a")


def test_a_negated_class_holds_one_whole_character() -> None:
    (glob,) = parse("/srv/[!a-cé]")
    text = spec((glob,), ())
    assert [matches(text, f"/srv/{name}") for name in ("d", "a", "é", "€", "dd")] == [True, False, False, True, False]


def test_what_is_left_out_is_left_out() -> None:
    text = spec((tree("/srv"),), (tree("/srv/in"),))
    assert matches(text, "/srv/x")
    assert not matches(text, "/srv/in/x")
