"""`avakill harden`: the immutable flag on a policy, or one hardening artifact of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from avakill.cli.common import (
    Lowered,
    Reporter,
    diagnostics_option,
    echo,
    error,
    find_backends,
    find_policy,
    load_policy,
    lowering_options,
    target_for,
)
from avakill.source import codes

LAYERS = ("selinux", "apparmor", "seccomp")


@click.command("harden")
@click.argument("policy_file", required=False, type=click.Path())
@click.option("--policy", "policy_path", type=click.Path(), help="the policy file, as the argument")
@click.option("--selinux", "layer", flag_value="selinux", help="write the SELinux module (.te, and .fc beside it)")
@click.option("--apparmor", "layer", flag_value="apparmor", help="write the AppArmor profile")
@click.option("--seccomp", "layer", flag_value="seccomp", help="write the seccomp profile (OCI JSON)")
@click.option("--chattr", "flag", flag_value="chattr", help="set Linux's immutable flag (the default on Linux)")
@click.option("--schg", "flag", flag_value="schg", help="set the system immutable flag of macOS and BSD")
@click.option("--undo", is_flag=True, help="clear the immutable flag again")
@click.option("-o", "--output", type=click.Path(), help="where to write the artifact")
@click.option("--base", type=click.Path(), help="seccomp: merge into this runtime profile (JSON)")
@lowering_options
@diagnostics_option
def command(
    policy_file: str | None,
    policy_path: str | None,
    layer: str | None,
    flag: str | None,
    undo: bool,
    output: str | None,
    base: str | None,
    style: str,
    **rest: Any,
) -> None:
    """Make a policy file immutable, or with --selinux, --apparmor or --seccomp write that artifact of it."""
    if layer is None:
        _set_flag(policy_file or policy_path, flag, undo, style)
        return
    if output is None:
        raise click.UsageError(f"--{layer} needs --output FILE")
    write_layer(layer, policy_file or policy_path, output, base, style, Lowered(**rest))


def _set_flag(path: str | None, flag: str | None, undo: bool, style: str) -> None:
    from avakill.cli.common import Refused
    from avakill.enforce.immutable import set_immutable

    reporter = Reporter(style)
    here = "chattr" if sys.platform.startswith("linux") else "schg"
    if flag is not None and flag != here:
        reporter.fail(error(codes.NOT_AVAILABLE, f"--{flag} is not of this system", f"use --{here}"))
    try:
        place = find_policy(path)
        set_immutable(place, not undo)
    except Refused as refused:
        reporter.fail(refused.diagnostic)
    except OSError as fault:
        help = "run it as root" if fault.errno == 1 else "the file system may have no immutable flag (tmpfs, overlay, network)"
        reporter.fail(error(codes.NOT_APPLIED, f"cannot set the immutable flag of `{path}`: {fault.strerror}", help))
    echo(f"{place} is {'writable again' if undo else 'immutable now; `--undo` clears the flag'}.")


def write_layer(
    layer: str, policy_path: str | None, output: str, base: str | None, style: str, lowered: Lowered, **settings: Any
) -> None:
    """Compile one backend and write its artifact to `output`, further ones beside it; print its column of the matrix."""
    from avakill.cli.compile_command import every_process, read_settings
    from avakill.cli.matrix import explanations, matrix
    from avakill.pipeline import build
    from avakill.sink import Unwritable, write_all

    loaded = load_policy(policy_path, style)
    reporter = Reporter(style, (loaded.source,))
    chosen = find_backends((layer,), reporter)
    told = read_settings(settings.get("namespace"), settings.get("pod_labels", ()), settings.get("binaries", ()), base, style)
    made = build(loaded.policy, target_for(loaded, lowered), chosen, lowered.options(), told)
    said = (*made.diagnostics, *every_process(made, told))
    if said:
        reporter.show(said)
    if not made.emissions or any(d.severity == "error" for d in made.diagnostics):
        sys.exit(1)
    place = Path(output)
    emission = made.emissions[0]
    files = {}
    for index, artifact in enumerate(emission.artifacts):
        name = place.name if index == 0 else place.stem + Path(artifact.name).suffix
        files[name] = artifact.text
    try:
        write_all(place.parent, files)
    except Unwritable as fault:
        reporter.fail(error(codes.UNWRITABLE, str(fault)))
    echo(matrix(made, False))
    reasons = explanations(made, False)
    if reasons:
        echo("\n" + reasons)
    echo("\nwritten and how to apply:")
    for name in files:
        echo(f"  {place.parent / name}")
    for line in emission.backend.usage:
        echo(f"      {line}")
