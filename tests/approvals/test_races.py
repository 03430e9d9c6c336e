"""Many real processes and one approval: one gets it, whoever is killed when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from avakill.approvals.store import ApprovalStore
from avakill.approvals.words import Settled
from tests.approvals.asker import ask

ROOT = Path(__file__).parents[2]


def start(store: Path, times: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.approvals.asker", str(store), times], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "approvals.db"


def told_by(askers: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    lines = [line for asker in askers for line in asker.communicate(timeout=120)[0].splitlines()]
    assert [asker.returncode for asker in askers] == [0] * len(askers)
    return [(line.split()[0], line.split()[1]) for line in lines]


def test_processes_that_ask_at_once_wait_for_one_approval(path: Path) -> None:
    told = told_by([start(path, "5") for _ in range(6)])
    assert len(told) == 30
    assert len(set(told)) == 1
    assert [one.id for one in ApprovalStore(path).pending()] == [told[0][0]]


def test_of_processes_that_race_for_one_approval_one_gets_it(path: Path) -> None:
    store = ApprovalStore(path)
    store.grant(ask(store).id, "maria")
    told = told_by([start(path, "5") for _ in range(6)])
    assert Counter(status for _, status in told) == {"approved": 1, "pending": 29}


def test_an_approval_outlives_a_process_killed_before_it_is_used(path: Path) -> None:
    store = ApprovalStore(path)
    store.grant(ask(store).id, "maria")
    asker = start(path, "inside")
    assert asker.stdout is not None
    assert asker.stdout.readline() == "inside\n"
    os.kill(asker.pid, signal.SIGKILL)
    asker.communicate(timeout=20)
    assert [str(ask(store).status) for _ in range(2)] == ["approved", "pending"]


def test_of_two_people_one_decides(path: Path) -> None:
    one, two = ApprovalStore(path), ApprovalStore(path)
    id = ask(one).id
    one.reject(id, "maria")
    with pytest.raises(Settled):
        two.grant(id, "jakob")
    assert ask(two).status == "denied"


def test_a_forked_child_and_its_parent_use_it_once(path: Path) -> None:
    store = ApprovalStore(path)
    store.grant(ask(store).id, "maria")
    child = os.fork()
    if child == 0:
        os._exit(0 if ask(store).status == "approved" else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert ask(store).status == "pending"
