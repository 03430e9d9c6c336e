"""`avakill validate`: is the policy right, and what does it say."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avakill.cli.common import Reporter, diagnostics_option, echo, load_policy, policy_option

if TYPE_CHECKING:
    from avakill.compiler.cascade import Cascade

MAX_ROWS = 200


@click.command("validate")
@click.argument("policy_file", required=False, type=click.Path())
@policy_option
@click.option("--cascade", "is_cascade", is_flag=True, help="the policies of every level here: system, global, project, local")
@diagnostics_option
def command(policy_file: str | None, policy_path: str | None, is_cascade: bool, style: str) -> None:
    """Check a policy file: exit status 0 when it is valid (warnings included), 1 when not.

    With --cascade, all policies that hold in this directory are checked: where each rule stands, and which can never decide.
    """
    if is_cascade:
        if policy_file or policy_path:
            raise click.UsageError("--cascade finds its files itself; give no policy file")
        _validate_cascade(style)
        return
    from avakill.cli.changes_text import rules_table
    from avakill.cli.signed import signature_line

    loaded = load_policy(policy_file or policy_path, style)
    if style in ("json", "sarif"):
        if not loaded.warnings:
            Reporter(style, (loaded.source,)).show(())
        return
    echo(rules_table(loaded.policy))
    echo(signature_line(loaded.path) or "")
    echo(f"Policy is valid: {len(loaded.policy.rules)} rule(s), {len(loaded.warnings)} warning(s).")


def _validate_cascade(style: str) -> None:
    from avakill.enforce.cascade import discover, read_cascade

    places = discover(Path.cwd(), Path("~").expanduser())
    read = read_cascade(places, os.environ)
    reporter = Reporter(style, read.sources)
    if read.diagnostics or style in ("json", "sarif"):
        reporter.show(read.diagnostics)
    if read.cascade is None:
        sys.exit(1)
    if style not in ("json", "sarif"):
        echo(_told(read.cascade))
        echo(f"Cascade is valid: {len(places)} level(s), {len(read.diagnostics)} warning(s).")


def _told(cascade: Cascade) -> str:
    """Every rule with its file and line, the highest level first; what they decide together."""
    from avakill.cli.text import escape, table
    from avakill.compiler.cascade import flatten, overruled
    from avakill.ir.policy import Enforcement

    never = {(one.level.name, one.rule.index): str(one.by.name) for one in overruled(cascade)}
    rows = [
        (
            str(level.name),
            str(rule.index + 1),
            rule.name,
            ", ".join(rule.tools),
            str(rule.action) + ("" if rule.enforcement is Enforcement.HARD else f" ({rule.enforcement})"),
            f"never ({by} denies)" if (by := never.get((level.name, rule.index))) else "",
            f"{rule.span.path}:{rule.span.line}",
        )
        for level in cascade.levels
        for rule in level.policy.rules
    ]
    lines = [table(("level", "#", "name", "tools", "action", "decides", "where"), rows[:MAX_ROWS])] if rows else []
    if len(rows) > MAX_ROWS:
        lines.append(f"… and {len(rows) - MAX_ROWS} more rules")
    lines.append("")
    for level in cascade.levels:
        lines.append(f"{level.name}: {escape(level.policy.path)}, default action {level.policy.default}")
    if len(cascade.levels) > 1:
        lines.append("a call must pass every level: the strictest answer holds")
        if flatten(cascade) is None:
            lines.append("no one ordered list says so: kernel artifacts are compiled for each level, and applied together")
    return "\n".join(lines)
