"""Where we are: the workspace around the working directory, and what self-protection guards on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

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
