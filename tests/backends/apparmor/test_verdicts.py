"""The row of the least-verdict table of semantics §5, a test a cell; docs/backends/apparmor.md says what was measured."""

from __future__ import annotations

from avakill.ir.condition import Field, HostIn
from avakill.ir.effect import Operation
from avakill.ir.verdict import Verdict
from tests.backends.apparmor.shapes import FILES, READING, SHELL, WEB, Made, commands, contains, made, paths, rule
from tests.contract.laws import TARGET


def lost_of(result: Made, index: int) -> dict[tuple[str, bool], set[Operation]]:
    found: dict[tuple[str, bool], set[Operation]] = {}
    for finding in result.findings(index):
        for lost in finding.lost:
            found.setdefault((lost.place, lost.below), set()).update(lost.operations)
    return found


ON_ANCESTOR = {Operation.ATTR, Operation.MKDIR, Operation.RMDIR, Operation.RENAME}


def test_all_file_effects_on_a_tree_at_the_root_is_exact() -> None:
    result = made(rule(0, FILES, "deny", paths("/srv")))
    assert result.verdict(0) is Verdict.EXACT
    assert result.lowering.blind[0] == (Operation.ATTR,)
    assert result.contradictions() == []


def test_all_file_effects_on_a_deeper_tree_cost_the_attributes_of_its_ancestors_and_nothing_else() -> None:
    result = made(rule(0, FILES, "deny", paths("/home/agent/.ssh")))
    assert result.verdict(0) is Verdict.STRICTER
    assert lost_of(result, 0) == {("/home", False): ON_ANCESTOR, ("/home/agent", False): ON_ANCESTOR}
    assert result.contradictions() == []


def test_read_only_costs_renames_inside_since_the_kernel_asks_reading_of_the_old_name() -> None:
    result = made(rule(0, READING, "deny", paths("/srv")))
    assert result.verdict(0) is Verdict.STRICTER
    assert lost_of(result, 0) == {("/srv", True): {Operation.RENAME}}
    assert result.contradictions() == []


def test_read_only_costs_renames_from_one_place_of_a_wildcard_to_another() -> None:
    result = made(rule(0, READING, "deny", paths("/srv/it's/*/a b")))
    assert {Operation.RENAME} in lost_of(result, 0).values()
    assert result.contradictions() == []


def test_delete_only_is_stricter_and_lists_all_that_w_is() -> None:
    result = made(rule(0, ("file_delete",), "deny", paths("/srv")))
    assert result.verdict(0) is Verdict.STRICTER
    (place,) = lost_of(result, 0)
    assert place == ("/srv", True)
    assert {Operation.WRITE, Operation.ATTR, Operation.CREATE} <= lost_of(result, 0)[place]
    assert result.contradictions() == []


def test_a_tree_with_an_allow_hole_is_exact() -> None:
    result = made(rule(0, FILES, "allow", paths("/srv/docs")), rule(1, FILES, "deny", paths("/srv")))
    assert [result.verdict(index) for index in (0, 1)] == [Verdict.EXACT, Verdict.EXACT]
    assert result.contradictions() == []


def test_a_deny_in_the_hole_is_exact_but_for_the_holes_own_attributes() -> None:
    result = made(
        rule(0, FILES, "deny", paths("/srv/docs/key")),
        rule(1, FILES, "allow", paths("/srv/docs")),
        rule(2, FILES, "deny", paths("/srv")),
    )
    assert result.verdict(2) is Verdict.EXACT
    assert lost_of(result, 0) == {("/srv/docs", False): ON_ANCESTOR}
    assert result.verdict(1) is Verdict.STRICTER
    assert result.contradictions() == []


def test_a_name_at_any_depth_is_exact_but_for_a_renamed_parent() -> None:
    result = made(rule(0, FILES, "deny", paths("/**/.env")))
    assert result.verdict(0) is Verdict.WEAKER
    finding, unnamed = [found for found in result.findings(0) if found.verdict is Verdict.WEAKER]
    assert "O_TMPFILE" in unnamed.reason  # in a directory of that name
    assert all(place.startswith("/dev/") for place, _ in lost_of(result, 0))  # the floor's holes are for some effects only
    assert finding.witness is not None
    assert finding.witness.operation is Operation.RENAME
    assert result.contradictions() == []


def test_a_denied_tree_that_does_not_exist_yet_is_exact() -> None:
    result = made(rule(0, FILES, "deny", paths("/later")))
    assert result.verdict(0) is Verdict.EXACT


def test_an_unconditional_web_fetch_is_stricter() -> None:
    result = made(rule(0, WEB, "deny"))
    assert result.verdict(0) is Verdict.STRICTER
    assert "deny network inet6," in result.text
    assert result.contradictions() == []


def test_a_shell_allowlist_and_then_deny_everything_is_exact() -> None:
    result = made(rule(0, SHELL, "allow", commands("git", "ls")), rule(1, ("*",), "deny"), target=TARGET)
    exec_findings = [f for index in (0, 1) for f in result.findings(index) if any(str(e) == "exec" for e in f.effects)]
    assert exec_findings == []
    assert result.verdict(0) is Verdict.EXACT
    assert result.contradictions() == []


def test_a_shell_allowlist_alone_guards_the_names_of_its_programs() -> None:
    result = made(rule(0, SHELL, "allow", commands("git", "ls")), rule(1, SHELL, "deny"), target=TARGET)
    assert result.verdict(1) is Verdict.STRICTER
    assert ("/usr/bin/git", False) in lost_of(result, 1)
    assert result.contradictions() == []


def test_a_condition_on_a_command_line_is_unenforceable() -> None:
    result = made(rule(0, SHELL, "deny", contains("rm -rf")))
    assert result.verdict(0) is Verdict.UNENFORCEABLE or not result.plan.row_by_index[0].effects
    assert "deny" not in result.text.split("{", 1)[1]


def test_hosts_are_unenforceable() -> None:
    hosts = HostIn(Field("host"), ("*.example.org",))
    closed = made(rule(0, WEB, "deny", hosts))
    opened = made(rule(0, WEB, "allow", hosts), rule(1, WEB, "deny"))
    assert closed.verdict(0) is Verdict.UNENFORCEABLE
    assert opened.verdict(1) is Verdict.UNENFORCEABLE
    assert "network inet" not in closed.text + opened.text


def test_an_allow_that_stands_wholly_below_a_deny_of_everything_is_no_reason_for_a_claim() -> None:
    floor = (rule(i, FILES, "allow", paths(f"/dev/one{i}")) for i in range(12))
    reading = (rule(12 + i, READING, "allow", paths(f"/dev/two{i}")) for i in range(12))
    result = made(*floor, *reading, rule(24, ("*",), "deny"), rule(25, ("*",), "allow"))
    assert not any("reading of the old name" in finding.reason for finding in result.findings(24))
    assert result.contradictions() == []
