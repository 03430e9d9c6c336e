"""A two-file bundle for runc: a static busybox, a static probe, and a profile under which they run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.conftest import need, need_validator

NUMBERS = count()
PREPARE = (("etc/f", "f"), ("etc/t", "t"), ("w/u1", ""), ("w/u2", ""), ("w/r1", ""), ("w/r3", ""), ("w/m", ""))


@dataclass(frozen=True)
class Bundle:
    """`run` starts a fresh container from a fresh root; the profile's entries on capabilities are a container manager's."""

    folder: Path
    runc: str

    def run(self, profile: str, *command: str, privileges: bool = True, user: int = 0) -> subprocess.CompletedProcess[str]:
        root = self.folder / "rootfs"
        for directory in ("proc", "dev", "etc", "w", "w/dd"):
            (root / directory).mkdir(parents=True, exist_ok=True)
        shutil.rmtree(root / "w")
        (root / "w/dd").mkdir(parents=True)
        for name, text in PREPARE:
            (root / name).write_text(text)
            (root / name).chmod(0o666)
        (root / "w").chmod(0o777)
        (self.folder / "config.json").write_text(json.dumps(_config(json.loads(profile), command, privileges, user)))
        name = f"avakill-test-{os.getpid()}-{next(NUMBERS)}"
        return subprocess.run(
            (self.runc, "run", "-b", str(self.folder), name),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def results(self, profile: str, *calls: str, **options: Any) -> dict[str, int]:
        """What each call returned, by the words of the probe."""
        done = self.run(profile, "/bin/probe", *calls, **options)
        assert done.returncode == 0, (done.returncode, done.stderr, done.stdout)
        return {words.rsplit(" ", 1)[0]: int(words.rsplit(" ", 1)[1]) for words in done.stdout.splitlines()}


def make_bundle(folder: Path) -> Bundle:
    need(os.geteuid() == 0, "starting a container needs root")
    runc, busybox, compiler = need_validator("runc"), need_validator("busybox"), need_validator("gcc")
    programs = folder / "rootfs/bin"
    programs.mkdir(parents=True)
    shutil.copy(busybox, programs / "busybox")
    source = Path(__file__).with_name("probe.c")
    subprocess.run((compiler, "-static", "-O1", "-o", str(programs / "probe"), str(source)), check=True)
    return Bundle(folder, runc)


def _config(profile: Any, command: tuple[str, ...], privileges: bool, user: int) -> Any:
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": user, "gid": user},
            "args": list(command),
            "cwd": "/",
            "env": ["PATH=/bin"],
            "noNewPrivileges": not privileges,
        },
        "root": {"path": "rootfs", "readonly": False},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}], "seccomp": _for_runc(profile)},
    }


def _for_runc(profile: Any) -> Any:
    """What a container manager makes of Docker's form: this machine's architectures, the entries that are meant here."""
    if "archMap" not in profile:
        return profile
    first = profile["archMap"][0]
    kept = [entry for entry in profile["syscalls"] if is_meant(entry)]
    rest = {key: value for key, value in profile.items() if key != "archMap"}
    return rest | {"architectures": [first["architecture"], *first["subArchitectures"]], "syscalls": kept}


def is_meant(entry: Any) -> bool:
    """Whether an entry holds for a container without capabilities."""
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    assert {*includes, *excludes} <= {"caps"}, "only conditions on capabilities are read here"
    return not includes.get("caps")
