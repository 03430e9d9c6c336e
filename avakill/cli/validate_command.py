"""`avakill validate`: is the policy right, and what does it say."""

from __future__ import annotations

import click

from avakill.cli.common import diagnostics_option, echo, load_policy, policy_option


@click.command("validate")
@click.argument("policy_file", required=False, type=click.Path())
@policy_option
@diagnostics_option
def command(policy_file: str | None, policy_path: str | None, style: str) -> None:
    """Check a policy file: exit status 0 when it is valid (warnings included), 1 when not."""
    from avakill.cli.text import table
    from avakill.ir.condition import Always
    from avakill.ir.policy import Enforcement

    loaded = load_policy(policy_file or policy_path, style)
    if style in ("json", "sarif"):
        if not loaded.warnings:
            from avakill.cli.common import Reporter

            Reporter(style, (loaded.source,)).show(())
        return
    policy = loaded.policy
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
        for rule in policy.rules[:100]
    ]
    if rows:
        echo(table(("#", "name", "tools", "action", "conditions", "rate", "line"), rows))
    if len(policy.rules) > len(rows):
        echo(f"… and {len(policy.rules) - len(rows)} more rules")
    echo(f"\ndefault action: {policy.default}")
    echo(f"Policy is valid: {len(policy.rules)} rule(s), {len(loaded.warnings)} warning(s).")
