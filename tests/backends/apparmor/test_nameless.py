"""O_TMPFILE is WRITE on its directory (semantics §2); AppArmor is shown `D/#NUMBER` (measured, docs/measured.md)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avakill.backends.apparmor import BACKEND
from avakill.backends.contract import Lowering, Settings
from avakill.backends.judge import Probe
from avakill.backends.plan import Plan
from avakill.ir.effect import Operation
from avakill.ir.verdict import Verdict
from tests.backends.apparmor.dfa import compile_profile, permitted
from tests.backends.apparmor.shapes import FILES, contains, made, paths, rule
from tests.backends.apparmor.test_real_parser import needs_parser
from tests.contract.laws import contradictions, make_world, plans
from tests.oracles.apparmor import read

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))


def on_directories(plan: Plan) -> tuple[Probe, ...]:
    """O_TMPFILE in everything that there is: each path could be a directory, but for the floor's devices and protected files."""
    world = make_world(plan)
    kept = {path for path in world.paths if path.startswith("/dev/") or path in plan.target.protected}
    return tuple(Probe(Operation.WRITE, path, directory=True) for path in world.paths if path not in kept)


def unlawful(plan: Plan, lowering: Lowering[Any], text: str) -> list[str]:
    """Contradictions with the numbers that are refused (a program cannot choose one), then with those that pass (it can try again)."""
    profile = read(text)

    def lucky(probe: Probe) -> bool:
        nameless = probe.operation is Operation.WRITE and probe.directory
        return any(profile.nameless(probe.object)) if nameless else profile.allows(probe)

    unlucky = contradictions(plan, lowering, profile.allows, on_directories(plan))
    some = contradictions(plan, lowering, lucky, on_directories(plan))
    # which parents can be renamed is asked in test_law and test_endings: the harness puts one example of the pattern in them
    some = [x for x in some if "not real: stricter" not in x and "can be renamed" not in x]
    return [x for x in unlucky if "not real: weaker" not in x] + some


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(plans())
def test_files_without_a_name_go_as_the_claims_say(plan: Plan) -> None:
    lowering = BACKEND.lower(plan, Settings())
    (artifact,) = BACKEND.emit(lowering.model)
    assert unlawful(plan, lowering, artifact.text) == []


NUMBERED = ("*", "#*", "*1", "#12", "?1", "[!a]*", "*/*", "**/*1", "**/#*", "x*", "*.md", "**/.env")


@pytest.mark.parametrize("text", NUMBERED)
def test_a_denied_name_that_a_file_without_a_name_may_bear_is_closed_and_listed(text: str) -> None:
    result = made(rule(0, FILES, "deny", paths(f"/srv/app/{text}")))
    assert unlawful(result.plan, result.lowering, result.text) == []


@pytest.mark.parametrize("text", NUMBERED)
@pytest.mark.parametrize("denied", ["/srv/app", "/srv", "/srv/app/a*", "/srv/app/**/*.md"])
def test_a_hole_does_not_open_its_directory_to_files_without_a_name(text: str, denied: str) -> None:
    result = made(rule(0, FILES, "allow", paths(f"/srv/app/{text}")), rule(1, FILES, "deny", paths(denied)))
    assert unlawful(result.plan, result.lowering, result.text) == []


@pytest.mark.parametrize("needle", ["12", "#1", "a/", "/#", "1"])
def test_a_text_that_a_file_without_a_name_may_bear_is_listed(needle: str) -> None:
    result = made(rule(0, FILES, "deny", contains(needle)))
    assert unlawful(result.plan, result.lowering, result.text) == []


DRAWN = st.lists(
    st.tuples(st.sampled_from(("allow", "deny")), st.sampled_from(("/srv", "/srv/app", "/srv/*")), st.sampled_from((*NUMBERED, "**"))),
    min_size=1,
    max_size=4,
)


@settings(max_examples=EXAMPLES // 4 + 1, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(DRAWN)
def test_holes_and_denies_with_numbers_in_any_order_say_what_they_do(drawn: list[tuple[str, str, str]]) -> None:
    result = made(*(rule(i, FILES, action, paths(f"{place}/{text}")) for i, (action, place, text) in enumerate(drawn)))
    assert unlawful(result.plan, result.lowering, result.text) == []


def test_a_pattern_of_directories_closes_the_names_in_them_and_says_so() -> None:
    result = made(rule(0, FILES, "deny", paths("/srv/sec?")))
    assert not result.oracle.allows(Probe(Operation.WRITE, "/srv/sec1", directory=True))
    assert result.oracle.allows(Probe(Operation.CREATE, "/srv/sec1/n"))
    assert not result.oracle.allows(Probe(Operation.CREATE, "/srv/sec1/#12"))
    assert result.verdict(0) is Verdict.STRICTER


def test_without_that_line_the_leak_is_seen() -> None:
    result = made(rule(0, FILES, "deny", paths("/srv/sec?")))
    less = "\n".join(line for line in result.text.split("\n") if "/#" not in line)
    assert less != result.text
    assert contradictions(result.plan, result.lowering, read(less).allows, on_directories(result.plan)) != []


@needs_parser
def test_the_parser_takes_the_names_of_files_without_a_name() -> None:
    result = made(rule(0, FILES, "deny", paths("/srv/sec?")))
    states = compile_profile(result.text)
    assert permitted(states, b"/srv/sec1/#236") == "rx"
    assert permitted(states, b"/srv/sec1/#n") == "rwx"
