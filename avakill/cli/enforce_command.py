"""`avakill enforce`: run a command confined, or write one target's artifact."""
from __future__ import annotations

from typing import Any

import click

from avakill.cli.common import (
    Lowered,
    diagnostics_option,
    lowering_options,
    policy_option,
)

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
