"""The files of a Debian package, from the archive that this machine itself uses: fetched and unpacked, never installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from avakill.lab.words import LabFault

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
FIELDS = "$(ORIGIN)\t$(LABEL)\t$(COMPONENT)\t$(REPO_URI)"
SECONDS = 540
"""How long one step of apt may take."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One suite of Debian's archive under apt lists of our own in `folder`."""

    suite: str
    folder: Path

    def depends(self, package: str, pattern: str) -> str:
        """The first dependency of a package whose name matches."""
        shown = self._ask("apt-cache", "show", package)
        wanted = re.compile(rf"^Depends:.*?\b({pattern})\b", re.MULTILINE)
        found = wanted.search(shown)
        if found is None:
            raise LabFault(f"`{package}` of {self.suite} depends on no `{pattern}`")
        return found[1]

    def unpack(self, package: str) -> Path:
        """The folder that holds the package's files, until the archive is left."""
        self._ask("apt-get", "download", package)
        found = sorted(self.folder.glob(f"{package}_*.deb"))
        if not found:
            raise LabFault(f"apt-get gave no file for `{package}`")
        root = self.folder / f"{package}.root"
        _run(("dpkg", "-x", str(found[0]), str(root)), self.folder)
        return root

    def _ask(self, program: str, *words: str) -> str:
        return _run((program, *_options(self.folder), *words), self.folder)


@contextmanager
def archive(suite: str) -> Iterator[Archive]:
    """Reads the lists of a suite; everything fetched is removed at the end."""
    for program, package in (("apt-get", "apt"), ("dpkg", "dpkg")):
        if shutil.which(program) is None:
            raise LabFault(f"`{program}` is missing: kernels are fetched from a Debian archive", f"on Debian it is in `{package}`")
    with TemporaryDirectory(prefix="avakill-apt-") as name:
        folder = Path(name)
        for below in ("lists/partial", "cache/archives/partial"):
            (folder / below).mkdir(parents=True)
        (folder / "status").touch()
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        (folder / "sources.list").write_text(f"deb {signed}{_address()} {suite} main\n")
        found = Archive(suite, folder)
        found._ask("apt-get", "update", "-q")
        yield found


def _address() -> str:
    """Where this machine's own set-up finds Debian's main archive."""
    shown = _run(("apt-get", "indextargets", "--format", FIELDS, "Created-By: Packages"), Path("/"))
    for line in shown.splitlines():
        origin, label, component, address = line.split("\t")
        if (origin, label, component) == ("Debian", "Debian", "main"):
            return address
    raise LabFault("apt knows no Debian archive on this machine", "run `apt-get update` once, with Debian's `main` among the sources")


def _options(folder: Path) -> tuple[str, ...]:
    settings = (
        f"Dir::Etc::sourcelist={folder}/sources.list",
        "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={folder}/lists",
        f"Dir::State::status={folder}/status",
        f"Dir::Cache={folder}/cache",
        "APT::Sandbox::User=root",
        "Acquire::Languages=none",
        "Acquire::Retries=2",
    )
    return tuple(word for setting in settings for word in ("-o", setting))


def _run(words: tuple[str, ...], folder: Path) -> str:
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise LabFault(f"`{words[0]}` took longer than {SECONDS} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LabFault(f"`{words[0]} {words[-1]}` failed: {last}", "the lab needs Debian's archive once, then works from its cache")
    return done.stdout
