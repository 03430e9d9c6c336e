"""What runs in a guest: reads its batch, puts each case to the kernel, and writes what came of it line by line."""

from __future__ import annotations

import os
import shutil
import traceback
from pathlib import Path
from tempfile import mkdtemp

from avakill.lab import apparmor, selinux
from avakill.lab.confine import confine
from avakill.lab.supervise import run_case
from avakill.lab.wire import ANSWERS, BATCH, PROBER, Batch, Done, Fault, Word, to_line, unpack
from avakill.lab.words import Case, LabFault, Outcome


def main(folder: str) -> None:
    shared = Path(folder)
    answers = os.open(shared / ANSWERS, os.O_WRONLY | os.O_APPEND)

    def say(word: Word) -> None:
        os.write(answers, to_line(word).encode() + b"\n")

    try:
        batch = unpack((shared / BATCH).read_bytes())
        _enter(batch)
        prober = _prober(shared / PROBER)
        for number, case in enumerate(batch.cases):
            for outcome in _outcomes(case, prober):
                say(outcome)
            say(Done(number))
    except LabFault as fault:
        say(Fault(fault.reason, fault.help))
    except Exception as error:  # a process edge: nobody else can tell the machine outside
        say(Fault(f"the lab's own program failed in the guest: {error!r}", traceback.format_exc(limit=-3)))


def _enter(batch: Batch) -> None:
    """What is done once for a boot."""
    match batch.lsm:
        case "apparmor":
            apparmor.enter()
        case "selinux":
            selinux.enter(batch.file(selinux.POLICY))
        case _:
            pass


def _prober(shared: Path) -> Path:
    """On a tmpfs, beside which the stage is laid."""
    return Path(shutil.copy(shared, mkdtemp(prefix="avakill-", dir="/run")))


def _outcomes(case: Case, prober: Path) -> tuple[Outcome, ...]:
    match case.layer:
        case "apparmor":
            return run_case(case, apparmor.confine(case), prober)
        case "selinux":
            return run_case(case, selinux.confine(case), prober, selinux.label(case))
        case _:
            return run_case(case, confine(case), prober)
