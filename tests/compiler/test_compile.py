"""The front door: whole policies in, policies or complaints out."""
from __future__ import annotations

import hashlib
import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.compiler.compile import compile_policy, read_source
from avakill.ir.effect import Effect
from avakill.ir.policy import Action, Enforcement, RateLimit, Requirement
from avakill.source.diagnostic import Diagnostic, Severity
from avakill.source.formats import to_github, to_json, to_sarif
from avakill.source.render import ANSI, render, short
from tests.compiler.reading import PATH, complaints, helps, policy_of, rule_with, source, the_rule

SOAK = int(os.environ.get("AVAKILL_SOAK", "1"))

WHOLE = """version: "1.0"
default_action: allow
tool_effects: {export_csv: [write, create]}
policies:
  - name: no-ssh-keys
    tools: ["Write", "file_edit"]
    action: deny
    conditions: {path_match: {file_path: ["~/.ssh/**", "${D}/x"]}, args_not_match: {content: [ok]}}
    when: not (command matches "^git" or url host "*.a.org" and port > 5)
    rate_limit: {max_calls: 5, window: 1h}
    enforcement: soft
    message: 'it''s not for the agent'
    require: safe:all
  - {name: rest, tools: ["*"], action: require_approval}
"""


def test_a_whole_rule() -> None:
    policy = policy_of(WHOLE, {"D": "/d"})
    first, rest = policy.rules
    assert (first.index, first.name, first.tools) == (0, "no-ssh-keys", ("file_write", "file_edit"))
    assert (first.action, first.enforcement, first.require) == (Action.DENY, Enforcement.SOFT, Requirement.SAFE_ALL)
    assert (first.rate_limit, first.message) == (RateLimit(5, 3600), "it's not for the agent")
    assert (rest.index, rest.tools, rest.action) == (1, ("*",), Action.REQUIRE_APPROVAL)
    assert policy.default is Action.ALLOW
    assert policy.default_span.line == 2
    assert [(own.tool, own.effects) for own in policy.tool_effects] == [
        ("export_csv", frozenset({Effect.WRITE, Effect.CREATE}))
    ]


def test_the_digest_is_of_the_bytes() -> None:
    data = b'version: "1.0"\r\npolicies: []\r\n'
    read = read_source(data, PATH)
    assert not isinstance(read, Diagnostic)
    policy = compile_policy(read, {}).policy
    assert policy is not None
    assert policy.sha256 == hashlib.sha256(data).hexdigest()


def test_without_a_default_the_default_is_deny() -> None:
    assert policy_of("policies: []\n").default is Action.DENY


def test_version_1_in_quotes_is_accepted_and_a_number_is_not() -> None:
    assert policy_of('version: "1"\npolicies: []\n')
    assert complaints("version: 1\npolicies: []\n") == ["AVK1102 `1` (line 1)"]
    assert complaints('version: "2.0"\npolicies: []\n') == ['AVK1104 `"2.0"` (line 1)']


def test_native_names_become_canonical() -> None:
    assert the_rule("log: true", tools='["Bash", "read_file", "MCP", "mcp__x__Read", "My_Tool"]').tools == (
        "shell_execute",
        "file_read",
        "mcp_tool",
        "mcp__x__read",
        "my_tool",
    )


def test_a_glob_over_native_names_holds_the_canonical_ones_too() -> None:
    assert the_rule("log: true", tools='["run_*"]').tools == ("run_*", "shell_execute")


def test_all_is_every_tool() -> None:
    assert the_rule("log: true", tools="[all]").tools == ("*",)


def test_the_effects_of_a_canonical_tool_are_fixed() -> None:
    assert complaints('policies: []\ntool_effects: {Bash: [read]}\n') == ["AVK1104 `Bash` (line 2)"]


def test_a_window_of_nothing_is_refused() -> None:
    assert complaints(rule_with("rate_limit: {max_calls: 1, window: 0s}")) == ["AVK1104 `0s` (line 6)"]


def test_rules_of_one_name_are_fine() -> None:
    text = "policies:\n" + "  - {name: a, tools: [x], action: deny, when: args.a == 1}\n" * 2
    assert complaints(text) == []


def test_what_is_ignored_is_said() -> None:
    text = 'policies: []\nnotifications: {}\nsandbox: {allow_network: {}}\n'
    assert complaints(text) == ["AVK3006 `notifications` (line 2)", "AVK3006 `sandbox` (line 3)"]


def test_a_rule_that_asks_not_to_be_logged_is_told_that_it_is() -> None:
    assert complaints(rule_with("log: false")) == ["AVK3006 `false` (line 6)"]


def shadowed(*rules: str) -> list[str]:
    lines = "".join(f"  - {{name: r{number}, {rule}}}\n" for number, rule in enumerate(rules))
    return complaints(f"policies:\n{lines}")


def test_a_rule_below_one_that_takes_all_its_calls_is_warned_of() -> None:
    assert shadowed("tools: ['*'], action: allow", "tools: [x], action: deny") == [
        "AVK3001 `r1` (line 3), see `'*'` (line 2)"
    ]
    assert shadowed("tools: ['file_*'], action: allow", "tools: ['file_w*', Read], action: deny") == [
        "AVK3001 `r1` (line 3), see `'file_*'` (line 2)"
    ]
    assert shadowed("tools: [x], action: allow", "tools: [y], action: allow", "tools: [y, x], action: deny") == [
        "AVK3001 `r2` (line 4), see `y` (line 3)"
    ]


def test_a_rule_that_may_still_decide_is_not_warned_of() -> None:
    assert shadowed("tools: [x], action: allow", "tools: [x, y], action: deny") == []
    assert shadowed("tools: ['*'], action: deny, enforcement: advisory", "tools: [x], action: deny") == []
    assert shadowed("tools: ['*'], action: deny, when: args.a == 1", "tools: [x], action: deny") == []
    assert shadowed("tools: ['file_?'], action: deny", "tools: ['file_*'], action: deny") == []


def test_a_misspelt_value_gets_the_nearest() -> None:
    assert helps(rule_with("enforcement: HRAD")) == ["did you mean `hard`?"]


def outcome(data: bytes) -> None:
    """Whatever comes in, complaints come out, and they can be printed in every way."""
    read = read_source(data, PATH)
    if isinstance(read, Diagnostic):
        items: tuple[Diagnostic, ...] = (read,)
        sources = {}
    else:
        result = compile_policy(read, {"D": "/d"})
        items = result.diagnostics
        sources = {PATH: read}
        assert (result.policy is None) == any(item.severity is Severity.ERROR for item in items)
    for text in (render(items, sources, ANSI), short(items), to_json(items), to_sarif(items, "0"), to_github(items)):
        text.encode("utf-8")


@given(st.binary(max_size=200))
@settings(max_examples=60 * SOAK, deadline=None)
def test_random_bytes_are_answered(data: bytes) -> None:
    outcome(data)


@given(st.integers(0, 2**32))
@settings(max_examples=150 * SOAK, deadline=None)
def test_mutated_policies_are_answered(seed: int) -> None:
    outcome(mutated(seed))


def mutated(seed: int) -> bytes:
    chance = random.Random(seed)
    text = WHOLE
    pieces = [*"{}[]!\"'|>~5(%é日\t\0\u2028\\", "*a", "&a ", "null", "${D}", "${", "<<:"]
    pieces += ["\n", "  ", ": ", "- ", "not ", "&a ", "<<: "]
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:at] + chance.choice(pieces) + text[at:]
            case 1:
                text = text[:at] + text[at + chance.randint(1, 20) :]
            case 2:
                lines = text.split("\n")
                chance.shuffle(lines[(here := chance.randrange(len(lines))) : here + 4])
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                text = "\n".join(lines)
            case _:
                end = at + chance.randint(1, 30)
                text = text[:at] + text[at:end] * 2 + text[end:]
    data = bytearray(text.encode())
    if chance.random() < 0.2 and data:
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def test_a_policy_says_the_same_twice() -> None:
    assert compile_policy(source(WHOLE), {"D": "/d"}) == compile_policy(source(WHOLE), {"D": "/d"})
