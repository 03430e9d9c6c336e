"""Write the generated parts of `docs/`: the command line's page, and each backend's verdicts of the fixtures. `make docs`."""
from __future__ import annotations

import re
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from avakill.cli.main import COMMANDS, group  # noqa: E402
from avakill.cli.matrix import cell  # noqa: E402
from tests.golden.fixtures import BACKENDS, NAMES, made  # noqa: E402

BEGIN, END = "<!-- verdicts: written by `make docs` -->", "<!-- end of verdicts -->"


def command_page() -> str:
    """docs/cli.md from the help of every command."""
    parts = [
        "# The command line",
        "Written by `make docs` from the programs' own help.",
        "Exit status: 0 done or allowed · 1 an error, said as a diagnostic · 2 not allowed, or a wrong use of the command line.",
        _help("avakill", group),
    ]
    for name in COMMANDS:
        context = click.Context(group, info_name="avakill")
        command = group.get_command(context, name)
        assert command is not None
        parts.append(_help(f"avakill {name}", command))
        if isinstance(command, click.Group):
            parts.extend(_help(f"avakill {name} {inner}", command.commands[inner]) for inner in sorted(command.commands))
    return "\n\n".join(parts) + "\n"


def _help(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    return f"## `{path}`\n\n```\n{command.get_help(context).rstrip()}\n```"


def verdict_table(backend: str) -> str:
    """A Markdown table: each rule of each hand-written fixture with this backend's verdict."""
    lines = [BEGIN, "", "| policy | rule | verdict |", "|---|---|---|"]
    for name in NAMES:
        if name.startswith("generated"):
            continue
        emission = next(e for e in made(name).emissions if e.backend.name == backend)
        for row in emission.rows:
            shown = " ".join(row.row.name.split()).replace("|", "\\|")
            lines.append(f"| {name} | {shown.replace('<', '&lt;')} | {cell(row)} |")
    return "\n".join([*lines, "", END])


def backend_page(backend: str) -> tuple[Path, str]:
    """A backend's page with its table put in, at its mark or at its end."""
    path = ROOT / "docs" / "backends" / f"{backend}.md"
    text = path.read_text() if path.exists() else f"# {backend}\n"
    table = verdict_table(backend)
    if BEGIN in text:
        return path, re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: table, text, flags=re.DOTALL)
    return path, f"{text.rstrip()}\n\n## Verdicts of the fixture policies\n\n{table}\n"


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    return {ROOT / "docs" / "cli.md": command_page(), **dict(backend_page(backend) for backend in BACKENDS)}


if __name__ == "__main__":
    for place, content in pages().items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        sys.stdout.write(f"{place.relative_to(ROOT)}\n")
