"""Small policies in the shapes of the least-verdict table (semantics §5)."""

from __future__ import annotations

from avakill.backends.plan import Options, Plan, make_plan
from avakill.ir.condition import ALWAYS, CommandIn, Condition, Contains, Field, PathIn
from avakill.ir.policy import Action, Policy, Rule
from avakill.ir.target import Target
from avakill.paths.glob import parse
from tests.contract.generate import TARGET

DENY, ALLOW = Action.DENY, Action.ALLOW
ALL_FILES = ("file_*", "content_search")
READS = ("file_read", "file_list", "file_search", "content_search")


def rule(tools: tuple[str, ...], action: Action, *patterns: str) -> tuple[tuple[str, ...], Action, Condition]:
    globs = tuple(glob for text in patterns for glob in parse(text))
    return (tools, action, PathIn(Field("path"), globs) if globs else ALWAYS)


def plan(*rules: tuple[tuple[str, ...], Action, Condition], target: Target = TARGET, options: Options = Options()) -> Plan:
    made = tuple(Rule(index, f"rule-{index}", tools, action, condition) for index, (tools, action, condition) in enumerate(rules))
    return make_plan(Policy(made, Action.ALLOW, path="shape.yaml", sha256="1" * 64), target, options)


COMMAND = (("shell_execute",), DENY, Contains(Field("command"), ("rm -rf",)))
ALLOWLIST = (("shell_execute",), ALLOW, CommandIn(("git", "ls")))

EVERY_SHAPE = plan(
    rule(ALL_FILES, ALLOW, "/srv/app/open"),
    rule(ALL_FILES, DENY, "/srv/app"),
    rule(READS, DENY, "/srv/read only", '/srv/we"ird\\*na#me', "/srv/ROLE/USER/HOME_DIR"),
    rule(("file_delete",), DENY, "/srv/keep/**"),
    rule(("file_write", "file_edit"), DENY, "/**/.env", "/srv/*/id_[!a-c]?", "/srv/café/**/b.x"),
    rule(("file_edit",), ALLOW, "/srv/notes/*.md"),
    rule(("file_edit",), DENY, "/srv/notes"),
    ALLOWLIST,
    rule(("shell_execute",), DENY),
    rule(("web_fetch",), DENY),
)
"""One module made of all shapes, to be linked once."""
EVERYTHING = plan(rule(READS, ALLOW, "/home/agent/project"), ALLOWLIST, rule(("*",), DENY))
