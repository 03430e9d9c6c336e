"""Random small trees and policies: the real kernel answers what the oracle answers, and f's denials hold."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from pathlib import Path

from avakill.backends.judge import Probe, judge
from avakill.ir.effect import Operation
from avakill.ir.policy import Action
from tests.backends.landlock.bench import kernel_of
from tests.kernel.landlock.jail import DENIED, Jail
from tests.kernel.landlock.setup import ALL_FILES, here, paths, policy

POLICIES = int(os.environ.get("AVAKILL_KERNEL_POLICIES", "200"))
NAMES_TOO = ("file_write", "file_delete")
TOOLS = (ALL_FILES, ALL_FILES, ("file_read",), ("file_write",), ("file_delete",), ("*",), NAMES_TOO, ("shell_execute",))
ON_NAMES = ("rename", "link", "symlink", "create", "mkdir")
NAMES = ("a", "b", "c d", ".env", "x.pem", "né", 'q"')
STAYING = ("read", "list", "write", "truncate", "exec", "tmpfile")
AS_OPERATION = {"tmpfile": Operation.WRITE}


def grow(random: random.Random, root: Path) -> tuple[list[str], list[str]]:
    """Some directories and files (scripts that do nothing) below `root`."""
    folders = [root]
    for _ in range(random.randint(3, 8)):
        folder = random.choice(folders) / random.choice(NAMES)
        folder.mkdir(exist_ok=True)
        folders.append(folder)
    files: dict[Path, None] = {}
    for _ in range(random.randint(4, 9)):
        path = random.choice(folders) / random.choice(NAMES)
        if not path.exists():
            path.write_text("#!/bin/true\n")
            path.chmod(0o755)
            files[path] = None
    return [str(f) for f in dict.fromkeys(folders)], [str(f) for f in files]


def pattern(random: random.Random, root: Path, known: list[str]) -> str:
    def quoted(text: str) -> str:
        return "".join("\\" + c if c in "*?[]{}\\" else c for c in text)

    kind = random.randint(0, 8)
    base = random.choice(known)
    if kind <= 3:
        return quoted(base)
    if kind == 4:
        return quoted(f"{base}/{random.choice(NAMES)}")
    if kind == 5:
        return f"{quoted(str(root))}/**/{random.choice(('.env', '*.pem', 'a'))}"
    if kind == 6:
        return f"{quoted(base)}/*"
    if kind == 7:
        return f"{quoted(str(root))}/*/{random.choice(('a', '.e*', '[a-c]'))}"
    return f"{quoted(base)}/**"


def rules(random: random.Random, root: Path, known: list[str]):  # type: ignore[no-untyped-def]
    made = []
    tools = random.choice(TOOLS)
    for _ in range(random.randint(1, 4)):
        if random.random() < 0.3:
            tools = random.choice(TOOLS)
        action = Action.ALLOW if random.random() < 0.3 else Action.DENY
        made.append((tools, action, paths(pattern(random, root, known))))
    return made


def probes(random: random.Random, folders: list[str], files: list[str]):  # type: ignore[no-untyped-def]
    """What stays, then what can be undone by moving back, then what destroys."""
    for path in files:
        yield from ((op, path, None, False) for op in ("read", "write", "truncate", "exec"))
    for path in folders:
        yield from ((op, path, None, True) for op in ("list", "tmpfile"))
        yield from ((op, f"{path}/new", None, op == "mkdir") for op in ("create", "mkdir", "symlink"))
    for path in random.sample(files, min(len(files), 4)):
        yield ("rename", path, f"{random.choice(folders)}/moved", False)
        yield ("link", path, f"{random.choice(folders)}/moved", False)
    for path in random.sample(folders[1:], min(len(folders) - 1, 4)):
        goal = random.choice([f for f in folders if not f.startswith(path)] or folders[:1])
        yield ("rename", path, f"{goal}/moved", True)
    for path in random.sample(files, min(len(files), 3)):
        yield ("unlink", path, None, False)


def undo(operation: str, path: str, to: str | None) -> None:
    if operation in ("create", "symlink"):
        os.unlink(path)
    elif operation == "mkdir":
        os.rmdir(path)
    elif operation == "link":
        os.unlink(str(to))
    elif operation == "rename":
        os.rename(str(to), path)


def as_probe(operation: str, path: str, to: str | None, directory: bool) -> Probe:
    return Probe(AS_OPERATION.get(operation) or Operation(operation), path, to, directory)


def test_kernel_and_oracle_agree(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(POLICIES):
        seed = random.Random(number)
        root = tmp_path / f"t{number}"
        root.mkdir()
        folders, files = grow(seed, root)
        made = policy(*rules(seed, root, folders + files))
        applied = here(made, root, root)
        oracle = kernel_of(applied.expansion)
        with Jail(applied.expansion) as jail:
            for operation, path, to, directory in probes(seed, folders, files):
                probe = as_probe(operation, path, to, directory)
                error = jail(operation, path, to)
                allowed = error not in DENIED
                if error == 0:
                    undo(operation, path, to)
                seen["allowed" if allowed else "denied"] += 1
                if allowed != oracle.allows(probe):
                    wrong.append(f"policy {number}: {operation} {path} {to}: errno {error}, oracle {oracle.allows(probe)}")
                if allowed and operation not in ON_NAMES and not judge(applied.plan, probe).allowed:
                    wrong.append(f"policy {number}: LEAK {operation} {path}")
        shutil.rmtree(root)
    print(dict(seen))
    assert wrong == []
    assert seen["denied"] > POLICIES
