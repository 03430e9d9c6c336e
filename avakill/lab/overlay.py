"""This machine's own files as a ground for trials: overlays whose changes are kept in a tmpfs and vanish with the namespace.

Root gets one overlay over `/`, and one more for each mount that holds what trials need. An ordinary user may not lay an
overlay over a directory with mounts in it (mount_namespaces(7): they are locked): such directories are made anew in the
tmpfs, and what is in them is laid over one by one. Everything that no trial needs is bound read-only; `/dev` is a new one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from avakill.lab import calls
from avakill.lab.doors import SCRATCH
from avakill.lab.spelling import MOUNT, bytes_of
from avakill.lab.stage import DEVICES, PROBER, is_below, relative, step_inside
from avakill.lab.words import LabFault, World

STASH = b".avakill-lab"
"""A directory at the root of each overlay, where second links are kept while a trial takes a file away."""

APART = (b"proc", b"sys", b"dev")
HELP = "it takes overlay file systems and namespaces; `avakill lab` does without overlays"
NUMBERS = count()


@dataclass(slots=True)
class Overlay:
    """Made and used in a process of its own, in namespaces of its own. `whole`: overlays may cover mounts (root's may)."""

    base: Path
    world: World
    prober: bytes
    tiny: bytes
    whole: bool
    points: list[bytes] = field(default_factory=list)
    outside: int = -1

    @property
    def view(self) -> Path:
        return self.base / "view"

    def stash(self, path: bytes) -> bytes:
        point = max((point for point in self.points if is_below(path, point)), key=len)
        return b"%s/%s/%d" % (point, STASH, next(NUMBERS))

    def step_inside(self) -> None:
        self.step_outside()
        step_inside(self.view)

    def step_outside(self) -> None:
        os.fchdir(self.outside)
        os.chroot(".")

    def lay_again(self) -> None:
        self.step_outside()
        calls.detach(os.fsencode(self.base))
        lay(self)

    @property
    def needed(self) -> frozenset[bytes]:
        """Directories in which something is tried or laid, relative to the root."""
        files = (*self.world.files, *(new for new, _ in self.world.aliases), PROBER, f"{SCRATCH}/x", f"{MOUNT}/x")
        places = (*self.world.directories, *(os.path.dirname(path) for path in files))
        return frozenset(relative(bytes_of(path)) for path in places)


def over_this_machine(base: Path, world: World, prober: bytes, tiny: bytes) -> Overlay:
    return Overlay(base, world, prober, tiny, os.geteuid() == 0 and _is_first_user_namespace())


def _is_first_user_namespace() -> bool:
    """Mounts are locked in a namespace that is less privileged than the one that made them."""
    return Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]


def lay(overlay: Overlay) -> None:
    """Mounts everything, makes it the root of this process, so that no symlink leads out, and lays the world. Raises LabFault."""
    try:
        overlay.outside = os.open("/", os.O_PATH | os.O_DIRECTORY)
        calls.mount(b"avakill", os.fsencode(overlay.base), b"tmpfs", 0, b"mode=0755")
        os.umask(0)
        os.chdir(overlay.base)
        for name in ("view", "upper", "work"):
            os.mkdir(name, 0o755)
        overlay.points.clear()
        _Mounting(overlay, tuple(mount_points())).root()
        os.chdir(overlay.view)
        os.chroot(".")
        _plant_own(overlay)
    except OSError as error:
        raise LabFault(f"this machine's files cannot be laid over: {error.strerror}", HELP) from error


# -- what is mounted --


def mount_points(table: str = "/proc/self/mountinfo") -> Iterator[bytes]:
    """Where something is mounted, relative to the root, the outer first."""
    with open(table, "rb") as stream:
        found = {relative(_unescaped(line.split()[4])) for line in stream}
    yield from sorted(found - {b"."}, key=lambda path: (path.count(b"/"), path))


def _unescaped(path: bytes) -> bytes:
    """Blanks, line ends and backslashes are octal in /proc/self/mountinfo (proc_pid_mountinfo(5))."""
    head, *rest = path.split(b"\\")
    return head + b"".join(bytes((int(part[:3], 8),)) + part[3:] for part in rest)


@dataclass(slots=True)
class _Mounting:
    """Works in the base. Paths are relative: `/P` is the machine's, `view/P` is its place here."""

    overlay: Overlay
    mounts: tuple[bytes, ...]

    def root(self) -> None:
        if self.overlay.whole:
            self._lay_over(b".")
            self._mounts_below(b".")
        else:
            calls.mount(b"view", b"view", b"", calls.MS_BIND)
            self.overlay.points.append(b".")
            os.mkdir(_at(STASH), 0o700)
            self._anew(b".")
        self._apart()

    def _mounts_below(self, place: bytes) -> None:
        """An overlay does not cross mounts: each gets its own, or is shown read-only."""
        done: list[bytes] = []
        for mount in self.mounts:
            inside = is_below(mount, place) and mount != place
            if not inside or mount.split(b"/")[0] in APART or any(is_below(mount, other) for other in done):
                continue
            if not os.path.lexists(_at(mount)):
                continue  # hidden by a later mount
            done.append(mount)
            if self._is_needed(mount) and _is_directory(mount):
                self._lay_over(mount)
                self._mounts_below(mount)
            else:
                _show(mount)

    def _is_needed(self, place: bytes) -> bool:
        return any(is_below(path, place) for path in self.overlay.needed)

    def _lay_over(self, place: bytes) -> None:
        number = len(self.overlay.points)
        upper, work = b"upper/%d" % number, b"work/%d" % number
        os.mkdir(upper, 0o755)
        os.mkdir(work, 0o755)
        if not self.overlay.whole:
            self._own(place, upper)
        lower = os.open(b"/" + place, os.O_PATH | os.O_DIRECTORY)
        how = b"redirect_dir=on,metacopy=off" if self.overlay.whole else b"userxattr"
        options = b"lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s,xino=on,%s" % (lower, upper, work, how)
        try:
            self._same_owner(place, upper)
            calls.mount(b"avakill", _at(place), b"overlay", 0, options)
        finally:
            os.close(lower)
        self.overlay.points.append(place)
        os.mkdir(os.path.join(_at(place), STASH), 0o700)

    def _same_owner(self, place: bytes, upper: bytes) -> None:
        """What the root of the upper tree has, the directory has."""
        seen = os.stat(b"/" + place)
        if self.overlay.whole:
            os.chown(upper, seen.st_uid, seen.st_gid)
        os.chmod(upper, stat.S_IMODE(seen.st_mode) | stat.S_IRWXU)

    def _own(self, place: bytes, upper: bytes) -> None:
        """A user cannot copy up what belongs to others, so the directories that trials are about are the user's in the overlay."""
        for path in sorted(self.overlay.needed):
            if is_below(path, place) and path != place and _is_directory(path):
                inner = path if place == b"." else path[len(place) + 1 :]
                names = inner.split(b"/")
                for depth in range(1, len(names) + 1):
                    os.makedirs(os.path.join(upper, *names[:depth]), 0o755, exist_ok=True)

    def _anew(self, place: bytes) -> None:
        """A directory with mounts below it, made anew entry by entry."""
        for entry in sorted(os.scandir(b"/" + place), key=lambda entry: entry.name):
            path = entry.name if place == b"." else place + b"/" + entry.name
            if path in APART:
                continue
            if entry.is_symlink():
                os.symlink(os.readlink(b"/" + path), _at(path))
            elif not entry.is_dir():
                if bytes_of("/") + path not in self._files():
                    os.close(os.open(_at(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
                    _show(path)
            else:
                os.mkdir(_at(path), 0o755)
                self._directory(path)

    def _files(self) -> frozenset[bytes]:
        return frozenset(bytes_of(path) for path in self.overlay.world.files)

    def _directory(self, path: bytes) -> None:
        if not self._is_needed(path):
            _show(path)
        elif any(is_below(mount, path) and mount != path for mount in self.mounts):
            self._anew(path)
        else:
            self._lay_over(path)

    def _apart(self) -> None:
        for name in APART:
            if not os.path.isdir(_at(name)):
                os.mkdir(_at(name), 0o755)
        _mount_proc()
        _show(b"sys")
        calls.mount(b"avakill", _at(b"dev"), b"tmpfs", 0, b"mode=0755")
        _devices()


def _at(path: bytes) -> bytes:
    return b"view" if path == b"." else b"view/" + path


def _is_directory(path: bytes) -> bool:
    return stat.S_ISDIR(os.lstat(b"/" + path).st_mode) if os.path.lexists(b"/" + path) else False


def _show(path: bytes) -> None:
    """As it is, read-only."""
    calls.mount(b"/" + path, _at(path), b"", calls.MS_BIND | calls.MS_REC)
    calls.make_read_only(_at(path))


def _mount_proc() -> None:
    try:
        calls.mount(b"proc", _at(b"proc"), b"proc")
    except PermissionError:  # where parts of /proc are hidden, a new one would show them (mount_too_revealing)
        calls.mount(b"/proc", _at(b"proc"), b"", calls.MS_BIND | calls.MS_REC)


def _devices() -> None:
    """New ones, or the machine's own where a user may make none: a trial that writes to the machine's disks would be no trial."""
    for name, minor in DEVICES:
        path = _at(b"dev/" + name.encode())
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        except PermissionError:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            calls.mount(b"/dev/" + name.encode(), path, b"", calls.MS_BIND)


# -- the world --


def _plant_own(overlay: Overlay) -> None:
    for directory in (SCRATCH, MOUNT, os.path.dirname(PROBER)):
        os.makedirs(relative(bytes_of(directory)), 0o755, exist_ok=True)
    if not _replaced(relative(bytes_of(PROBER)), overlay.prober):
        raise LabFault(f"`{PROBER}` cannot be put in place", HELP)
    overlay.world = planted(overlay.world, overlay.tiny)


def planted(world: World, tiny: bytes) -> World:
    """Lays the world over what is there, and says what of it could be laid. Nothing that is left holds a user's content."""
    directories = {path for path in sorted(world.directories) if _has_directory(relative(bytes_of(path)))}
    files = {path for path in sorted(world.files) if _replaced(relative(bytes_of(path)), tiny)}
    aliases = tuple(pair for pair in world.aliases if pair[1] in files and _linked(*pair))
    return World(frozenset(directories), frozenset(files), aliases)


def _has_directory(path: bytes) -> bool:
    try:
        os.makedirs(path, 0o755, exist_ok=True)
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _replaced(path: bytes, content: bytes) -> bool:
    """A new file under the name; what is there is not touched unless it is a file."""
    try:
        if os.path.lexists(path):
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return False
            os.unlink(path)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o755)
        try:
            return os.write(fd, content) == len(content)
        finally:
            os.close(fd)
    except OSError:
        return False


def _linked(new: str, existing: str) -> bool:
    try:
        os.link(relative(bytes_of(existing)), relative(bytes_of(new)))
    except OSError:
        return False
    return True
