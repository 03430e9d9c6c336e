"""What tests ask of the machine: a missing validator is a skip on a workbench and a failure where CI is set."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from ctypes import CDLL
from pathlib import Path

import pytest
from hypothesis import settings

SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where validators live that an ordinary user's PATH leaves out."""

# What lands is judged by the same examples every time; `make soak`, or a seed of one's own, draws new ones.
FRESH = bool(os.environ.get("AVAKILL_FRESH")) or any(word.startswith("--hypothesis-seed") for word in sys.argv)
settings.register_profile("avakill", derandomize=not FRESH, deadline=None)
settings.load_profile("avakill")

Validator = Callable[[str], str]


def find_validator(name: str) -> str | None:
    """The absolute path of a program, the name of a shared library (`lib….so.N`), or a path that exists."""
    if name.startswith("/"):
        return name if Path(name).exists() else None
    if ".so" in name:
        try:
            CDLL(name)
        except OSError:
            return None
        return name
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *SBIN)))


def need_validator(name: str) -> str:
    """The tool; without it the test is skipped, or fails where CI is set."""
    found = find_validator(name)
    if found is None:
        need(False, f"the validator `{name}` is missing: run scripts/setup-validators.sh as root")
    assert found is not None
    return found


def need(holds: bool, reason: str) -> None:
    """Skip where the machine cannot run the test, or fail where CI is set."""
    if not holds:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def validator() -> Validator:
    return need_validator
