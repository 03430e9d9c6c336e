"""`avakill compile`: every artifact, its source map, `coverage.json` and the matrix."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from avakill.cli.common import (
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
    split_names,
    target_for,
)
from avakill.source import codes
from avakill.source.diagnostic import Diagnostic, Severity


@click.command("compile")
@click.argument("policy_file", required=False, type=click.Path())
@policy_option
@click.option("-b", "--backend", "backends", multiple=True, metavar="NAME", help="only these targets (comma-separated, or given again)")
@click.option("-o", "--output", "folder", required=True, type=click.Path(), help="the folder to write into")
@click.option(
    "--require",
    type=click.Choice(["safe", "exact", "safe:all", "exact:all"]),
    help="fail unless every rule is enforced so well by a target (`:all`: by every one)",
)
@lowering_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--namespace", help="tetragon: a TracingPolicyNamespaced in this namespace")
@click.option("--pod-selector", "pod_labels", multiple=True, metavar="KEY=VALUE", help="tetragon: only pods with this label")
@click.option("--binary", "binaries", multiple=True, metavar="PATH", help="tetragon: only this program and its children")
@click.option("--base", type=click.Path(), help="seccomp: merge into this runtime profile (JSON)")
@diagnostics_option
def command(
    policy_file: str | None,
    policy_path: str | None,
    backends: tuple[str, ...],
    folder: str,
    require: str | None,
    form: str,
    style: str,
    **rest: Any,
) -> None:
    """Lower a policy to the artifacts of every target (or those named by -b) and say what each will really do.

    Exit status 1 when the policy is wrong, or when a rule is not enforced as --require (or its own `require:`) asks;
    then nothing is written.
    """
    from avakill.coverage import coverage, coverage_text
    from avakill.ir.policy import Requirement
    from avakill.pipeline import build
    from avakill.sink import Unwritable, source_map, write_all

    settings = read_settings(rest.pop("namespace"), rest.pop("pod_labels"), rest.pop("binaries"), rest.pop("base"), style)
    lowered = Lowered(**rest)
    loaded = load_policy(policy_file or policy_path, style)
    reporter = Reporter(style, (loaded.source,))
    chosen = find_backends(split_names(backends), reporter)
    target = target_for(loaded, lowered)
    made = build(loaded.policy, target, chosen, lowered.options(), settings, Requirement(require) if require else None)
    said = (*made.diagnostics, *every_process(made, settings))
    if said:
        reporter.show(said)
    if any(d.severity == "error" for d in made.diagnostics):
        sys.exit(1)
    report = coverage(made, {"require": require})
    files = {"coverage.json": coverage_text(report) + "\n"}
    for emission in made.emissions:
        for artifact in emission.artifacts:
            files[artifact.name] = artifact.text
            files[f"{artifact.name}.map.json"] = source_map(artifact, loaded.policy.path)
    try:
        write_all(Path(folder), files)
    except Unwritable as fault:
        reporter.fail(error(codes.UNWRITABLE, str(fault), "nothing was written; choose another folder with -o"))
    if form == "json":
        click.echo(coverage_text(report))
        return
    show(made, Path(folder))


def show(made: Any, folder: Path) -> None:
    """The matrix, the reasons, and how to apply each artifact."""
    from avakill.cli.matrix import explanations, matrix
    from avakill.pipeline import stacks

    colour = colours(sys.stdout)
    echo(matrix(made, colour))
    reasons = explanations(made, colour)
    if reasons:
        echo("\n" + reasons)
    for system, (names, rows) in stacks(made).items():
        worst: dict[str, int] = {}
        for row in rows:
            worst[row.verdict] = worst.get(row.verdict, 0) + 1
        counts = ", ".join(f"{count} {verdict}" for verdict, count in worst.items())
        echo(f"\nstacked on {system} ({' + '.join(names)}): {counts}")
    echo("\nwritten and how to apply:")
    for emission in made.emissions:
        for artifact in emission.artifacts:
            echo(f"  {folder / artifact.name}")
        for line in emission.backend.usage:
            echo(f"      {line}")
    echo(f"  {folder / 'coverage.json'}")


def every_process(made: Any, settings: Any) -> Iterator[Diagnostic]:
    """A Tetragon policy without a selector holds for every process of every node (semantics §2)."""
    chosen = settings.namespace or settings.pod_labels or settings.binaries
    if not chosen and any(e.backend.name == "tetragon" for e in made.emissions) and made.plan.has_denies:
        yield Diagnostic(
            codes.EVERY_PROCESS,
            Severity.WARNING,
            "the Tetragon policy holds for every process of every node",
            help="choose whom it holds for with --pod-selector, --namespace or --binary",
        )


def read_settings(namespace: str | None, pod_labels: tuple[str, ...], binaries: tuple[str, ...], base: str | None, style: str) -> Any:
    """The backends' own options, checked; what is wrong ends with status 1."""
    from avakill.backends.contract import Settings
    from avakill.cli.common import Refused, read_bytes

    labels = []
    for label in pod_labels:
        key, equals, value = label.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"`{label}` is not KEY=VALUE", param_hint="--pod-selector")
        labels.append((key, value))
    document = None
    if base is not None:
        try:
            document = json.loads(read_bytes(Path(base)))
        except Refused as refused:
            Reporter(style).fail(refused.diagnostic)
        except ValueError as fault:
            Reporter(style).fail(error(codes.UNREADABLE, f"`{base}` is not JSON: {fault}"))
        from avakill.backends.seccomp import base_complaint

        complaint = base_complaint(document)
        if complaint is not None:
            Reporter(style).fail(error(codes.UNREADABLE, f"`{base}` is no seccomp profile to merge into: {complaint}"))
    return Settings(namespace, tuple(labels), binaries, document, base or "")
