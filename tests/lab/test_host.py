"""This machine's kernel answers as the facts of Landlock and seccomp say, and the lab leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from ctypes import CDLL
from pathlib import Path

import pytest

from avakill.ir.effect import EFFECT_OF, Effect
from avakill.ir.effect import Operation as Op
from avakill.lab import calls
from avakill.lab import host as hosts
from avakill.lab.apart import apart
from avakill.lab.doors import DOOR
from avakill.lab.words import Answer, Case, LabFault, Outcome, Trial, World
from tests.conftest import need
from tests.lab.bench import WORLD, host, numbered, prober, run, trial, trials_in, under_landlock, unlayered

OPEN_DOORS = frozenset({"inherited-read", "inherited-write"})
"""What is open already stays usable in any domain."""

MOUNTING = frozenset({"bind-read", "bind-write"})
"""A mount is refused in any domain, also for root."""


def held(trial: Trial) -> bool:
    """Whether Landlock refuses this door to an object in a denied tree (facts: `landlock.md`)."""
    door = DOOR[trial.door]
    mediated = any(EFFECT_OF[operation] not in (Effect.ATTR, Effect.CONNECT) for operation in door.asks)
    return mediated and trial.door not in OPEN_DOORS


@pytest.fixture(scope="module")
def landlock() -> None:
    host()
    need("landlock" in Path("/sys/kernel/security/lsm").read_text() if Path("/sys/kernel/security/lsm").exists() else True, "landlock")


def answers(trials: tuple[Trial, ...], outcomes: tuple[Outcome, ...]) -> dict[tuple[str, str], str]:
    return {(each.door, each.route): outcome.answer for each, outcome in zip(trials, outcomes, strict=True)}


def test_landlock_holds_a_denied_tree_by_every_door_that_it_mediates(landlock: None) -> None:
    trials = trials_in("/srv/secret")
    got = answers(trials, run(under_landlock(trials, "/srv/secret")))
    moot = {key for key, answer in got.items() if answer is Answer.MOOT}
    wanted = {(each.door, each.route): Answer.REFUSED if held(each) else Answer.DONE for each in trials}
    assert {key: answer for key, answer in got.items() if key not in moot} == {k: a for k, a in wanted.items() if k not in moot}
    assert {door for door, _ in moot} <= {"loader", "flags", *(name for name in DOOR if DOOR[name].needs)}


def test_landlock_leaves_the_rest_as_it_was_by_every_door(landlock: None) -> None:
    trials = trials_in("/srv/open")
    got = answers(trials, run(under_landlock(trials, "/srv/secret")))
    refused = {door for (door, _), answer in got.items() if answer not in (Answer.DONE, Answer.MOOT)}
    assert refused == MOUNTING


def test_landlock_refuses_new_names_in_a_split_directory(landlock: None) -> None:
    trials = numbered(
        trial("mknod", Op.CREATE, "/srv/new"),
        trial("open-read", Op.READ, "/srv/open/a"),
        trial("list", Op.LIST, "/srv", directory=True),
        trial("rename", Op.RENAME, "/srv/secret", "/srv/elsewhere", directory=True),
        trial("rename", Op.RENAME, "/srv", "/elsewhere", directory=True),
    )
    outcomes = run(under_landlock(trials, "/srv/secret"))
    assert [each.answer for each in outcomes] == [Answer.REFUSED, Answer.DONE, *[Answer.REFUSED] * 3]


def test_a_second_link_from_before_leaks_as_the_facts_say(landlock: None) -> None:
    world = World(WORLD.directories, WORLD.files, (("/srv/open/alias", "/srv/secret/a"),))
    trials = numbered(trial("open-read", Op.READ, "/srv/open/alias"), trial("open-read", Op.READ, "/srv/secret/a"))
    assert [each.answer for each in run(under_landlock(trials, "/srv/secret", world=world))] == [Answer.DONE, Answer.REFUSED]


def test_seccomp_refuses_a_system_call_by_whichever_path() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": [],
        "syscalls": [{"names": ["unlinkat", "unlink"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
    }
    trials = numbered(
        trial("unlink", Op.UNLINK, "/srv/open/a"),
        trial("unlink", Op.UNLINK, "/srv/open/c", route="proc-root"),
        trial("open-read", Op.READ, "/srv/open/a"),
    )
    outcomes = run(Case("no unlink", "seccomp", WORLD, trials, (("seccomp.json", json.dumps(profile).encode()),)))
    assert [(each.answer, each.errno) for each in outcomes] == [(Answer.REFUSED, "EPERM")] * 2 + [(Answer.DONE, "")]


def test_io_uring_goes_around_a_filter_of_system_calls() -> None:
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["unlinkat"], "action": "SCMP_ACT_ERRNO"}]}
    trials = numbered(trial("uring-unlink", Op.UNLINK, "/srv/open/a"))
    (outcome,) = run(Case("ring", "seccomp", WORLD, trials, (("seccomp.json", json.dumps(profile).encode()),)))
    assert outcome.answer in (Answer.DONE, Answer.MOOT)


def test_every_destination_is_this_machine() -> None:
    trials = numbered(
        *(trial(door, Op.CONNECT, "tcp://203.0.113.7:443") for door in ("connect-tcp", "fastopen", "mapped-tcp")),
        *(trial(door, Op.CONNECT, "udp://[2001:db8::2]:53") for door in ("connect-udp", "sendto-udp", "sendmsg-udp", "raw")),
    )
    assert {each.answer for each in run(unlayered(trials))} == {Answer.DONE}


def test_a_layer_of_another_kernel_is_refused_in_words() -> None:
    with pytest.raises(LabFault, match="cannot be tried on this machine"):
        run(Case("case", "selinux", WORLD, ()))


ORDINARY = 65534
PR_SET_DUMPABLE = 4


def test_an_ordinary_user_can_run_it_where_users_may_make_namespaces() -> None:
    own = Path(tempfile.mkdtemp(prefix="avakill-lab-"))
    shutil.copy(prober(), own / "prober")
    case = under_landlock(trials_in("/srv/secret"), "/srv/secret")

    def work() -> tuple[Outcome, ...]:
        os.chown(own, ORDINARY, ORDINARY)
        os.setgroups(())
        os.setresgid(ORDINARY, ORDINARY, ORDINARY)
        os.setresuid(ORDINARY, ORDINARY, ORDINARY)
        CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after an exec: its files in /proc are its own
        first, second = (outcomes for _, outcomes in hosts.Host(own / "prober").run((case, case), lambda *words: None))
        assert first == second
        return first

    try:
        outcomes = apart(work)
    except LabFault as fault:
        need("namespace" not in fault.reason, "users may make namespaces")
        raise
    finally:
        shutil.rmtree(own)
    assert outcomes is not None
    assert {each.answer for each in outcomes} == {Answer.DONE, Answer.REFUSED, Answer.MOOT}
    moot = {each.door for each, outcome in zip(case.trials, outcomes, strict=True) if outcome.answer is Answer.MOOT}
    assert moot >= {"chown", "handle-read", "loader", "mknod-device"}
    assert moot <= {"loader", "flags", *(name for name in DOOR if DOOR[name].needs)}


def test_where_there_are_no_namespaces_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(flags: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    host()
    monkeypatch.setattr(calls, "unshare", refuse)
    with pytest.raises(LabFault, match="no namespace for the lab") as caught:
        run(unlayered(()))
    assert "root" in caught.value.help


def test_another_system_is_told_where_the_lab_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(LabFault, match="darwin"):
        hosts.this_machine()


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    trials = numbered(trial("open-read", Op.READ, "/srv/open/a"))
    list(host().run((unlayered(trials), unlayered(trials)), lambda *words: told.append(words)))
    assert told == [("this machine", 0, 2), ("this machine", 1, 2), ("this machine", 2, 2)]


# -- nothing is left --

ENDLESS = """
import sys
from avakill.lab.words import Case
from tests.lab.bench import host, trials_in, under_landlock
print("started", flush=True)
while True:
    for _ in host().run((under_landlock(trials_in("/srv/open"), "/srv/secret"),), lambda *words: None):
        print("a case", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("wait", [0.0, 0.05, 0.3])
def test_nothing_is_left_when_it_is_interrupted(number: signal.Signals, wait: float) -> None:
    base = prober().parent / "stage"
    mounts = Path("/proc/self/mountinfo").read_text()
    words = (sys.executable, "-c", ENDLESS)
    root = Path(__file__).parents[2]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, stderr=quiet, start_new_session=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"started\n"
        time.sleep(wait)
        child.send_signal(number)
        child.wait(10)
        assert until(lambda: of_session(child.pid) == [])
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert os.listdir(base) == []


def test_ctrl_c_in_a_terminal_reaches_all_of_them_and_leaves_nothing() -> None:
    prober()
    words = (sys.executable, "-c", ENDLESS)
    root = Path(__file__).parents[2]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, stderr=quiet, start_new_session=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"started\n"
        assert child.stdout.readline() == b"a case\n"
        os.killpg(child.pid, signal.SIGINT)
        child.wait(10)
        assert until(lambda: of_session(child.pid) == [])


def test_a_fault_in_a_case_leaves_no_child() -> None:
    trials = trials_in("/srv/open")[:5]
    before = children()
    with pytest.raises(LabFault):
        run(Case("case", "landlock", WORLD, trials, (("landlock.json", b"{}"),)))
    assert children() == before


def stats() -> Iterator[tuple[int, int, int]]:
    """Each process with its parent and its session, but for those that only wait to be reaped."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if words[0] != "Z":
                yield int(entry.name), int(words[1]), int(words[3])


def of_session(session: int) -> list[int]:
    return [pid for pid, _, own in stats() if own == session]


def children() -> list[int]:
    return [pid for pid, parent, _ in stats() if parent == os.getpid()]


def until(holds: Callable[[], bool]) -> bool:
    for _ in range(100):
        if holds():
            return True
        time.sleep(0.05)
    return False
