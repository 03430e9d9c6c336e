"""A scratch root on a tmpfs of its own: the world of a case, the prober and /proc, in namespaces that end with their process.

The tmpfs holds `root` (the world), `view` (the same, bound: what the prober pivots into) and `stash` (where the supervisor
keeps second links to what a trial takes away). The supervisor works in `root`, so that it can link from and to `stash`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from avakill.lab import calls, loopback
from avakill.lab.doors import SCRATCH
from avakill.lab.spelling import MOUNT, bytes_of
from avakill.lab.words import LabFault, World

PROBER = "/usr/bin/avakill-prober"
"""Where the prober stands in every stage: what a plan names as its entry point."""

DEVICES = (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9))
HELP = "run it as root, or where users may make namespaces"
OWN_DIRECTORIES = ("/proc", "/dev", "/usr", "/usr/bin", "/run", SCRATCH, MOUNT)

Prepare = Callable[[Path], None]
"""Called with the scratch root after it was laid, to label what is in it."""


def do_not_prepare(root: Path) -> None:
    """Labels nothing."""


STASHES = (b"../stash/%d" % number for number in count())


def beside(_: bytes = b"") -> bytes:
    """Where a second link is kept: beside a root that is one file system."""
    return next(STASHES)


class Ground(Protocol):
    """What trials stand on: the supervisor stands in its root."""

    def step_inside(self) -> None:
        """The calling process, a child of the supervisor, gets a mount namespace whose root is the ground."""
        ...

    def stash(self, path: bytes) -> bytes:
        """A free name on the same file system as `path`, out of the trials' way."""
        ...

    def lay_again(self) -> None:
        """As it was at first; no prober may be running."""
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """Made and used in a process of its own, in namespaces of its own."""

    base: Path
    world: World
    prober: bytes
    tiny: bytes
    prepare: Prepare = do_not_prepare

    @property
    def root(self) -> Path:
        return self.base / "root"

    @property
    def view(self) -> Path:
        return self.base / "view"

    @property
    def stashes(self) -> Path:
        return self.base / "stash"

    def stash(self, path: bytes) -> bytes:
        return beside()

    def step_inside(self) -> None:
        step_inside(self.view)

    def lay_again(self) -> None:
        lay_again(self)


def enter_namespaces(network: bool) -> None:
    """The next child is the first process of a process namespace; mounts made from now on end with it. Raises LabFault."""
    flags = calls.CLONE_NEWNS | calls.CLONE_NEWPID | calls.CLONE_NEWIPC | (calls.CLONE_NEWNET if network else 0)
    try:
        if os.geteuid() != 0:
            _become_root_of_a_user_namespace()
        calls.unshare(flags)
        calls.mount(b"none", b"/", b"", calls.MS_REC | calls.MS_PRIVATE)
    except OSError as error:
        raise LabFault(f"no namespace for the lab: {error.strerror}", HELP) from error
    if network:
        loopback.set_up()


def _become_root_of_a_user_namespace() -> None:
    """An ordinary user can be root of what is theirs: mounts and networks, but no devices and no other owners."""
    user, group = os.geteuid(), os.getegid()
    calls.unshare(calls.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def set_up(stage: Stage) -> None:
    """Mounts and lays the stage, and makes its root the working directory. Raises LabFault."""
    try:
        calls.mount(b"avakill", os.fsencode(stage.base), b"tmpfs", 0, b"mode=0755")
        for place in (stage.root, stage.view, stage.stashes):
            place.mkdir(mode=0o755)
        os.chdir(stage.root)
        lay(stage)
        _show(stage)
    except OSError as error:
        raise LabFault(f"no scratch root for the lab: {error.strerror}", HELP) from error


def _show(stage: Stage) -> None:
    """The root as a prober gets it: with /proc, and the machine's own devices where none could be made."""
    calls.mount(os.fsencode(stage.root), os.fsencode(stage.view), b"", calls.MS_BIND)
    calls.mount(b"proc", os.fsencode(stage.view / "proc"), b"proc")
    _lend_devices(stage)


def _lend_devices(stage: Stage) -> None:
    for name, _ in DEVICES:
        if not stat.S_ISCHR(os.lstat(b"dev/" + name.encode()).st_mode):
            calls.mount(b"/dev/" + name.encode(), os.fsencode(stage.view / "dev" / name), b"", calls.MS_BIND)


def lay(stage: Stage) -> None:
    """The world, into an empty root. What a file system cannot hold is left out: its trials are moot."""
    os.umask(0)
    for directory in (*OWN_DIRECTORIES, *sorted(stage.world.directories, key=lambda path: path.count("/"))):
        _make_directory(bytes_of(directory))
    for name, minor in DEVICES:
        _make_device(b"dev/" + name.encode(), minor)
    _make_file(bytes_of(PROBER), stage.prober)
    for path in sorted(stage.world.files):
        _make_file(bytes_of(path), stage.tiny)
    for new, existing in stage.world.aliases:
        os.link(relative(bytes_of(existing)), relative(bytes_of(new)))
    stage.prepare(stage.root)


def lay_again(stage: Stage) -> None:
    """After a trial that could not be undone; no prober may be running."""
    calls.detach(os.fsencode(stage.view))
    for entry in os.scandir(b"."):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    lay(stage)
    _show(stage)


def _make_device(path: bytes, minor: int) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, minor))
    except PermissionError:  # in a user namespace
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def _make_directory(path: bytes) -> None:
    try:
        os.mkdir(relative(path), 0o755)
    except FileExistsError:
        return
    except FileNotFoundError:
        parent = path.rstrip(b"/").rpartition(b"/")[0]
        if parent:
            _make_directory(parent)
            _make_directory(path)
    except OSError:
        return


def _make_file(path: bytes, content: bytes) -> None:
    here = relative(path)
    try:
        fd = os.open(here, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    except FileNotFoundError:
        if len(here.rpartition(b"/")[2]) > 255:
            return
        _make_directory(path.rpartition(b"/")[0])
        try:
            fd = os.open(here, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
        except OSError:
            return
    except OSError:
        return
    os.write(fd, content)
    os.close(fd)


def relative(path: bytes) -> bytes:
    """A path in the stage as the supervisor, who stands in its root, spells it."""
    return path.strip(b"/") or b"."


def is_below(path: bytes, place: bytes) -> bool:
    """Whether `path`, relative as above, is `place` or below it."""
    return place == b"." or path == place or path.startswith(place + b"/")


def step_inside(view: Path) -> None:
    """A mount namespace of its own whose root is `view`, for the calling process."""
    calls.unshare(calls.CLONE_NEWNS)
    os.chdir(view)
    calls.pivot_root(b".", b".")
    calls.detach(b".")
    os.chdir(b"/")
