"""The row of the least-verdict table (semantics §5) for Landlock, one small policy a cell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avakill.backends.landlock.claims import MAX_HOLES
from avakill.backends.plan import DEFAULT, FLOOR, Options, Plan, Scope, make_plan
from avakill.ir.condition import ALWAYS, CommandIn, Condition, Contains, Field, HostIn, PathIn
from avakill.ir.effect import Effect, Operation
from avakill.ir.policy import Action, Policy, Rule, ToolEffect
from avakill.ir.target import Target
from avakill.ir.verdict import Finding, Verdict, combine
from avakill.paths.glob import parse
from tests.backends.landlock.bench import check, lowered
from tests.contract.generate import TARGET

FILES = ("file_*", "content_search")
BARE = replace(TARGET, protected=())
Words = tuple[tuple[str, ...], Action, Condition]


def paths(*texts: str) -> PathIn:
    return PathIn(Field("path"), tuple(glob for text in texts for glob in parse(text)))


def plan(*rules: Words, target: Target = BARE, options: Options = Options(), effects: tuple[ToolEffect, ...] = ()) -> Plan:
    made = tuple(Rule(n, f"rule-{n}", *words) for n, words in enumerate(rules))
    return make_plan(Policy(made, tool_effects=effects, path="p.yaml", sha256="0"), target, options)


def deny(tools: tuple[str, ...], *texts: str) -> Words:
    return tools, Action.DENY, paths(*texts) if texts else ALWAYS


def allow(tools: tuple[str, ...], *texts: str) -> Words:
    return tools, Action.ALLOW, paths(*texts) if texts else ALWAYS


def findings(made: Plan, index: int = 0) -> tuple[Finding, ...]:
    """The row's findings, of the plan and of the backend; every claim checked on the oracle first."""
    lowering, text = lowered(made)
    assert check(made, lowering, text) == []
    return tuple(f for f in (*made.findings, *lowering.findings) if f.index == index)


def verdict(made: Plan, index: int = 0) -> Verdict:
    return combine(made.row_by_index[index].effects, findings(made, index))


def test_a_denied_tree_is_stricter_only_in_split_directories() -> None:
    made = plan(deny(FILES, "~/.ssh/**"))
    assert verdict(made) is Verdict.STRICTER
    inside = ((Operation.EXEC,), (Operation.RENAME,))
    places = {(x.place, x.below) for f in findings(made) for x in f.lost if x.operations not in inside}
    assert places == {("/home/agent", False), ("/home", False), ("/", False)}


@pytest.mark.parametrize("tools", [("file_read",), ("file_delete",)])
def test_one_effect_alone_is_stricter(tools: tuple[str, ...]) -> None:
    assert verdict(plan(deny(tools, "~/.ssh/**"))) is Verdict.STRICTER


def test_a_hole_and_a_deny_in_it_are_stricter() -> None:
    made = plan(deny(FILES, "/srv/a/pub/no/**"), allow(FILES, "/srv/a/pub/**"), deny(FILES, "/srv/a/**"))
    assert [verdict(made, n) for n in range(3)] == [Verdict.STRICTER] * 3


def test_a_name_at_any_depth_is_weaker_with_a_later_file_as_witness() -> None:
    made = plan(deny(FILES, "**/.env"))
    assert verdict(made) is Verdict.WEAKER
    shown = [f.witness for f in findings(made) if f.verdict is Verdict.WEAKER]
    assert all(w is not None and w.object.endswith("/.env") and w.target for w in shown)


def test_a_tree_that_does_not_exist_is_stricter() -> None:
    assert verdict(plan(deny(FILES, "/srv/no/such/tree/**"))) is Verdict.STRICTER


def test_an_unconditional_web_fetch_is_weaker_by_udp() -> None:
    made = plan(deny(("web_fetch", "web_search")))
    assert verdict(made) is Verdict.WEAKER
    (shown,) = [f.witness for f in findings(made) if f.verdict is Verdict.WEAKER]
    assert shown is not None
    assert shown.object.startswith("udp://")


def test_a_shell_allowlist_above_a_catch_all_is_stricter() -> None:
    shell = ("shell_execute",)
    made = plan((shell, Action.ALLOW, CommandIn(("git", "ls"))), deny(shell))
    assert [verdict(made, n) for n in range(2)] == [Verdict.STRICTER] * 2


@pytest.mark.parametrize("tool", ["shell_execute", "sql_query"])
def test_a_condition_on_a_command_line_or_sql_is_unenforceable(tool: str) -> None:
    field = "command" if tool == "shell_execute" else "sql"
    made = plan(((tool,), Action.DENY, Contains(Field(field), ("drop table",))))
    assert verdict(made) is Verdict.UNENFORCEABLE
    assert lowered(made)[0].model.is_nothing


def test_a_deny_on_the_root_is_exact_modulo_blind() -> None:
    made = plan(deny(("file_write", "file_delete"), "/**"))
    assert verdict(made) is Verdict.EXACT
    assert lowered(made)[0].blind == {0: (Operation.ATTR,)}


def test_only_attributes_denied_is_unenforceable() -> None:
    made = plan(deny(("set_mode",), "/etc/**"), effects=(ToolEffect("set_mode", frozenset({Effect.ATTR})),))
    assert verdict(made) is Verdict.UNENFORCEABLE


def test_a_deny_of_some_hosts_is_unenforceable_and_a_hole_for_some_is_closed() -> None:
    web = ("web_fetch",)
    some = HostIn(Field("host"), ("example.org",))
    assert verdict(plan((web, Action.DENY, some))) is Verdict.UNENFORCEABLE
    made = plan((web, Action.ALLOW, some), deny(web))
    assert [verdict(made, n) for n in range(2)] == [Verdict.STRICTER, Verdict.WEAKER]


@pytest.mark.parametrize(
    ("abi", "expected"),
    [(0, Verdict.UNENFORCEABLE), (1, Verdict.WEAKER), (2, Verdict.WEAKER), (3, Verdict.STRICTER), (7, Verdict.STRICTER)],
)
def test_old_kernels_leak_truncation(abi: int, expected: Verdict) -> None:
    assert verdict(plan(deny(("file_write",), "/srv/a/**"), target=replace(BARE, landlock_abi=abi))) is expected


def test_before_abi_2_every_move_to_another_directory_is_lost() -> None:
    made = plan(deny(("file_read",), "/srv/a/**"), target=replace(BARE, landlock_abi=1))
    assert any(x.place == "/" and x.below and Operation.RENAME in x.operations for f in findings(made) for x in f.lost)


def test_before_abi_4_the_network_is_unenforceable() -> None:
    assert verdict(plan(deny(("web_fetch",)), target=replace(BARE, landlock_abi=3))) is Verdict.UNENFORCEABLE


def test_reading_denied_costs_executing_too() -> None:
    made = plan(deny(("file_read",), "/srv/a/**"))
    assert any(x.place == "/srv/a" and Operation.EXEC in x.operations and x.below for f in findings(made) for x in f.lost)


def test_a_closed_scope_is_stricter_where_it_has_holes() -> None:
    made = plan(allow(("file_read",), "~/project/**"), options=Options(scope=Scope.CLOSED))
    assert verdict(made, DEFAULT) in (Verdict.STRICTER, Verdict.WEAKER)


def test_holes_of_the_floor_do_not_hide_what_other_holes_lose() -> None:
    """The floor's files, more than are looked at one by one, came first, and `rmdir /srv/open` was listed by nobody."""
    made = plan(allow(FILES, "/srv/open/**"), (("*",), Action.DENY, ALWAYS))
    assert sum(len(layer.region.pieces) for layers in made.layers.values() for layer in layers if layer.index == FLOOR) > MAX_HOLES
    listed = [lost for finding in findings(made, 1) for lost in finding.lost]
    for operation in (Operation.RMDIR, Operation.UNLINK, Operation.MKDIR, Operation.RENAME):
        assert any(lost.holds(operation, "/srv/open") for lost in listed)


def test_more_holes_than_are_looked_at_still_lose() -> None:
    made = plan(*(allow(("file_delete",), f"/srv/{n}/**") for n in range(MAX_HOLES + 3)), deny(("file_delete",), "/srv/**"))
    (found,) = (f for f in findings(made, MAX_HOLES + 3) if f.verdict is Verdict.STRICTER)
    assert any(lost.holds(Operation.RMDIR, "/srv/1") for lost in found.lost)
