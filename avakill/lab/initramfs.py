"""The first root of a guest: busybox, modules and a script that puts this machine's own `/` under an overlay."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from avakill.lab.kernels import Kernel
from avakill.lab.words import LabFault

SHARED = "/avakill-lab"
"""Where the guest finds the folder that it shares with this machine, and the script that it runs."""

INIT = f"""#!/busybox sh
b=/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for module in /modules/*.ko; do $b insmod "$module"; done
$b mount -t virtiofs -o ro root /lower
$b mount -t tmpfs -o size=50% upper /upper
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new
$b mkdir -p /new{SHARED}
$b mount -t virtiofs shared /new{SHARED}
$b mount -t proc proc /new/proc
$b mount -t sysfs sys /new/sys
$b mount -t securityfs security /new/sys/kernel/security
$b mount -t devtmpfs dev /new/dev
$b mount -t tmpfs run /new/run
$b umount /proc
exec $b switch_root /new /bin/sh {SHARED}/run
"""
FOLDERS = ("dev", "proc", "lower", "upper", "new", "modules")


def busybox() -> str:
    found = shutil.which("busybox")
    if found is None:
        raise LabFault("`busybox` is missing: guests start with it", "on Debian it is in `busybox-static`")
    return found


def make(kernel: Kernel, folder: Path) -> Path:
    """The archive that the kernel unpacks as its first root, made in `folder`."""
    root = folder / "initramfs"
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
    shutil.copy(busybox(), root / "busybox")
    for module in kernel.modules:
        shutil.copy(module, root / "modules" / module.name)
    init = root / "init"
    init.write_text(INIT)
    init.chmod(0o755)
    return _pack(root, folder / "initramfs.cpio")


def _pack(root: Path, archive: Path) -> Path:
    names = b"".join(bytes(path.relative_to(root)) + b"\n" for path in sorted(root.rglob("*")))
    done = subprocess.run((busybox(), "cpio", "-o", "-H", "newc"), cwd=root, input=names, capture_output=True)
    if done.returncode:
        raise LabFault(f"busybox could not pack the initramfs: {done.stderr.decode(errors='replace').strip()}")
    archive.write_bytes(done.stdout)
    shutil.rmtree(root)
    return archive
