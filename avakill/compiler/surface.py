"""The keys of a policy file: the one table behind the checker, the JSON Schema and the prompt."""
from __future__ import annotations

from avakill.compiler.shape import Anything, Count, Flag, Key, ListOf, MapOf, Table, Text, Word
from avakill.ir.condition import Scan
from avakill.ir.effect import Effect
from avakill.ir.policy import Action, Enforcement, Requirement

VERSION = "1.0"

_TEXTS = ListOf(Text())
_MATCH = MapOf(_TEXTS)

CONDITIONS = Table("conditions", (
    Key("args_match", _MATCH, "Each named argument contains one of its texts, in any case."),
    Key("args_not_match", _MATCH, "No named argument contains one of its texts."),
    Key("path_match", _MATCH, "Each named argument is a path in one of its globs (a plain path: it and all below it)."),
    Key("path_not_match", _MATCH, "Not what `path_match` with these globs says."),
    Key("workspace", Text(), "What relative globs and `__workspace__` of this rule are relative to.", is_nullable=True),
    Key("content_scan", ListOf(Word(tuple(Scan))), "Some argument contains what the scans look for."),
    Key("shell_safe", Flag(), "The command line is one simple command.", default=False),
    Key("command_allowlist", _TEXTS, "Every command that the command line runs is one of these.", is_nullable=True),
))  # fmt: skip

RATE_LIMIT = Table("a rate limit", (
    Key("max_calls", Count(1, 2**31 - 1), "How many calls a window may hold.", is_required=True),
    Key("window", Text(r"[0-9]{1,9}[smh]", "a number and `s`, `m` or `h`: `60s`"), "How long a window is: `60s`, `5m`, `1h`.",
        is_required=True),
))  # fmt: skip

RULE = Table("a rule", (
    Key("name", Text(), "What reports and answers call the rule.", is_required=True),
    Key("tools", _TEXTS, "Globs over tool names; `*` is every tool. Case does not count.", is_required=True),
    Key("action", Word(tuple(Action)), "What is decided where the rule matches.", is_required=True),
    Key("when", Text(), "An expression over the call; holds beside `conditions`."),
    Key("conditions", CONDITIONS, "What a call must be like; all of them must hold.", is_nullable=True),
    Key("rate_limit", RATE_LIMIT, "How often the rule may match.", is_nullable=True),
    Key("enforcement", Word(tuple(Enforcement)), "`hard` cannot be overridden, `soft` can, `advisory` only notes.",
        default="hard"),
    Key("message", Text(), "The reason that the agent and the logs see.", is_nullable=True),
    Key("log", Flag(), "Accepted for compatibility: every decision is logged.", default=True),
    Key("require", Word(tuple(Requirement)), "How faithful a kernel layer must be to the rule, or compiling fails.",
        is_nullable=True),
))  # fmt: skip


POLICY = Table("a policy", (
    Key("version", Text(r"1(\.0)?", f'`"{VERSION}"`'), "The version of the format.", default=VERSION),
    Key("default_action", Word((Action.ALLOW, Action.DENY)), "What is decided where no rule matches.", default="deny"),
    Key("policies", ListOf(RULE, may_be_empty=True), "The rules, tried from top to bottom: the first match decides.",
        is_required=True),
    Key("tool_effects", MapOf(ListOf(Word(tuple(Effect))), may_be_empty=True),
        "What tools of your own do to files and the network."),
    Key("notifications", Anything(), "Accepted for compatibility; has no effect.", is_nullable=True),
    Key("sandbox", Anything(), "Accepted for compatibility; not compiled yet.", is_nullable=True),
))  # fmt: skip

IGNORED = frozenset({"notifications", "sandbox"})
"""Keys whose values nobody reads; their variables are not looked up."""
