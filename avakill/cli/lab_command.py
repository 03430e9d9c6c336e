"""`avakill lab POLICY`: put every verdict to a real kernel."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avakill.cli.common import (
    Reporter,
    colours,
    diagnostics_option,
    echo,
    error,
    find_backends,
    load_policy,
    policy_option,
    split_names,
)
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.cli.common import Loaded
    from avakill.lab.campaign import Asked
    from avakill.lab.report import Report

KERNELS = ("host", "6.12", "6.1", "all")
LAYERS = ("landlock", "seccomp", "apparmor", "selinux", "tetragon")
DEFAULT_LIMIT = 1000


@click.command("lab")
@click.argument("policy_file", required=False, type=click.Path())
@policy_option
@click.option("--kernel", type=click.Choice(KERNELS), default="host", show_default=True, help="this machine's kernel, or a guest's")
@click.option("--lsm", "layers", multiple=True, metavar="NAME", help=f"only these layers: {', '.join(LAYERS)}")
@click.option("--tetragon", type=click.Path(exists=True, file_okay=False), help="a folder with Tetragon's binaries and BPF objects")
@click.option("-o", "--output", "folder", type=click.Path(), help="write the report and the artifacts into this folder")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="which trials are drawn")
@click.option(
    "--limit", type=click.IntRange(0), default=DEFAULT_LIMIT, show_default=True, help="trials for each layer and kernel; 0: all"
)
@click.option("--scope", type=click.Choice(["deny-rules", "closed"]), default="deny-rules", show_default=True)
@click.option("--strict", is_flag=True, help="drop conditions that no kernel sees instead of leaving regions open")
@diagnostics_option
def command(
    policy_file: str | None,
    policy_path: str | None,
    kernel: str,
    layers: tuple[str, ...],
    tetragon: str | None,
    folder: str | None,
    form: str,
    style: str,
    **rest: Any,
) -> None:
    """Compile a policy for a scratch root, try its edges by every door under each layer, and say where a verdict was wrong.

    The scratch root has the home /home/agent and the workspace /home/agent/project; nothing outside of it is written.
    Exit status 1 on any contradiction: done although denied, or refused although allowed, and no verdict had said so.
    """
    from avakill.lab.campaign import HOST, KERNELS, Asked
    from avakill.lab.cases import HOME, WORKSPACE

    names = _layers(layers, style)
    with _environment(HOME=HOME, AVAKILL_WORKSPACE=WORKSPACE):
        loaded = load_policy(policy_file or policy_path, style)
    kernels = (HOST, *KERNELS) if kernel == "all" else (kernel,)
    asked = Asked(kernels, names, _choice(**rest), None if tetragon is None else Path(tetragon))
    report = run(loaded, asked, Reporter(style))
    if folder is not None:
        _write(report, Path(folder), Reporter(style))
    _show(report, form)
    sys.exit(1 if report.contradictions else 0)


def _layers(given: tuple[str, ...], style: str) -> tuple[str, ...]:
    names = split_names(given) or LAYERS
    wrong = next((name for name in names if name not in LAYERS), None)
    if wrong is not None:
        Reporter(style).fail(error(codes.UNKNOWN_BACKEND, f"the lab knows no layer `{wrong}`", f"it knows {', '.join(LAYERS)}"))
    return tuple(dict.fromkeys(names))


class _environment:
    """Variables of the scratch root while the policy is read: `${HOME}` is the agent's."""

    def __init__(self, **told: str) -> None:
        self._told = told
        self._before = {name: os.environ.get(name) for name in told}

    def __enter__(self) -> None:
        os.environ.update(self._told)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _choice(seed: int, limit: int, scope: str, strict: bool) -> Any:
    from avakill.backends.plan import Options, Scope
    from avakill.lab.cases import Choice

    return Choice(Options(Scope(scope), strict), seed, limit or None)


def run(loaded: Loaded, asked: Asked, reporter: Reporter) -> Report:
    """Every layer on every kernel; what could not be had is in the report."""
    from avakill.lab.campaign import campaign
    from avakill.lab.report import Column, NotRun, Report

    columns: list[Column] = []
    missing: list[NotRun] = []
    progress, clear = _progress()
    try:
        for found in campaign(loaded.policy, find_backends(asked.layers, reporter), asked, progress):
            if isinstance(found, Column):
                columns.append(found)
            else:
                missing.append(found)
    finally:
        clear()
    chosen = asked.choice
    told: dict[str, str | int | bool | None] = {"scope": str(chosen.options.scope), "strict": chosen.options.strict}
    told |= {"seed": chosen.seed, "limit": chosen.limit}
    return Report(loaded.policy.path, loaded.policy.sha256, tuple(columns), tuple(missing), told)


def _progress() -> tuple[Callable[[str, int, int], None], Callable[[], None]]:
    """One line on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return (lambda *_: None), (lambda: None)

    def show(stage: str, done: int, of: int) -> None:
        click.echo(f"\r\x1b[K{stage}: {done} of {of} cases", err=True, nl=False)

    return show, lambda: click.echo("\r\x1b[K", err=True, nl=False)


def _show(report: Report, form: str) -> None:
    match form:
        case "json":
            click.echo(_json(report))
        case "html":
            from avakill.lab.page import page

            click.echo(page(report))
        case _:
            from avakill.cli.lab_text import lab_text

            echo(lab_text(report, colours(sys.stdout)))


def _json(report: Report) -> str:
    from avakill.lab.report import to_json

    return json.dumps(to_json(report), indent=2, ensure_ascii=True)


def _write(report: Report, folder: Path, reporter: Reporter) -> None:
    """The report in each form, and the artifacts as they were applied: all of them or none."""
    from avakill.cli.lab_text import lab_text
    from avakill.lab.page import page
    from avakill.sink import Unwritable, write_all

    files = {"lab.json": _json(report) + "\n", "lab.html": page(report) + "\n", "lab.txt": lab_text(report, False) + "\n"}
    for column in report.columns:
        for name, content in column.artifacts:
            files[f"{column.kernel}-{name}"] = content.decode("utf-8", "surrogateescape")
    try:
        write_all(folder, files)
    except Unwritable as fault:
        reporter.fail(error(codes.UNWRITABLE, str(fault), "nothing was written; choose another folder with -o"))
