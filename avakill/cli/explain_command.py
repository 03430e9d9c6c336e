"""`avakill explain AVK1002`: more of a diagnostic code."""

from __future__ import annotations

import sys

import click


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """Tell what a diagnostic code means, with a wrong and a right example."""
    from difflib import get_close_matches

    from avakill.source.codes import REGISTRY
    from avakill.source.explain import explanation

    text = explanation(code.upper())
    if text is None:
        near = get_close_matches(code.upper(), list(REGISTRY), 1)
        click.echo(f"there is no code `{code}`" + (f"; did you mean `{near[0]}`?" if near else ""), err=True)
        sys.exit(1)
    click.echo(text.rstrip())
