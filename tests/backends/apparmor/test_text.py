"""The artifact's text: quoting, source map, determinism, and that a changed line is noticed."""

from __future__ import annotations

import time

import pytest

from avakill.backends.apparmor import BACKEND
from avakill.backends.contract import Settings
from avakill.backends.plan import Options, make_plan
from avakill.ir.policy import Action, Policy
from tests.backends.apparmor.shapes import BARE, FILES, READING, made, paths, rule
from tests.contract.laws import contradictions
from tests.oracles.apparmor import Unreadable, read

NESTED = (
    rule(0, FILES, "deny", paths("/srv/docs/key")),
    rule(1, FILES, "allow", paths("/srv/docs")),
    rule(2, FILES, "deny", paths("/srv")),
)


def test_a_name_cannot_end_its_quotes_or_its_comment() -> None:
    evil = rule(0, FILES, "deny", paths('/srv/a"\nfile,\n#'))
    result = made(evil)
    assert 'deny "/srv/a\\"\\012file\\,\\012#{,/,/**}" rwl,' in result.text


def test_every_line_that_a_rule_caused_knows_its_place() -> None:
    result = made(*NESTED)
    (artifact,) = BACKEND.emit(result.lowering.model)
    denies = [line for line in artifact.lines if line.text.startswith('  deny "')]
    assert denies
    assert {line.origin.line for line in denies if line.origin is not None} == {4, 6}
    assert all(line.origin is not None for line in denies)


def test_the_same_policy_gives_the_same_bytes() -> None:
    assert made(*NESTED).text == made(*NESTED).text


def test_the_hole_is_left_out_of_the_deny_set_as_on_the_facts_page() -> None:
    text = made(rule(0, FILES, "allow", paths("/srv/app/docs")), rule(1, FILES, "deny", paths("/srv/app"))).text
    for line in ('"/srv/" w,', '"/srv/app/[^d]**" rwl,', '"/srv/app/doc" rwl,', '"/srv/app/docs[^/]**" rwl,'):
        assert f"  deny {line}\n" in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('  deny "/srv/docs/key{,/,/**}" rwl,\n', ""),
        ('"/srv/docs/key{,/,/**}" rwl', '"/srv/docs/key{,/,/**}" rl'),
        ('"/srv/docs[^/]**"', '"/srv/docs**"'),
        ('  deny "/srv/docs/" w,\n', ""),
        ('"/srv/d[^o]**" rwl', '"/srv/d[^o]*" rwl'),
        ("  file,\n", ""),
    ],
)
def test_a_changed_line_is_noticed(old: str, new: str) -> None:
    result = made(*NESTED)
    assert result.contradictions() == []
    changed = result.text.replace(old, new)
    assert changed != result.text
    assert contradictions(result.plan, result.lowering, read(changed).allows) != []


def test_swapped_allow_and_deny_are_noticed() -> None:
    result = made(*NESTED)
    other = made(NESTED[0], rule(1, FILES, "deny", paths("/srv")), rule(2, FILES, "allow", paths("/srv/docs")))
    assert contradictions(result.plan, result.lowering, other.oracle.allows) != []


def test_the_oracle_reads_no_other_language() -> None:
    with pytest.raises(Unreadable):
        read("profile p { file, }")


def test_a_thousand_rules_lower_in_time() -> None:
    shapes = ("/srv/t{}/data", "/srv/t{}/**/.env", "/srv/t{}/*.pem", "/srv/shared/*/n{}", "/home/agent/d{}")
    rules = [
        rule(i, READING if i % 3 else FILES, "allow" if i % 10 == 9 else "deny", paths(shapes[i % 5].format(i - i % 10)))
        for i in range(1000)
    ]
    plan = make_plan(Policy(tuple(rules), Action.DENY), BARE, Options())
    begun = time.process_time()
    BACKEND.emit(BACKEND.lower(plan, Settings()).model)
    assert time.process_time() - begun < 10  # the bench says how fast; this only catches a square


def test_a_crowd_of_holes_is_said_by_every_deny_and_every_allow() -> None:
    hole, deep = "/srv/t{}/pub", "/**/*.e{}"
    rules = [rule(i, FILES, "deny" if i % 2 else "allow", paths((deep if i % 2 else hole).format(i))) for i in range(300)]
    result = made(*rules)
    assert len(result.text) < 2_000_000
    assert str(result.verdict(299)) in ("stricter", "weaker")
    closed = {finding.index for finding in result.lowering.findings if "stays closed" in finding.reason}
    assert set(range(0, 300, 2)) | {299} <= closed
