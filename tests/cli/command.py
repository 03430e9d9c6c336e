"""Running `avakill` as a user does: a process of its own, in a home and a project of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

AVAKILL = [sys.executable, "-m", "avakill"]


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Place:
    """A scratch home with a project in it."""

    home: Path

    @property
    def project(self) -> Path:
        return self.home / "project"

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)
        return path

    def run(self, *words: str, told: str | bytes = b"", **environment: str) -> Ended:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV") if name in os.environ}
        done = subprocess.run(
            [*AVAKILL, *words],
            cwd=self.project,
            env={**kept, "HOME": str(self.home), **environment},
            input=told.encode() if isinstance(told, str) else told,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def new_place(folder: Path) -> Place:
    place = Place(folder / "home")
    place.project.mkdir(parents=True)
    (place.project / ".git").mkdir()
    return place
