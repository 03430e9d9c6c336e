"""Rules become layers as semantics §2 to §4 say."""

from __future__ import annotations

from avakill.backends.judge import Probe, decide, judge
from avakill.backends.plan import DEFAULT, FLOOR, SELF_PROTECTION, Options, Plan, Scope, make_plan
from avakill.compiler.compile import compile_policy, read_source
from avakill.ir.effect import Effect, Operation
from avakill.ir.target import Target
from avakill.ir.verdict import Verdict
from avakill.source.file import SourceFile

TARGET = Target(home="/home/u", workspace="/ws", protected=("/home/u/.config/avakill/avakill.yaml",))
HEAD = 'version: "1.0"\ndefault_action: {}\npolicies:\n'


def plan_of(*rules: str, default: str = "allow", options: Options = Options(), target: Target = TARGET) -> Plan:
    text = (HEAD if rules else HEAD.rstrip() + " []\n").format(default) + "".join(
        f"  - {{name: r{n}, {rule}}}\n" for n, rule in enumerate(rules)
    )
    source = read_source(text.encode(), "p.yaml")
    assert isinstance(source, SourceFile)
    compiled = compile_policy(source, {})
    assert compiled.policy is not None, compiled.diagnostics
    return make_plan(compiled.policy, target, options)


def findings_of(plan: Plan, index: int) -> list[tuple[Verdict, str]]:
    return [(f.verdict, f.reason) for f in plan.findings if f.index == index and f.verdict is not Verdict.EXACT]


DENY_SSH = 'tools: ["file_*"], action: deny, conditions: {path_match: {path: ["~/.ssh"]}}'


def test_the_first_rule_that_holds_decides() -> None:
    plan = plan_of('tools: ["file_*"], action: allow, conditions: {path_match: {path: ["~/.ssh/config"]}}', DENY_SSH)
    assert decide(plan, Effect.READ, "/home/u/.ssh/config").allowed
    assert not decide(plan, Effect.READ, "/home/u/.ssh/id").allowed


def test_a_path_condition_lowers_no_exec_and_no_connect() -> None:
    plan = plan_of('tools: ["*"], action: deny, conditions: {path_match: {path: ["/srv"]}}')
    assert plan.rows[-1].effects == {Effect.READ, Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE}


def test_a_command_line_never_becomes_no_process_may_exec() -> None:
    for strict in (False, True):
        plan = plan_of(
            'tools: ["shell_execute"], action: deny, conditions: {args_match: {command: ["rm -rf"]}}', options=Options(strict=strict)
        )
        assert decide(plan, Effect.EXEC, "/usr/bin/rm").allowed
        assert [verdict for verdict, _ in findings_of(plan, 0)] == [Verdict.UNENFORCEABLE]


def test_a_rule_on_tools_without_effects_is_the_evaluators_alone() -> None:
    plan = plan_of('tools: ["database_query"], action: deny')
    assert findings_of(plan, 0)[0][0] is Verdict.UNENFORCEABLE
    assert not plan.layers[Effect.READ]


def test_an_allow_on_what_no_kernel_sees_leaves_the_deny_below_weaker_there() -> None:
    seen = 'tools: ["file_*"], action: allow, conditions: {path_match: {path: ["~/.ssh/x"]}, content_scan: ["secrets"]}'
    plan = plan_of(seen, DENY_SSH)
    finding = next(f for f in plan.findings if f.index == 1 and f.verdict is Verdict.WEAKER)
    assert finding.witness is not None
    assert finding.witness.object.startswith("/home/u/.ssh/x")


def test_an_allow_without_a_region_of_its_own_makes_the_deny_below_unenforceable() -> None:
    plan = plan_of('tools: ["file_*"], action: allow, conditions: {content_scan: ["secrets"]}', DENY_SSH)
    assert {verdict for verdict, _ in findings_of(plan, 1)} == {Verdict.UNENFORCEABLE}


def test_with_strict_the_hole_is_closed_and_says_so() -> None:
    seen = 'tools: ["file_*"], action: allow, conditions: {path_match: {path: ["~/.ssh/x"]}, content_scan: ["secrets"]}'
    plan = plan_of(seen, DENY_SSH, options=Options(strict=True))
    assert not decide(plan, Effect.READ, "/home/u/.ssh/x").allowed
    assert {verdict for verdict, _ in findings_of(plan, 0)} == {Verdict.STRICTER}
    assert findings_of(plan, 1) == []


def test_with_strict_a_condition_goes_and_its_region_stays() -> None:
    rule = 'tools: ["file_write"], action: deny, conditions: {path_match: {path: ["/srv"]}, content_scan: ["secrets"]}'
    loose, strict = plan_of(rule), plan_of(rule, options=Options(strict=True))
    assert decide(loose, Effect.WRITE, "/srv/x").allowed
    assert not decide(strict, Effect.WRITE, "/srv/x").allowed
    assert decide(strict, Effect.WRITE, "/elsewhere").allowed
    assert {verdict for verdict, _ in findings_of(strict, 0)} == {Verdict.STRICTER}


def test_an_approval_is_a_hole_for_what_stands_below() -> None:
    plan = plan_of('tools: ["file_*"], action: require_approval, conditions: {path_match: {path: ["~/.ssh/x"]}}', DENY_SSH)
    assert decide(plan, Effect.READ, "/home/u/.ssh/x").allowed
    assert Verdict.UNENFORCEABLE in {verdict for verdict, _ in findings_of(plan, 0)}
    assert Verdict.WEAKER in {verdict for verdict, _ in findings_of(plan, 1)}


def test_with_strict_an_approval_is_a_deny() -> None:
    plan = plan_of(
        'tools: ["file_*"], action: require_approval, conditions: {path_match: {path: ["/srv"]}}', options=Options(strict=True)
    )
    assert not decide(plan, Effect.WRITE, "/srv/x").allowed
    assert {verdict for verdict, _ in findings_of(plan, 0)} == {Verdict.STRICTER}


def test_an_advisory_rule_lowers_nothing_and_is_exact() -> None:
    plan = plan_of('tools: ["file_write"], action: deny, enforcement: advisory')
    assert plan.rows[-1].effects == frozenset()
    assert findings_of(plan, 0) == []


def test_path_not_match_is_the_complement() -> None:
    rule = 'tools: ["file_*"], action: deny, conditions: {path_match: {path: ["/srv"]}, path_not_match: {path: ["/srv/mine"]}}'
    plan = plan_of(rule)
    assert not decide(plan, Effect.READ, "/srv/yours").allowed
    assert decide(plan, Effect.READ, "/srv/mine/x").allowed


def test_a_substring_of_a_path_is_a_region_in_any_case() -> None:
    plan = plan_of('tools: ["file_*"], action: deny, conditions: {args_match: {path: ["secret"]}}')
    assert not decide(plan, Effect.READ, "/a/MySecrets/x").allowed


def test_the_closed_scope_lowers_the_default_and_puts_a_floor_under_it() -> None:
    plan = plan_of(
        'tools: ["file_*"], action: allow, conditions: {path_match: {path: ["/srv"]}}',
        default="deny",
        options=Options(Scope.CLOSED),
        target=Target(home="/home/u", workspace="/ws", entry=("/bin/true",), libraries=("/usr/lib",)),
    )
    assert decide(plan, Effect.READ, "/etc/shadow").index == DEFAULT
    assert decide(plan, Effect.EXEC, "/bin/true").index == FLOOR
    assert decide(plan, Effect.READ, "/usr/lib/libc.so.6").index == FLOOR
    assert decide(plan, Effect.WRITE, "/dev/null").allowed
    assert decide(plan, Effect.READ, "/srv/x").index == 0


def test_the_floor_can_be_taken_away() -> None:
    plan = plan_of(default="deny", options=Options(Scope.CLOSED, floor=False))
    assert not decide(plan, Effect.WRITE, "/dev/null").allowed


def test_self_protection_stands_in_front_of_an_allow() -> None:
    plan = plan_of('tools: ["*"], action: allow')
    for effect in (Effect.WRITE, Effect.DELETE, Effect.CREATE):
        assert decide(plan, effect, "/home/u/.config/avakill/avakill.yaml").index == SELF_PROTECTION
    assert decide(plan, Effect.READ, "/home/u/.config/avakill/avakill.yaml").allowed


def test_the_parent_of_a_denied_tree_cannot_be_renamed() -> None:
    plan = plan_of(DENY_SSH)
    assert not judge(plan, Probe(Operation.RENAME, "/home/u", "/home/v", directory=True)).allowed
    assert judge(plan, Probe(Operation.RENAME, "/home/w", "/home/v", directory=True)).allowed


def test_nothing_is_gained_by_a_rename_or_a_link() -> None:
    rule = 'tools: ["file_read"], action: deny, conditions: {path_match: {path: ["/srv/a"]}}'
    plan = plan_of(rule)
    assert not judge(plan, Probe(Operation.RENAME, "/srv/a/x", "/srv/b")).allowed
    assert judge(plan, Probe(Operation.RENAME, "/srv/a/x", "/srv/a/y")).allowed
    assert not judge(plan, Probe(Operation.LINK, "/srv/a/x", "/tmp/x")).allowed


def test_a_tool_of_the_policys_own_has_the_effects_that_it_was_given() -> None:
    rule = '{name: r0, tools: ["export_csv"], action: deny, conditions: {path_match: {path: ["/srv"]}}}'
    text = f'version: "1.0"\npolicies:\n  - {rule}\ntool_effects: {{export_csv: [write, create]}}\n'
    source = read_source(text.encode(), "p.yaml")
    assert isinstance(source, SourceFile)
    policy = compile_policy(source, {}).policy
    assert policy is not None
    plan = make_plan(policy, TARGET)
    assert plan.rows[-1].effects == {Effect.WRITE, Effect.CREATE}


def test_a_deny_that_another_tool_escapes_says_so() -> None:
    plan = plan_of('tools: ["file_write"], action: deny, conditions: {path_match: {path: ["/srv"]}}')
    assert any("`file_edit`" in f.reason and f.verdict is Verdict.EXACT for f in plan.findings)


def test_an_exact_allowlist_of_commands_is_a_set_of_binaries() -> None:
    plan = plan_of(
        'tools: ["shell_execute"], action: allow, conditions: {command_allowlist: ["git"]}', 'tools: ["shell_execute"], action: deny'
    )
    assert decide(plan, Effect.EXEC, "/usr/bin/git").allowed
    assert not decide(plan, Effect.EXEC, "/usr/bin/curl").allowed
    assert findings_of(plan, 1) == []


def test_endpoints_are_seen_and_names_below_a_domain_are_not_names_that_end_alike() -> None:
    plan = plan_of('tools: ["web_fetch"], action: deny, when: \'host host "*.example.org"\'')
    assert not decide(plan, Effect.CONNECT, "tcp://www.example.org:443").allowed
    assert decide(plan, Effect.CONNECT, "tcp://evilexample.org:443").allowed


def layers_of(plan: Plan) -> object:
    """What of a plan does not say where it was written."""
    findings = [(f.index, f.verdict, f.reason, f.effects, f.witness, f.lost) for f in plan.findings]
    return plan.layers, [(row.index, row.effects, row.denies) for row in plan.rows], findings


def test_a_condition_on_the_tool_narrows_the_tools_as_their_list_does() -> None:
    for named, listed in (
        ("when: \"tool == 'file_write'\"", 'tools: ["file_write"]'),
        ("when: \"tool == 'Write'\"", 'tools: ["file_write"]'),
        ("when: \"tool in ['file_write', 'file_delete']\"", 'tools: ["file_write", "file_delete"]'),
        ("when: \"tool == 'web_fetch'\"", 'tools: ["web_fetch"]'),
        ("when: \"not tool in ['web_fetch', 'web_search', 'shell_execute']\"", 'tools: ["file_*", "content_search"]'),
    ):
        for rest in ("action: deny", "action: allow", "action: require_approval"):
            for options in (Options(), Options(Scope.CLOSED, strict=True)):
                one = plan_of(f'tools: ["*"], {named}, {rest}', DENY_SSH, options=options)
                other = plan_of(f"{listed}, {rest}", DENY_SSH, options=options)
                assert layers_of(one) == layers_of(other), (named, rest)


def test_beside_a_path_too() -> None:
    one = plan_of("tools: [\"*\"], action: deny, when: \"tool == 'file_delete' and path glob '/srv/**'\"")
    other = plan_of('tools: ["file_delete"], action: deny, when: "path glob \'/srv/**\'"')
    assert layers_of(one) == layers_of(other)
    assert not decide(one, Effect.DELETE, "/srv/x").allowed
    assert decide(one, Effect.WRITE, "/srv/x").allowed


def test_each_tool_may_be_asked_something_else() -> None:
    when = "tool == 'file_write' and path glob '/a/**' or tool == 'file_edit' and path glob '/b/**'"
    plan = plan_of(f'tools: ["*"], action: deny, when: "{when}"')
    refused = {(effect, top) for effect in Effect for top in ("/a", "/b") if not decide(plan, effect, f"{top}/x").allowed}
    assert refused == {
        (Effect.WRITE, "/a"),
        (Effect.ATTR, "/a"),
        (Effect.CREATE, "/a"),
        (Effect.WRITE, "/b"),
        (Effect.ATTR, "/b"),
    }
    told = [f.reason for f in plan.findings if f.verdict is Verdict.EXACT]
    assert "`file_edit`, `file_write`" in told[0], "each may still write where the other may not"


def test_a_condition_on_the_tool_hides_nothing_that_no_kernel_sees() -> None:
    plan = plan_of("tools: [\"*\"], action: allow, when: \"tool == 'file_read' and agent == 'a'\"", DENY_SSH)
    open_holes = [(f.verdict, f.effects) for f in plan.findings if f.index == 1 and f.witness is not None]
    assert open_holes == [(Verdict.UNENFORCEABLE, frozenset({Effect.READ}))]
    assert not decide(plan, Effect.WRITE, "/home/u/.ssh/id").allowed


def test_a_condition_that_no_tool_of_the_rule_meets_lowers_nothing() -> None:
    plan = plan_of('tools: ["file_read"], action: deny, when: "tool == \'file_write\'"', DENY_SSH)
    assert [verdict for verdict, _ in findings_of(plan, 0)] == [Verdict.UNENFORCEABLE]
    assert [layer.index for layer in plan.layers[Effect.WRITE]] == [SELF_PROTECTION, FLOOR, 1]
