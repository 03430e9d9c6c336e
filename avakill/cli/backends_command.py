"""`avakill backends`: the targets that are installed."""

from __future__ import annotations

import click

from avakill.cli.common import Reporter, echo, find_backends


@click.command("backends")
def command() -> None:
    """List the installed targets, what each writes, and how its artifact is applied."""
    from avakill.cli.text import table

    backends = find_backends((), Reporter())
    echo(table(("name", "system", "writes", "what"), [(b.name, b.system, ", ".join(b.artifacts), b.title) for b in backends]))
