"""`avakill lab` as a user runs it, on this machine's kernel."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from avakill.enforce import kernel
from tests.cli.command import Place, new_place
from tests.conftest import need

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "lab.schema.json").read_text())
POLICY = """
version: "1.0"
default_action: allow
policies:
  - name: keys
    tools: ["file_*", "content_search"]
    action: deny
    conditions: {path_match: {path: ["${HOME}/.ssh/**"]}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    need(hasattr(os, "geteuid") and os.geteuid() == 0, "the lab needs root")
    need(kernel.missing() is None, "this kernel has no Landlock")
    made = new_place(tmp_path)
    made.write("avakill.yaml", POLICY)
    return made


def test_the_kernel_does_what_the_verdicts_say(place: Place) -> None:
    done = place.run("lab", "--limit", "120", "--lsm", "landlock,seccomp", "--format", "json")
    report = json.loads(done.out)
    jsonschema.validate(report, SCHEMA)
    assert (done.status, report["contradictions"]) == (0, 0), done.out
    assert [(column["layer"], column["trials"]) for column in report["columns"]] == [("landlock", 120), ("seccomp", 120)]
    assert all(column["counts"]["agreed"] > 50 for column in report["columns"])
    assert "no answer" not in report["columns"][0]["counts"]


def test_the_home_of_the_policy_is_that_of_the_scratch_root(place: Place) -> None:
    done = place.run("lab", "--limit", "60", "--lsm", "landlock", "-o", "out")
    assert done.status == 0, done.out
    assert "/home/agent/.ssh" in (place.project / "out" / "host-landlock.json").read_text()


def test_reports_and_artifacts_are_written_together(place: Place) -> None:
    done = place.run("lab", "--limit", "40", "--lsm", "landlock,seccomp", "-o", "out")
    assert done.status == 0, done.out
    written = sorted(path.name for path in (place.project / "out").iterdir())
    assert written == ["host-landlock.json", "host-seccomp.json", "lab.html", "lab.json", "lab.txt"]


def test_a_folder_that_cannot_be_written_is_one_diagnostic(place: Place) -> None:
    place.write("out", "a file")
    done = place.run("lab", "--limit", "20", "--lsm", "landlock", "-o", "out")
    assert done.status == 1
    assert "AVK5002" in done.err
    assert (place.project / "out").read_text() == "a file"


def test_what_this_machine_cannot_try_is_said_in_one_line(place: Place) -> None:
    done = place.run("lab", "--lsm", "apparmor,tetragon")
    assert done.status == 0
    assert "apparmor@host was not run: it is put on in a guest only, never on this machine (--kernel 6.12)" in done.out.splitlines()
    assert "tetragon was not run: schema and limits hold; Tetragon itself was not given" in done.out
    assert done.out.splitlines()[-1] == "nothing was put to a kernel"


def test_an_unknown_layer_is_one_diagnostic(place: Place) -> None:
    done = place.run("lab", "--lsm", "smack")
    assert done.status == 1
    assert "the lab knows no layer `smack`" in done.err


def test_a_broken_policy_is_one_diagnostic(place: Place) -> None:
    place.write("avakill.yaml", "version: [")
    done = place.run("lab")
    assert done.status == 1
    assert "Traceback" not in done.err
    assert "AVK1001" in done.err


def test_nothing_is_left_behind(place: Place) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    place.run("lab", "--limit", "20", "--lsm", "landlock")
    assert Path("/proc/self/mountinfo").read_text() == before
