"""`avakill schema`: the policy format for editors and for language models."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from avakill.source import codes


@click.command("schema")
@click.option("--format", "form", type=click.Choice(["json", "prompt"]), default="json", show_default=True)
@click.option("--compact", is_flag=True, help="JSON on one line")
@click.option("-o", "--output", type=click.Path(), help="write to this file instead of standard output")
def command(form: str, compact: bool, output: str | None) -> None:
    """Print the JSON Schema of the policy format, or a prompt that teaches it to a model."""
    from avakill.cli.common import Reporter, error
    from avakill.compiler.jsonschema import policy_schema
    from avakill.compiler.prompt import policy_prompt
    from avakill.sink import Unwritable, write_one

    if form == "json":
        text = json.dumps(policy_schema(), indent=None if compact else 2) + "\n"
    else:
        text = policy_prompt().rstrip() + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    try:
        write_one(Path(output), text)
    except Unwritable as fault:
        Reporter().fail(error(codes.UNWRITABLE, str(fault)))
