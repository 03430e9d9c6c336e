"""Each fixture of a diagnostic prints as its golden file says (`AVAKILL_GOLDEN=1` rewrites them)."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from avakill.compiler.compile import compile_policy, read_source
from avakill.source.codes import REGISTRY
from avakill.source.diagnostic import Diagnostic
from avakill.source.file import SourceFile
from avakill.source.render import render

ROOT = Path(__file__).resolve().parents[2] / "fixtures" / "diagnostics"
FIXTURES = sorted(path.parent for path in ROOT.glob("*/policy.yaml"))
# Raised above the front end: where a backend, a machine or a call is known.
ELSEWHERE = {"AVK3002", "AVK3003", "AVK3005"}


def answer(data: bytes) -> str:
    source = read_source(data, "policy.yaml")
    if isinstance(source, Diagnostic):
        return render([source], {"policy.yaml": SourceFile("policy.yaml", data.decode("utf-8", "replace"))})
    return render(compile_policy(source, {}).diagnostics, {"policy.yaml": source})


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_fixture_prints_as_its_golden_file_says(folder: Path) -> None:
    printed = answer((folder / "policy.yaml").read_bytes())
    golden = folder / "expected.txt"
    if os.environ.get("AVAKILL_GOLDEN"):
        golden.write_text(printed, encoding="utf-8")
    assert printed == golden.read_text(encoding="utf-8")
    assert f"[{folder.name[:7]}]" in printed


def test_every_code_of_the_front_end_has_a_fixture() -> None:
    ours = {number for number in REGISTRY if number < "AVK5000"} - ELSEWHERE
    assert {folder.name[:7] for folder in FIXTURES} >= ours
