"""The least verdicts of semantics §5, the limits of facts §2, and what a mutation costs."""
from __future__ import annotations

import yaml
from hypothesis import HealthCheck, given, settings

from avakill.backends.contract import Settings
from avakill.backends.judge import Probe, judge
from avakill.backends.plan import Plan, make_plan
from avakill.backends.tetragon import BACKEND
from avakill.compiler.compile import compile_policy, read_source
from avakill.ir.condition import CommandIn, Contains, Field
from avakill.ir.effect import Operation
from avakill.ir.policy import Action, Policy
from avakill.ir.target import Target
from avakill.ir.verdict import Verdict
from avakill.source.file import SourceFile
from scripts.generate_policy import policy_text
from tests.backends.tetragon.common import ALWAYS, FILE_TOOLS, POD, WRITING, case
from tests.backends.tetragon.schema import complaints
from tests.contract.generate import TARGET
from tests.contract.laws import contradictions, plans
from tests.oracles.tetragon import Tetragon

DENY, ALLOW = Action.DENY, Action.ALLOW
EXACT, STRICTER, UNENFORCEABLE = Verdict.EXACT, Verdict.STRICTER, Verdict.UNENFORCEABLE


def test_all_file_effects_on_a_tree_are_stricter_since_a_read_deny_stops_exec() -> None:
    seen = case((FILE_TOOLS, DENY, "/srv/secret/**"))
    assert seen.verdict(0) is STRICTER
    assert not seen.allows(Operation.EXEC, "/srv/secret/tool")


def test_reading_alone_is_stricter() -> None:
    assert case((("file_read",), DENY, "/srv/secret/**")).verdict(0) is STRICTER


def test_deleting_alone_is_exact_and_new_names_may_come() -> None:
    seen = case((("file_delete",), DENY, "/srv/secret/**"))
    assert seen.verdict(0) is EXACT
    assert seen.allows(Operation.RENAME, "/tmp/a", "/srv/secret/new")
    assert not seen.allows(Operation.RENAME, "/tmp/a", "/srv/secret/old", replaces=True)


def test_a_hole_and_a_deny_in_the_hole_are_exact() -> None:
    seen = case((WRITING, DENY, "/srv/t/pub/in/**"), (WRITING, ALLOW, "/srv/t/pub/**"), (WRITING, DENY, "/srv/t/**"))
    assert [seen.verdict(index) for index in range(3)] == [EXACT, EXACT, EXACT]
    assert seen.allows(Operation.WRITE, "/srv/t/pub/a")
    assert not seen.allows(Operation.WRITE, "/srv/t/pub/in/a")


def test_a_name_anywhere_is_stricter_and_holds_for_later_files() -> None:
    seen = case((FILE_TOOLS, DENY, "/**/.env"))
    assert seen.verdict(0) is STRICTER
    assert not seen.allows(Operation.CREATE, "/any/where/.env")


def test_writing_a_tree_that_does_not_exist_yet_is_exact() -> None:
    seen = case((WRITING, DENY, "/srv/later/**"))
    assert seen.verdict(0) is EXACT
    assert not seen.allows(Operation.MKDIR, "/srv/later")


def test_all_destinations_are_exact() -> None:
    seen = case((("web_fetch",), DENY, ALWAYS))
    assert seen.verdict(0) is EXACT
    assert not seen.allows(Operation.CONNECT, "udp://[2001:db8::1]:53")


def test_a_shell_allowlist_over_a_deny_is_exact() -> None:
    shell = ("shell_execute",)
    seen = case((shell, ALLOW, CommandIn(("git",))), (shell, DENY, ALWAYS))
    assert seen.verdict(1) is EXACT
    assert seen.allows(Operation.EXEC, "/usr/bin/git")
    assert not seen.allows(Operation.EXEC, "/usr/bin/curl")
    assert not seen.allows(Operation.RENAME, "/tmp/evil", "/usr/bin/git", replaces=True)
    assert seen.allows(Operation.RENAME, "/tmp/a", "/tmp/b")


def test_a_condition_on_a_command_line_lowers_to_nothing() -> None:
    seen = case((("shell_execute",), DENY, Contains(Field("command"), ("rm -rf",))))
    assert seen.verdict(0) is UNENFORCEABLE
    assert not any(entry.selectors for entry in seen.loaded.entries.get("bprm_check_security", ()))


def test_without_a_selector_it_is_stricter_for_every_process() -> None:
    seen = case((WRITING, DENY, "/srv/t/**"), settings=Settings())
    assert seen.verdict(0) is STRICTER
    assert "EVERY PROCESS OF EVERY NODE" in seen.text


def test_the_parent_of_a_denied_tree_cannot_be_renamed_nor_exchanged() -> None:
    seen = case((FILE_TOOLS, DENY, "/srv/a/secret/**"))
    assert not seen.allows(Operation.RENAME, "/srv/a", "/srv/b", directory=True)
    assert not seen.allows(Operation.RENAME, "/tmp/b", "/srv/a", directory=True, exchange=True)


def test_odd_names_are_quoted() -> None:
    seen = case((FILE_TOOLS, DENY, '/srv/new\nline "q" # \U0001f600/**'))
    assert not seen.allows(Operation.WRITE, '/srv/new\nline "q" # \U0001f600/a')


def test_a_name_that_is_not_utf8_is_said_to_be_unsayable() -> None:
    assert case((FILE_TOOLS, DENY, "/srv/b\udcff/**")).verdict(0) is UNENFORCEABLE


def test_namespace_and_binaries_select() -> None:
    chosen = Settings(namespace="agents", binaries=("/usr/bin/agent",))
    seen = case((WRITING, DENY, "/srv/t/**"), settings=chosen)
    documents = list(yaml.safe_load_all(seen.text))
    assert {d["kind"] for d in documents} == {"TracingPolicyNamespaced"}
    assert "followChildren: true" in seen.text
    assert [c for d in documents for c in complaints(d)] == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_generated_artifacts_keep_the_schema_and_the_load_limits(plan: Plan) -> None:
    (artifact,) = BACKEND.emit(BACKEND.lower(plan, POD).model)
    assert [c for d in yaml.safe_load_all(artifact.text) if d is not None for c in complaints(d)] == []


def test_a_dropped_error_and_a_widened_path_are_noticed() -> None:
    seen = case((WRITING, DENY, "/srv/t/**"))
    for old, new in (("argError: -1", "argError: 0"), ('"/srv/t/"', '"/srv/"'), ('"/srv/t/"', '"/srv/t/x"')):
        assert old in seen.text
        broken = Tetragon.read(seen.text.replace(old, new))
        assert contradictions(seen.plan, seen.lowering, broken.allows) != []


def test_a_policy_with_nothing_to_lower_is_an_empty_artifact_that_says_so() -> None:
    (artifact,) = BACKEND.emit(BACKEND.lower(make_plan(Policy(()), Target()), POD).model)
    assert "changes nothing" in artifact.text
    assert list(yaml.safe_load_all(artifact.text)) in ([], [None])


def test_what_was_not_run_is_said_once_a_row_and_costs_no_verdict() -> None:
    seen = case((WRITING, DENY, "/srv/t/**"), (FILE_TOOLS, DENY, "/**/id_*"))
    for row, word in ((0, "flags"), (1, "dentry")):
        (told,) = [f for f in seen.lowering.findings if f.index == row and "not yet run" in f.reason]
        assert told.verdict is EXACT
        assert word in told.reason
    assert seen.verdict(0) is EXACT


def test_a_mount_point_above_a_denied_tree_is_named_for_hard_links() -> None:
    seen = case((FILE_TOOLS, DENY, "/srv/t/**"), (("file_delete",), DENY, "/srv/u/**"))
    told = {f.index for f in seen.lowering.findings if "mount point" in f.reason}
    assert 0 in told
    assert 1 not in told


def test_a_name_directly_in_a_directory_is_denied_deeper_too_and_says_so() -> None:
    seen = case((WRITING, DENY, "/srv/a/id_*"))
    assert not seen.allows(Operation.WRITE, "/srv/a/deeper/id_rsa")
    assert any(lost.below and Operation.WRITE in lost.operations for f in seen.lowering.findings for lost in f.lost)


def test_witnesses_of_a_big_policy_are_real() -> None:
    """Most of them are taken on trust after a few of their make: here each is asked of the oracle and of f."""
    source = read_source(policy_text(150).encode(), "p.yaml")
    assert isinstance(source, SourceFile)
    policy = compile_policy(source, {}).policy
    assert policy is not None
    plan = make_plan(policy, TARGET)
    lowering = BACKEND.lower(plan, POD)
    (artifact,) = BACKEND.emit(lowering.model)
    loaded = Tetragon.read(artifact.text)
    found = [(f, f.witness) for f in lowering.findings if f.witness is not None]
    assert len(found) > 200
    for finding, seen in found:
        asked = [Probe(seen.operation, seen.object, seen.to, directory=d) for d in (False, True)]
        assert any(judge(plan, p).allowed == seen.policy and loaded.allows(p) == seen.target for p in asked), finding


def test_a_text_in_a_path_is_unenforceable_without_a_selector_too() -> None:
    seen = case((FILE_TOOLS, DENY, Contains(Field("path"), (".env",))), settings=Settings())
    assert seen.verdict(0) is UNENFORCEABLE


def test_what_a_widened_deny_closes_in_an_exception_is_listed() -> None:
    """`*.tar.*` is said as all below the tree: nothing is lost where the tree is denied anyway, but the exception is."""
    seen = case(
        (WRITING, DENY, "/srv/t/**/*.tar.*"), (WRITING, ALLOW, "/srv/t/pub/**"), (WRITING, DENY, "/srv/t/**")
    )
    assert not seen.allows(Operation.TRUNCATE, "/srv/t/pub/in")
    assert seen.verdict(0) is STRICTER
    assert any(Operation.TRUNCATE in lost.operations and lost.place == "/srv/t" for f in seen.lowering.findings for lost in f.lost)


def test_among_many_rows_each_exception_that_a_widened_deny_closes_says_so() -> None:
    rest = [(WRITING, DENY, f"/srv/other{n}/**") for n in range(80)]
    holes = [(WRITING, ALLOW, f"/srv/t/{name}/**") for name in ("pub", "doc", "log")]
    seen = case((WRITING, DENY, "/srv/t/**/*.tar.*"), *holes, (WRITING, DENY, "/srv/t/**"), *rest)
    for row in (1, 2, 3):
        told = [f for f in seen.lowering.findings if f.index == row and "closes a part of it: its pattern" in f.reason]
        assert [f.verdict for f in told] == [STRICTER]
        assert told[0].witness is not None
        assert not seen.allows(told[0].witness.operation, told[0].witness.object)
        assert judge(seen.plan, Probe(told[0].witness.operation, told[0].witness.object)).allowed


def test_directories_above_too_many_trees_are_said_crosswise_and_listed() -> None:
    trees = [(("file_write",), DENY, f"/srv/top{n}/middle{n}/in/**") for n in range(14)]
    seen = case(*trees)
    assert not seen.allows(Operation.RENAME, "/srv/top1/middle2", "/srv/top1/other", directory=True)
    lost = [x for f in seen.lowering.findings for x in f.lost if Operation.RENAME in x.operations and x.below]
    assert any("/srv/top1/middle2".startswith(x.place) for x in lost)


def test_an_exchange_that_a_dropped_exception_refuses_is_witnessed() -> None:
    """Two tests of the name, three of the directory, one of the flags: one of the exceptions does not fit."""
    reading = ("file_read",)
    seen = case((reading, ALLOW, "/srv/t/pub/**"), (reading, DENY, "/srv/t/**/id_*.key"))
    (told,) = [f for f in seen.lowering.findings if f.index == 1 and "room for five tests" in f.reason]
    assert told.witness is not None
    assert told.witness.exchange
    assert told.verdict is STRICTER
    shown = told.witness
    asked = Probe(shown.operation, shown.object, shown.to, exchange=True)
    assert judge(seen.plan, asked).allowed
    assert not seen.loaded.allows(asked)
    assert any(lost.holds(shown.operation, shown.object, shown.to) for lost in told.lost)
    assert contradictions(seen.plan, seen.lowering, seen.loaded.allows) == []


def test_a_name_with_all_below_it_is_open_as_a_name_and_says_what_stays_closed() -> None:
    """`.env.example` names a path and all below it; what is below a name at any depth cannot be said."""
    seen = case((FILE_TOOLS, ALLOW, "/srv/**/.env.example/**"), (FILE_TOOLS, DENY, "/srv/**/.env*"))
    for operation in (Operation.READ, Operation.WRITE, Operation.CREATE, Operation.UNLINK):
        assert seen.allows(operation, "/srv/app/.env.example")
        assert not seen.allows(operation, "/srv/app/.env.local")
    (told,) = [f for f in seen.lowering.findings if f.index == 0 and "stays closed" in f.reason]
    assert told.witness is not None
    assert told.witness.object == "/srv/.env.example/.env"
