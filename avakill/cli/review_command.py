"""`avakill review`: what a proposed policy says, and what it would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from avakill.cli.common import Reporter, diagnostics_option, echo

if TYPE_CHECKING:
    from avakill.cli.signed import Validated


@click.command("review")
@click.argument("policy_file", type=click.Path())
@click.option("--target", type=click.Path(), help="the active policy  [default: avakill.yaml beside FILE]")
@diagnostics_option
def command(policy_file: str, target: str | None, style: str) -> None:
    """Validate a proposed policy, show its rules, and what changes against the active one. Nothing is written."""
    from avakill.cli.signed import diagnostic, validate
    from avakill.signing.approval import read_active, target_of
    from avakill.signing.words import Refused

    reporter = Reporter(style)
    proposed = Path(policy_file)
    found = validate(proposed, reporter)
    active = Path(target) if target else target_of(proposed)
    before = read_active(active, proposed)
    if isinstance(before, Refused):
        reporter.fail(diagnostic(before))
    show(found, before, active, reporter)
    option = f" --target {target}" if target else ""
    echo(f"\nto put it in place: avakill approve {policy_file}{option}")


def show(found: Validated, before: bytes | None, active: Path, reporter: Reporter) -> None:
    """The rules of a proposed policy, its warnings, and what changes."""
    from avakill.cli.changes_text import changes_between, changes_text, rules_table
    from avakill.cli.text import escape
    from avakill.compiler.compile import compile_policy, read_source
    from avakill.signing.signer import bind
    from avakill.source.diagnostic import Diagnostic

    if found.warnings:
        Reporter(reporter.style, (found.source,)).show(found.warnings)
    echo(rules_table(found.policy))
    echo("")
    if before is None:
        echo(f"there is no {escape(str(active))} yet: every rule is new")
        return
    import os

    source = read_source(before, str(active))
    compiled = None if isinstance(source, Diagnostic) else compile_policy(source, os.environ)
    if compiled is None or compiled.policy is None:
        echo(f"the active policy {escape(str(active))} has errors, so there is nothing to compare with")
        return
    echo(changes_text(changes_between(compiled.policy, found.policy), active))
    names = ", ".join(f"`{name}`" for name in bind(found.asked, os.environ).signed)
    if names:
        echo(f"it reads the environment: {names}")
