"""The prober is built once, finds every door of the table, and takes any name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from avakill.ir.effect import Operation as Op
from avakill.lab import build as building
from avakill.lab.doors import DOORS, ROUTES
from avakill.lab.tiny import tiny_program
from avakill.lab.words import Answer, LabFault, World
from tests.lab.bench import needs_nothing_missing, numbered, prober, run, trial, trials_in, under_landlock, unlayered

NEVER = frozenset({"loader"})
"""A stage has no loader."""


def test_every_door_and_every_route_works_where_nothing_is_denied() -> None:
    trials = trials_in("/srv/open")
    outcomes = run(unlayered(trials))
    closed = {each.door for each, outcome in zip(trials, outcomes, strict=True) if outcome.answer is not Answer.DONE}
    assert closed == NEVER | {door.name for door in DOORS if not needs_nothing_missing(door)}
    assert {each.route for each in trials} == {route.name for route in ROUTES}


def test_it_needs_nothing_but_the_kernel() -> None:
    assert b"INTERP" not in subprocess.run(("readelf", "-lW", str(prober())), capture_output=True, check=True).stdout


def test_it_is_compiled_once(tmp_path: Path) -> None:
    prober()
    first = building.build(tmp_path)
    made = first.stat().st_mtime_ns
    assert building.build(tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert [entry.name for entry in first.parent.iterdir()] == ["prober"]


def test_a_machine_without_a_compiler_is_told_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFault) as caught:
        building.build(tmp_path)
    assert "gcc and libc6-dev" in caught.value.help


def test_a_source_that_does_not_compile_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prober()
    broken = tmp_path / "prober.c"
    broken.write_text("int main(void) { return nothing; }")
    monkeypatch.setattr(building, "SOURCE", broken)
    with pytest.raises(LabFault, match="could not be compiled"):
        building.build(tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    prober()
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(LabFault) as caught:
        building.build(tmp_path / "cache")
    assert "XDG_CACHE_HOME" in caught.value.help


def test_the_cache_is_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert building.cache() == tmp_path / "avakill" / "lab"


def test_the_tiny_program_runs_and_is_tiny(tmp_path: Path) -> None:
    file = tmp_path / "tiny"
    file.write_bytes(tiny_program())
    file.chmod(0o755)
    assert subprocess.run((str(file),), check=False).returncode == 0
    assert len(tiny_program()) < 200


def test_the_tiny_program_is_also_arms() -> None:
    assert tiny_program("aarch64")[18] == 183
    with pytest.raises(LabFault):
        tiny_program("vax")


ODD = (
    "with space",
    "new\nline",
    "tab\tand\\backslash",
    "quote'\"`$(x)#",
    "-dash",
    "ключ",
    "e\u0301",
    "\udcff\udcfe\udc80",
    "*?[a]{b,c}",
    "n" * 255,
    " ",
    "~",
)


@pytest.mark.parametrize("name", ODD)
def test_any_name_is_tried_as_it_is(name: str) -> None:
    world = World(frozenset({f"/w/{name}", "/w/plain"}), frozenset({f"/w/{name}/{name}", "/w/plain/f"}))
    thing = f"/w/{name}/{name}"
    trials = numbered(
        *(trial("open-read", Op.READ, thing, route=route.name) for route in ROUTES if not route.only_directory),
        trial("exec", Op.EXEC, thing),
        trial("rename", Op.RENAME, thing, f"/w/plain/{name}"),
        trial("unlink", Op.UNLINK, thing),
        trial("open-read", Op.READ, "/w/plain/f"),
    )
    outcomes = run(under_landlock(trials, f"/w/{name}", world=world))
    assert [outcome.answer for outcome in outcomes] == [*[Answer.REFUSED] * (len(trials) - 1), Answer.DONE]


def test_paths_as_long_as_the_kernel_takes() -> None:
    path = "/" + "/".join("d" * 250 for _ in range(15)) + "/file"
    assert len(path) > 3700
    trials = numbered(trial("open-read", Op.READ, path), trial("open-write", Op.WRITE, path), trial("unlink", Op.UNLINK, path))
    assert {outcome.answer for outcome in run(unlayered(trials, World(frozenset(), frozenset({path}))))} == {Answer.DONE}


def test_a_path_longer_than_that_says_nothing() -> None:
    path = "/" + "/".join("d" * 250 for _ in range(20))
    (outcome,) = run(unlayered(numbered(trial("open-read", Op.READ, path))))
    assert (outcome.answer, outcome.errno) == (Answer.MOOT, "ENAMETOOLONG")


def test_a_file_without_an_end_is_not_copied_for_ever() -> None:
    trials = numbered(trial("memfd-exec", Op.EXEC, "/dev/zero"), trial("copy-exec", Op.EXEC, "/dev/zero"))
    outcomes = run(unlayered(trials))
    assert [(outcome.answer, outcome.errno) for outcome in outcomes] == [(Answer.MOOT, "EFBIG")] * 2


def test_nothing_is_left_in_the_cache() -> None:
    run(unlayered(numbered(trial("open-create", Op.CREATE, "/srv/open/new"))))
    assert os.listdir(prober().parent / "stage") == []
