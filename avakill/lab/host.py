"""This machine's kernel as a runner: no layer, Landlock and seccomp."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from avakill.lab.build import build
from avakill.lab.confine import confine
from avakill.lab.supervise import run_case
from avakill.lab.words import Case, LabFault, Outcome, Progress

STAGE_NAME = "this machine"


@dataclass(frozen=True, slots=True)
class Host:
    """Raises LabFault where a case cannot be put to this kernel."""

    prober: Path

    def run(self, cases: Iterable[Case], progress: Progress) -> Iterator[tuple[Case, tuple[Outcome, ...]]]:
        waiting = tuple(cases)
        for done, case in enumerate(waiting):
            progress(STAGE_NAME, done, len(waiting))
            yield case, run_case(case, confine(case), self.prober)
        progress(STAGE_NAME, len(waiting), len(waiting))


def this_machine() -> Host:
    """Raises LabFault."""
    if not sys.platform.startswith("linux"):
        raise LabFault(f"the lab is Linux's, this is {sys.platform}", "run it in a container or a guest")
    return Host(build())
