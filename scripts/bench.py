"""Speed, as ratios beside bare floors in one run: `make bench`. Nothing here is a test; machines differ, ratios travel."""
from __future__ import annotations

import ctypes
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generate_policy import policy_text

from avakill.backends.contract import Settings
from avakill.backends.landlock.expand import Expansion, Grant, expand
from avakill.backends.landlock.lower import lower
from avakill.backends.landlock.rights import mask
from avakill.backends.plan import make_plan
from avakill.backends.registry import find
from avakill.compiler.compile import compile_policy, read_source
from avakill.enforce import kernel
from avakill.enforce.host import HostTree
from avakill.enforce.probe import probe_target
from avakill.ir.policy import Policy
from avakill.ir.target import Target
from avakill.pipeline import build
from avakill.source.collector import collector_paused
from avakill.source.file import SourceFile

TARGET = Target(protected=("/home/agent/.config/avakill/avakill.yaml",))
SIZES = (10, 100, 1_000, 10_000)
AVAKILL = str(Path(sys.executable).with_name("avakill"))
FIXTURES = Path(__file__).parents[1] / "fixtures/policies"


def compiled(count: int) -> Policy:
    return parsed(policy_text(count).encode(), "bench.yaml")


def read_policy(path: Path) -> Policy:
    return parsed(path.read_bytes(), str(path))


def parsed(text: bytes, name: str) -> Policy:
    source = read_source(text, name)
    assert isinstance(source, SourceFile)
    policy = compile_policy(source, {}).policy
    assert policy is not None
    return policy


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of this process: what else runs on the machine does not count."""
    with collector_paused():  # as the pipeline does
        start = time.process_time()
        work()
        return time.process_time() - start


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
        front = cpu_seconds(lambda count=count: compiled(count))  # type: ignore[misc]
        policy = compiled(count)
        cells = [front, cpu_seconds(lambda policy=policy: make_plan(policy, TARGET))]  # type: ignore[misc]
        plan = make_plan(policy, TARGET)
        for backend in backends:
            cells.append(cpu_seconds(lambda b=backend, p=plan: b.emit(b.lower(p, Settings()).model)))  # type: ignore[misc]
        total = sum(cells)
        base = total / count if count == 100 else base
        ratio = f"{total / count / base:.2f}" if base else "–"
        print(f"{count:>7}  " + "  ".join(f"{cell:>9.3f}s" for cell in cells) + f"  {total:>9.3f}s  {ratio}")


def compiling_whole(folder: Path) -> None:
    """Seconds on the clock: front end, plan, every backend and its verdicts; and the whole process, its files written."""
    backends = find().backends
    print(f"{'rules':>7}  {'front end + build':>18}  {'goal':>8}  {'avakill compile':>16}")
    for count, goal in ((100, ""), (1_000, "0.5s"), (10_000, "6s")):
        text = policy_text(count).encode()
        policy = folder / f"compile{count}.yaml"
        policy.write_bytes(text)
        built = min(seconds(lambda text=text: build(parsed(text, "bench.yaml"), TARGET, backends)) for _ in range(3))  # type: ignore[misc]
        command = [AVAKILL, "compile", "--policy", str(policy), "-o", str(folder / f"compiled{count}")]
        whole = seconds(lambda command=command: subprocess.run(command, capture_output=True, check=True))  # type: ignore[misc]
        print(f"{count:>7}  {built:>17.3f}s  {goal:>8}  {whole:>15.3f}s")


# -- Landlock: expansion and the kernel's part --


def row(name: str, took: float, floor: float, more: str = "") -> None:
    print(f"{name:<58} {took * 1000:>9.2f} ms  x{took / floor:<8.2f}{more}")


def grow(root: Path, count: int) -> None:
    """A workspace of so many files, ten to a directory, eight directories to a directory."""
    (root / ".git").mkdir(parents=True)
    folders = [root]
    for number in range(count):
        if number % 10 == 0 and number:
            folders.append(folders[len(folders) // 8] / f"package{number}")
            folders[-1].mkdir()
        (folders[-1] / f"module{number}.py").touch()


def expanding(folder: Path) -> None:
    """The walk of the coding agent's policy (`.env*` at any depth) over bare `os.scandir` of the same directories."""
    policy = read_policy(FIXTURES / "coding-agent/policy.yaml")
    for count in (90, 9_000):
        workspace = folder / f"workspace{count}"
        grow(workspace, count)
        environ = {**os.environ, "AVAKILL_WORKSPACE": str(workspace), "HOME": str(folder)}
        target = probe_target(policy, str(folder / "avakill.yaml"), ("/bin/true",), environ)
        model = lower(make_plan(policy, target), Settings()).model
        floor = min(seconds(lambda where=workspace: listed(where)) for _ in range(3))  # type: ignore[misc]
        found = expand(model, HostTree(), 7)
        took = min(seconds(lambda model=model: expand(model, HostTree(), 7)) for _ in range(3))  # type: ignore[misc]
        entries = sum(1 for _ in workspace.rglob("*"))
        row(f"os.scandir of {entries} entries (the floor)", floor, floor)
        each = f"{took / found.walked * 1e6:.1f} us for each of {found.walked} entries asked of"
        row(f"expansion, workspace of {count} files, {len(found.grants)} grants", took, floor, each)


def listed(root: Path) -> None:
    todo = [str(root)]
    while todo:
        with os.scandir(todo.pop()) as entries:
            todo += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def applying(folder: Path) -> None:
    """`restrict` over the bare system calls with the same rules, each in a child of its own."""
    if kernel.missing() is not None:
        print("this kernel has no Landlock: not measured")
        return
    for count in (36, 1_000):
        places = [folder / f"place{count}-{number}" for number in range(count)]
        for place in places:
            place.mkdir()
        rights = ("read_file", "read_dir", "write_file")
        grants = tuple(Grant(str(place), True, rights) for place in places)
        expansion = Expansion(7, rights, grants)
        floor = statistics.median(in_child(lambda e=expansion: bare_restrict(e)) for _ in range(7))  # type: ignore[misc]
        took = statistics.median(in_child(lambda e=expansion: kernel.restrict(e)) for _ in range(7))  # type: ignore[misc]
        row(f"bare landlock system calls, {count} rules (the floor)", floor, floor)
        row(f"apply, {count} rules", took, floor, f"{took / count * 1e6:.1f} us a rule")


def in_child(work: Callable[[], object]) -> float:
    """The seconds that `work` takes in a child: what it restricts stays restricted. Its imports are not counted."""
    import landlock  # noqa: F401

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, repr(seconds(work)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading, "rb") as told:
        return float(told.read())


def bare_restrict(expansion: Expansion) -> None:
    """landlock_create_ruleset, for each rule open, landlock_add_rule, close; prctl; landlock_restrict_self."""
    libc = ctypes.CDLL(None, use_errno=True)
    call = libc.syscall
    call.restype = ctypes.c_long
    handled = ctypes.c_uint64(mask(expansion.handled))
    ruleset = call(444, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    assert ruleset >= 0
    for grant in expansion.grants:
        fd = os.open(grant.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        # struct landlock_path_beneath_attr is packed: u64 allowed_access, s32 parent_fd
        assert call(445, ruleset, 1, struct.pack("=Qi", mask(grant.rights), fd), 0) == 0
        os.close(fd)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert call(446, ruleset, 0) == 0
    os.close(ruleset)


# -- whole processes --


def processes(rows: list[tuple[str, list[str], bytes]], cwd: Path, runs: int = 15) -> None:
    """Run in turn: the median of each in milliseconds, and over the first row's."""
    times: dict[str, list[float]] = {name: [] for name, _, _ in rows}
    for turn in range(runs + 1):
        for name, command, told in rows:
            start = time.perf_counter()
            done = subprocess.run(command, input=told, capture_output=True, check=False, cwd=cwd)
            if turn:
                times[name].append(time.perf_counter() - start)
            if done.returncode not in (0, 2):
                print(f"  ({name} ended with status {done.returncode})")
                return
    floor = statistics.median(times[rows[0][0]])
    for name, found in times.items():
        row(name, statistics.median(found), floor)


def starting(folder: Path) -> None:
    call = b'{"tool": "file_read", "args": {"path": "/srv/team0/service0/x"}}'
    rows = [("python3 -c pass (the floor)", [sys.executable, "-c", "pass"], b""), ("avakill --version", [AVAKILL, "--version"], b"")]
    for count in (10, 1_000):
        policy = folder / f"{count}.yaml"
        policy.write_text(policy_text(count))
        rows.append((f"avakill evaluate, {count:,} rules", [AVAKILL, "evaluate", "--policy", str(policy)], call))
    processes(rows, folder)


def launching(folder: Path) -> None:
    policy = str(FIXTURES / "coding-agent/policy.yaml")
    bwrap = shutil.which("bwrap")
    project = folder / "project"
    grow(project, 90)
    rows = [("/bin/true (the floor)", ["/bin/true"], b"")]
    if bwrap:
        rows.append(("bwrap --dev-bind / / /bin/true", [bwrap, "--dev-bind", "/", "/", "/bin/true"], b""))
    else:
        print("bwrap is missing: install Debian's `bubblewrap` to see it beside")
    rows.append(("python3 -c pass", [sys.executable, "-c", "pass"], b""))
    launch = [AVAKILL, "enforce", "landlock", "--quiet", "--policy", policy, "--", "/bin/true"]
    rows.append(("avakill enforce landlock -- /bin/true", launch, b""))
    processes(rows, project)


def main() -> None:
    os.environ.pop("AVAKILL_POLICY", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for title, work in (
            ("compiling: seconds of CPU", lambda _: compiling()),
            ("compiling: seconds on the clock", compiling_whole),
            ("Landlock expansion, over bare reading of the directories", expanding),
            ("Landlock apply, over bare system calls", applying),
            ("starting: whole processes", starting),
            ("launching under Landlock: whole processes", launching),
        ):
            print(f"== {title} ==", flush=True)
            work(folder)
            print(flush=True)


if __name__ == "__main__":
    main()
