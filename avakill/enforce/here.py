"""Where we are: the workspace around the working directory, and what self-protection guards on this machine."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import avakill

WORKSPACE = "AVAKILL_WORKSPACE"


def find_workspace(cwd: str, environ: Mapping[str, str]) -> str:
    """AVAKILL_WORKSPACE, else the nearest directory upwards with a `.git`, else the working directory."""
    named = environ.get(WORKSPACE)
    if named:
        return os.path.abspath(named)
    here = Path(cwd).absolute()
    return str(next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here))


def protected_paths(policy_path: str | None) -> tuple[str, ...]:
    """Self-protection's objects: the policy, its signature, the installed package."""
    package = os.path.dirname(os.path.abspath(avakill.__file__)) + "/"
    if policy_path is None:
        return (package,)
    policy = os.path.abspath(policy_path)
    return (policy, f"{policy}.sig", package)


# -- what the guard keeps agents from changing --

POLICIES = ("avakill.yaml", "avakill.yml")
"""A project's policy, beside its `.avakill/` directory."""

HOOKS = (
    ".claude/settings.json", ".claude/settings.local.json", ".gemini/settings.json", ".cursor/hooks.json",
    ".codeium/windsurf/hooks.json", ".windsurf/hooks.json", ".codex/rules/avakill.rules", ".codex/config.toml",
    ".kiro/agents/avakill.json", ".config/amp/settings.json", ".openclaw/mcp.json",
    ".cursor/mcp.json", ".windsurf/mcp.json", ".codeium/windsurf/mcp.json", ".vscode/cline_mcp_settings.json",
    ".continue/config.json", ".config/claude/claude_desktop_config.json",
    "Library/Application Support/Claude/claude_desktop_config.json", "AppData/Roaming/Claude/claude_desktop_config.json",
)
"""Where agents are told to ask us: files below the home, and some below a project."""

MAX_UP = 50


def guarded_paths(
    policy_paths: Iterable[str], home: str, cwd: str, environ: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, ...]:
    """Self-protection's objects for a guard: policies of every level, stores, hook configurations, the package.

    A path that ends in `/` is a directory with all below it; a last name that begins with `*` is any name with that end. Files
    that do not exist yet are there too, because making one changes what is enforced.
    """
    found: dict[str, None] = {}
    for path in policy_paths:
        found |= dict.fromkeys(_with_sidecars(os.path.abspath(path)))
    found |= dict.fromkeys(("/etc/avakill/", f"{home}/.config/avakill/", f"{home}/.avakill/"))
    for folder in dict.fromkeys((cwd, find_workspace(cwd, environ))):
        found |= dict.fromkeys(_of_project(folder))
    for folder in [str(parent) for parent in Path(cwd).absolute().parents][:MAX_UP]:
        found |= dict.fromkeys(path for path in _of_project(folder) if os.path.lexists(path))
    found |= dict.fromkeys(f"{home}/{name}" for name in HOOKS)
    for name in ("AVAKILL_POLICY", "AVAKILL_SOCKET"):
        given = environ.get(name, "")
        if "/" in given:
            found |= dict.fromkeys(_with_sidecars(os.path.abspath(given)))
    found |= dict.fromkeys(_installed())
    return tuple(found)


def _with_sidecars(policy: str) -> tuple[str, ...]:
    return (policy, f"{policy}.sig", f"{policy}.bak")


def _of_project(folder: str) -> Iterator[str]:
    for name in POLICIES:
        yield from _with_sidecars(os.path.join(folder, name))
    yield os.path.join(folder, ".avakill") + "/"
    for name in HOOKS:
        if not name.startswith((".config/", "Library/", "AppData/")):
            yield os.path.join(folder, name)


def _installed() -> Iterator[str]:
    """The package, what Python runs before it, its metadata, and its commands."""
    package = os.path.dirname(os.path.abspath(avakill.__file__))
    yield package + "/"
    for place in dict.fromkeys((sysconfig.get_path("purelib"), os.path.dirname(package))):
        if os.path.basename(place) in ("site-packages", "dist-packages"):
            yield from (f"{place}/sitecustomize.py", f"{place}/usercustomize.py", f"{place}/*.pth")
            yield from (f"{path}/" for path in sorted(map(str, Path(place).glob("avakill-*.dist-info"))))
    yield from sorted(map(str, Path(sys.executable).parent.glob("avakill*")))
