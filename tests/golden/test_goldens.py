"""Every fixture policy compiles to the artifacts and the coverage that lie beside it. `make golden` rewrites them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from avakill.coverage import coverage
from tests.golden.fixtures import NAMES, ROOT, made

REWRITE = bool(os.environ.get("AVAKILL_GOLDEN"))
LARGE = 200_000
"""Files over so many bytes are held by their digest, to keep the repository small."""


def produced(name: str) -> dict[str, bytes]:
    """The files of a fixture's `expected` folder as the compiler makes them now."""
    build = made(name)
    files = {"coverage.json": (json.dumps(coverage(build), indent=1) + "\n").encode()}
    for emission in build.emissions:
        for artifact in emission.artifacts:
            files[f"{emission.backend.name}/{artifact.name}"] = artifact.text.encode("utf-8", "surrogateescape")
    return {key: value for entry in files.items() for key, value in (_digested(*entry),)}


def _digested(name: str, data: bytes) -> tuple[str, bytes]:
    if len(data) <= LARGE:
        return name, data
    return f"{name}.sha256", f"{hashlib.sha256(data).hexdigest()}  {len(data)} bytes\n".encode()


@pytest.mark.parametrize("name", NAMES)
def test_the_artifacts_of_a_fixture_are_its_goldens(name: str) -> None:
    folder = ROOT / name / "expected"
    files = produced(name)
    if REWRITE:
        _rewrite(folder, files)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == set(files)
    for path, data in files.items():
        assert (folder / path).read_bytes() == data, f"{name}/{path} differs: read the change, then `make golden`"


def _rewrite(folder: Path, files: dict[str, bytes]) -> None:
    for old in folder.rglob("*"):
        if old.is_file() and str(old.relative_to(folder)) not in files:
            old.unlink()
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def test_the_same_policy_gives_the_same_bytes() -> None:
    first = produced("nested-holes")
    made.cache_clear()
    assert produced("nested-holes") == first
