"""Which kernels the lab can boot, and where they are kept: Debian's own, fetched once into the user's cache."""

from __future__ import annotations

import lzma
import os
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from avakill.lab.debs import archive
from avakill.lab.words import LabFault

SUITES = {"6.12": "bookworm-backports", "6.1": "bookworm"}
META = "linux-image-cloud-amd64"
IMAGE = r"linux-image-[0-9][^ ,]*-cloud-amd64"
WANTED = ("virtio_pci", "virtiofs", "overlay")
"""What the guest's root needs; the cloud kernels have no 9p, and 6.1 has virtio as modules."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel in the cache: its image, and the modules that its initramfs loads, in their order."""

    version: str
    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def release(self) -> str:
        return (self.folder / "release").read_text().strip()

    @property
    def modules(self) -> tuple[Path, ...]:
        return tuple(sorted((self.folder / "modules").iterdir()))


def cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "avakill" / "kernels"


def find(version: str) -> Kernel:
    """The kernel from the cache, fetched first where it is not there yet."""
    if version not in SUITES:
        raise LabFault(f"the lab knows no kernel `{version}`", f"it knows {', '.join(SUITES)}")
    if platform.machine() != "x86_64":
        raise LabFault(f"the lab's kernels are for x86_64, and this machine is {platform.machine()}")
    found = Kernel(version, cache() / version)
    if not found.image.exists():
        _fetch(found)
    return found


def _fetch(kernel: Kernel) -> None:
    """Lays the kernel down beside its place and moves it there whole, so that a broken download is never found."""
    kernel.folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(prefix=f".{kernel.version}-", dir=kernel.folder.parent))
    try:
        with archive(SUITES[kernel.version]) as suite:
            package = suite.depends(META, IMAGE)
            _keep(suite.unpack(package), package.removeprefix("linux-image-"), scratch)
        _settle(scratch, kernel)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _settle(scratch: Path, kernel: Kernel) -> None:
    try:
        scratch.rename(kernel.folder)
    except OSError:
        if not kernel.image.exists():  # else another process was quicker
            raise LabFault(f"cannot write the kernel cache {kernel.folder}") from None


def _keep(root: Path, release: str, folder: Path) -> None:
    modules = folder / "modules"
    modules.mkdir()
    shutil.copyfile(root / "boot" / f"vmlinuz-{release}", folder / "vmlinuz")
    (folder / "release").write_text(f"{release}\n")
    for number, (name, content) in enumerate(_load_order(root / "lib" / "modules" / release)):
        (modules / f"{number:02}-{name}.ko").write_bytes(content)


def _load_order(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The wanted modules, each after what it depends on; one that is built in needs no file."""
    files = {_module_name(path): path for path in folder.rglob("*.ko*")}
    builtin = {_module_name(Path(line)) for line in (folder / "modules.builtin").read_text().split()}
    done: set[str] = set()

    def load(name: str) -> Iterator[tuple[str, bytes]]:
        if name in done or name in builtin:
            return
        done.add(name)
        if name not in files:
            raise LabFault(f"the kernel of {folder.name} has no module `{name}`")
        content = _content(files[name])
        for needed in _depends(content):
            yield from load(needed)
        yield name, content

    for name in WANTED:
        yield from load(name)


def _module_name(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def _content(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def _depends(content: bytes) -> tuple[str, ...]:
    """The `depends=` of the module's own .modinfo: no depmod is needed."""
    found = re.search(rb"\0depends=([^\0]*)\0", content)
    return tuple(name.decode().replace("-", "_") for name in (found[1].split(b",") if found else ()) if name)
