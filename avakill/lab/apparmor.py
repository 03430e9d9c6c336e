"""A case's AppArmor profile: compiled on this machine, loaded and entered in the guest."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from avakill.lab import confine as layers
from avakill.lab.words import Case, Confine, LabFault

SOURCE = "avakill.apparmor"
BINARY = "avakill.apparmor.bin"
FEATURES = "/etc/apparmor.d/abi/3.0"
LOAD = Path("/sys/kernel/security/apparmor/.replace")
AUDIT = Path("/sys/module/apparmor/parameters/audit")
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
SECONDS = 120


def prepare(case: Case) -> Case:
    """The case with its profile compiled beside the source."""
    return replace(case, material=(*case.material, (BINARY, compile(case.file(SOURCE)))))


def compile(profile: bytes) -> bytes:
    """The form that the kernel takes, for the features of `abi/3.0` and not those of this machine's kernel."""
    parser = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path=SBIN)
    if parser is None or not Path(FEATURES).exists():
        raise LabFault("`apparmor_parser` is missing: it compiles profiles", "on Debian it is in `apparmor`")
    words = (parser, "--skip-cache", "--stdout", "--kernel-features", FEATURES)
    done = subprocess.run(words, input=profile, capture_output=True, timeout=SECONDS)
    if done.returncode or not done.stdout:
        raise LabFault(f"apparmor_parser refuses the profile: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def enter() -> None:
    """Each denial speaks in the kernel's log, also one that a profile would keep quiet."""
    if not LOAD.exists():
        raise LabFault("the guest's kernel has no AppArmor", "see its parameters")
    AUDIT.write_text("noquiet")


def confine(case: Case) -> Confine:
    """Loads the case's profile over the last one, and gives what lets a process enter it with its next exec."""
    try:
        with LOAD.open("wb", buffering=0) as file:  # one call, as the kernel wants it
            file.write(case.file(BINARY))
    except OSError as error:
        raise LabFault(f"the kernel does not take the profile of {case.name}: {error.strerror}") from error
    return layers.apparmor(name_of(case.file(SOURCE)))


def name_of(profile: bytes) -> str:
    """As the source gives it: the backend itself is too much to import in a guest."""
    found = re.search(rb"^profile (\S+) ", profile, re.MULTILINE)
    if found is None:
        raise LabFault("the AppArmor artifact holds no profile")
    return found[1].decode()
