"""Nobody but a human changes the policy, its signature or the installed package."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avakill.evaluator.context import Context, TableResolver
from tests.evaluator.asking import CONTEXT, HOME, WORKSPACE, ask, policy, verdict, verdict_of

YES = policy("- {name: yes, tools: ['*'], action: allow}")
POLICY = "/home/u/.config/avakill/avakill.yaml"
GUARDED = replace(CONTEXT, protected=(POLICY, POLICY + ".sig", "/home/u/app/avakill.yaml", "/venv/avakill/"))


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Write", {"path": POLICY}),
        ("Edit", {"file_path": "avakill.yaml"}),
        ("Write", {"path": "./x/../avakill.yaml"}),
        ("file_delete", {"path": POLICY + ".sig"}),
        ("mcp__fs__move_file", {"source": "avakill.yaml", "destination": "/tmp/x"}),
        ("mcp__fs__anything", {"opts": [{"target": "~/.config/avakill/avakill.yaml"}]}),
        ("Write", {"path": "/venv/avakill/cli/main.py"}),
        ("save", {"files": {"avakill.yaml": "version: 1"}}),
        ("file_delete", {"path": "~/.config"}),
        ("file_delete", {"path": "/home/u/app"}),
        ("apply_patch", {"input": "*** Begin Patch\n*** Update File: avakill.yaml\n*** End Patch"}),
        ("Write", {"uri": "x", "path": "file:///home/u/app/avakill.yaml"}),
    ],
)
def test_a_call_that_would_change_a_protected_file_is_denied_whatever_its_tool(tool: str, arguments: dict[str, object]) -> None:
    decision = verdict_of(YES, tool, arguments, GUARDED)
    assert decision == "deny"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Read", {"path": POLICY}),
        ("Grep", {"path": "avakill.yaml", "pattern": "deny"}),
        ("Write", {"path": "avakill.proposed.yaml"}),
        ("Write", {"path": "notes.md", "content": "edit avakill.yaml"}),
        ("file_delete", {"path": "/home/u/app/src"}),
        ("LS", {"path": "."}),
        ("mcp__fs__list", {"path": "."}),
        ("Write", {"path": "/home/u/app/x/avakill.yaml"}),
        ("agent_spawn", {"prompt": "avakill.yaml"}),
    ],
)
def test_reading_mentioning_and_neighbours_pass(tool: str, arguments: dict[str, object]) -> None:
    assert verdict_of(YES, tool, arguments, GUARDED) == "allow"


@pytest.mark.parametrize(
    "command",
    [
        "rm avakill.yaml",
        "rm -f ./avakill.yaml",
        "mv avakill.yaml /tmp",
        "mv /tmp/x avakill.yaml",
        "cp /tmp/x avakill.yaml",
        "cp /tmp/avakill.yaml .",
        "echo x > avakill.yaml",
        "echo x >> ./avakill.yaml",
        "> avakill.yaml",
        "echo x >| avakill.yaml",
        "cat x &> avakill.yaml",
        "tee avakill.yaml < x",
        "dd if=x of=avakill.yaml",
        "sed -i s/deny/allow/ avakill.yaml",
        "sed --in-place=.bak s/a/b/ avakill.yaml",
        "truncate -s 0 avakill.yaml",
        "chmod 777 avakill.yaml",
        "chown root avakill.yaml",
        "ln -sf /tmp/x avakill.yaml",
        "install x avakill.yaml",
        "rsync x avakill.yaml",
        "python -c \"open('avakill.yaml','w')\"",
        "python3 -c 'import os; os.remove(\"avakill.yaml\")'",
        "perl -i -pe s/a/b/ avakill.yaml",
        "cd ~/.config/avakill && rm avakill.yaml",
        "cd ~/.config && rm -rf avakill",
        "rm -rf ~/.config",
        "rm -rf ..",
        "mv ~/.config /tmp/x",
        "r''m avakill.yaml",
        "sh -c 'rm avakill.yaml'",
        "env rm avakill.yaml",
        "find . -name avakill.yaml -delete",
        "find . -exec rm avakill.yaml \\;",
        "rm *.yaml",
        "rm avakill.*",
        "rm avakill.yam?",
        "rm {avakill,x}.yaml",
        "F=avakill.yaml; rm $F",
        "rm $D/avakill.yaml",
        "ls | xargs rm avakill.yaml",
        "git checkout avakill.yaml",
        "git rm avakill.yaml",
        "git mv avakill.yaml x",
        "rm -rf /venv/avakill",
        "sed -i s/x/y/ /venv/avakill/cli/main.py",
        "unlink avakill.yaml",
        "shred avakill.yaml",
        "patch avakill.yaml x.diff",
        "sort -o avakill.yaml x",
        "curl -o avakill.yaml http://x",
        "vim avakill.yaml",
        "(rm avakill.yaml)",
        "ls\nrm avakill.yaml",
        "ls & rm avakill.yaml",
        "true || rm avakill.yaml",
        "rm avakill.yaml 'x",
        "tar xf x --directory ~/.config/avakill avakill.yaml",
    ],
)
def test_a_command_that_would_change_a_protected_file_is_denied(command: str) -> None:
    assert ask(YES, "Bash", GUARDED, command=command).rule_name == "self-protection"


@pytest.mark.parametrize(
    "command",
    [
        "cat avakill.yaml",
        "grep deny avakill.yaml | head",
        "diff avakill.yaml avakill.proposed.yaml",
        "git diff avakill.yaml",
        "git add avakill.yaml",
        "git commit -m 'update avakill.yaml'",
        "git commit -am 'rm avakill.yaml > x'",
        "cp avakill.yaml /tmp/x",
        "cp avakill.yaml avakill.proposed.yaml",
        "avakill validate avakill.yaml",
        "echo 'see avakill.yaml' > notes.md",
        "sed -n 1,5p avakill.yaml",
        "ls -la",
        "rm -rf build",
        "rm *.pyc",
        "find . -name '*.yaml'",
        "python -m pytest",
        "python /home/u/app/x.py",
        "rm notes.yaml",
        "echo hi > out.txt",
        "ls > /dev/null 2>&1",
        "sha256sum avakill.yaml",
        "make",
        "tee log < avakill.yaml",
    ],
)
def test_harmless_commands_pass(command: str) -> None:
    assert ask(YES, "Bash", GUARDED, command=command).allowed


def test_a_link_to_a_protected_file_is_the_file() -> None:
    links = Context(
        HOME, WORKSPACE, resolver=TableResolver({"/home/u/app/door": POLICY, "/home/u/.config": "/data/cfg"}), protected=(POLICY,)
    )
    for path in ("door", "/data/cfg/avakill/avakill.yaml", "~/.config/avakill/avakill.yaml"):
        assert verdict(YES, "Write", links, path=path) == "deny", path
    assert ask(YES, "Bash", links, command="echo x > door").rule_name == "self-protection"


def test_it_stands_in_front_of_every_rule_and_cannot_be_overridden() -> None:
    decision = ask(YES, "Write", GUARDED, path="avakill.yaml")
    assert (decision.rule, decision.overridable) == (None, False)
    assert "stop, and tell the user" in decision.reason


def test_a_tool_that_the_policy_says_only_reads_may_read() -> None:
    from avakill.ir.effect import Effect
    from avakill.ir.policy import ToolEffect

    own = replace(YES, tool_effects=(ToolEffect("lint", frozenset({Effect.READ})),))
    assert verdict(own, "lint", GUARDED, target="avakill.yaml") == "allow"
    assert verdict(YES, "lint", GUARDED, target="avakill.yaml") == "deny"
