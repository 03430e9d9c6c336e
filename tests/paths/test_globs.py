"""Globs mean what semantics §3 says."""

from __future__ import annotations

import pytest

from avakill.paths.bind import bind
from avakill.paths.glob import Anchor, Glob, GlobError, parse


def one(text: str) -> Glob:
    (glob,) = parse(text)
    return glob


def bound(text: str) -> Glob:
    return bind(one(text), "/home/u", "/ws", (), False)[0]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/etc", "/etc/ssh/sshd_config"),
        ("/srv/**", "/srv"),
        ("/srv/**/key", "/srv/key"),
        ("/srv/**/key", "/srv/a/b/key"),
        ("/srv/*", "/srv/.hidden"),
        ("/srv/[a-c]?", "/srv/bé"),
        ("/srv/[!a]", "/srv/b"),
        ("/srv/[^a]", "/srv/b"),
        ("/srv/[]x]", "/srv/]"),
        ("/srv/{a,b{c,d}}", "/srv/bd/below"),
        ("/srv/\\*", "/srv/*"),
        ("~/.ssh", "/home/u/.ssh/id_rsa"),
        (".env", "/ws/a/b/.env"),
        (".env*", "/ws/.env.local"),
        ("src/gen", "/ws/src/gen/x"),
        ("./x", "/ws/x"),
        ("/", "/anything"),
        ("/srv/?", "/srv/\udcff"),
    ],
)
def test_a_pattern_holds_what_it_says(text: str, path: str) -> None:
    assert any(glob.holds(path) for g in parse(text) for glob in bind(g, "/home/u", "/ws", (), False))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/etc", "/etcetera"),
        ("/srv/*", "/srv/a/b"),
        ("/srv/*", "/srv"),
        ("/srv/?", "/srv/ab"),
        ("/srv/[a-c]", "/srv/d"),
        ("/srv/[!a]", "/srv/a"),
        ("/srv/*.md", "/srv/x.md/below"),
        ("src/gen", "/ws/deep/src/gen"),
        (".env", "/elsewhere/.env"),
        ("/srv/\\*", "/srv/x"),
        ("/a/**/b", "/a/xb"),
    ],
)
def test_a_pattern_holds_nothing_else(text: str, path: str) -> None:
    assert not bound(text).holds(path)


@pytest.mark.parametrize("text", ["", "/a/[b", "/a/{b", "/a/b}", "/a/x**", "/../etc", "~root/x", "a\0b", "/a/[z-a]", "/a\\", "/a/[/]"])
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(GlobError):
        parse(text)


def test_braces_that_explode_are_refused() -> None:
    with pytest.raises(GlobError, match="combinations"):
        parse("/" + "{a,b,c,d}" * 12)


def test_an_error_points_at_its_character() -> None:
    with pytest.raises(GlobError) as caught:
        parse("/srv/a**")
    assert caught.value.offset == 6


def test_matching_many_stars_takes_no_time_to_speak_of() -> None:
    assert not one("/" + "*a" * 200 + "/x").holds("/" + "a" * 4000)


def test_a_symlinked_prefix_is_the_region_by_both_spellings() -> None:
    spellings = bind(one("~/.ssh/**"), "/home/u", "/ws", (("/home/u/.ssh", "/data/dotfiles/ssh"),), False)
    assert [glob.holds("/data/dotfiles/ssh/key") for glob in spellings] == [False, True]
    assert spellings[0].anchor is Anchor.HOME
    assert spellings[1].anchor is Anchor.ROOT


def test_where_case_does_not_count_it_does_not() -> None:
    (glob,) = bind(one("/Srv/*.KEY"), "/h", "/w", (), True)
    assert glob.holds("/sRV/a.key")
