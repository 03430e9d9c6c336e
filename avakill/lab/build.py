"""The prober and the tiny program of every file in a world, compiled once with the machine's compiler and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from avakill.lab.words import LabFault

SOURCE = Path(__file__).with_name("prober.c")
TINY_SOURCE = """\
void _start(void)
{
#if defined(__x86_64__)
    __asm__ volatile("syscall" : : "a"(231), "D"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long zero __asm__("x0") = 0, call __asm__("x8") = 94;
    __asm__ volatile("svc 0" : : "r"(zero), "r"(call) : "memory");
#endif
    __builtin_unreachable();
}
"""
"""exit_group(0), without a library: so that every file can be read, written and run, and none is large."""

FLAGS = ("-static", "-O2")
TINY_FLAGS = (
    *("-static", "-nostdlib", "-Os", "-s", "-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-fcf-protection=none"),
    *("-Wl,--build-id=none", "-Wl,-z,norelro", "-Wl,-z,noseparate-code", "-Wl,-n"),
)
HELP = "install the packages gcc and libc6-dev"


@dataclass(frozen=True, slots=True)
class Programs:
    """`prober` tries the doors; `tiny` is what every file of a world holds: it exits with 0."""

    prober: Path
    tiny: Path


def cache() -> Path:
    """Where compiled programs are kept: outside of the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "avakill" / "lab"


def build(folder: Path | None = None) -> Programs:
    """Compiles what the cache does not hold yet. Raises LabFault."""
    digest = hashlib.sha256(SOURCE.read_bytes() + TINY_SOURCE.encode() + repr((FLAGS, TINY_FLAGS, os.uname().machine)).encode())
    place = (folder or cache()) / digest.hexdigest()
    made = Programs(place / "prober", place / "tiny")
    if not made.prober.exists() or not made.tiny.exists():
        _compile(place)
    return made


def _compile(place: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise LabFault("there is no C compiler", HELP)
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix="new-") as name:
        new = Path(name)
        (new / "tiny.c").write_text(TINY_SOURCE)
        _run(compiler, *FLAGS, "-o", str(new / "prober"), str(SOURCE))
        flags = [flag for flag in TINY_FLAGS if os.uname().machine == "x86_64" or not flag.startswith("-fcf")]
        _run(compiler, *flags, "-o", str(new / "tiny"), str(new / "tiny.c"))
        for program in ("prober", "tiny"):  # whole or not at all, whoever else compiles it at the same time
            (new / program).replace(place / program)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise LabFault(f"the prober could not be compiled: {last}", HELP)
