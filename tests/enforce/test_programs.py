"""What running a program executes, and what of this machine a policy is compiled for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from avakill.enforce.here import find_workspace
from avakill.enforce.probe import probe_target
from avakill.enforce.programs import executed, find, libraries, program
from tests.kernel.landlock.setup import ALL_FILES, deny, policy


def test_a_script_runs_its_interpreter_and_that_ones_loader(tmp_path: Path) -> None:
    script = tmp_path / "s"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    found = executed(str(script))
    assert found[0] == str(script)
    assert "/bin/sh" in found
    assert os.path.realpath("/bin/sh") in found
    assert any("ld-" in os.path.basename(path) for path in found) or sys.platform != "linux"


def test_env_finds_the_interpreter_by_path(tmp_path: Path) -> None:
    script = tmp_path / "s"
    script.write_text("#!/usr/bin/env sh\n")
    script.chmod(0o755)
    assert {"/usr/bin/env"} < set(executed(str(script), "/bin:/usr/bin"))
    assert find("sh", "/nowhere:/bin") == "/bin/sh"
    assert find("no-such-program", "/bin") is None


def test_a_program_that_is_not_there_is_none() -> None:
    assert program("no-such-program", "/bin") is None


def test_an_interpreters_own_prefix_is_a_library() -> None:
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))
    found = libraries((os.path.realpath(sys.executable),))
    assert f"{prefix}/lib" in found or prefix == "/usr"


def test_the_workspace_is_the_nearest_repository(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "a" / "b").mkdir(parents=True)
    assert find_workspace(str(tmp_path / "repo" / "a" / "b"), {}) == str(tmp_path / "repo")
    assert find_workspace(str(tmp_path), {"AVAKILL_WORKSPACE": "/w"}) == "/w"


def test_symlinks_on_the_way_to_a_pattern_are_found(tmp_path: Path) -> None:
    (tmp_path / "dot" / "aws").mkdir(parents=True)
    (tmp_path / ".aws").symlink_to(tmp_path / "dot" / "aws")
    environ = {"HOME": str(tmp_path), "AVAKILL_WORKSPACE": str(tmp_path)}
    target = probe_target(policy(deny(ALL_FILES, "~/.aws/**")), "p.yaml", ("sh",), environ)
    assert (str(tmp_path / ".aws"), str(tmp_path / "dot" / "aws")) in target.links
    assert os.path.abspath("p.yaml") + ".sig" in target.protected
    assert target.entry
