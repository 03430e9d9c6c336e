"""The real `apparmor_parser` takes every profile, and the automaton that it makes answers as our oracle does."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings

from avakill.backends.apparmor import BACKEND
from avakill.backends.contract import Settings
from avakill.backends.plan import Plan
from tests.backends.apparmor.dfa import PARSER, compile_profile, permitted
from tests.backends.apparmor.shapes import FILES, made, paths, rule
from tests.contract.generate import ODD, SUFFIXES, quote
from tests.contract.laws import make_world, plans
from tests.oracles.apparmor import read, shown

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000")) // 20 + 5

needs_parser = pytest.mark.skipif(
    not PARSER.exists() and not os.environ.get("CI"), reason="apparmor_parser is not installed (Debian package `apparmor`)"
)


def names_of(paths_: tuple[str, ...]) -> list[bytes]:
    return [shown(path, directory) for path in paths_ for directory in (False, True)]


def differences(text: str, names: list[bytes]) -> list[tuple[bytes, str, str]]:
    states, oracle = compile_profile(text), read(text)
    answers = ((name, permitted(states, name), "".join(p for p in "rwx" if oracle.permits(name, p))) for name in names)
    return [(name, real, ours) for name, real, ours in answers if real != ours]


@needs_parser
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(plans())
def test_generated_policies_compile_to_what_the_oracle_reads(plan: Plan) -> None:
    (artifact,) = BACKEND.emit(BACKEND.lower(plan, Settings()).model)
    assert differences(artifact.text, names_of(make_world(plan).paths)) == []


@needs_parser
def test_every_odd_name_means_itself_to_the_parser() -> None:
    odd = (*ODD, "end\\", "a,b", "1\udcff2", "é1", "@", "x\x7f\x01", "日本", '"', "#", "]", "[^a]", "a-b", "{", "}")
    result = made(*(rule(index, FILES, "deny", paths(f"/srv/{quote(name)}")) for index, name in enumerate(odd)))
    denied = tuple(f"/srv/{name}" for name in odd)
    states = compile_profile(result.text)
    assert [path for path in denied if permitted(states, shown(path, False)) != "x"] == []
    assert differences(result.text, names_of((*denied, *(path + "x" for path in denied), "/srv/other"))) == []


@needs_parser
@pytest.mark.parametrize("text", ["?x", "[!a]z", "[é-ü]", "[]^-]x", "[a-c]*", "*.tar.*", "**/.env", "*", "*/x", "[+,-.]", "a*"])
def test_every_wildcard_means_the_same_to_the_parser(text: str) -> None:
    result = made(rule(0, FILES, "deny", paths(f"/srv/{text}")))
    tries = ("x", "ax", "éx", "z", "az", "bz", "éz", "é", "ü", "a", "]x", "^x", "-x", "abc")
    more = ("a.tar.gz", ".env", "d/.env", "d/x", "-", "+", ",")
    assert differences(result.text, names_of(tuple(f"/srv/{name}" for name in (*tries, *more)))) == []


@needs_parser
@pytest.mark.parametrize("hole", ["docs", "*.md", "**/*.md", "**/.env", "id_*", *SUFFIXES[:4]])
def test_every_kind_of_hole_is_cut_as_the_parser_reads_it(hole: str) -> None:
    result = made(rule(0, FILES, "allow", paths(f"/srv/app/{hole}")), rule(1, FILES, "deny", paths("/srv/app")))
    tries = ("docs", "doc", "docsx", "docs/a", "a.md", ".md", "md", "d", "x/a.md", ".env", "env", "x/.env", "x.env")
    more = ("id_", "id_a", "id", "id_a/b", "b.pem")
    assert differences(result.text, names_of(("/srv/app", "/srv/apq", *(f"/srv/app/{name}" for name in (*tries, *more))))) == []
    assert result.contradictions() == []


@needs_parser
def test_a_line_may_end_in_a_backslash() -> None:
    hole = quote("/srv/a\\b")
    result = made(rule(0, FILES, "allow", paths(hole)), rule(1, FILES, "deny", paths("/srv")))
    assert '"/srv/a[\\134]" rwl' in result.text
    assert differences(result.text, names_of(tuple(f"/srv/{name}" for name in ("a", "a\\", "a\\b", "a\\c", "a\\\\")))) == []
    assert result.contradictions() == []


@needs_parser
def test_a_policy_with_nothing_to_lower_gives_a_profile_that_the_parser_takes() -> None:
    result = made()
    assert "denies nothing" in result.text
    assert compile_profile(result.text)
