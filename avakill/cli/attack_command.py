"""`avakill attack`: try the policy's edges inside the sandbox that this machine would put on, and leave nothing behind."""

from __future__ import annotations

import json
import os
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
    split_names,
    target_for,
)
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.lab.attack import Asked, Attacked

DEFAULT_LIMIT = 1000
LAYERS = ("landlock", "seccomp")
STARTED = "avakill.started"


class WithCommand(click.Command):
    """What stands after `--` is a command to start, never a policy."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[STARTED] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.command("attack", cls=WithCommand)
@click.argument("policy_file", required=False, type=click.Path(), metavar="[POLICY]")
@policy_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="which trials are drawn")
@click.option("--limit", type=click.IntRange(0), default=DEFAULT_LIMIT, show_default=True, help="how many trials; 0: all")
@click.option("--layers", multiple=True, metavar="NAMES", help="landlock, seccomp or both  [default: as `enforce auto`]")
@lowering_options
@diagnostics_option
@click.pass_context
def command(
    context: click.Context,
    /,
    policy_file: str | None,
    policy_path: str | None,
    form: str,
    seed: int,
    limit: int,
    layers: tuple[str, ...],
    style: str,
    **rest: Any,
) -> None:
    """Attack your own sandbox: every door, at your policy's edges, under the layers of `enforce auto`, over your own files.

    Nothing of yours is changed, run or read out: it happens in namespaces, over overlays that vanish with them, and each file
    that a trial is about is replaced there by a program that does nothing. COMMAND is what you would start (default: your shell).

    Exit status 1 on any contradiction: leaked, over-denied or silently lost, and no verdict had said so.
    """
    if policy_file and policy_path:
        raise click.UsageError("give the policy once: as POLICY or by --policy")
    lowered = Lowered(**rest)
    loaded = load_policy(policy_file or policy_path, style)
    reporter = Reporter(style, (loaded.source,))
    words: tuple[str, ...] = context.meta[STARTED] or (_shell(),)
    attacked = _attack(_asked(loaded, lowered, words, _layers(layers, reporter), reporter), seed, limit, reporter)
    _show(attacked, form)
    sys.exit(1 if attacked.contradictions else 0)


def _shell() -> str:
    import pwd

    try:
        return os.environ.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    except KeyError:
        return "/bin/sh"


def _layers(given: tuple[str, ...], reporter: Reporter) -> tuple[str, ...]:
    """As `enforce auto` takes them: seccomp where its library is."""
    from avakill.enforce import seccomp

    names = split_names(given)
    wrong = next((name for name in names if name not in LAYERS), None)
    if wrong is not None:
        reporter.fail(error(codes.UNKNOWN_BACKEND, f"`{wrong}` cannot be attacked here", f"layers are {', '.join(LAYERS)}"))
    without = seccomp.missing()
    if without is not None and "seccomp" in names:
        reporter.fail(error(codes.NOT_AVAILABLE, without))
    return tuple(name for name in LAYERS if name in names or (not names and (name != "seccomp" or without is None)))


def _asked(loaded: Loaded, lowered: Lowered, words: tuple[str, ...], layers: tuple[str, ...], reporter: Reporter) -> Asked:
    """What `enforce` would put on for the same words; a rule's own `require:` that is not met ends with status 1."""
    from avakill.lab.attack import Asked
    from avakill.pipeline import build

    target, backends = target_for(loaded, lowered, words), find_backends(layers, reporter)
    made = build(loaded.policy, target, backends, lowered.options())
    errors = [found for found in made.diagnostics if found.severity == "error"]
    if errors:
        reporter.fail(*errors)
    return Asked(loaded.policy, target, backends, lowered.options())


def _attack(asked: Asked, seed: int, limit: int, reporter: Reporter) -> Attacked:
    from dataclasses import replace

    from avakill.lab.attack import attack
    from avakill.lab.words import LabFault

    try:
        return attack(replace(asked, seed=seed, limit=limit or None))
    except LabFault as fault:
        reporter.fail(error(codes.NOT_AVAILABLE, f"no attack was made: {fault.reason}", fault.help))


def _show(attacked: Attacked, form: str) -> None:
    if form == "json":
        from avakill.lab.attack_report import to_json

        click.echo(json.dumps(to_json(attacked), indent=2, ensure_ascii=True))
        return
    from avakill.cli.attack_text import attack_text

    echo(attack_text(attacked, colours(sys.stdout)))
