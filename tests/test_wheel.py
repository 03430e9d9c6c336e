"""Wheels with and without a compiler, built without network and imported from where they were installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import need

ROOT = Path(__file__).parents[1]

TELL = """
import sys
import avakill
from avakill import hardening
from avakill.hardening import native
if hardening.hardened_available():
    native.harden([sys.argv[1]])
else:
    hardening.protect_files([sys.argv[1]])
try: open(sys.argv[1], 'w')
except PermissionError: print(avakill.__file__, hardening.hardened_available(), hardening.is_hardened())
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a checkout holds, apart from the working tree, in which others build too."""
    need(importlib.util.find_spec("hatchling") is not None, "hatchling is missing: it builds the wheel")
    where = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "avakill", where / "avakill", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, where / name)
    return where


def built(source: Path, into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("CC", "AVAKILL_HARDENED")}
    words = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(into), str(source))
    return subprocess.run(words, env={**kept, **environment}, capture_output=True, text=True, timeout=300, check=False)


def wheel_of(source: Path, into: Path, **environment: str) -> Path:
    run = built(source, into, **environment)
    assert run.returncode == 0, run.stderr
    [wheel] = into.iterdir()
    return wheel


def told_by(wheel: Path, where: Path) -> tuple[str, ...]:
    """What the installed package says of itself, having been put to a protected file."""
    place, safe = where / "site", where / "safe.yaml"
    safe.write_text("policy")
    install = (sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(place), str(wheel))
    subprocess.run(install, capture_output=True, check=True, timeout=300)
    words = (sys.executable, "-c", TELL, str(safe))
    run = subprocess.run(words, env={**os.environ, "PYTHONPATH": str(place)}, cwd=where, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert safe.read_text() == "policy"
    file, *claims = run.stdout.split()
    assert Path(file).is_relative_to(place)
    return tuple(claims)


def members(wheel: Path) -> tuple[str, ...]:
    return tuple(name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("avakill/hardening/_hooks"))


def test_with_a_compiler_the_wheel_has_the_hooks_and_is_for_this_platform(source: Path, tmp_path: Path) -> None:
    need(shutil.which("cc") is not None, "a C compiler is missing")
    wheel = wheel_of(source, tmp_path / "wheel", AVAKILL_HARDENED="1")
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert wheel.name.split("-")[2] == version
    assert "any" not in wheel.name
    assert members(wheel) == ("avakill/hardening/_hooks.pyi", f"avakill/hardening/_hooks{sysconfig.get_config_var('EXT_SUFFIX')}")
    assert told_by(wheel, tmp_path) == ("True", "True")


@pytest.mark.parametrize("environment", [{"CC": "/no/such/compiler"}, {"CC": "false"}, {"AVAKILL_HARDENED": "0"}])
def test_without_one_the_wheel_is_pure(environment: dict[str, str], source: Path, tmp_path: Path) -> None:
    wheel = wheel_of(source, tmp_path / "wheel", **environment)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert members(wheel) == ("avakill/hardening/_hooks.pyi",)
    assert told_by(wheel, tmp_path) == ("False", "False")


@pytest.mark.parametrize("compiler", ["/no/such/compiler", "false"])
def test_who_asks_for_the_hooks_is_told_where_they_cannot_be_built(compiler: str, source: Path, tmp_path: Path) -> None:
    run = built(source, tmp_path, AVAKILL_HARDENED="1", CC=compiler)
    assert run.returncode != 0
    assert "the hooks of C cannot be built" in run.stdout + run.stderr
