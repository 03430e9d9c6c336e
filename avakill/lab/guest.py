"""Cases put to a guest: many to a boot, their outcomes as they come, and no answer where the guest gave none."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import avakill
from avakill.lab import apparmor, kernels, selinux
from avakill.lab.build import build
from avakill.lab.kernels import Kernel
from avakill.lab.machine import LSM, Machine, boot, scratch
from avakill.lab.wire import ANSWERS, BATCH, PROBER, SHARED, Batch, Done, Fault, from_line, pack
from avakill.lab.words import Answer, Case, LabFault, Outcome, Progress

TICK = 0.05
START = "import sys; sys.path[:0] = [sys.argv[1]]; from avakill.lab.inside import main; main(sys.argv[2])"

Answered = tuple[Case, tuple[Outcome, ...]]


@dataclass(frozen=True, slots=True)
class Guest:
    """A kernel with one security module, as a runner.

    `batch` is how many cases share a boot, `patience` how many seconds may pass without a word of the guest; `trial` more
    are given for each trial of a case.
    """

    kernel: str
    lsm: str
    batch: int = 60
    patience: float = 180.0
    trial: float = 0.25

    def run(self, cases: Iterable[Case], progress: Progress) -> Iterator[Answered]:
        if self.lsm not in LSM:
            raise LabFault(f"the lab boots no guest for `{self.lsm}`", f"it boots one for {', '.join(LSM)}")
        kernel = kernels.find(self.kernel)
        waiting = tuple(cases)
        stage = f"{self.lsm}, Linux {self.kernel}"
        progress(stage, 0, len(waiting))
        for number, answered in enumerate(self._answers(kernel, waiting), start=1):
            progress(stage, number, len(waiting))
            yield answered

    def _answers(self, kernel: Kernel, cases: tuple[Case, ...]) -> Iterator[Answered]:
        remaining = iter(cases)
        while together := tuple(islice(remaining, self.batch)):
            originals = iter(together)
            for outcomes in _persist(self, kernel, prepare(self.lsm, together)):
                yield next(originals), outcomes


def prepare(lsm: str, cases: tuple[Case, ...]) -> Batch:
    """What one boot is given; the compilers run here, since a guest under plain emulation is slow."""
    match lsm:
        case "apparmor":
            return Batch(lsm, tuple(map(apparmor.prepare, cases)))
        case "selinux":
            return selinux.prepare(cases)
        case _:
            return Batch(lsm, cases)


def _persist(guest: Guest, kernel: Kernel, batch: Batch) -> Iterator[tuple[Outcome, ...]]:
    """Boots until each case has its answer; the case at which a guest died twice has none."""
    deaths = 0
    while batch.cases:
        count = 0
        partial: list[Outcome] = []
        for outcomes, is_whole in _one_boot(guest, kernel, batch):
            if is_whole:
                yield in_order(batch.cases[count], outcomes)
                count += 1
                deaths = 0
            else:
                partial = outcomes
        batch = batch.after(count)
        deaths += 1
        if deaths == 2 and batch.cases:
            yield in_order(batch.cases[0], partial)
            batch = batch.after(1)
            deaths = 0


def in_order(case: Case, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes of a case in the order of its trials; what is missing got no answer."""
    known = {outcome.number: outcome for outcome in outcomes}
    return tuple(known.get(trial.number, Outcome(trial.number, Answer.NONE)) for trial in case.trials)


def _one_boot(guest: Guest, kernel: Kernel, batch: Batch) -> Iterator[tuple[list[Outcome], bool]]:
    """The outcomes of each case, and whether they are whole; ends when the guest does."""
    with scratch() as folder:
        shared = folder / "shared"
        (shared / BATCH).write_bytes(pack(batch))
        shutil.copy(build(), shared / PROBER)
        (shared / ANSWERS).touch()
        command = (sys.executable, "-I", "-B", "-c", START, str(Path(avakill.__file__).parents[1]), SHARED)
        with boot(kernel, guest.lsm, folder, command) as machine:
            reader = _Reader(shared / ANSWERS, machine)
            for number, case in enumerate(batch.cases):
                outcomes, is_whole = reader.case(number, guest.patience + guest.trial * len(case.trials))
                yield outcomes, is_whole
                if not is_whole:
                    return


@dataclass(slots=True)
class _Reader:
    """Follows the file of answers while the guest writes it."""

    file: Path
    machine: Machine
    lines: list[str] = field(default_factory=list)
    read: int = 0
    rest: str = ""

    def case(self, number: int, patience: float) -> tuple[list[Outcome], bool]:
        """The outcomes of one case, and whether the guest said that it is done."""
        outcomes: list[Outcome] = []
        while (line := self._line(patience)) is not None:
            match from_line(line):
                case Outcome() as outcome:
                    outcomes.append(outcome)
                case Done(done) if done == number:
                    return outcomes, True
                case Fault(reason, help):
                    raise LabFault(reason, help)
        return outcomes, False

    def _line(self, patience: float) -> str | None:
        """The next whole line; None when the guest ended or was silent for too long."""
        end = time.monotonic() + patience
        while not self.lines:
            runs = self.machine.runs  # asked before the last look, so that nothing said at the end is missed
            self._look()
            if not self.lines:
                if not runs or time.monotonic() > end:
                    return None
                time.sleep(TICK)
        return self.lines.pop(0)

    def _look(self) -> None:
        with self.file.open("rb") as stream:
            stream.seek(self.read)
            new = stream.read()
        self.read += len(new)
        *whole, self.rest = (self.rest + new.decode("ascii", "replace")).split("\n")
        self.lines += whole
