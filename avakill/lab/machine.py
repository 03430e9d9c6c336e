"""One guest: QEMU in plain emulation over this machine's own `/`, from its start to its end."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from avakill.lab import initramfs
from avakill.lab.kernels import Kernel
from avakill.lab.words import LabFault

LSM = {
    "landlock": "lsm=landlock,yama,bpf apparmor=0 selinux=0",
    "seccomp": "lsm=landlock,yama,bpf apparmor=0 selinux=0",
    "apparmor": "lsm=landlock,yama,apparmor,bpf apparmor=1 selinux=0",
    "selinux": "lsm=landlock,yama,selinux,bpf apparmor=0 selinux=1 enforcing=0",
}
"""The kernel's parameters for each security module."""

MEGABYTES = 1024
VIRTIOFSD = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
RUN = """#!/bin/sh
cd /
export HOME=/root PATH={path} LANG=C.UTF-8
{command}
echo o > /proc/sysrq-trigger
sleep 60
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A guest that runs one command as root, in a folder shared read-write with this machine."""

    kernel: Kernel
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def console(self, lines: int = 3) -> str:
        """The last words of the guest's console."""
        written = (self.folder.parent / "console").read_text(errors="replace").strip().splitlines()
        return " | ".join(written[-lines:]) or "nothing"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one guest; `shared` in it is what the guest shares."""
    with TemporaryDirectory(prefix="avakill-guest-") as name:
        (Path(name) / "shared").mkdir()
        yield Path(name)


@contextmanager
def boot(kernel: Kernel, lsm: str, folder: Path, command: tuple[str, ...]) -> Iterator[Machine]:
    """Boots the guest with `folder / "shared"`; whatever was started is ended when this is left, however it is left."""
    programs = find_programs()
    shared = folder / "shared"
    (shared / "run").write_text(RUN.format(path=os.environ.get("PATH", os.defpath), command=shlex.join(command)))
    archive = initramfs.make(kernel, folder)
    with ExitStack() as started:
        sockets = {}
        for tag, source in (("root", Path("/")), ("shared", shared)):
            sockets[tag] = folder / f"{tag}.socket"
            started.enter_context(_process(programs.virtiofsd_command(source, sockets[tag]), folder / f"{tag}.log"))
        for socket in sockets.values():
            _await(socket)
        words = programs.qemu_command(kernel, archive, sockets, LSM[lsm])
        yield Machine(kernel, shared, started.enter_context(_process(words, folder / "console")))


@dataclass(frozen=True, slots=True)
class Programs:
    """What a guest needs of this machine."""

    qemu: str
    virtiofsd: str
    setpriv: str

    def virtiofsd_command(self, source: Path, socket: Path) -> tuple[str, ...]:
        options = ("-o", f"source={source}", "-o", "sandbox=chroot", "-o", "cache=auto")
        return (*self._dying, self.virtiofsd, f"--socket-path={socket}", *options)

    def qemu_command(self, kernel: Kernel, archive: Path, sockets: dict[str, Path], parameters: str) -> tuple[str, ...]:
        devices: tuple[str, ...] = ()
        for tag, socket in sockets.items():
            devices += ("-chardev", f"socket,id={tag},path={socket}", "-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}")
        return (
            *self._dying,
            self.qemu,
            *("-accel", "tcg", "-cpu", "max,la57=off,cx16=off"),  # 6.12 double-faults now and then in cmpxchg16b without
            *("-smp", "1", "-m", str(MEGABYTES), "-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot", "-net", "none"),
            *("-object", f"memory-backend-memfd,id=memory,size={MEGABYTES}M,share=on", "-machine", "q35,memory-backend=memory"),
            *devices,
            *("-kernel", str(kernel.image), "-initrd", str(archive)),
            *("-append", f"console=ttyS0 loglevel=4 panic=-1 rdinit=/init {parameters}"),
        )

    @property
    def _dying(self) -> tuple[str, ...]:
        """Ends the program when this process dies without a word."""
        return (self.setpriv, "--pdeathsig", "KILL", "--")


def find_programs() -> Programs:
    if os.geteuid() != 0:
        raise LabFault("a guest needs root: it shares this machine's `/` through virtiofsd", "run the lab as root")
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None:
        raise LabFault("`qemu-system-x86_64` is missing: guests run in it", "on Debian it is in `qemu-system-x86`")
    daemon = next((path for path in VIRTIOFSD if os.access(path, os.X_OK)), None)
    if daemon is None:
        raise LabFault(
            "`virtiofsd` is missing: guests share files by it", "on Debian 12 it is in `qemu-system-common`, later in `virtiofsd`"
        )
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise LabFault("`setpriv` is missing", "on Debian it is in `util-linux`")
    initramfs.busybox()
    return Programs(qemu, daemon, setpriv)


@contextmanager
def _process(words: tuple[str, ...], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await(socket: Path, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not socket.exists():
        if time.monotonic() > end:
            raise LabFault("virtiofsd did not start", f"its words are in {socket.with_suffix('.log').name}")
        time.sleep(0.02)
