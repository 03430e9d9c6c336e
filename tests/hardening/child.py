"""A process of its own with protected files: hooks cannot be taken out again, so no test puts one into its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PRELUDE = """
import json, os, sys, pathlib
where = pathlib.Path(sys.argv[1])
os.chdir(where)
safe, tree, free = where / "safe.yaml", where / "tree", where / "free"
told = []
paths = [safe, tree, where / "absent.sig", where / "named"]
{arm}
{before}
arm()
answer = "done"
try:
{attack}
except BaseException as error:
    answer = "refused" if "avakill refuses" in str(error) else f"{{type(error).__name__}}: {{error}}"
os.write(1, json.dumps([answer, told]).encode())
"""

IN_PYTHON = """
def arm():
    from avakill.hardening.hooks import protect_files
    protect_files(paths, lambda *attempt: told.append(attempt))
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the attack, and of the files."""

    answer: str
    told: tuple[tuple[str, str, str], ...]
    changed: tuple[str, ...]


def lay(where: Path) -> None:
    """A protected file, tree and link, an absent file, and free neighbours."""
    (where / "safe.yaml").write_text("policy")
    (where / "tree" / "deep").mkdir(parents=True)
    (where / "tree" / "deep" / "module.py").write_text("code")
    (where / "real.yaml").write_text("behind a link")
    (where / "named").symlink_to("real.yaml")
    (where / "free").mkdir()
    (where / "free" / "file").write_text("free")
    (where / "way").symlink_to(".")
    (where / "link").symlink_to("safe.yaml")
    (where / "twin").hardlink_to(where / "safe.yaml")


def attacked(where: Path, attack: str, before: str = "", arm: str = IN_PYTHON) -> Ended:
    """Run `attack` where files are protected, `before` having run without."""
    lay(where)
    old = protected_state(where)
    body = "\n".join(f"    {line}" for line in attack.splitlines())
    words = (sys.executable, "-c", PRELUDE.format(arm=arm, before=before, attack=body), str(where))
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    answer, told = json.loads(run.stdout)
    new = protected_state(where)
    changed = tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))
    return Ended(answer, tuple(map(tuple, told)), changed)


def protected_state(where: Path) -> dict[str, tuple[object, ...]]:
    """Everything of the protected places that an attack could change."""
    roots = [where / name for name in ("safe.yaml", "named", "real.yaml", "absent.sig", "tree")]
    paths = [path for root in roots for path in (root, *(root.rglob("*") if root.is_dir() else ()))]
    return {str(path.relative_to(where)): _state(path) for path in paths if path.exists() or path.is_symlink()}


def _state(path: Path) -> tuple[object, ...]:
    seen = path.lstat()
    content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
    return content, seen.st_ino, seen.st_mode, seen.st_uid, seen.st_gid, seen.st_mtime_ns if not path.is_dir() else 0
