"""The launcher: exit statuses pass through, failures have their own, nothing open is inherited."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from avakill.backends.landlock.expand import Expansion
from avakill.enforce import kernel
from avakill.enforce.kernel import Refusal
from avakill.enforce.landlock import NOT_FOUND_HELP, dry_run, exit_status_of
from tests.kernel.landlock.setup import ALL_FILES, deny, here, policy

HARNESS = """
import sys
from pathlib import Path
from avakill.enforce.landlock import exit_status_of, launch
from tests.kernel.landlock.setup import ALL_FILES, deny, here, policy
home = Path(sys.argv[1])
applied = here(policy(deny(ALL_FILES, "~/.ssh/**")), home, home)
sys.exit(exit_status_of(launch(applied.expansion, sys.argv[2:])))
"""


def run(home: Path, *command: str, **more: object) -> subprocess.CompletedProcess[str]:
    if kernel.missing() is not None:
        pytest.skip("no Landlock")
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", HARNESS, str(home), *command]
    return subprocess.run(words, cwd=root, capture_output=True, text=True, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id").write_text("key")
    return tmp_path


def test_the_exit_status_is_the_commands_own(home: Path) -> None:
    assert run(home, "sh", "-c", "exit 7").returncode == 7
    assert run(home, "true").returncode == 0


def test_a_signal_is_the_commands_own(home: Path) -> None:
    assert run(home, "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM


def test_a_command_that_is_not_there_is_127(home: Path) -> None:
    assert run(home, "no-such-program").returncode == 127


def test_a_command_that_may_not_be_read_is_126(home: Path) -> None:
    program = home / ".ssh" / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert run(home, str(program)).returncode == 126


def test_the_command_is_confined(home: Path) -> None:
    assert run(home, "cat", str(home / ".ssh" / "id")).returncode == 1


def test_descriptors_are_not_inherited(home: Path) -> None:
    fd = os.open(home / ".ssh" / "id", os.O_RDONLY)
    os.set_inheritable(fd, True)
    try:
        assert run(home, "sh", "-c", f"cat <&{fd}", pass_fds=(fd,)).returncode != 0
    finally:
        os.close(fd)


def test_a_kernel_without_landlock_is_a_refusal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = here(policy(deny(ALL_FILES, "~/.ssh/**")), home, home)
    monkeypatch.setattr(kernel, "abi", lambda: 0)
    found = dry_run(applied.plan, applied.lowering)
    assert isinstance(found, Refusal)
    assert "no Landlock" in found.reason
    assert exit_status_of(found) == 126


def test_exit_statuses_of_refusals() -> None:
    assert exit_status_of(Refusal("x", NOT_FOUND_HELP)) == 127
    assert Expansion(7).is_nothing
