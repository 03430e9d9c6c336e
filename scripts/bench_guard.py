"""The guard's decisions beside other engines and a bare trie, in one run, every decision checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from bench_audit import audit_rows
from peers import Ask, Rules, measure

from avakill import Guard

SIZES = (10, 100, 1_000, 10_000)
CALLS = 20_000
PEER_SECONDS = 3.0
PEERS = {
    "avakill 1.2.0": ("other", "avakill", ("avakill==1.2.0",)),
    "cedarpy": ("peers", "cedarpy", ("cedarpy==4.12.2",)),
    "pycasbin": ("peers", "pycasbin", ("casbin==1.43.0",)),
    "rego-cpp": ("peers", "regopy", ("regopy==1.5.2",)),
}
"""Each with its environment, its name in peers.py and its packages. A binding of regorus could not be had."""

PLACE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "avakill/peers"


def rules_of(count: int) -> Rules:
    """Every third denies; none overlaps with another."""
    return [("deny" if at % 3 == 0 else "allow", f"/srv/app{at}/data") for at in range(count)]


def calls_of(rules: Rules) -> list[tuple[str, bool]]:
    """Paths in each rule's tree, and one in ten that no rule holds, with what the reference says: a dictionary of prefixes."""
    held = {prefix: action == "allow" for action, prefix in rules}
    paths = [f"{rules[at * 7919 % len(rules)][1]}/src/module{at}/file{at}.py" for at in range(CALLS)]
    paths[9::10] = [f"/srv/other{at}/file.txt" for at in range(9, CALLS, 10)]
    return [(path, held.get("/".join(path.split("/")[:4]), False)) for path in paths]


def trie(rules: Rules) -> Ask:
    """The floor: nothing but a walk."""
    root: dict[str, Any] = {}
    for action, prefix in rules:
        node = root
        for name in prefix[1:].split("/"):
            node = node.setdefault(name, {})
        node[""] = action == "allow"

    def ask(path: str) -> bool:
        node = root
        for name in path[1:].split("/"):
            if "" in node:
                return bool(node[""])
            after = node.get(name)
            if after is None:
                return False
            node = after
        return bool(node.get("", False))

    return ask


def policy(rules: Rules) -> str:
    """As people write it."""
    rule = "  - name: r{}\n    tools: [file_read]\n    action: {}\n    conditions:\n      path_match:\n        path: ['{}/**']\n"
    listed = "".join(
        rule.format(at, action, prefix)
        for at, (action, prefix) in enumerate(rules)
    )
    return f'version: "1.0"\ndefault_action: deny\npolicies:\n{listed}'


def ours(**options: Any) -> Callable[[Rules], Ask]:
    """Through a policy file, self-protection on."""

    def make(rules: Rules) -> Ask:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "avakill.yaml"
            place.write_text(policy(rules))
            evaluate = Guard(policy=place, **options).evaluate
        return lambda path: evaluate("file_read", {"path": path}).allowed

    return make


def environment(name: str, packages: tuple[str, ...]) -> Path | str:
    """A Python with these packages, made once; or why there is none."""
    folder = PLACE / name
    python = folder / "bin/python"
    if not python.exists():
        print(f"making {folder} …", file=sys.stderr)
        venv.create(folder, with_pip=True)
    done = subprocess.run([python, "-m", "pip", "install", "-q", *packages], capture_output=True, text=True, check=False)
    return python if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1]


def peer(python: Path, name: str, rules: Rules, calls: list[tuple[str, bool]]) -> dict[str, Any] | str:
    asked = json.dumps({"rules": rules, "calls": calls, "seconds": PEER_SECONDS})
    try:
        done = subprocess.run(
            [python, "-I", str(Path(__file__).with_name("peers.py")), name],
            input=asked, capture_output=True, text=True, timeout=180, check=False, cwd="/",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "over 180 s"
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:60]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def row(name: str, cells: list[dict[str, Any] | str], floors: list[float]) -> None:
    shown = []
    for cell, floor in zip(cells, floors, strict=True):
        if isinstance(cell, str):
            shown.append(f"{cell[:26]:>27}")
        else:
            wrong = f" {cell['wrong']}/{cell['asked']} WRONG" if cell["wrong"] else ""
            shown.append(f"{cell['p50_us']:>10.1f} {cell['p99_us']:>8.1f} x{cell['p50_us'] / floor:<6.3g}{wrong}")
    print(f"{name:<28}" + " ".join(shown))


def deciding() -> None:
    """p50 and p99 of one decision in microseconds, and p50 over that of a bare trie, by the number of rules."""
    print(f"{'µs: p50 p99, over a trie':<28}" + " ".join(f"{f'{count:,} rules':>27}" for count in SIZES))
    cases = [(rules_of(count), calls_of(rules_of(count))) for count in SIZES]
    floor = [measure(trie, *case, 60) for case in cases]
    floors = [cell["p50_us"] for cell in floor]
    row("a trie in plain Python", list(floor), floors)
    lexical = [measure(ours(resolve_paths=False), *case, 60) for case in cases]
    row("Guard, lexical paths", list(lexical), floors)
    with tempfile.TemporaryDirectory() as folder:
        row("Guard, path exists", [_on_disk(Path(folder).resolve(), count, True) for count in SIZES], floors)
        row("Guard, last names missing", [_on_disk(Path(folder).resolve(), count, False) for count in SIZES], floors)
    for name, (place, engine, packages) in PEERS.items():
        python = environment(place, packages)
        if isinstance(python, str):
            row(name, [python] * len(SIZES), floors)
            continue
        cells: list[dict[str, Any] | str] = []
        for case in cases:
            slow = bool(cells) and (isinstance(cells[-1], str) or cells[-1]["p50_us"] > 1e6)
            cells.append("left out: too slow" if slow else peer(python, engine, *case))
        row(name, cells, floors)
    took, least = lexical[-1]["load_ms"], floor[-1]["load_ms"]
    print(f"\nloading 10,000 rules from YAML and the first decision: {took:.0f} ms (a trie {least:.0f} ms)")


def _on_disk(folder: Path, count: int, exists: bool) -> dict[str, Any]:
    """Rules over real directories; each call's file is there, or its last two names are not."""
    rules = [(action, f"{folder}/{count}{prefix}") for action, prefix in rules_of(count)]
    calls = []
    for at in range(0, CALLS, 4):
        action, prefix = rules[at * 7919 % count]
        path = Path(prefix) / ("file.py" if exists else f"new{at}/file.py")
        if not Path(prefix).exists():
            Path(prefix).mkdir(parents=True)
            (Path(prefix) / "file.py").touch()
        calls.append((str(path), action == "allow"))
    return measure(ours(), rules, calls, 60)


def importing() -> None:
    """Whole processes: `import avakill` over bare Python, and with the guard."""
    print(f"\n{'whole process, ms':<28}{'best':>8}{'over bare':>12}")
    floor = _process("pass")
    for code in ("pass", "import avakill", "from avakill import Guard"):
        took = _process(code)
        print(f"{code:<28}{took:>8.1f}{took - floor:>12.1f}")


def _process(code: str) -> float:
    best = 1e9
    for _ in range(15):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        best = min(best, (time.perf_counter() - start) * 1e3)
    return best


if __name__ == "__main__":
    deciding()
    importing()
    print()
    audit_rows()
