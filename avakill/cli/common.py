"""What several commands share: finding and reading the policy, the target, printing what is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from avakill.source import codes
from avakill.source.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from avakill.backends.plan import Options
    from avakill.ir.policy import Policy
    from avakill.ir.target import Target
    from avakill.source.file import SourceFile

F = TypeVar("F", bound=Callable[..., Any])
MAX_READ = 64 * 1024 * 1024


# -- options that mean the same everywhere --


def policy_option(function: F) -> F:
    return click.option(
        "--policy",
        "policy_path",
        type=click.Path(),
        help="the policy file  [default: ./avakill.yaml, ./avakill.yml, ~/.config/avakill/avakill.yaml]",
    )(function)


def diagnostics_option(function: F) -> F:
    return click.option(
        "--diagnostics",
        "style",
        type=click.Choice(["text", "short", "json", "sarif", "github"]),
        default="text",
        show_default=True,
        help="how to print what is wrong",
    )(function)


def lowering_options(function: F) -> F:
    """`--scope`, `--strict`, `--no-floor`, `--home`, `--workspace`."""
    for option in reversed(
        (
            click.option(
                "--scope",
                type=click.Choice(["deny-rules", "closed"]),
                default="deny-rules",
                show_default=True,
                help="lower what deny rules say, or the default action too",
            ),
            click.option("--strict", is_flag=True, help="drop conditions that no kernel sees instead of leaving regions open"),
            click.option("--no-floor", "no_floor", is_flag=True, help="without the runtime floor that lets a process start"),
            click.option("--home", type=click.Path(), help="the home directory that `~` means  [default: yours]"),
            click.option("--workspace", type=click.Path(), help="the root of relative patterns  [default: the project around .]"),
        )
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Lowered:
    """The options of `lowering_options` as given."""

    scope: str
    strict: bool
    no_floor: bool
    home: str | None
    workspace: str | None

    def options(self) -> Options:
        from avakill.backends.plan import Options, Scope

        return Options(Scope(self.scope), self.strict, not self.no_floor)


# -- printing and ending --


@dataclass(frozen=True, slots=True)
class Reporter:
    """Prints diagnostics in one style, with the sources they point into."""

    style: str = "text"
    sources: tuple[SourceFile, ...] = ()

    def show(self, found: Iterable[Diagnostic]) -> None:
        """Print to standard error (`json`, `sarif`: one document to standard output, also when it is empty)."""
        from avakill.source import formats, render

        items = tuple(found)
        sources = {source.path: source for source in self.sources}
        match self.style:
            case "json":
                click.echo(formats.to_json(items))
            case "sarif":
                from avakill.version import __version__

                click.echo(formats.to_sarif(items, __version__))
            case "github":
                echo(formats.to_github(items))
            case "short":
                echo(render.short(items), err=True)
            case _:
                echo(render.render(items, sources, render.ANSI if colours(sys.stderr) else render.PLAIN), err=True)

    def fail(self, *found: Diagnostic) -> NoReturn:
        self.show(found)
        sys.exit(1)


def echo(text: str, err: bool = False) -> None:
    if text:
        click.echo(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").rstrip("\n"), err=err, color=True)


def colours(stream: Any) -> bool:
    """Whether to colour what goes to `stream`: a terminal, and NO_COLOR is not set (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def error(code: codes.Code, message: str, help: str = "") -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, message, help=help)


# -- the policy --


def find_policy(path: str | None) -> Path:
    """The policy file: as given, or the first of the default places. Raises NotFound."""
    if path is not None:
        return Path(path)
    places = (Path("avakill.yaml"), Path("avakill.yml"), Path("~/.config/avakill/avakill.yaml").expanduser())
    for place in places:
        if place.is_file():
            return place
    raise Refused(
        error(codes.NO_POLICY, "no policy file was found", f"looked for {', '.join(map(str, places))}; `avakill init` writes one")
    )


class Refused(Exception):
    """A command cannot go on; `diagnostic` says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy with its source and the warnings it gave."""

    policy: Policy
    source: SourceFile
    warnings: tuple[Diagnostic, ...]
    path: Path


def read_bytes(path: Path) -> bytes:
    """Raises Refused when the file cannot be read whole."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_READ)
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        raise Refused(error(codes.UNREADABLE, f"cannot read `{path}`: {reason}")) from None


def load_policy(path: str | None, style: str = "text", show_warnings: bool = True) -> Loaded:
    """Read and compile the policy, or print what is wrong and end with status 1."""
    from avakill.compiler.compile import compile_policy, read_source

    reporter = Reporter(style)
    try:
        place = find_policy(path)
        source = read_source(read_bytes(place), str(place))
    except Refused as refused:
        reporter.fail(refused.diagnostic)
    if isinstance(source, Diagnostic):
        reporter.fail(source)
    compiled = compile_policy(source, os.environ)
    reporter = Reporter(style, (source,))
    if compiled.policy is None:
        reporter.fail(*compiled.diagnostics)
    if show_warnings and compiled.diagnostics:
        reporter.show(compiled.diagnostics)
    return Loaded(compiled.policy, source, compiled.diagnostics, place)


def target_for(loaded: Loaded, lowered: Lowered, command: tuple[str, ...] = ()) -> Target:
    """The facts of this machine, with the user's own words for home and workspace."""
    from avakill.enforce.probe import probe_target

    return probe_target(loaded.policy, str(loaded.path), command, environment(lowered.home, lowered.workspace))


def environment(home: str | None, workspace: str | None) -> dict[str, str]:
    """The environment with the user's own words for home and workspace."""
    told = {"HOME": home, "AVAKILL_WORKSPACE": workspace}
    return {**os.environ, **{name: os.path.abspath(value) for name, value in told.items() if value}}


def find_backends(names: tuple[str, ...], reporter: Reporter) -> tuple[Any, ...]:
    """The backends asked for; a wrong name ends with status 1, a broken plug-in that nobody named is a warning."""
    from avakill.backends.registry import find

    found = find(names)
    if found.diagnostics and names:
        reporter.fail(*found.diagnostics)
    reporter.show(replace(d, severity=Severity.WARNING) for d in found.diagnostics) if found.diagnostics else None
    return found.backends


def split_names(given: Iterable[str]) -> tuple[str, ...]:
    """`-b landlock,apparmor -b sbpl` to three names."""
    return tuple(name.strip() for part in given for name in part.split(",") if name.strip())
