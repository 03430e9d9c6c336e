"""A research agent in the closed scope, through the command line, on the real kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = Path(__file__).parents[3] / "fixtures/policies/research-agent/policy.yaml"
AVAKILL = Path(sys.executable).with_name("avakill")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home/research").mkdir(parents=True)
    (tmp_path / "home/elsewhere").mkdir()
    (tmp_path / "home/research/old").write_text("known\n")
    (tmp_path / "home/elsewhere/private").write_text("hidden\n")
    return tmp_path / "home"


def run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """`command` under the policy, with `home` as the home directory."""
    if not AVAKILL.exists():
        pytest.skip("avakill is not installed beside this python")
    line = [str(AVAKILL), "enforce", "landlock", "--quiet", "--policy", str(POLICY), "--scope", "closed", "--", *command]
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C", "AVAKILL_WORKSPACE": str(home / "research")}
    return subprocess.run(line, cwd=home / "research", env=environ, capture_output=True, text=True, timeout=120, check=False)


def sh(home: Path, script: str) -> subprocess.CompletedProcess[str]:
    return run(home, "/bin/sh", "-c", script)


def test_the_entry_point_starts_and_writes_in_its_place(home: Path) -> None:
    done = sh(home, 'echo seen > "$HOME/research/note"')
    assert (done.returncode, done.stderr) == (0, "")
    assert (home / "research/note").read_text() == "seen\n"


def test_the_programs_of_the_allowlist_start_and_work_in_their_place(home: Path) -> None:
    done = sh(home, 'cat old > copy && ls "$HOME/research"')
    assert (done.returncode, done.stdout, done.stderr) == (0, "copy\nold\n", "")
    assert (home / "research/copy").read_text() == "known\n"


def test_an_allowed_program_may_be_the_entry_point(home: Path) -> None:
    done = run(home, "cat", str(home / "research/old"))
    assert (done.returncode, done.stdout) == (0, "known\n")


@pytest.mark.parametrize("program", ["sort old", "/usr/bin/env true", sys.executable])
def test_another_program_is_refused(home: Path, program: str) -> None:
    done = sh(home, program)
    assert done.returncode == 126
    assert "Permission denied" in done.stderr


def test_what_is_not_named_is_neither_read_nor_listed_nor_written(home: Path) -> None:
    for script in ("cat /etc/shadow", "cat ../elsewhere/private", "ls ..", "ls /", "echo x > ../new", "echo x > ../elsewhere/private"):
        done = sh(home, script)
        assert done.returncode != 0, script
        assert "ermission denied" in done.stderr, script
    assert (home / "elsewhere/private").read_text() == "hidden\n"
    assert not (home / "new").exists()


def test_another_file_of_an_allowed_programs_directory_cannot_be_read(home: Path) -> None:
    assert os.access("/usr/bin/sort", os.R_OK)
    assert sh(home, "cat /usr/bin/sort").returncode != 0
