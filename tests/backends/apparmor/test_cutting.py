"""What is cut out of a denied tree is the hole and nothing beside it, name by name."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avakill.backends.judge import Probe, decide
from avakill.ir.effect import Effect, Operation
from tests.backends.apparmor.dfa import compile_profile, permitted
from tests.backends.apparmor.shapes import FILES, Made, contains, made, paths, rule
from tests.backends.apparmor.test_real_parser import differences, names_of, needs_parser
from tests.oracles.apparmor import shown

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))
PARTS = ("d", "dx", "d.md", "x.md", "e", "#1", "é", "m")
NAMES = (
    *(f"/srv/{one}" for one in PARTS),
    *(f"/srv/{one}/{two}" for one in PARTS for two in PARTS),
    *(f"/srv/d/{one}/{two}" for one in ("d", "dx", "x.md") for two in PARTS),
    *("/srv", "/srvx", "/sr", "/srv/d/d/d/x.md"),
)
HOLES = ("*.md", "d", "*d", "**/*.md", "**/d", "d*", "x*", "*", "**/*d", "d/**", "#1", "é*")
PLACES = ("/srv", "/srv/d", "/srv/dx", "/srv/d/d")


def opened(denied: str, *holes: str) -> Made:
    return made(*(rule(i, FILES, "allow", paths(hole)) for i, hole in enumerate(holes)), rule(len(holes), FILES, "deny", paths(denied)))


def leaks(result: Made) -> list[str]:
    """The names that f denies to read and the profile does not."""
    oracle = result.oracle
    denied = (name for name in NAMES if not decide(result.plan, Effect.READ, name).allowed)
    return [name for name in denied if oracle.allows(Probe(Operation.READ, name))]


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("place", PLACES)
def test_no_hole_opens_what_only_begins_with_its_directory(place: str, hole: str) -> None:
    assert leaks(opened("/srv", f"{place}/{hole}")) == []


@settings(max_examples=EXAMPLES // 2 + 1, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.sampled_from(("/srv", "/srv/*", "/srv/d", "/srv/**/d*", "/srv/*/*.md", "/**/x.md", "/srv/d*", "/srv/d*/**")),
    st.lists(st.builds("{}/{}".format, st.sampled_from(PLACES), st.sampled_from(HOLES)), min_size=1, max_size=4),
)
def test_no_holes_together_open_more_than_each_of_them(denied: str, holes: list[str]) -> None:
    assert leaks(opened(denied, *holes)) == []


@needs_parser
@pytest.mark.parametrize("hole", ["/srv/d/*.md", "/srv/d/**/*.md", "/srv/d/*", "/srv/d/d/**/d"])
def test_the_parser_denies_what_only_begins_with_the_directory_of_a_hole(hole: str) -> None:
    assert differences(opened("/srv", hole).text, names_of(NAMES)) == []


def around_key() -> Made:
    """A hole in a tree, and below it a deny of a name that the hole's parents bear too."""
    return made(
        rule(0, FILES, "deny", paths("/srv/key/secret/key/node_modules")),
        rule(1, FILES, "allow", paths("/srv/key/secret/key")),
        rule(2, FILES, "deny", paths("/srv/key/secret")),
        rule(3, ("file_write", "file_delete"), "deny", contains("/key")),
    )


def test_no_line_has_two_slashes_in_a_row() -> None:
    """`/srv/key/secret//key` was `/srv/key/secret/key` to the parser, and closed the hole without a word."""
    result = around_key()
    assert "//" not in result.text.replace("[/]", "")
    assert result.oracle.allows(Probe(Operation.UNLINK, "/srv/key/secret/key/deep/in"))
    assert result.contradictions() == []


@needs_parser
def test_the_parser_leaves_a_hole_open_below_a_name_that_is_denied_anywhere() -> None:
    names = ("deep/in", "node_modules", "node_modules/a", "node_modulesx", "in")
    tries = tuple(f"/srv/key/secret/key/{name}" for name in names)
    states = compile_profile(around_key().text)
    assert [permitted(states, shown(path, False)) for path in tries] == ["rwx", "x", "x", "rwx", "rwx"]
    assert differences(around_key().text, names_of((*tries, "/srv/key", "/srv/key/secret/keyx", "/srv/a/key"))) == []


@needs_parser
def test_the_oracle_takes_slashes_in_a_row_as_the_parser_does() -> None:
    text = around_key().text
    lines = "".join(f'  deny "{path}" r,\n' for path in ("/srv//a", "///srv/b", "//c", "/d/[//]e", "/f{//g,/h}"))
    changed = text.replace('  deny "/srv/key/secret/key/node_modules', lines + '  deny "/srv/key/secret/key/node_modules', 1)
    assert changed != text
    assert differences(changed, names_of(("/srv/a", "/srv/b", "/c", "/d/e", "/f/g", "/f/h", "/srv//a", "//c", "/d//e"))) == []
