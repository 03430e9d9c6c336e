"""The prober, compiled once with the machine's compiler and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from avakill.lab.words import LabFault

SOURCE = Path(__file__).with_name("prober.c")
FLAGS = ("-static", "-O2")
HELP = "install the packages gcc and libc6-dev"


def cache() -> Path:
    """Where compiled programs are kept: outside of the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "avakill" / "lab"


def build(folder: Path | None = None) -> Path:
    """The prober; compiled where the cache does not hold it yet. Raises LabFault."""
    digest = hashlib.sha256(SOURCE.read_bytes() + repr((FLAGS, os.uname().machine)).encode())
    prober = (folder or cache()) / digest.hexdigest() / "prober"
    if not prober.exists():
        try:
            _compile(prober)
        except OSError as error:
            raise LabFault(f"the prober could not be kept: {error}", "set XDG_CACHE_HOME to a folder of yours") from error
    return prober


def _compile(prober: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise LabFault("there is no C compiler", HELP)
    prober.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=prober.parent, prefix="new-") as name:
        new = Path(name) / "prober"
        command = (compiler, *FLAGS, "-o", str(new), str(SOURCE))
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise LabFault(f"the prober could not be compiled: {last}", HELP)
        new.replace(prober)  # whole or not at all, whoever else compiles it at the same time
