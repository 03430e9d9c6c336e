"""The row of the least-verdict table (semantics §5), and the shapes beside it."""

from __future__ import annotations

import pytest

from avakill.backends.plan import Plan, Scope
from avakill.ir.effect import Effect, Operation
from avakill.ir.policy import ToolEffect
from avakill.ir.target import Target
from tests.backends.seccomp.support import (
    ALL_FILES,
    ALLOW,
    DENY,
    WEB,
    always,
    commands,
    hosts,
    lowered,
    on_command,
    paths,
    planned,
    profile,
    reasons,
    text_of,
    verdict,
)
from tests.contract.laws import contradictions

TREE = planned((ALL_FILES, DENY, paths("/srv/secret/**")))
READ_ONLY = planned((("file_read",), DENY, paths("/srv/secret/**")))
DELETE_ONLY = planned((("file_delete",), DENY, paths("/srv/secret/**")))
HOLE = planned((ALL_FILES, ALLOW, paths("/srv/secret/open/**")), (ALL_FILES, DENY, paths("/srv/secret/**")))
DENY_IN_HOLE = planned(
    (ALL_FILES, DENY, paths("/srv/secret/open/key")),
    (ALL_FILES, ALLOW, paths("/srv/secret/open/**")),
    (ALL_FILES, DENY, paths("/srv/secret/**")),
)
DOTENV = planned((ALL_FILES, DENY, paths("**/.env")))
NOT_YET = planned((ALL_FILES, DENY, paths("/srv/later/**")))
WEB_FETCH = planned(always(("web_fetch",)))
SHELL = planned((("shell_execute",), ALLOW, commands("git", "ls")), always(("shell_execute",)))
COMMAND_LINE = planned((("shell_execute",), DENY, on_command("rm -rf")))


@pytest.mark.parametrize(
    ("plan", "index", "least"),
    [
        pytest.param(TREE, 0, "unenforceable", id="deny all file effects on an existing tree"),
        pytest.param(READ_ONLY, 0, "unenforceable", id="read only"),
        pytest.param(DELETE_ONLY, 0, "unenforceable", id="delete only"),
        pytest.param(HOLE, 1, "unenforceable", id="a tree with an allow hole"),
        pytest.param(DENY_IN_HOLE, 0, "unenforceable", id="a deny in that hole"),
        pytest.param(DENY_IN_HOLE, 2, "unenforceable", id="the tree around it"),
        pytest.param(DOTENV, 0, "unenforceable", id="**/.env"),
        pytest.param(NOT_YET, 0, "unenforceable", id="a denied tree that does not exist yet"),
        pytest.param(WEB_FETCH, 0, "stricter", id="unconditional web_fetch"),
        pytest.param(SHELL, 1, "unenforceable", id="shell allowlist, then deny *"),
        pytest.param(COMMAND_LINE, 0, "unenforceable", id="condition on a command line"),
    ],
)
def test_the_least_verdict_of(plan: Plan, index: int, least: str) -> None:
    assert verdict(plan, index) == least
    lowering = lowered(plan)
    assert contradictions(plan, lowering, profile(plan).allows) == []


@pytest.mark.parametrize("plan", [TREE, READ_ONLY, DELETE_ONLY, HOLE, DOTENV, SHELL, COMMAND_LINE])
def test_what_seccomp_cannot_see_lowers_to_a_no_op_that_says_so(plan: Plan) -> None:
    text = text_of(lowered(plan))
    assert '"defaultAction": "SCMP_ACT_ALLOW"' in text
    assert '"syscalls": []' in text
    assert "no rule denies an effect that a filter can refuse everywhere, so it refuses nothing" in text


def test_a_path_is_unseen_also_with_strict() -> None:
    plan = planned((ALL_FILES, DENY, paths("/srv/secret/**")), strict=True)
    assert verdict(plan) == "unenforceable"
    assert "seccomp sees no paths" in reasons(plan)


def test_a_shell_allowlist_above_a_deny_of_everything_is_weaker_since_the_rest_is_refused() -> None:
    plan = planned((("shell_execute",), ALLOW, commands("git")), always(("*",)))
    assert verdict(plan, 1) == "weaker"
    assert "the runtime loads the filter before the container's own execve" in reasons(plan, 1)
    assert "could not start" in reasons(plan, 1)


def test_a_host_is_unseen() -> None:
    plan = planned((WEB, DENY, hosts("evil.example")))
    assert verdict(plan) == "unenforceable"
    assert "seccomp sees no hosts" in reasons(plan)


def test_every_host_by_a_star_is_all_of_the_network() -> None:
    assert verdict(planned((WEB, DENY, hosts("*")))) == "stricter"


def test_a_hole_that_a_rule_opens_is_not_closed_behind_its_back() -> None:
    entries = ((WEB, ALLOW, hosts("api.example")), always(WEB))
    plan = planned(*entries)
    assert verdict(plan, 1) == "unenforceable"
    assert "rule `r0` above allows a part of it" in reasons(plan, 1)


def test_with_strict_it_is_and_both_rules_say_what_is_lost() -> None:
    plan = planned((WEB, ALLOW, hosts("api.example")), always(WEB), strict=True)
    assert (verdict(plan, 0), verdict(plan, 1)) == ("stricter", "stricter")
    assert contradictions(plan, lowered(plan), profile(plan).allows) == []


def test_with_strict_a_hole_of_paths_is_closed_too() -> None:
    plan = planned((("file_delete",), ALLOW, paths("/srv/tmp/**")), always(("file_delete",)), strict=True)
    (finding,) = [f for f in lowered(plan).findings if f.index == 0]
    assert finding.lost[0].place == "/srv/tmp"
    assert finding.lost[0].below
    assert verdict(plan, 1) == "stricter"


def test_deleting_nowhere_is_exact() -> None:
    plan = planned(always(("file_delete",)))
    assert verdict(plan) == "exact"
    assert contradictions(plan, lowered(plan), profile(plan).allows) == []


def test_writing_nowhere_is_weaker_since_runc_opens_its_fifo_under_the_filter() -> None:
    plan = planned(always(("file_write",)))
    assert verdict(plan) == "weaker"
    assert "exactly O_WRONLY|O_CLOEXEC passes" in reasons(plan)
    assert contradictions(plan, lowered(plan), profile(plan).allows) == []


def test_writing_nowhere_loses_what_the_floor_keeps_open() -> None:
    plan = planned(always(("file_write",)))
    assert verdict(plan, -2) == "stricter"
    places = {lost.place for f in lowered(plan).findings if f.index == 0 for lost in f.lost}
    assert {"/dev/null", "/dev/pts"} <= places


def test_attributes_nowhere_is_exact_also_for_calls_that_libseccomp_is_too_old_for() -> None:
    plan = planned(always(("set_mode",)), own=(ToolEffect("set_mode", frozenset({Effect.ATTR})),))
    assert verdict(plan) == "exact"
    assert contradictions(plan, lowered(plan), profile(plan).allows) == []


def test_creating_nowhere_loses_listening_sockets() -> None:
    plan = planned(always(("make",)), own=(ToolEffect("make", frozenset({Effect.CREATE})),))
    assert verdict(plan) == "stricter"
    assert "bind is refused" in reasons(plan)


def test_reading_nowhere_would_start_nothing() -> None:
    plan = planned(always(("file_read",)))
    assert verdict(plan) == "unenforceable"
    assert "could not start" in reasons(plan)


def test_a_narrow_deny_above_a_total_one_is_held_by_it() -> None:
    plan = planned((("file_delete",), DENY, paths("/srv/a/**")), always(("file_delete",)))
    assert (verdict(plan, 0), verdict(plan, 1)) == ("exact", "exact")


def test_what_a_rule_above_decides_everywhere_is_left_alone() -> None:
    plan = planned(always(("file_delete",), ALLOW), always(("file_delete",)))
    assert verdict(plan, 1) == "exact"
    assert "nothing is left for it to deny" in reasons(plan, 1)
    assert '"syscalls": []' in text_of(lowered(plan))


def test_self_protection_is_held_where_the_effect_is_refused_everywhere() -> None:
    target = Target(protected=("/opt/policy.yaml",))
    assert verdict(planned(target=target), -1) == "unenforceable"
    assert verdict(planned(always(("file_delete",)), target=target), -1) == "weaker"


def test_a_machine_whose_calls_are_unknown_gets_nothing() -> None:
    plan = planned(always(("file_delete",)), target=Target(arch="riscv64"))
    assert verdict(plan) == "unenforceable"
    assert "not `riscv64`" in reasons(plan)


def test_reads_and_execs_are_blind() -> None:
    plan = planned(always(("*",)))
    assert lowered(plan).blind == {0: (Operation.READ, Operation.LIST, Operation.EXEC)}


def test_the_closed_scope_is_a_row_like_any_other() -> None:
    policy = planned(always(WEB), scope=Scope.CLOSED)
    assert all(row.index != -3 for row in policy.rows)  # the default of these policies allows


def test_arm_has_its_own_table() -> None:
    plan = planned(always(("*",)), target=Target(arch="arm64"))
    oracle = profile(plan, machine="aarch64")
    assert contradictions(plan, lowered(plan), oracle.allows) == []
    assert '"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"' in text_of(lowered(plan))
