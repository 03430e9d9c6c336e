"""The row of the least-verdict table (semantics §5), one policy of each shape."""

from __future__ import annotations

import dataclasses

import pytest

from avakill.backends.contract import Settings
from avakill.backends.judge import Probe
from avakill.backends.plan import Options, Plan, Scope, make_plan
from avakill.backends.sbpl import BACKEND
from avakill.backends.sbpl.openings import NO_NEW_NAME
from avakill.ir.condition import ALWAYS, And, CommandIn, Condition, Contains, Equals, Field, HostIn, Not, PathIn
from avakill.ir.effect import Operation
from avakill.ir.policy import Action, Enforcement, Policy, Rule
from avakill.ir.target import Target
from avakill.ir.verdict import Verdict
from avakill.paths.glob import parse
from tests.backends.sbpl.common import compiled, disagreements, loaded
from tests.contract.generate import TARGET
from tests.contract.laws import verdicts

FILES = ("file_*", "content_search")
READS = ("file_read", "file_list", "file_search", "content_search")
SHELL = ("shell_execute",)
WEB = ("web_fetch", "web_search")
DENY, ALLOW = Action.DENY, Action.ALLOW
EXACT, STRICTER, WEAKER, UNENFORCEABLE = Verdict


def inside(*texts: str) -> PathIn:
    return PathIn(Field("path"), tuple(glob for text in texts for glob in parse(text)))


def plan_of(*rules: tuple[tuple[str, ...], Action, Condition], target: Target = TARGET) -> Plan:
    made = tuple(Rule(n, f"rule-{n}", tools, action, condition) for n, (tools, action, condition) in enumerate(rules))
    return make_plan(Policy(made, Action.ALLOW, path="p.yaml", sha256="0" * 64), target, Options())


def verdict(plan: Plan, index: int = -99) -> Verdict:
    lowering, text = compiled(plan)
    assert disagreements(plan, lowering, loaded(plan, text)) == []
    found = verdicts(plan, lowering)
    return found[index if index in found else max(found)]


ONLY_READ = (READS, DENY, inside("~/.ssh/**"))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (((FILES, DENY, inside("~/.ssh/**")),), EXACT),
        ((ONLY_READ,), STRICTER),  # a rename asks no more than a delete does: see below
        (((("file_delete",), DENY, inside("~/.ssh/**")),), EXACT),
        (((FILES, ALLOW, inside("/srv/d/pub/**")), (FILES, DENY, inside("/srv/d/**"))), EXACT),
        (
            (
                (FILES, DENY, inside("/srv/d/pub/key")),
                (FILES, ALLOW, inside("/srv/d/pub/**")),
                (FILES, DENY, inside("/srv/d/**")),
            ),
            EXACT,
        ),
        (((FILES, DENY, inside("/**/.env")),), EXACT),
        (((FILES, DENY, inside("**/.env")),), WEAKER),  # of the workspace: a directory moved out of it takes its .env along
        (((FILES, DENY, inside("/srv/nothing/here/yet/**")),), EXACT),
        (((WEB, DENY, ALWAYS),), EXACT),
        (((SHELL, ALLOW, CommandIn(("git", "ls"))), (("*",), DENY, ALWAYS)), EXACT),
        (((SHELL, ALLOW, CommandIn(("git", "ls"))), (SHELL, DENY, ALWAYS)), STRICTER),
        (((SHELL, DENY, Contains(Field("command"), ("rm -rf",))),), UNENFORCEABLE),
        (((("database_query",), DENY, Contains(Field("query"), ("drop table",))),), UNENFORCEABLE),
        (((WEB, DENY, Equals(Field("port"), (22, 25))),), EXACT),
        (((WEB, ALLOW, HostIn(Field("host"), ("example.org",))), (WEB, DENY, ALWAYS)), STRICTER),
        (((WEB, DENY, HostIn(Field("host"), ("example.org",))),), UNENFORCEABLE),
        (((FILES, DENY, inside("~/.ssh/*.pem")),), STRICTER),  # whether ~/.ssh holds one is not known: it stays
        ((((("file_write", "file_edit")), DENY, inside("~/.ssh/**")),), STRICTER),
    ],
)
def test_each_shape_gets_its_verdict(rules: tuple[tuple[tuple[str, ...], Action, Condition], ...], expected: Verdict) -> None:
    plan = plan_of(*rules)
    found = _with_plan_findings(plan)
    assert verdict(plan) in (expected, EXACT)
    assert found is expected


def _with_plan_findings(plan: Plan) -> Verdict:
    """As the report says it: with what is said of the rule for every target."""
    lowering = BACKEND.lower(plan, Settings())
    whole = dataclasses.replace(lowering, findings=(*plan.findings, *lowering.findings))
    found = verdicts(plan, whole)
    return found[max(found)]


def test_a_read_deny_cannot_stop_moves_and_let_deletes_be() -> None:
    """The kernel asks the same of both: without the deny on unlink a renamed key could be read."""
    plan = plan_of(ONLY_READ)
    lowering, text = compiled(plan)
    rename = Probe(Operation.RENAME, "/home/agent/.ssh/id", "/tmp/id")
    delete = Probe(Operation.UNLINK, "/home/agent/.ssh/id")
    assert not loaded(plan, text).allows(rename)
    assert not loaded(plan, text).allows(delete)
    leaky = text.replace('(deny file-write-unlink (subpath (string-append (param "HOME") "/.ssh")))', "")
    profile = loaded(plan, leaky)
    assert profile.allows(delete)
    assert profile.allows(rename)
    assert disagreements(plan, lowering, profile) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/srv/d", "/srv/e"),
        ("(allow file", "(deny file"),
        ("subpath", "literal"),
        ("file-write-create", "file-write-data"),
        ("process-exec*", "process-fork"),
        ("^", "^/x"),
    ],
)
def test_a_changed_profile_is_noticed(old: str, new: str) -> None:
    rules = (
        (FILES, ALLOW, inside("/srv/d/pub/**")),
        (FILES, DENY, inside("/srv/d/**", "/**/.env")),
        (SHELL, DENY, ALWAYS),
    )
    plan = plan_of(*rules)
    lowering, text = compiled(plan)
    assert old in text
    assert disagreements(plan, lowering, loaded(plan, text)) == []
    assert disagreements(plan, lowering, loaded(plan, text.replace(old, new))) != []


def test_swapped_clauses_are_noticed() -> None:
    plan = plan_of((FILES, ALLOW, inside("/srv/d/pub/**")), (FILES, DENY, inside("/srv/d/**")))
    lowering, text = compiled(plan)
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("(allow file") and "/srv/d/pub" in line)
    lines[at - 1], lines[at] = lines[at], lines[at - 1]
    assert disagreements(plan, lowering, loaded(plan, "\n".join(lines))) != []


def test_nothing_to_lower_is_a_profile_that_says_so() -> None:
    plan = plan_of((SHELL, DENY, Contains(Field("command"), ("rm",))), target=dataclasses.replace(TARGET, protected=()))
    _, text = compiled(plan)
    assert "denies nothing" in text
    assert loaded(plan, text).allows(Probe(Operation.WRITE, "/x"))


def test_home_and_workspace_are_parameters() -> None:
    _, text = compiled(plan_of((FILES, DENY, inside("~/.ssh/**", "./out/**", "*.pem"))))
    assert '(subpath (string-append (param "HOME") "/.ssh"))' in text
    assert '(subpath (string-append (param "WORKSPACE") "/out"))' in text
    assert '(regex (string-append "^" (regex-quote (param "WORKSPACE")) "(/[^/]+)*/[^/]*\\\\.pem$"))' in text


def test_both_spellings_of_a_linked_directory_are_said() -> None:
    plan = plan_of((FILES, DENY, inside("/tmp/secret/**")))
    _, text = compiled(plan)
    assert '(subpath "/tmp/secret")' in text
    assert '(subpath "/private/tmp/secret")' in text
    assert not loaded(plan, text).allows(Probe(Operation.READ, "/tmp/secret/f"))


def test_case_does_not_count_where_the_volume_ignores_it() -> None:
    plan = plan_of((FILES, DENY, inside("/srv/Straße/**")), target=dataclasses.replace(TARGET, ignores_case=True))
    _, text = compiled(plan)
    assert not loaded(plan, text).allows(Probe(Operation.READ, "/SRV/sTRASSE/f"))
    assert not loaded(plan, text).allows(Probe(Operation.READ, "/srv/Straße/f"))


def test_a_unix_socket_is_no_connection() -> None:
    _, text = compiled(plan_of((WEB, DENY, ALWAYS)))
    assert '(deny network-outbound (remote ip "*:*"))' in text


def test_a_name_cannot_leave_its_string_or_comment() -> None:
    name = 'a"b\\c\n(allow default)'
    plan = plan_of((FILES, DENY, PathIn(Field("path"), parse('/srv/a"b\\\\c\n(allow default)'))))
    policy = dataclasses.replace(plan.policy, path="p\n(allow file*)")
    _, text = compiled(dataclasses.replace(plan, policy=policy))
    assert not loaded(plan, text).allows(Probe(Operation.READ, f"/srv/{name}"))
    assert loaded(plan, text).allows(Probe(Operation.READ, "/srv/a"))
    assert "\n(allow file*)" not in text


def test_each_clause_knows_its_rule() -> None:
    plan = plan_of((FILES, DENY, inside("/srv/d/**")))
    (artifact,) = BACKEND.emit(BACKEND.lower(plan, Settings()).model)
    assert all(line.origin is not None for line in artifact.lines if line.text.startswith("(deny"))


@pytest.mark.parametrize("name", ["é", "日", "😀"])
def test_a_question_mark_is_one_character(name: str) -> None:
    plan = plan_of((FILES, DENY, inside("/srv/a?")))
    _, text = compiled(plan)
    assert not loaded(plan, text).allows(Probe(Operation.READ, f"/srv/a{name}"))
    assert loaded(plan, text).allows(Probe(Operation.READ, f"/srv/a{name}{name}"))


def test_what_a_level_above_decides_wholly_is_not_charged_with_moves() -> None:
    """It was UNENFORCEABLE, "could not be decided": no object was the rule's own, so no move of one was found."""
    shadowed = plan_of((FILES, DENY, inside("/srv/docs/**")), (FILES, DENY, inside("/srv/docs/**/[!a]z")))
    assert verdict(shadowed, 1) is EXACT
    opened = plan_of((FILES, ALLOW, inside("/srv/q/**/[!a]z")), (FILES, DENY, inside("/srv/q/**/[!a]z")))
    assert verdict(opened, 1) is EXACT


def closed(*rules: Rule) -> Plan:
    policy = Policy(rules, Action.DENY, path="p.yaml", sha256="0" * 64)
    return make_plan(policy, TARGET, Options(Scope.CLOSED))


def test_new_names_beside_what_the_floor_may_read_are_not_lost() -> None:
    """The floor reads `/etc/ld.so.*`: for its sake nothing could be made in all of `/etc`, and no row said so."""
    tools, (outer, inner) = ("file_write", "file_delete"), (inside("/etc/a b"), inside("/etc/a b/a b"))
    plan = closed(
        Rule(0, "rule-0", tools, ALLOW, inner, Enforcement.SOFT),
        Rule(1, "rule-1", tools, DENY, outer, Enforcement.SOFT),
    )
    lowering, text = compiled(plan)
    profile = loaded(plan, text)
    assert disagreements(plan, lowering, profile) == []
    assert profile.allows(Probe(Operation.CREATE, "/etc/a b/new0"))
    assert not profile.allows(Probe(Operation.CREATE, "/etc/ld.so.new"))


def test_who_may_make_names_around_an_open_pattern_is_charged_with_them() -> None:
    """A directory that is moved to `/srv/d` could bring an `x`, so no name in `/srv` is made; `/srv/w` is another rule's."""
    plan = closed(Rule(0, "rule-0", READS, ALLOW, inside("/srv/*/x")), Rule(1, "rule-1", ("file_write",), ALLOW, inside("/srv/w")))
    lowering, text = compiled(plan)
    assert disagreements(plan, lowering, loaded(plan, text)) == []
    assert not loaded(plan, text).allows(Probe(Operation.CREATE, "/srv/w/new"))
    assert verdicts(plan, lowering)[1] is STRICTER


def test_more_names_than_can_be_compared_are_all_charged() -> None:
    reads = tuple(Rule(n, f"rule-{n}", READS, ALLOW, inside(f"/srv/r{n}*")) for n in range(170))
    writes = tuple(Rule(n, f"rule-{n}", ("file_write",), ALLOW, inside(f"/srv/[!s]{n}/**/y")) for n in range(170, 340))
    findings = BACKEND.lower(closed(*reads, *writes), Settings()).findings
    charged = {finding.index for finding in findings if finding.verdict is STRICTER and finding.reason == NO_NEW_NAME}
    assert charged >= {rule.index for rule in writes}


def test_links_in_what_another_deny_leaves_out_are_claimed() -> None:
    """In `/srv/d/out` reading alone is denied: a link there gains nothing, and is refused for the sake of those that do."""
    outside = And((inside("/srv/d"), Not(inside("/srv/d/out"))))
    plan = plan_of((READS, DENY, inside("/srv/d")), (FILES, DENY, outside))
    lowering, text = compiled(plan)
    assert disagreements(plan, lowering, loaded(plan, text)) == []
    link = Probe(Operation.LINK, "/srv/d/out/a", "/srv/d/out/b")
    assert not loaded(plan, text).allows(link)
    assert any(lost.holds(link.operation, link.object, link.to) for finding in lowering.findings for lost in finding.lost)
