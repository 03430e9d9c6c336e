"""The real tools on a module: checkmodule, semodule_package, linking into Debian's policy, and matching by libselinux."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

NEEDED = ("checkmodule", "semodule_package", "semodule", "matchpathcon", "sesearch")
STORES = (Path("/etc/selinux"), Path("/var/lib/selinux"))


def missing() -> tuple[str, ...]:
    """What of the real tools this machine lacks."""
    tools = tuple(tool for tool in NEEDED if shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin") is None)
    return (*tools, *(str(store) for store in STORES if not (store / "default").is_dir()))


def check_module(te: str, fc: str, link: bool = False) -> str:
    """Builds the module, and with `link` links it into a private copy of Debian's policy; what went wrong, or nothing."""
    with tempfile.TemporaryDirectory(prefix="avakill-selinux-") as folder:
        here = Path(folder)
        wrong = build(here, te, fc)
        return wrong or (link_into(here) if link else "")


def build(here: Path, te: str, fc: str) -> str:
    (here / "avakill.te").write_bytes(te.encode("utf-8", "surrogateescape"))
    (here / "avakill.fc").write_bytes(fc.encode("utf-8", "surrogateescape"))
    return run(here, "checkmodule", "-M", "-m", "-o", "avakill.mod", "avakill.te") or run(
        here, "semodule_package", "-o", "avakill.pp", "-m", "avakill.mod", "-f", "avakill.fc"
    )


def link_into(here: Path) -> str:
    root = here / "root"
    for store in STORES:
        shutil.copytree(store, root / store.relative_to("/"), symlinks=True)
    return run(here, "semodule", "-p", str(root), "-s", "default", "-n", "-i", "avakill.pp")


def linked_policy(here: Path) -> Path:
    return here / "root/etc/selinux/default/policy/policy.33"


def linked_contexts(here: Path) -> Path:
    return here / "root/etc/selinux/default/contexts/files/file_contexts"


def labels(here: Path, fc: str, kind: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    """The types that libselinux gives paths of one kind (`file`, `dir`) by a file of contexts; `<<none>>` where none."""
    contexts = here / "labels.fc"
    contexts.write_text(fc, encoding="ascii")
    raw = [path.encode("utf-8", "surrogateescape") for path in paths]
    command = [b"matchpathcon", b"-n", b"-m", kind.encode(), b"-f", bytes(contexts), *raw]
    done = subprocess.run(command, capture_output=True, check=True)
    found = done.stdout.decode("ascii").splitlines()
    return tuple(text.split(":")[2] if text != "<<none>>" else text for text in found)


def run(here: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=here, capture_output=True, check=False)
    return (
        ""
        if done.returncode == 0
        else f"{command[0]}: {done.stderr.decode('utf-8', 'replace')}{done.stdout.decode('utf-8', 'replace')}"
    )
