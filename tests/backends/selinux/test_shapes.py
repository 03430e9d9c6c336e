"""The row of the least-verdict table, and what stands behind each verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avakill.backends.judge import Probe, judge
from avakill.backends.plan import FLOOR, SELF_PROTECTION, Plan
from avakill.backends.selinux import BACKEND, claims
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Verdict
from tests.backends.selinux.harness import check, lowered
from tests.backends.selinux.shapes import ALL_FILES, ALLOW, ALLOWLIST, COMMAND, DENY, READS, plan, rule
from tests.contract.generate import TARGET
from tests.contract.laws import contradictions, verdicts
from tests.oracles.selinux import kernel

SIGNATURE = "/home/agent/.config/avakill/avakill.yaml.sig"
EXISTING = replace(TARGET, existing=("/srv/app", "/srv/app/open", "/srv/app/open/in"))


def verdict(made: Plan, index: int) -> Verdict:
    lowering, found = check(made)
    assert found == []
    own = replace(lowering, findings=(*made.findings, *lowering.findings))
    return verdicts(made, own)[index]


def reasons(made: Plan, index: int) -> set[str]:
    return {finding.reason for finding in lowered(made)[0].findings if finding.index == index and finding.verdict is not Verdict.EXACT}


def test_all_file_effects_but_reading_on_an_existing_tree_are_exact() -> None:
    made = plan(rule(("file_write", "file_edit", "file_delete"), DENY, "/srv/app"), target=EXISTING)
    assert verdict(made, 0) is Verdict.EXACT


def test_a_read_deny_also_stops_exec_and_says_so() -> None:
    """Linux opens a program for reading on execve (hooks.c, file_to_av): no permission tells the two apart."""
    made = plan(rule(READS, DENY, "/srv/app"), target=EXISTING)
    assert verdict(made, 0) is Verdict.STRICTER
    assert reasons(made, 0) == {claims.READ_STOPS_EXEC}
    made = plan(rule(ALL_FILES, DENY, "/srv/app"), target=EXISTING)
    assert verdict(made, 0) is Verdict.STRICTER
    assert reasons(made, 0) == {claims.READ_STOPS_EXEC}


def test_delete_only_is_exact() -> None:
    assert verdict(plan(rule(("file_delete",), DENY, "/srv/app"), target=EXISTING), 0) is Verdict.EXACT


def test_a_write_deny_keeps_the_object_that_bears_the_name() -> None:
    made = plan(rule(("file_write",), DENY, "/srv/app"), target=EXISTING)
    assert verdict(made, 0) is Verdict.STRICTER
    assert reasons(made, 0) == {claims.ROOT_STAYS}


def test_a_hole_and_a_deny_in_it_are_exact_for_edits() -> None:
    made = plan(
        rule(("file_edit",), DENY, "/srv/app/open/in"),
        rule(("file_edit",), ALLOW, "/srv/app/open"),
        rule(("file_edit",), DENY, "/srv/app"),
        target=EXISTING,
    )
    assert [verdict(made, index) for index in (0, 2)] == [Verdict.EXACT, Verdict.EXACT]


def test_the_name_of_a_hole_cannot_be_made_in_a_closed_directory() -> None:
    """`add_name` knows no names, and a type transition does not hold a rename: the hole's own name is lost."""
    writes = ("file_write", "file_edit", "file_delete")
    made = plan(rule(writes, ALLOW, "/srv/app/open"), rule(writes, DENY, "/srv/app"), target=EXISTING)
    assert verdict(made, 1) is Verdict.STRICTER
    assert reasons(made, 1) == reasons(made, 0) == {claims.HOLE_NAME}
    _, te, fc = lowered(made)
    machine = kernel(te, fc)
    assert machine.allows(Probe(Operation.CREATE, "/srv/app/open/new"))
    assert not machine.allows(Probe(Operation.CREATE, "/srv/app/open"))


def test_a_name_at_any_depth_is_weaker_for_it_may_come_later() -> None:
    for tools in (READS, ("file_write",), ("file_delete",)):
        assert verdict(plan(rule(tools, DENY, "**/.env")), 0) is Verdict.WEAKER


def test_an_exact_name_anywhere_is_labelled_as_soon_as_the_agent_makes_it() -> None:
    _, te, fc = lowered(plan(rule(("file_write",), DENY, "/**/.env")))
    machine = kernel(te, fc)
    assert not machine.allows(Probe(Operation.CREATE, "/srv/.env"))
    assert machine.allows(Probe(Operation.RENAME, "/srv/x", "/srv/.env"))


def test_an_exact_name_that_a_rule_above_allows_somewhere_is_not_closed_there() -> None:
    for hole in ("/**/ok/.env", "/srv/ok", "/srv/ok/.e*"):
        made = plan(rule(ALL_FILES, ALLOW, hole), rule(ALL_FILES, DENY, "/**/.env"))
        _, te, fc = lowered(made)
        assert kernel(te, fc).allows(Probe(Operation.CREATE, "/srv/ok/.env"))
        assert verdict(made, 1) is Verdict.WEAKER


def test_an_exact_name_is_labelled_where_no_rule_above_allows_to_make_it() -> None:
    for tools, hole in ((READS, "/srv/ok"), (ALL_FILES, "/srv/*.md")):
        _, te, fc = lowered(plan(rule(tools, ALLOW, hole), rule(ALL_FILES, DENY, "/**/.env")))
        assert not kernel(te, fc).allows(Probe(Operation.CREATE, "/srv/ok/.env"))


def test_a_name_in_the_workspace_gets_no_transition_elsewhere() -> None:
    assert "type_transition" not in lowered(plan(rule(("file_write",), DENY, "**/.env")))[1]


def test_a_tree_that_does_not_exist_yet_is_weaker() -> None:
    made = plan(rule(("file_edit",), DENY, "/srv/absent"), target=EXISTING)
    assert verdict(made, 0) is Verdict.WEAKER
    assert reasons(made, 0) == {claims.LATER_ABSENT}


def test_a_protected_file_that_nobody_looked_for_may_be_planted_and_the_row_says_so() -> None:
    """`add_name` knows no names: a signature that is missing at launch may be made, or moved there."""
    made = plan(rule(ALL_FILES, DENY, "/srv/app"))
    assert verdict(made, SELF_PROTECTION) is Verdict.WEAKER
    (found,) = (f for f in lowered(made)[0].findings if f.index == SELF_PROTECTION and f.verdict is Verdict.WEAKER)
    assert (found.reason, found.effects) == (claims.PLANTED, frozenset({Effect.CREATE}))
    _, te, fc = lowered(made)
    machine = kernel(te, fc)
    for probe in (Probe(Operation.CREATE, SIGNATURE), Probe(Operation.RENAME, "/tmp/x", SIGNATURE)):
        assert machine.allows(probe)
        assert contradictions(made, lowered(made)[0], machine.allows, (probe,)) == []


def test_protected_files_that_are_there_keep_their_names() -> None:
    made = plan(target=replace(TARGET, existing=tuple(path.rstrip("/") for path in TARGET.protected)))
    assert verdict(made, SELF_PROTECTION) is Verdict.EXACT


def test_no_web_is_stricter_for_binding_goes_too() -> None:
    assert verdict(plan(rule(("web_fetch", "web_search"), DENY)), 0) is Verdict.STRICTER


def test_hosts_are_unenforceable_alone_and_closed_as_holes() -> None:
    from avakill.ir.condition import Field, HostIn

    host = HostIn(Field("host"), ("example.org",))
    assert verdict(plan((("web_fetch",), DENY, host)), 0) is Verdict.UNENFORCEABLE
    closed = plan((("web_fetch",), ALLOW, host), rule(("web_fetch",), DENY))
    assert [verdict(closed, index) for index in (0, 1)] == [Verdict.STRICTER, Verdict.STRICTER]


def test_a_shell_allowlist_then_deny_all_is_never_weaker() -> None:
    made = plan(ALLOWLIST, rule(("*",), DENY))
    assert verdict(made, 1) is Verdict.STRICTER
    _, te, fc = lowered(made)
    machine = kernel(te, fc)
    assert not machine.allows(Probe(Operation.READ, "/srv/x"))
    assert machine.allows(Probe(Operation.READ, "/usr/lib/libc.so.6"))
    assert machine.allows(Probe(Operation.WRITE, "/dev/null"))


def test_a_command_line_is_unenforceable_and_lowers_to_nothing() -> None:
    made = plan(COMMAND, target=replace(TARGET, protected=()))
    assert verdict(made, 0) is Verdict.UNENFORCEABLE
    _, te, fc = lowered(made)
    assert "could be lowered" in te
    assert kernel(te, fc).allows(Probe(Operation.EXEC, "/usr/bin/ls"))


def test_an_attribute_change_is_held_and_nothing_is_blind() -> None:
    made = plan(rule(("file_edit",), DENY, "/srv/app"))
    lowering, te, fc = lowered(made)
    assert lowering.blind == {}
    assert not kernel(te, fc).allows(Probe(Operation.ATTR, "/srv/app/x"))
    assert kernel(te, fc).allows(Probe(Operation.ATTR, "/srv/other"))


def test_a_device_of_the_floor_keeps_its_type() -> None:
    _, _, fc = lowered(plan(rule(("*",), DENY, "/**/x*"), rule(("*",), DENY)))
    assert "/dev/null\\z()\t-c\tsystem_u:object_r:null_device_t:s0" in fc


def test_objects_of_one_effect_set_share_one_type() -> None:
    made = plan(*(rule(ALL_FILES, DENY, f"/srv/d{number}") for number in range(500)))
    lowering, te, fc = lowered(made)
    assert len(lowering.model.labels) == 3  # the rules' one, and self-protection's for its tree and for its files
    assert len(te.splitlines()) < 200
    assert fc.count("/srv/d") == 500


def test_the_same_policy_gives_the_same_bytes() -> None:
    made = plan(rule(ALL_FILES, DENY, "/srv/app", "**/.env"))
    assert lowered(made)[1:] == lowered(made)[1:]


def test_a_rule_that_labels_says_what_it_does_to_others() -> None:
    lowering = lowered(plan(rule(ALL_FILES, DENY, "/srv/app")))[0]
    assert claims.RELABELLED in {finding.reason for finding in lowering.findings if finding.index == 0}


def test_usage_names_every_step() -> None:
    steps = " ".join(BACKEND.usage)
    assert all(
        word in steps for word in ("checkmodule", "semodule_package", "semodule -i", "setfiles", "runcon -t avakill_agent_t -l s0")
    )


def test_effects_that_are_read_differently_keep_their_own_labels() -> None:
    made = plan(rule(READS, DENY, "/srv/app/in"), rule(("file_edit",), DENY, "/srv/app"))
    _, te, fc = lowered(made)
    machine = kernel(te, fc)
    answers = [machine.allows(Probe(op, p)) for p in ("/srv/app/x", "/srv/app/in/x") for op in (Operation.READ, Operation.WRITE)]
    assert answers == [True, False, False, False]
    assert Effect.READ in made.layers


def test_a_pattern_whose_own_directories_match_is_weaker_too() -> None:
    assert verdict(plan(rule(READS, DENY, "**/[a-c]*")), 0) is Verdict.WEAKER


@pytest.mark.parametrize("most", [0, 14])
def test_what_is_made_in_a_directory_that_is_opened_by_its_name_alone_is_not_open(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """`/etc/group` is open to reading for the runtime floor, and nothing below it is: the lab had a directory of that name."""
    monkeypatch.setattr("avakill.backends.selinux.cells.MAX_PATTERNS", most)
    made = plan(rule(("file_write",), ALLOW), rule(READS, DENY, "/**/*.key"), rule(("*",), DENY))
    lowering, te, fc = lowered(made)
    machine = kernel(te, fc, frozenset({"/etc/group/new"}))
    assert machine.allows(Probe(Operation.READ, "/etc/group"))
    assert machine.allows(Probe(Operation.CREATE, "/etc/group/new"))
    assert not machine.allows(Probe(Operation.READ, "/etc/group/new"))
    listing = Probe(Operation.LIST, "/etc/group", directory=True)
    assert judge(made, listing).allowed
    assert not machine.allows(listing)
    assert {f.index for f in lowering.findings if f.reason == claims.DIRECTORY_CLOSED} == {FLOOR, 2}
    assert check(made)[1] == []


def test_where_nothing_can_be_made_in_a_directory_its_own_label_may_be_open() -> None:
    made = plan(rule(("file_write",), ALLOW, "/home/agent/project"), rule(("*",), DENY))
    assert claims.DIRECTORY_CLOSED not in reasons(made, 1)
    assert judge(made, Probe(Operation.LIST, "/etc/group", directory=True)).allowed
    _, te, fc = lowered(made)
    assert kernel(te, fc).allows(Probe(Operation.LIST, "/etc/group", directory=True))
