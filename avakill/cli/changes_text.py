"""What a proposed policy says and changes, as text for a person."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from avakill.cli.text import escape, table
from avakill.events.value import Members
from avakill.ir.condition import Always
from avakill.ir.policy import Action, Enforcement, Policy, Rule
from avakill.signing.changes import Answer, Changes, compare

if TYPE_CHECKING:
    from avakill.events.value import Value

MAX_ROWS = 100
MAX_EXAMPLES = 12


def rules_table(policy: Policy) -> str:
    rows = [
        (
            str(rule.index + 1),
            rule.name,
            ", ".join(rule.tools),
            str(rule.action) + ("" if rule.enforcement is Enforcement.HARD else f" ({rule.enforcement})"),
            "–" if isinstance(rule.condition, Always) else "yes",
            f"{rule.rate_limit.max_calls} per {rule.rate_limit.window} s" if rule.rate_limit else "–",
            str(rule.span.line),
        )
        for rule in policy.rules[:MAX_ROWS]
    ]
    lines = [table(("#", "name", "tools", "action", "conditions", "rate", "line"), rows)] if rows else []
    if len(policy.rules) > MAX_ROWS:
        lines.append(f"… and {len(policy.rules) - MAX_ROWS} more rules")
    return "\n".join([*lines, "", f"default action: {policy.default}"])


def changes_between(before: Policy, after: Policy) -> Changes:
    """With this user's home and workspace, links not followed, self-protection left out (it is the same for both)."""
    from avakill.enforce.here import find_workspace
    from avakill.evaluator.context import Context

    home = os.path.abspath(os.path.expanduser("~"))
    return compare(before, after, Context(home, find_workspace(os.getcwd(), os.environ), cwd=os.getcwd()))


def changes_text(changes: Changes, active: Path) -> str:
    if changes.are_none:
        return f"no rule changes against {escape(str(active))}"
    return "\n".join([f"against {escape(str(active))}:", *_rules(changes), *_answers(changes)])


def _rules(changes: Changes) -> Iterator[str]:
    if changes.default is not None:
        yield f"  ! default action: {changes.default[0]} → {changes.default[1]}"
    if changes.effects_differ:
        yield "  ! what the policy's own tools do (`tool_effects`) changes"
    for rule in changes.added:
        yield f"  + {_said(rule)}"
    for rule in changes.removed:
        yield f"  - {_said(rule)}"
    for altered in changes.altered:
        before, after = altered.before.action, altered.after.action
        action = f": {before} → {after}" if before is not after else ""
        yield f"  ~ `{escape(altered.after.name)}`{action} (line {altered.after.span.line}): {', '.join(altered.keys)} differs"
    if changes.reordered:
        names = ", ".join(f"`{escape(rule.name)}`" for rule in changes.reordered[:MAX_EXAMPLES])
        yield f"  ~ tried in another order: {names}"


def _said(rule: Rule) -> str:
    return f"`{escape(rule.name)}` (line {rule.span.line}): {rule.action} {escape(', '.join(rule.tools))}"


def _answers(changes: Changes) -> Iterator[str]:
    looser = [one for one in changes.answers if _rank(one.after) < _rank(one.before)]
    stricter = [one for one in changes.answers if _rank(one.after) > _rank(one.before)]
    yield from _examples("newly allowed, or with less asked", looser)
    yield from _examples("newly denied, or with more asked", stricter)
    yield f"  ({changes.tried} example calls were tried; what none of them shows is not shown)"


def _rank(action: Action) -> int:
    return (Action.ALLOW, Action.REQUIRE_APPROVAL, Action.DENY).index(action)


def _examples(head: str, answers: list[Answer]) -> Iterator[str]:
    if not answers:
        return
    yield f"  {head}:"
    for one in answers[:MAX_EXAMPLES]:
        arguments = escape(json.dumps(_plain(one.event.arguments), ensure_ascii=False))
        yield f"    {escape(one.event.tool)} {arguments}: {one.before} → {one.after}"
    if len(answers) > MAX_EXAMPLES:
        yield f"    … and {len(answers) - MAX_EXAMPLES} more"


def _plain(value: Value) -> object:
    match value:
        case Members(items):
            return {name: _plain(inner) for name, inner in items}
        case tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value
