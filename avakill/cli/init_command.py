"""`avakill init`: a starter policy that fits the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from avakill.cli.common import Reporter, diagnostics_option, echo, error
from avakill.source import codes

TEMPLATES = {
    "coding-agent": "free in the project, away from keys, `.env` files and the system",
    "default": "denies what it does not know; reads and everyday commands are open",
    "strict": "nothing changes without a person",
    "permissive": "allows what it does not know; only catastrophes are denied",
    "hooks": "for the hooks of coding agents",
    "data-pipeline": "reads a warehouse, never destroys it",
    "research-agent": "nothing but what is named",
}
FRAMEWORKS = ("openai", "anthropic", "langchain", "langgraph", "llama-index", "crewai", "autogen", "mcp")
AGENTS = {".claude": "claude-code", ".cursor": "cursor", ".gemini": "gemini-cli", ".windsurf": "windsurf", ".codex": "openai-codex"}
DEPENDENCY_FILES = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "package.json")
MAX_READ = 1 << 20


@click.command("init")
@click.option("--template", type=click.Choice(list(TEMPLATES)), help="the starter  [default: by what the project uses]")
@click.option("--output", type=click.Path(), help="where to write  [default: ~/.config/avakill/avakill.yaml]")
@click.option("--scan/--no-scan", default=True, show_default=True, help="look at the project to choose the starter")
@click.option("--list", "listed", is_flag=True, help="list the starters")
@diagnostics_option
def command(template: str | None, output: str | None, scan: bool, listed: bool, style: str) -> None:
    """Write a starter policy. An existing file is never overwritten.

    It goes outside of the project by default: a policy inside the workspace makes Landlock split the workspace.
    """
    from importlib.resources import files

    from avakill.cli.text import table
    from avakill.sink import Unwritable, write_one

    if listed:
        echo(table(("starter", "what it does"), list(TEMPLATES.items())))
        return
    reporter = Reporter(style)
    found = tuple(detect(Path.cwd())) if scan else ()
    chosen = template or choose(found)
    place = Path(output) if output else Path("~/.config/avakill/avakill.yaml").expanduser()
    if place.exists() or place.is_symlink():
        reporter.fail(error(codes.UNWRITABLE, f"`{place}` exists and is left as it is", "choose another place with --output"))
    text = files("avakill.templates").joinpath(f"policies/{chosen}.yaml").read_text("utf-8")
    try:
        write_one(place, text)
    except Unwritable as fault:
        reporter.fail(error(codes.UNWRITABLE, str(fault)))
    if found:
        echo(f"found: {', '.join(found)}")
    echo(f"wrote the `{chosen}` starter to {place}")
    option = f" --policy {place}" if output and place.name not in ("avakill.yaml", "avakill.yml") else ""
    echo("next:")
    echo(f"  avakill validate{option}")
    echo(f"  avakill compile{option} -o avakill-out")
    echo(f"  avakill enforce landlock{option} -- COMMAND")


def detect(folder: Path) -> Iterator[str]:
    """The agent frameworks and coding agents that a project uses, from its dependency files and folders."""
    texts = [_read(folder / name) for name in DEPENDENCY_FILES]
    texts += [_read(path) for path in sorted(folder.glob("requirements*.txt"))]
    for framework in FRAMEWORKS:
        pattern = re.compile(rf"(?<![\w-])@?{re.escape(framework)}(?:-ai)?(?![\w])", re.IGNORECASE)
        if any(pattern.search(text) for text in texts):
            yield framework
    for name, agent in AGENTS.items():
        if (folder / name).is_dir():
            yield agent


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_READ).decode("utf-8", "replace")
    except OSError:
        return ""


def choose(found: tuple[str, ...]) -> str:
    """`default` for a program built on a framework, `coding-agent` for anything else."""
    return "default" if set(found) & set(FRAMEWORKS) and not set(found) & set(AGENTS.values()) else "coding-agent"
