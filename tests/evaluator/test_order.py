"""One ordered list: the first rule that holds decides."""

from __future__ import annotations

import pytest

from avakill.evaluator.decide import decide
from avakill.evaluator.explain import explain
from avakill.events.event import make_event
from tests.evaluator.asking import CONTEXT, ask, policy, shell, verdict


def test_the_first_rule_that_holds_decides_whatever_its_action() -> None:
    holes = policy("""
        - {name: hole, tools: [file_read], action: allow, conditions: {path_match: {path: ["/etc/hosts"]}}}
        - {name: etc, tools: ["file_*"], action: deny, conditions: {path_match: {path: ["/etc/**"]}}}
        - {name: rest, tools: ["*"], action: allow}
    """)
    assert verdict(holes, "Read", file_path="/etc/hosts") == "allow"
    assert ask(holes, "Read", file_path="/etc/passwd").rule_name == "etc"
    assert verdict(holes, "Write", file_path="/etc/hosts") == "deny"
    assert ask(holes, "WebFetch", url="https://x.org").rule == 2


def test_without_a_rule_the_default_decides() -> None:
    nothing = policy("- {name: a, tools: [file_read], action: allow}")
    decision = ask(nothing, "Bash", command="ls")
    assert (decision.allowed, decision.rule, decision.reason) == (False, None, "no rule matched; the default is `deny`")


def test_an_advisory_rule_adds_its_note_and_a_later_deny_still_decides() -> None:
    advised = policy("""
        - {name: hint, tools: ["*"], action: deny, enforcement: advisory, message: "think twice"}
        - {name: no, tools: [shell_execute], action: deny}
        - {name: yes, tools: ["*"], action: allow}
    """)
    assert (ask(advised, "Bash", command="ls").rule_name, ask(advised, "Bash", command="ls").notes) == ("no", ("think twice",))
    assert ask(advised, "Read", path="x").allowed


def test_a_soft_deny_is_denied_and_can_be_overridden() -> None:
    decision = ask(policy("- {name: soft, tools: ['*'], action: deny, enforcement: soft}", "allow"), "Bash", command="ls")
    assert (decision.allowed, decision.overridable) == (False, True)


def test_an_approval_is_not_leave() -> None:
    decision = ask(policy("- {name: ask, tools: ['*'], action: require_approval, message: 'by a human'}", "allow"), "Bash")
    assert (decision.action, decision.allowed, decision.reason) == ("require_approval", False, "by a human")


def test_an_approval_that_covers_a_part_of_a_call_does_not_hide_a_deny_of_the_rest() -> None:
    both = policy(
        """
        - {name: ask, tools: ["file_*"], action: require_approval, conditions: {path_match: {path: ["/a/**"]}}}
        - {name: no, tools: ["file_*"], action: deny, conditions: {path_match: {path: ["/b/**"]}}}
    """,
        "allow",
    )
    assert verdict(both, "Read", paths=["/a/x"]) == "require_approval"
    assert verdict(both, "Read", paths=["/a/x", "/c/x"]) == "require_approval"
    assert verdict(both, "Read", paths=["/a/x", "/b/x"]) == "deny"


@pytest.mark.parametrize("tool", ["Bash", "bash", "BASH", "shell_execute", "Shell_Execute", "run_shell_command"])
def test_a_tool_is_the_same_by_every_agents_name_for_it_and_in_any_case(tool: str) -> None:
    assert verdict(policy("- {name: no, tools: [Bash], action: deny}", "allow"), tool, command="ls") == "deny"


def test_the_label_of_another_agent_does_not_hide_a_tool() -> None:
    denied = policy("- {name: no, tools: [Bash], action: deny}", "allow")
    assert not ask(denied, "Bash", agent="cursor", command="ls").allowed


def test_the_trace_says_why_each_earlier_rule_did_not_decide() -> None:
    traced = policy("""
        - {name: ssh, tools: ["file_*"], action: deny, conditions: {path_match: {path: ["~/.ssh/**"]}}}
        - {name: wipe, tools: [shell_execute], action: deny, conditions: {args_match: {command: ["rm -rf"]}}}
        - {name: git, tools: [shell_execute], action: allow, conditions: {command_allowlist: [git]}}
        - {name: last, tools: ["*"], action: deny}
    """)
    decision = explain(traced, make_event("Bash", {"command": "git add . && make"}), CONTEXT)
    assert [(step.name, step.why) for step in decision.trace] == [
        ("ssh", "the tool `shell_execute` is not `file_*`"),
        ("wipe", "`command` (`git add . && make`) does not contain `rm -rf`"),
        ("git", "it cannot be told whether it holds, and that is not enough: `git`, `make` is not (all) in the allowlist `git`"),
    ]
    assert decision.rule_name == "last"
    read = explain(traced, make_event("Read", {"path": "./x"}), CONTEXT)
    assert read.trace[0].why == "`path` (`./x` → `/home/u/app/x`) is not (all) in `~/.ssh/**`"
    assert (read.trace[0].span.line, read.trace[0].span.path) == (4, "policy.yaml")


def test_decide_and_explain_agree() -> None:
    traced = policy("- {name: a, tools: [file_read], action: allow, conditions: {path_match: {path: ['/a']}}}")
    for path in ("/a", "/b", "/a/../b", "a\0"):
        event = make_event("Read", {"path": path})
        assert decide(traced, event, CONTEXT).action == explain(traced, event, CONTEXT).action


def test_a_fault_of_ours_denies_and_says_so() -> None:
    class Broken:
        def link(self, path: str) -> str | None:
            raise ZeroDivisionError

        def is_plain(self, path: str) -> bool:
            raise ZeroDivisionError

    from dataclasses import replace

    decision = ask(policy("- {name: yes, tools: ['*'], action: allow}"), "Read", replace(CONTEXT, resolver=Broken()), path="/a")
    assert (decision.allowed, decision.reason) == (
        False,
        "the evaluator failed (ZeroDivisionError), and what cannot be judged is denied",
    )


def test_a_call_that_is_too_large_to_judge_is_denied() -> None:
    many = policy("- {name: no, tools: ['*'], action: deny, conditions: {path_match: {path: [/etc]}}}", "allow")
    assert ask(many, "Read", paths=[f"/x/{n}" for n in range(1001)]).reason == (
        "the call cannot be judged: over 1000 paths in one call"
    )


def test_ten_thousand_rules_take_well_under_a_second() -> None:
    import time

    from avakill.ir.condition import Field, PathIn
    from avakill.ir.policy import Action, Policy, Rule
    from avakill.paths.glob import parse

    rules = tuple(Rule(n, f"r{n}", ("file_*",), Action.DENY, PathIn(Field("path"), parse(f"~/d{n}/**"))) for n in range(10_000))
    started = time.process_time()
    assert decide(Policy(rules), make_event("Read", {"path": "~/x"}), CONTEXT).rule is None
    assert time.process_time() - started < 1


def test_a_compound_command_needs_leave_for_each_of_its_commands() -> None:
    listed = policy("- {name: git, tools: [Bash], action: allow, conditions: {args_match: {command: ['git ']}}}")
    assert shell(listed, "git status && git diff") == "allow"
    for command in ("git status; make", "git status | sh", "make # git status", "echo `make git `", "git status\nmake"):
        assert shell(listed, command) == "deny", command
