"""The group of all commands, each imported when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

COMMANDS = {
    "validate": "check a policy file and show its rules",
    "evaluate": "judge one tool call read from standard input",
    "compile": "lower a policy to kernel artifacts, with a verdict for each rule",
    "check": "what the policy says of one object, and what each target would do",
    "enforce": "run a command confined, or write one target's artifact",
    "harden": "make a policy file immutable, or write a hardening profile",
    "check-hardening": "how well a policy file is protected on this machine",
    "keygen": "make keys for signing policies",
    "sign": "put a signature beside a policy",
    "verify": "check a policy's signature",
    "review": "what a proposed policy says, and what it would change",
    "approve": "put a proposed policy in place of the active one",
    "lab": "put every verdict to a real kernel",
    "attack": "attack your own sandbox on this machine, over your own files",
    "schema": "the policy format as JSON Schema or as a prompt",
    "init": "write a starter policy",
    "backends": "the targets that are installed",
    "approvals": "decide on calls that wait for a person",
    "logs": "what the guard decided, and whether the record is whole",
    "metrics": "serve the audit trail's counts to Prometheus",
    "explain": "what a diagnostic code means",
}
"""Each command with the line that `--help` shows; its module is `avakill.cli.NAME`, `-` written `_`."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = import_module(f"avakill.cli.{name.replace('-', '_')}_command").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise click.UsageError(f"No such command `{args[0]}`.{hint}", ctx)
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from avakill.version import __version__

        click.echo(f"avakill, version {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="show the version")
@click.pass_context
def group(ctx: click.Context) -> None:
    """One YAML policy for AI agents; kernel artifacts with one honest verdict for each rule.

    Start with `avakill init`, then `avakill compile -o out` and `avakill enforce landlock -- COMMAND`.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line; Ctrl-C ends with status 130, a closed pipe quietly."""
    try:
        group(prog_name="avakill")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
