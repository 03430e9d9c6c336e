"""A command line is judged by what it runs, not by how it is written."""

from __future__ import annotations

import pytest

from avakill.evaluator.shell import parse
from tests.evaluator.asking import ask, policy, shell, verdict, verdict_of

NO_RM = policy(
    """
    - {name: no-rm, tools: [Bash], action: deny, conditions: {args_match: {command: ["rm -rf"]}}}
""",
    "allow",
)
LISTED = policy("""
    - {name: listed, tools: [Bash], action: allow, conditions: {command_allowlist: [ls, git, echo, cat, find, "true"]}}
""")
SAFE = policy("""
    - {name: safe, tools: [Bash], action: allow, conditions: {shell_safe: true}}
""")


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /",
        "RM -RF /",
        "rm  -rf /",
        "rm\t-rf /",
        'r"m" -rf /',
        "r''m -rf /",
        "\\rm -rf /",
        "r\\m -rf /",
        "rm '-rf' /",
        "$'rm' -rf /",
        "$'\\x72m' -rf /",
        "$'\\162m' \"-r\"f /",
        "rm${IFS}-rf${IFS}/",
        "rm$IFS-rf /",
        "X=rm; $X -rf /",
        "X=rm Y=-rf; ${X} $Y /",
        "rm \\\n-rf /",
        "$X /",
        "$(echo rm) -rf /",
        "`which rm` -rf /",
        "rm $FLAGS /",
        "rm $(echo -rf) /",
        "{rm,-rf,/}",
        "/bin/r'm' -rf /",
        "sh -c 'r\"m\" -rf /'",
        "bash -lc \"r''m -rf /\"",
        'env sh -c "r\\\\m -rf x"',
        "eval 'r\"m\" -rf /'",
        "ls; r'm' -rf /",
        "ls | xargs r'm' -rf",
        "ls && (cd / && r'm' -rf x)",
        "echo $(r'm' -rf x)",
        "f() { r'm' -rf x; }; f",
        "if true; then r'm' -rf x; fi",
        "cat <(r'm' -rf x)",
        "echo x > $(r'm' -rf x)",
        "cat <<EOF\n$(r'm' -rf x)\nEOF",
        "timeout 5 nice -n 3 r'm' -rf x",
        "find . -exec r'm' -rf {} +",
        "ls\nr'm' -rf x",
        "ls & r'm' -rf x",
        "! r'm' -rf x",
        "coproc r'm' -rf x",
        'rm -r"f" \'unclosed',
        "r\x00m -rf",
    ],
)
def test_a_denied_text_is_found_however_it_is_quoted_or_wrapped(command: str) -> None:
    assert shell(NO_RM, command) == "deny"


@pytest.mark.parametrize(
    "command",
    [
        "rm -r x",
        "rm x",
        "ls -rf",
        "echo rm; echo -rf",
        'cat "$f"',
        "ls $HOME",
        "git rm -r x",
        'for f in *; do cat "$f"; done',
        "$VENV/bin/python x.py",
        "FOO=bar make",
        "git commit -m 'say it'",
        "[ -f x ] && make",
        "a && b || c; (d)",
    ],
)
def test_other_commands_are_left_alone(command: str) -> None:
    assert shell(NO_RM, command) == "allow"


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": ["rm", "-rf", "/"]},
        {"cmd": "rm -rf /"},
        {"commandLine": "rm -rf /"},
        {"command": {"run": "rm -rf /"}},
        {"params": {"command": ["bash", "-lc", "rm -rf /"]}},
        {"commands": ["ls", "rm -rf /"]},
        {"command": [["rm -rf"], "x"]},
        {"command": ["bash", "-c", "r''m -rf /"]},
    ],
)
def test_a_command_is_seen_as_a_list_nested_and_by_other_names(arguments: dict[str, object]) -> None:
    assert verdict_of(NO_RM, "Bash", arguments) == "deny"


def test_options_of_git_do_not_hide_its_subcommand() -> None:
    pushed = policy("- {name: no, tools: [Bash], action: deny, conditions: {args_match: {command: [git push]}}}", "allow")
    for command in ("git push", "git -C /x push", "git -c a=b push", "/usr/bin/git --no-pager push origin", "git --git-dir=x push"):
        assert shell(pushed, command) == "deny", command
    assert shell(pushed, "git -C /x pull") == "allow"


@pytest.mark.parametrize(
    "command",
    [
        "ls",
        "ls -la 'a b'",
        "git status",
        "ls && git status",
        "ls | cat",
        "(ls; git log)",
        "ls\ngit status",
        "l's'",
        "\\ls",
        'l""s',
        "find . -exec cat {} \\;",
        "echo $(git log)",
        "command ls",
        "time ls",
        "exec ls",
        "LANG=C ls",
        "if true; then ls; fi",
        "for f in a b; do cat $f; done",
        "cat <<EOF\nhello\nEOF",
        "echo hi > x",
        "git -c user.name=me commit",
        "ls &",
        "[ -f x ] && ls",
        "command -v python && ls",
    ],
)
def test_an_allowlist_holds_where_every_command_that_is_run_is_listed(command: str) -> None:
    assert shell(LISTED, command) == "allow"


@pytest.mark.parametrize(
    "command",
    [
        "make",
        "ls; make",
        "ls | make",
        "ls && make",
        "ls || make",
        "ls & make",
        "ls\nmake",
        "(ls; make)",
        "{ ls; make; }",
        "ls $(make)",
        "ls `make`",
        'ls "$(make)"',
        "cat <(make)",
        "cat <<EOF\n$(make)\nEOF",
        "cat <<< $(make)",
        "ls > $(make)",
        "A=$(make) ls",
        "A=$(make)",
        "env make",
        "env ls",
        "xargs ls",
        "sudo ls",
        "timeout 5 make",
        "nohup make &",
        "nice -n 5 make",
        "sh -c ls",
        "sh -c 'make'",
        'bash -c "$X"',
        "command make",
        "exec make",
        "time make",
        "builtin make",
        "coproc make",
        "eval ls",
        "source ls",
        ". ls",
        "$X",
        "$X ls",
        '"$X"',
        "${X:-ls}",
        "l$X",
        "/bin/l?",
        "l*",
        "~/ls",
        "./ls",
        "/tmp/ls",
        "/bin/ls",
        "LS",
        "{ls,-la}",
        "PATH=. ls",
        "LD_PRELOAD=x ls",
        "PATH=.; ls",
        "export PATH=.; ls",
        "GIT_PAGER=x git log",
        "git -c core.pager=x log",
        "git -c alias.x='!make' x",
        "git --exec-path=. log",
        "git --config-env=alias.x=Y x",
        "find . -exec make \\;",
        "find . -ok make \\;",
        "find . -exec $X \\;",
        "find . $X",
        "trap make EXIT",
        "alias ls=make",
        "ls() { make; }; ls",
        "ls 'unclosed",
        "ls (",
        "if ls; then make; fi",
        "case a in a) make;; esac",
        "ls;make",
        "ls|make",
        "echo ${X:-$(make)}",
        "echo $((1+$(make)))",
        "ls\r\nmake",
        "ls\u00a0make",
        "! make",
        "ssh host ls",
        "echo ls | sh",
        "bash <<< ls",
        "",
        "   ",
        "# ls",
        "cat <<EOF | make\nEOF",
        "watch make",
        "ls >(make)",
        "git status\\\nmake; make",
        "$'ls\\n'",
        "[[ -f $(make) ]]",
        "ls\n\\make",
        "ls \n \\make",
    ],
)
def test_an_allowlist_does_not_hold_where_anything_else_may_run(command: str) -> None:
    assert shell(LISTED, command) == "deny"


def test_an_allowlist_asks_every_reading_of_a_list() -> None:
    assert verdict(LISTED, "Bash", command=["git", "status"]) == "allow"
    for argv in (["make"], ["ls", "; make"], ["sh", "-c", "ls"], ["git", "-c", "alias.x=!make", "x"], []):
        assert verdict(LISTED, "Bash", command=argv) == "deny", argv
    assert verdict_of(LISTED, "Bash", {"commands": ["ls", "make"]}) == "deny"
    assert verdict_of(LISTED, "Bash", {"command": "ls", "extra": {"cmd": "make"}}) == "deny"


def test_a_wrapper_runs_its_command_and_itself() -> None:
    both = policy("- {name: a, tools: [Bash], action: allow, conditions: {command_allowlist: [ls, timeout, env, sh, xargs]}}")
    for command in ("timeout 5 ls", "env LANG=C ls", "sh -c 'ls; ls'", "timeout -s KILL 5 env -i ls", "ls | xargs -n 1 ls"):
        assert shell(both, command) == "allow", command
    for command in (
        "timeout 5 make",
        "env LD_PRELOAD=x ls",
        "sh -c 'ls; make'",
        "env -S 'make' ls",
        "ls | xargs -I{} {}",
        "xargs --foo ls",
        "timeout --foo ls ls",
        "sh",
        "sh -s",
        "env $X ls",
        "sh -c $X",
    ):
        assert shell(both, command) == "deny", command


def test_a_deny_list_of_commands_holds_by_any_path_and_case_and_beside_others() -> None:
    listed = policy("- {name: no, tools: [Bash], action: deny, conditions: {command_allowlist: [rm, dd]}}", "allow")
    for command in ("rm x", "ls; rm x", "/bin/rm x", "sudo rm x", "$X y", "sh -c 'rm x'", "RM x"):
        assert shell(listed, command) == "deny", command
    assert shell(listed, "ls | cat") == "allow"


@pytest.mark.parametrize(
    "command",
    ["ls", "ls -la", "git commit -m 'a; b && c | d'", 'echo "a > b"', "ls # note", "ls *.py", "ls \\\n -la", "echo a\\;b", ""],
)
def test_one_plain_command_is_shell_safe(command: str) -> None:
    assert shell(SAFE, command) == "allow"


@pytest.mark.parametrize(
    "command",
    [
        "ls | cat",
        "ls|cat",
        "ls > x",
        "ls >x",
        "ls>x",
        "ls >> x",
        "ls 2>&1",
        "ls &> x",
        "cat < x",
        "cat <x",
        "cat <<E\nE",
        "cat <<< x",
        "ls; ls",
        "ls;",
        "ls && ls",
        "ls || ls",
        "ls &",
        "ls & ls",
        "ls\nls",
        "ls `ls`",
        "ls $(ls)",
        'ls "$(ls)"',
        "ls ${X}",
        "ls $X",
        'ls "$X"',
        "diff <(ls) x",
        "ls >(cat)",
        "(ls)",
        "{ ls; }",
        "! ls",
        "if ls; then ls; fi",
        "f() { ls; }",
        "eval ls",
        "source x",
        ". x",
        "xargs ls",
        "env ls",
        "sh -c ls",
        "X=1 ls",
        "X=1",
        "[[ -f x ]]",
        "ls $((1))",
        "ls 'x",
        "ls |& cat",
        "\\e\\v\\a\\l ls",
        "e'v'al ls",
        "find . -exec rm {} +",
        "export A=b",
        "ls\r\nls",
        "time ls",
        "exec ls",
        "bash",
    ],
)
def test_anything_else_is_not_shell_safe(command: str) -> None:
    assert shell(SAFE, command) == "deny"


def test_a_deny_of_what_is_not_shell_safe_catches_it() -> None:
    from avakill.evaluator.context import Context
    from avakill.evaluator.decide import decide
    from avakill.events.event import make_event
    from avakill.ir.condition import Not, ShellSafe
    from avakill.ir.policy import Action, Policy, Rule

    unsafe = Policy((Rule(0, "unsafe", ("shell_execute",), Action.DENY, Not(ShellSafe())),), Action.ALLOW)
    context = Context("/home/u", "/w")
    assert not decide(unsafe, make_event("Bash", {"command": "ls | sh"}), context).allowed
    assert decide(unsafe, make_event("Bash", {"command": "ls"}), context).allowed


def test_paths_in_a_command_line_are_seen() -> None:
    denied = policy("- {name: no, tools: [Bash], action: deny, conditions: {path_match: {command: ['~/.ssh/**']}}}", "allow")
    for command in (
        "cat ~/.ssh/id",
        "cat ../.ssh/id",
        "cat /home/u/.s'sh'/id",
        "cat $HOME/.ssh/id",
        "cat ~/.ss*/id",
        "cat ~/.s{s,x}h/id",
        "cat ../{a,.ssh}/x",
        "cat < ~/.ssh/id",
        "for f in ~/.ssh/*; do cat $f; done",
        "X=~/.ssh; cat $X/id",
        "cd ~/.ssh && cat id",
        "cd .. && cat .ssh/id",
        "tar --directory=/home/u/.ssh -c .",
        'cat "$DIR/id"',
        "sh -c 'cat ~/.ssh/id'",
        "cat ~/.ssh/id 'x",
    ):
        assert shell(denied, command) == "deny", command
    for command in (
        "cat ~/x",
        "ls *.py",
        "ls /srv/*.py",
        "cp src/{a,b} x",
        "make -j4 all",
        "cat src/main.py | grep ssh",
        "echo .ssh-like",
    ):
        assert shell(denied, command) == "allow", command
    inside = policy("- {name: in, tools: [Bash], action: allow, conditions: {path_match: {command: ['./**']}}}")
    assert shell(inside, "cat ./a src/b --flag") == "allow"
    assert shell(inside, "cat ./a /etc/passwd") == "deny"


def test_a_long_or_deep_line_is_refused_quickly() -> None:
    import time

    started = time.process_time()
    for command in (
        "(" * 20_000,
        "$(" * 5_000,
        "a;" * 30_000,
        "x" * 70_000,
        "'\"" * 20_000 + "'",
        "{ " * 10_000,
        "if " * 5_000,
        "<<E " * 3_000,
    ):
        assert shell(LISTED, command) == "deny"
        assert parse(command).doubts or parse(command).unsafe
    assert time.process_time() - started < 20


def test_the_reason_says_what_is_not_plain() -> None:
    from avakill.evaluator.explain import explain
    from avakill.events.event import make_event
    from tests.evaluator.asking import CONTEXT

    steps = explain(SAFE, make_event("Bash", {"command": "ls | cat"}), CONTEXT).trace
    assert [step.why for step in steps] == ["`command` (`ls | cat`) is not one plain command: it is not one simple command"]
    assert ask(SAFE, "Bash", command="ls").rule_name == "safe"
