"""Guests of the lab on real kernels: they boot, answer, die, are asked again, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation
from avakill.lab import guest, kernels, machine
from avakill.lab.guest import Guest, in_order
from avakill.lab.wire import Batch, Done, Fault, from_line, pack, to_line, unpack
from avakill.lab.words import Answer, Case, LabFault, Outcome, Trial, World
from tests.conftest import need

NOWHERE = World(frozenset(), frozenset())


@pytest.fixture
def guests() -> None:
    """Where this machine can have no guest the test is skipped, or fails where CI is set."""
    try:
        machine.find_programs()
        for version in kernels.SUITES:
            kernels.find(version)
    except LabFault as fault:
        need(False, f"{fault.reason}: {fault.help}")


def case(name: str, count: int = 2) -> Case:
    return Case(name, "none", NOWHERE, tuple(Trial(number, (Probe(Operation.READ, "/"),), "open") for number in range(count)))


def silence(stage: str, done: int, of: int) -> None:
    """Nobody watches."""


FACTS = """
import json, os
facts = {"release": os.uname().release, "user": os.getuid(), "modules": open("/sys/kernel/security/lsm").read().split(",")}
with open("/avakill-lab/facts", "w") as file: file.write(json.dumps(facts) + "\\n")
"""


@pytest.mark.parametrize(("version", "lsm"), [("6.12", "apparmor"), ("6.12", "selinux"), ("6.1", "landlock")])
def test_a_guest_runs_python_as_root_and_gives_back_json(version: str, lsm: str, guests: None) -> None:
    found = kernels.find(version)
    with machine.scratch() as folder, machine.boot(found, lsm, folder, (sys.executable, "-I", "-c", FACTS)) as booted:
        end = time.monotonic() + 200
        while booted.runs and time.monotonic() < end:
            time.sleep(0.05)
        facts = json.loads((booted.folder / "facts").read_text())
    assert (facts["release"], facts["user"]) == (found.release, 0)
    assert {"apparmor", "selinux", "landlock"} & set(facts["modules"]) == {"landlock", lsm}
    assert not folder.exists()


MORTAL = """
import sys; sys.path[:0] = [sys.argv[1]]
from avakill.lab.wire import Done, to_line, unpack
from avakill.lab.words import Answer, Outcome
batch = unpack(open("/avakill-lab/batch", "rb").read())
with open("/avakill-lab/answers", "a", buffering=1) as answers:
    for number, case in enumerate(batch.cases):
        if case.name == "poison":
            print(to_line(Outcome(0, Answer.DONE)), file=answers)
            open("/proc/sysrq-trigger", "w").write("b")
        for trial in case.trials:
            print(to_line(Outcome(trial.number, Answer.REFUSED, "EACCES")), file=answers)
        print(to_line(Done(number)), file=answers)
"""


def test_a_guest_that_dies_twice_at_a_case_gives_no_answer_and_the_others_have_theirs(
    monkeypatch: pytest.MonkeyPatch, guests: None
) -> None:
    monkeypatch.setattr(guest, "START", MORTAL)
    asked = (case("first"), case("poison"), case("last"))
    told = [[outcome.answer for outcome in outcomes] for _, outcomes in Guest("6.1", "landlock").run(asked, silence)]
    assert told == [[Answer.REFUSED] * 2, [Answer.DONE, Answer.NONE], [Answer.REFUSED] * 2]


def test_a_guest_that_says_nothing_gives_no_answer(monkeypatch: pytest.MonkeyPatch, guests: None) -> None:
    monkeypatch.setattr(guest, "START", "import time; time.sleep(600)")
    ((_, outcomes),) = Guest("6.1", "landlock", patience=1, trial=0).run((case("only"),), silence)
    assert [outcome.answer for outcome in outcomes] == [Answer.NONE, Answer.NONE]


def test_a_fault_in_the_guest_is_the_lab_s(guests: None) -> None:
    with pytest.raises(LabFault, match="cannot be tried"):
        list(Guest("6.1", "landlock").run((Case("odd", "sorcery", NOWHERE, case("").trials),), silence))


BOOTS = """
from avakill.lab import kernels, machine
import time
with machine.scratch() as folder, machine.boot(kernels.find("6.1"), "landlock", folder, ("sleep", "100")):
    print(folder, flush=True)
    time.sleep(100)
"""


def running(folder: str) -> list[str]:
    """The programs that name the folder on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(os.fsencode(folder) in word for word in words):
            found.append(os.fsdecode(words[0]))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_that_a_guest_needs_outlives_the_lab(number: signal.Signals, guests: None) -> None:
    with subprocess.Popen((sys.executable, "-c", BOOTS), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as lab:
        assert lab.stdout is not None
        folder = lab.stdout.readline().strip()
        assert len(running(folder)) == 3  # two file servers and the guest
        lab.send_signal(number)
    end = time.monotonic() + 10
    while running(folder) and time.monotonic() < end:
        time.sleep(0.1)
    assert running(folder) == []
    assert Path(folder).exists() == (number is signal.SIGKILL)
    if Path(folder).exists():
        subprocess.run(("rm", "-r", folder), check=True)


@pytest.mark.parametrize(
    ("program", "package"), [("qemu-system-x86_64", "qemu-system-x86"), ("setpriv", "util-linux"), ("busybox", "busybox-static")]
)
def test_a_missing_program_is_told_with_its_package(
    program: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, guests: None
) -> None:
    for name in {"qemu-system-x86_64", "setpriv", "busybox"} - {program}:
        (tmp_path / name).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFault, match=f"`{program}` is missing") as fault:
        machine.find_programs()
    assert fault.value.help == f"on Debian it is in `{package}`"


def test_a_batch_survives_its_way_with_odd_names_and_bytes() -> None:
    world = World(frozenset({"/a b\n"}), frozenset({"/\udcff\"'"}))
    batch = Batch("selinux", (Case("odd", "selinux", world, case("").trials, (("m", bytes(range(256))),)),), (("policy", b"\0"),))
    assert unpack(pack(batch)) == batch


@pytest.mark.parametrize(
    "word", [Outcome(7, Answer.REFUSED, "EACCES", (True, False)), Outcome(0, Answer.DONE), Done(3), Fault("reason `\udcff`\n", "help")]
)
def test_what_a_guest_says_is_one_line_and_is_read_as_it_was_said(word: Outcome | Done | Fault) -> None:
    assert "\n" not in to_line(word)
    assert from_line(to_line(word)) == word


def test_what_nobody_understands_is_a_fault() -> None:
    assert isinstance(from_line('{"outcome": ["7"]}'), Fault)


def test_outcomes_stand_in_the_order_of_the_trials_and_a_missing_one_is_no_answer() -> None:
    assert in_order(case("c", 3), (Outcome(2, Answer.DONE), Outcome(0, Answer.MOOT))) == (
        Outcome(0, Answer.MOOT),
        Outcome(1, Answer.NONE),
        Outcome(2, Answer.DONE),
    )
