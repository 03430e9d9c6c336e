"""`avakill enforce`: run a command confined, or write one target's artifact."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from avakill.cli.common import (
    Loaded,
    Lowered,
    Reporter,
    colours,
    diagnostics_option,
    echo,
    error,
    find_backends,
    load_policy,
    lowering_options,
    policy_option,
    target_for,
)
from avakill.cli.here import as_expanded
from avakill.cli.text import escape
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.pipeline import Build

RUN = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group("enforce")
def command() -> None:
    """Run a command confined (`landlock`, `auto`), or write one target's artifact (`sandbox`, `tetragon`)."""


@command.command("sandbox")
@policy_option
@click.option("-o", "--output", required=True, type=click.Path(), help="the profile to write, e.g. avakill.sb")
@lowering_options
@diagnostics_option
def sandbox(policy_path: str | None, output: str, style: str, **rest: Any) -> None:
    """Write the macOS sandbox profile (SBPL); works on any system."""
    from avakill.cli.harden_command import write_layer

    write_layer("sbpl", policy_path, output, None, style, Lowered(**rest))


@command.command("tetragon")
@policy_option
@click.option("-o", "--output", required=True, type=click.Path(), help="the policy to write, e.g. tetragon.yaml")
@click.option("--namespace", help="a TracingPolicyNamespaced in this namespace")
@click.option("--pod-selector", "pod_labels", multiple=True, metavar="KEY=VALUE", help="only pods with this label")
@click.option("--binary", "binaries", multiple=True, metavar="PATH", help="only this program and its children")
@lowering_options
@diagnostics_option
def tetragon(
    policy_path: str | None,
    output: str,
    namespace: str | None,
    pod_labels: tuple[str, ...],
    binaries: tuple[str, ...],
    style: str,
    **rest: Any,
) -> None:
    """Write the Tetragon TracingPolicy, for `kubectl apply -f`."""
    from avakill.cli.harden_command import write_layer

    told = {"namespace": namespace, "pod_labels": pod_labels, "binaries": binaries}
    write_layer("tetragon", policy_path, output, None, style, Lowered(**rest), **told)


@command.command("landlock", context_settings=RUN)
@policy_option
@click.option("--dry-run", is_flag=True, help="say what would be restricted on this machine, and restrict nothing")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="of --dry-run")
@click.option("--quiet", is_flag=True, help="start without the warnings about this machine")
@lowering_options
@diagnostics_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
def landlock(policy_path: str | None, dry_run: bool, form: str, quiet: bool, style: str, words: tuple[str, ...], **rest: Any) -> None:
    """Restrict this process by Landlock, then become COMMAND: its exit status is passed through.

    126: it could not be confined or started. 127: it was not found.
    """
    if not words and not dry_run:
        raise click.UsageError("give a command after `--`, or --dry-run")
    lowered = Lowered(**rest)
    loaded = load_policy(policy_path, style, show_warnings=dry_run)
    reporter = Reporter(style, (loaded.source,))
    made = build_for(loaded, lowered, words, reporter)
    if dry_run:
        _show_dry_run(made, form, reporter)
        return
    run_confined(made, words, reporter, quiet)


def build_for(loaded: Loaded, lowered: Lowered, words: tuple[str, ...], reporter: Reporter) -> Build:
    """The landlock build for this machine and the command; a rule's own `require:` that is not met ends with status 1."""
    from avakill.pipeline import build

    chosen = find_backends(("landlock",), reporter)
    made = build(loaded.policy, target_for(loaded, lowered, words), chosen, lowered.options())
    errors = [d for d in made.diagnostics if d.severity == "error"]
    if errors:
        reporter.fail(*errors)
    return made


def _show_dry_run(made: Build, form: str, reporter: Reporter) -> None:
    from avakill.cli.matrix import explanations, matrix
    from avakill.cli.text import table
    from avakill.coverage import coverage

    expanded, dry = as_expanded(made, reporter, 1)
    if form == "json":
        click.echo(json.dumps(coverage(expanded), indent=2))
        return
    colour = colours(sys.stdout)
    found = dry.expansion
    echo(f"Landlock ABI {found.abi}: handles {', '.join(found.handled) or 'nothing'}; {len(found.grants)} grants\n")
    echo(matrix(expanded, colour))
    reasons = explanations(expanded, colour)
    echo("\n" + reasons if reasons else "")
    places = sorted({lost.place for f in dry.findings for lost in f.lost})
    if places:
        echo("\nlost directly in (or below, see --format json): " + ", ".join(map(escape, places[:20])))
    if dry.residues:
        echo("\nways around it on this machine:")
        echo(table(("kind", "place", "why"), [(r.kind, r.place, r.reason) for r in dry.residues[:30]]))
    for warning in dry.warnings:
        echo(f"warning: {escape(warning)}")


def run_confined(made: Build, words: tuple[str, ...], reporter: Reporter, quiet: bool) -> None:
    """Say what this machine leaves open, then become the command. Ends the process."""
    from avakill.enforce.landlock import exit_status_of, launch
    from avakill.enforce.residue import open_ways

    _, dry = as_expanded(made, reporter, 126)
    if not quiet:
        for residue in open_ways(dry.residues):
            echo(f"avakill: {residue.kind} {escape(residue.place)}: {escape(residue.reason)}", err=True)
        for warning in dry.warnings:
            echo(f"avakill: {escape(warning)}", err=True)
    refusal = launch(dry.expansion, words)
    reporter.show([error(codes.NOT_APPLIED, refusal.reason, refusal.help)])
    sys.exit(exit_status_of(refusal))


@command.command("auto", context_settings=RUN)
@policy_option
@click.option("--quiet", is_flag=True, help="start without saying what stays open")
@lowering_options
@diagnostics_option
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
def auto(policy_path: str | None, quiet: bool, style: str, words: tuple[str, ...], **rest: Any) -> None:
    """Stack the layers that this machine has and this user may use, say what stays open, then become COMMAND."""
    from avakill.cli.auto import run

    lowered = Lowered(**rest)
    loaded = load_policy(policy_path, style, show_warnings=False)
    run(loaded, lowered, words, Reporter(style, (loaded.source,)), quiet)
