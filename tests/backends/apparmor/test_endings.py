"""Names are cut out of a last component with wildcards: `.env.example` out of `.env*`."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avakill.backends.judge import Probe, judge
from avakill.ir.effect import Operation
from avakill.ir.verdict import Verdict
from tests.backends.apparmor.shapes import FILES, Made, made, paths, rule
from tests.backends.apparmor.test_nameless import on_directories
from tests.backends.apparmor.test_real_parser import differences, names_of, needs_parser
from tests.contract.laws import contradictions
from tests.contract.probes import probes
from tests.oracles.apparmor import read

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))
NAMES = (
    *(".env", ".env.", ".env.e"),
    *(".env.example", ".env.examples", ".env.exampl", ".env.sample", ".envrc", "env", ".en", ".env.é", "a.example", ".exv"),
)
PLACES = ("/srv", "/srv/app", "/srv/app/deep/er", "/srv/.env.example", "/srv/app/.env.example", "/srv/.env", "/other")
TRIES = tuple(f"{place}/{name}" for place in PLACES for name in NAMES)


def lawful(result: Made) -> list[str]:
    more = tuple(Probe(op, path) for path in TRIES for op in (Operation.READ, Operation.WRITE, Operation.CREATE, Operation.UNLINK))
    asked = (*probes(result.plan), *on_directories(result.plan), *more)
    bad = contradictions(result.plan, result.lowering, result.oracle.allows, asked)
    # the harness puts one example of a pattern into a moved directory, which may be the very name that is left out
    return [x for x in bad if "can be renamed" not in x] + unreal_moves(result)


def unreal_moves(result: Made) -> list[str]:
    """Renames of a parent that are claimed to leak, and do not with all of NAMES in the directory."""
    claimed = (f.witness for f in result.lowering.findings if "can be renamed" in f.reason and f.witness is not None)
    moves = (Probe(Operation.RENAME, w.object, w.to, directory=True, contents=NAMES) for w in claimed)
    return [str(p) for p in moves if judge(result.plan, p).allowed or not result.oracle.allows(p)]


def with_holes(denied: str, *holes: str) -> Made:
    return made(*(rule(i, FILES, "allow", paths(hole)) for i, hole in enumerate(holes)), rule(len(holes), FILES, "deny", paths(denied)))


def test_one_name_is_left_out_of_a_beginning_at_any_depth() -> None:
    result = with_holes("/srv/**/.env*", "/srv/**/.env.example")
    for path in (".env.example", "a/b/.env.example"):
        assert result.oracle.allows(Probe(Operation.WRITE, f"/srv/{path}"))
    for path in (".env", ".env.examples", ".env."):
        assert not result.oracle.allows(Probe(Operation.WRITE, f"/srv/{path}"))
    assert result.verdict(0) is Verdict.EXACT
    assert not any("hole" in finding.reason for finding in result.findings(1))
    assert lawful(result) == []


def test_what_stands_below_a_directory_of_that_name_stays_closed_and_is_listed() -> None:
    result = with_holes("**/.env*", "**/.env.example", "**/.env.example/**")
    assert result.oracle.allows(Probe(Operation.READ, "/srv/.env.example"))
    assert lawful(result) == []


@pytest.mark.parametrize(
    "holes", [(".env.example",), (".env.*",), (".env.example", ".env.sample"), (".e*",), (".env",), ("*.example",)]
)
@pytest.mark.parametrize("place", ["/srv/", "/srv/app/", "/srv/**/", "/srv/*/", "/**/"])
def test_every_place_and_form_of_an_ending_keeps_the_law(place: str, holes: tuple[str, ...]) -> None:
    for above in (place, "/**/"):
        assert lawful(with_holes(f"{place}.env*", *(f"{above}{hole}" for hole in holes))) == []


def test_an_ending_beside_a_tree_that_is_cut_out_too() -> None:
    result = with_holes("/srv/**/.env*", "/srv/**/.env.example", "/srv/app/open")
    assert result.oracle.allows(Probe(Operation.WRITE, "/srv/app/open/.env"))
    assert result.oracle.allows(Probe(Operation.WRITE, "/srv/app/x/.env.example"))
    assert not result.oracle.allows(Probe(Operation.WRITE, "/srv/app/x/.env"))
    assert lawful(result) == []


def test_without_its_lines_around_the_name_the_law_is_broken() -> None:
    result = with_holes("/srv/**/.env*", "/srv/**/.env.example")
    wider = result.text.replace(".env.[^/e]", ".env.[^/x]")
    assert wider != result.text
    reads = tuple(Probe(Operation.READ, path) for path in ("/srv/.env.example", "/srv/a/.env.example"))
    assert contradictions(result.plan, result.lowering, read(wider).allows, reads) != []


@settings(max_examples=EXAMPLES // 4 + 1, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("allow", "allow", "deny")),
            st.sampled_from(("/srv", "/srv/**", "/srv/app", "/**", "/srv/app/**", "/srv/*")),
            st.sampled_from((".env*", ".env.example", ".env.*", "*.example", ".e?v", "", ".env*/**", ".env", "[.]env*")),
        ),
        min_size=2,
        max_size=4,
    )
)
def test_endings_in_any_order_keep_the_law(drawn: list[tuple[str, str, str]]) -> None:
    assert lawful(made(*(rule(i, FILES, action, paths(f"{place}/{text}")) for i, (action, place, text) in enumerate(drawn)))) == []


@needs_parser
@pytest.mark.parametrize(
    ("denied", "holes"),
    [
        ("/srv/**/.env*", ("/srv/**/.env.example",)),
        ("/srv/.env*", ("/**/.env.example", "/**/.env.é")),
        ("/srv/**/.env*", ("/srv/**/.env.*", "/srv/app")),
        ("/srv/**/?env*", ("/srv/**/.env.example", "/srv/**/éenv")),
    ],
)
def test_the_parser_cuts_endings_as_the_oracle_does(denied: str, holes: tuple[str, ...]) -> None:
    assert differences(with_holes(denied, *holes).text, names_of((*TRIES, "/srv/éenv", "/srv/éenvx"))) == []
