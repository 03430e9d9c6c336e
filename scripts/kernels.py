"""Put every small fixture policy to real kernels and write docs/kernels.md from what they did. `make kernels`: it takes minutes.

    python scripts/kernels.py [LAYER@KERNEL …]

Each column keeps its run in `out/kernels/`, and the page is made of all that are there; without arguments every column is run.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from avakill.backends.registry import find  # noqa: E402
from avakill.enforce import kernel as here  # noqa: E402
from avakill.lab import kernels  # noqa: E402
from avakill.lab.campaign import HOST, KERNELS, runner_of  # noqa: E402
from avakill.lab.cases import Choice, Prepared, lab_target, prepare  # noqa: E402
from avakill.lab.compare import compare  # noqa: E402
from avakill.lab.doors import DOORS  # noqa: E402
from avakill.lab.words import CONTRADICTIONS, LabFault, Mark, Result  # noqa: E402
from tests.golden.fixtures import NAMES, options_of, policy_of  # noqa: E402

PAGE = ROOT / "docs" / "kernels.md"
KEPT = ROOT / "out" / "kernels"
COLUMNS = (
    ("landlock", HOST),
    ("landlock", "6.12"),
    ("landlock", "6.1"),
    ("seccomp", HOST),
    ("apparmor", "6.12"),
    ("apparmor", "6.1"),
    ("selinux", "6.12"),
)
SMALL = tuple(name for name in NAMES if not name.startswith("generated"))
TRIALS = {HOST: 400}
IN_A_GUEST = 120
"""Trials to a policy: a guest under plain emulation is slow."""


@dataclass(frozen=True)
class Run:
    """One layer on one kernel: how often each mark was given, by door, and each contradiction in words."""

    layer: str
    kernel: str
    release: str
    date: str
    seconds: int
    policies: int
    doors: dict[str, dict[str, int]]
    wrong: tuple[str, ...] = ()
    fault: str = ""

    @property
    def name(self) -> str:
        return f"{self.layer}@{self.kernel}"

    def marks(self) -> Counter[str]:
        return sum((Counter(marks) for marks in self.doors.values()), Counter[str]())


def run(layer: str, kernel: str) -> Run:
    """Puts the fixtures to the kernel; where it cannot be had, the run says so."""
    begun, date = time.monotonic(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    doors: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    try:
        release = platform.release() if kernel == HOST else kernels.find(kernel).release
        for name, results in asked(layer, kernel):
            for result in results:
                doors.setdefault(result.trial.door, Counter())[result.mark.value] += 1
            wrong += [in_words(name, result) for result in results if result.mark in CONTRADICTIONS]
    except LabFault as fault:
        return Run(layer, kernel, "", date, 0, 0, {}, (), f"{fault.reason} ({fault.help})" if fault.help else fault.reason)
    spent = round(time.monotonic() - begun)
    return Run(layer, kernel, release, date, spent, len(SMALL), {door: dict(marks) for door, marks in doors.items()}, tuple(wrong))


def asked(layer: str, kernel: str) -> Iterator[tuple[str, tuple[Result, ...]]]:
    runner = runner_of(kernel, layer)
    cases = [prepared(name, layer, kernel) for name in SMALL]
    answers = runner.run((one.case for one in cases), lambda stage, done, of: told(f"{stage}: {done} of {of}"))
    for name, one, (case, outcomes) in zip(SMALL, cases, answers, strict=True):
        yield name, compare(one.claims, case.world, case.trials, outcomes)


def prepared(name: str, layer: str, kernel: str) -> Prepared:
    policy = policy_of(name)
    target = lab_target(policy, kernel, here.abi() if kernel == HOST else KERNELS[kernel])
    choice = Choice(options_of(name), limit=TRIALS.get(kernel, IN_A_GUEST))
    return prepare(name, policy, target, find((layer,)).backends[0], choice)


def in_words(name: str, result: Result) -> str:
    deed, trial = result.trial.asks[0], result.trial
    what = f"{deed.operation} {deed.object}" + (f" → {deed.to}" if deed.to else "")
    return f"{name}: {result.mark} {result.outcome.errno} {what} by {trial.door} ({trial.route}): {result.sentence}"


def told(line: str) -> None:
    sys.stderr.write(f"{line}\n")


# -- the page --


def page(runs: tuple[Run, ...]) -> str:
    done = tuple(one for one in runs if not one.fault)
    parts = [
        "# What real kernels did",
        "Written by `make kernels` (`python scripts/kernels.py`) from a run on real kernels; `make docs` leaves it alone. Each of "
        f"the {len(SMALL)} small policies of `fixtures/policies` is lowered, put to the kernel and tried at its edges "
        f"([the lab](lab.md)): {TRIALS[HOST]} trials at most to a policy on this machine, {IN_A_GUEST} in a guest, seed 0.",
        summary(runs),
        "`agreed`: as the policy says. `weak`, `lost`: not as the policy says, as the report had announced. `contradictions`: LEAK, "
        "OVER or SILENT, where the report had promised otherwise. `findings`: no name decides (a second link, a bind mount, an "
        "open descriptor), or another call does the same. `moot`: fails without the layer too.",
        "## By door",
        "Each cell: agreed / weak / lost / **contradictions**; what is nought at the end is left out. A door without a cell was not "
        "drawn, or each trial of it was moot or a finding.",
        matrix(done),
    ]
    if any(one.wrong for one in done):
        parts += ["## Contradictions of this run", listed(done)]
    return "\n\n".join(parts) + "\n"


def summary(runs: tuple[Run, ...]) -> str:
    lines = [
        "| artifact @ kernel | release | date of the run | seconds | trials | agreed | weak | lost | findings | moot | no answer "
        "| contradictions |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    known = {one.name: one for one in runs}
    for layer, kernel in COLUMNS:
        name = f"{layer}@{kernel}"
        one = known.get(name)
        if one is None or one.fault:
            lines.append(f"| {name} | was not run{': ' + one.fault if one else ''} |" + " |" * 10)
            continue
        marks = one.marks()
        seen = [marks[mark.value] for mark in (Mark.AGREED, Mark.WEAK, Mark.LOST, Mark.FINDING, Mark.MOOT, Mark.NONE)]
        cells = [name, one.release, one.date, one.seconds, marks.total(), *seen, sum(marks[mark.value] for mark in CONTRADICTIONS)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def matrix(runs: tuple[Run, ...]) -> str:
    lines = ["| door | " + " | ".join(one.name for one in runs) + " |", "|---|" + "---|" * len(runs)]
    for door in DOORS:
        cells = (cell(Counter(one.doors.get(door.name, {}))) for one in runs)
        lines.append(f"| {door.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(marks: Counter[str]) -> str:
    wrong = sum(marks[mark.value] for mark in CONTRADICTIONS)
    seen = [marks[mark.value] for mark in (Mark.AGREED, Mark.WEAK, Mark.LOST)]
    if not wrong:
        while seen and not seen[-1]:
            seen.pop()
    return " / ".join([*map(str, seen), *([f"**{wrong}**"] if wrong else [])])


def listed(runs: tuple[Run, ...]) -> str:
    return "\n".join(f"- {one.name}: {len(one.wrong)}, such as `{words}`" for one in runs for words in one.wrong[:3])


def keep(one: Run) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{one.name}.json").write_text(json.dumps(asdict(one), indent=1) + "\n")


def kept() -> tuple[Run, ...]:
    found = {path.stem: Run(**json.loads(path.read_text())) for path in KEPT.glob("*.json")}
    return tuple(found[name] for layer, kernel in COLUMNS if (name := f"{layer}@{kernel}") in found)


def main(words: list[str] | None = None) -> int:
    names = [f"{layer}@{kernel}" for layer, kernel in COLUMNS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("columns", nargs="*", metavar="LAYER@KERNEL", help=f"of {', '.join(names)}")
    parser.add_argument("--page", action="store_true", help="run nothing: write the page from the runs that are kept")
    chosen = parser.parse_args(words)
    if unknown := [name for name in chosen.columns if name not in names]:
        parser.error(f"no column {unknown[0]}")
    for name in () if chosen.page else chosen.columns or names:
        layer, _, kernel = name.partition("@")
        keep(run(layer, kernel))
    runs = kept()
    PAGE.write_text(page(runs))
    told(f"{PAGE.relative_to(ROOT)}: {', '.join(one.name for one in runs)}")
    return 1 if any(one.wrong for one in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
