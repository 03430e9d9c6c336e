"""Speed, as ratios beside bare floors in one run: `make bench`. Nothing here is a test; machines differ, ratios travel."""
from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generate_policy import policy_text

from avakill.backends.contract import Settings
from avakill.backends.plan import make_plan
from avakill.backends.registry import find
from avakill.compiler.compile import compile_policy, read_source
from avakill.ir.policy import Policy
from avakill.ir.target import Target
from avakill.source.collector import collector_paused
from avakill.source.file import SourceFile

TARGET = Target(protected=("/home/agent/.config/avakill/avakill.yaml",))
SIZES = (10, 100, 1_000, 10_000)
AVAKILL = str(Path(sys.executable).with_name("avakill"))


def compiled(count: int) -> Policy:
    source = read_source(policy_text(count).encode(), "bench.yaml")
    assert isinstance(source, SourceFile)
    policy = compile_policy(source, {}).policy
    assert policy is not None
    return policy


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compiling() -> None:
    """The front end and every backend, by the number of rules; the last column is per rule, over that of 100 rules."""
    backends = find().backends
    names = ["front end", "plan", *(backend.name for backend in backends)]
    print(f"{'rules':>7}  " + "  ".join(f"{name:>10}" for name in names) + f"  {'all':>10}  per rule, over 100 rules'")
    base = 0.0
    for count in SIZES:
        compiled(10)
        front = seconds(lambda count=count: compiled(count))  # type: ignore[misc]
        policy = compiled(count)
        cells = [front, seconds(lambda policy=policy: make_plan(policy, TARGET))]  # type: ignore[misc]
        plan = make_plan(policy, TARGET)
        for backend in backends:
            with collector_paused():  # as the pipeline does
                cells.append(seconds(lambda b=backend, p=plan: b.emit(b.lower(p, Settings()).model)))  # type: ignore[misc]
        total = sum(cells)
        base = total / count if count == 100 else base
        ratio = f"{total / count / base:.2f}" if base else "–"
        print(f"{count:>7}  " + "  ".join(f"{cell:>9.3f}s" for cell in cells) + f"  {total:>9.3f}s  {ratio}")


def processes(rows: list[tuple[str, list[str], bytes]], runs: int = 15) -> None:
    """Whole processes, run in turn: the median of each in milliseconds, and over the first row's."""
    times: dict[str, list[float]] = {name: [] for name, _, _ in rows}
    for turn in range(runs + 1):
        for name, command, told in rows:
            start = time.perf_counter()
            done = subprocess.run(command, input=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            if turn:
                times[name].append(time.perf_counter() - start)
            if done.returncode not in (0, 2):
                print(f"  ({name} ended with status {done.returncode})")
                return
    floor = statistics.median(times[rows[0][0]])
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:<58} {middle * 1000:>8.1f} ms  x{middle / floor:.2f}")


def starting(folder: Path) -> None:
    policy = folder / "avakill.yaml"
    policy.write_text(policy_text(10))
    call = b'{"tool": "file_read", "args": {"path": "/srv/team0/service0/x"}}'
    processes(
        [
            ("python3 -c pass (the floor)", [sys.executable, "-c", "pass"], b""),
            ("avakill --version", [AVAKILL, "--version"], b""),
            ("avakill evaluate, 10 rules", [AVAKILL, "evaluate", "--policy", str(policy)], call),
        ]
    )


def launching(folder: Path) -> None:
    policy = folder / "avakill.yaml"
    shutil.copy(Path(__file__).parents[1] / "fixtures/policies/coding-agent/policy.yaml", policy)
    bwrap = shutil.which("bwrap")
    rows = [("/bin/true (the floor)", ["/bin/true"], b"")]
    if bwrap:
        rows.append(("bwrap --bind / / /bin/true", [bwrap, "--bind", "/", "/", "/bin/true"], b""))
    rows.append(
        ("avakill enforce landlock -- /bin/true", [AVAKILL, "enforce", "landlock", "--policy", str(policy), "--", "/bin/true"], b"")
    )
    processes(rows)


def main() -> None:
    os.environ.pop("AVAKILL_POLICY", None)
    print("== compiling: seconds ==")
    compiling()
    with tempfile.TemporaryDirectory() as name:
        print("\n== starting: whole processes ==")
        starting(Path(name))
        print("\n== launching under Landlock: whole processes ==")
        launching(Path(name))


if __name__ == "__main__":
    main()
