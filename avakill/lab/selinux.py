"""A case's SELinux module: linked here together with those of other cases, loaded, laid on the world and entered in the guest."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from avakill.lab import confine as layers
from avakill.lab.labels import labels_of
from avakill.lab.stage import Prepare
from avakill.lab.wire import Batch
from avakill.lab.words import Case, Confine, LabFault

SOURCE, CONTEXTS = "avakill.te", "avakill.fc"
POLICY = "policy"
LABELS = "labels.json"
DOMAIN = "domain"
STORE = "default"
STORES = (Path("/etc/selinux"), Path("/var/lib/selinux"))
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
SECONDS = 500

TOOLS = {"checkmodule": "checkpolicy", "semodule_package": "semodule-utils", "semodule": "policycoreutils"}
"""The distribution's own tools, and the package of each."""

FILES = Path("/sys/fs/selinux")
ATTRIBUTES = Path("/proc/self/attr")
SUPERVISOR = "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023"
ELSEWHERE = "system_u:object_r:tmp_t:s0"
"""Where no line names a path: a domain may use it like any file without a label of ours."""


# -- on this machine --


def prepare(cases: tuple[Case, ...]) -> Batch:
    """One policy for the whole boot, and for each case its labels and the name of its domain."""
    modules = {f"avakill{number:02}": case for number, case in enumerate(cases)}
    policy = link({name: rename(case.file(SOURCE), name) for name, case in modules.items()})
    prepared = tuple(_prepared(case, name) for name, case in modules.items())
    return Batch("selinux", prepared, ((POLICY, policy),))


def _prepared(case: Case, module: str) -> Case:
    known = labels_of(case.file(CONTEXTS), case.world)
    labels = {path: context.replace(":avakill_", f":{module}_") for path, context in known.items()}
    added = ((LABELS, json.dumps(labels).encode()), (DOMAIN, f"{module}_agent_t".encode()))
    return replace(case, material=(*case.material, *added))


def rename(source: bytes, module: str) -> bytes:
    """The module with names of its own, so that many can be linked together; quoted file names stay."""
    kept = b"\n".join(line for line in source.split(b"\n") if not line.startswith(b"#"))
    parts = kept.split(b'"')
    parts[::2] = [re.sub(rb"\bavakill(?=_| 1\.0;)", module.encode(), part) for part in parts[::2]]
    return b'"'.join(parts)


def link(modules: Mapping[str, bytes]) -> bytes:
    """Debian's policy with the modules, linked in one transaction in a private copy of the store."""
    tools = {name: _tool(name, package) for name, package in TOOLS.items()}
    with TemporaryDirectory(prefix="avakill-selinux-") as name:
        root = Path(name)
        for store in STORES:
            if not (store / STORE).is_dir():
                raise LabFault(
                    f"{store / STORE} is missing: the lab links against Debian's policy", "it is in `selinux-policy-default`"
                )
            shutil.copytree(store, root / store.relative_to("/"), symlinks=True)
        words: list[str] = []
        for module, source in modules.items():
            (root / f"{module}.te").write_bytes(source)
            _run(tools["checkmodule"], "-M", "-m", "-o", f"{module}.mod", f"{module}.te", folder=root)
            _run(tools["semodule_package"], "-o", f"{module}.pp", "-m", f"{module}.mod", folder=root)
            words += ["-i", f"{module}.pp"]
        _run(tools["semodule"], "-p", str(root), "-s", STORE, "-n", *words, folder=root)
        return max((root / "etc/selinux" / STORE / "policy").glob("policy.*")).read_bytes()


def _tool(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    if found is None:
        raise LabFault(f"`{name}` is missing: it builds SELinux modules", f"on Debian it is in `{package}`")
    return found


def _run(*words: str, folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LabFault(f"`{Path(words[0]).name}` refuses the module: {last}")


# -- in the guest --


def enter(policy: bytes) -> None:
    """Loads the policy, becomes an unconfined domain while nothing is enforced yet, and enforces."""
    if not FILES.is_dir():
        raise LabFault("the guest's kernel has no SELinux", "see its parameters")
    if not (FILES / "load").exists():
        _run(shutil.which("mount") or "/bin/mount", "-t", "selinuxfs", "selinux", str(FILES), folder=Path("/"))
    _write(FILES / "load", policy)
    _write(ATTRIBUTES / "current", SUPERVISOR.encode())
    _write(FILES / "enforce", b"1")


def confine(case: Case) -> Confine:
    """What lets a process enter the case's domain with its next exec."""
    return layers.selinux(f"unconfined_u:unconfined_r:{case.file(DOMAIN).decode()}:s0")


def label(case: Case) -> Prepare:
    """What lays the case's labels on its world, as `setfiles` would."""
    labels: dict[str, str] = json.loads(case.file(LABELS))
    second = {new for new, _ in case.world.aliases}

    def prepare(root: Path) -> None:
        for folder, directories, files in os.walk(root):
            below = folder.removeprefix(os.fspath(root))
            for name in ("", *directories, *files):
                place = f"{below}/{name}".rstrip("/") or "/"
                if place not in second:  # the label is the inode's, and no line names its second link
                    context = labels.get(place, ELSEWHERE).encode() + b"\0"
                    os.setxattr(os.path.join(folder, name), "security.selinux", context, follow_symlinks=False)

    return prepare


def _write(path: Path, content: bytes) -> None:
    """One call, as the kernel wants it."""
    file = os.open(path, os.O_WRONLY)
    try:
        if os.write(file, content) != len(content):
            raise LabFault(f"the kernel took only a part of what {path} was given")
    except OSError as error:
        raise LabFault(f"the kernel refuses what {path} was given: {error.strerror}") from error
    finally:
        os.close(file)
