"""Which label each path of a world bears: asked of the library that `setfiles` itself asks."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from avakill.lab.stage import DEVICES, OWN_DIRECTORIES, PROBER
from avakill.lab.words import LabFault, World

SYSTEM = Path("/etc/selinux/default/contexts/files/file_contexts")
FILE_BACKEND = 0  # SELABEL_CTX_FILE
PATH_OPTION = 3  # SELABEL_OPT_PATH

Lookup = Callable[[str, int], str | None]
"""The label of a path for a mode, or None where no line names one."""


class _Option(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("value", ctypes.c_char_p))


def labels_of(contexts: bytes, world: World) -> dict[str, str]:
    """For each path of the world the policy's label, or else the distribution's."""
    with TemporaryDirectory(prefix="avakill-labels-") as name:
        own = Path(name) / "avakill.fc"
        own.write_bytes(contexts)
        with open_contexts(own) as ours, open_contexts(SYSTEM) as theirs:
            found: dict[str, str] = {}
            for path, mode in _objects(world):
                label = ours(path, mode) or theirs(path, mode)
                if label is not None:
                    found[path] = label
            return found


def _objects(world: World) -> Iterator[tuple[str, int]]:
    """The world, and what each stage holds beside it."""
    directories = set(world.directories)
    for path in (*world.directories, *world.files):
        while path != "/":
            path = os.path.dirname(path)
            directories.add(path)
    yield from ((path, stat.S_IFDIR) for path in sorted({*directories, *OWN_DIRECTORIES}))
    yield from ((path, stat.S_IFREG) for path in sorted({*world.files, PROBER}))
    yield from ((f"/dev/{name}", stat.S_IFCHR) for name, _ in DEVICES)


@contextmanager
def open_contexts(file: Path) -> Iterator[Lookup]:
    library = _library()
    option = _Option(PATH_OPTION, os.fsencode(file))
    handle = library.selabel_open(FILE_BACKEND, ctypes.byref(option), 1)
    if not handle:
        raise LabFault(f"libselinux cannot read {file}: {os.strerror(ctypes.get_errno())}")

    def look_up(path: str, mode: int) -> str | None:
        context = ctypes.c_void_p()
        if library.selabel_lookup_raw(handle, ctypes.byref(context), os.fsencode(path), mode):
            if ctypes.get_errno() != errno.ENOENT:  # which also says `<<none>>`
                raise LabFault(f"libselinux finds no label for {path!r}: {os.strerror(ctypes.get_errno())}")
            return None
        try:
            return (ctypes.cast(context, ctypes.c_char_p).value or b"").decode()
        finally:
            library.freecon(context)

    try:
        yield look_up
    finally:
        library.selabel_close(handle)


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libselinux.so.1", use_errno=True)
    except OSError:
        raise LabFault("`libselinux.so.1` is missing: it tells labels", "on Debian it is in `libselinux1`") from None
    library.selabel_open.restype = ctypes.c_void_p
    library.selabel_open.argtypes = (ctypes.c_uint, ctypes.c_void_p, ctypes.c_uint)
    library.selabel_lookup_raw.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    library.selabel_close.argtypes = (ctypes.c_void_p,)
    library.selabel_close.restype = None
    library.freecon.argtypes = (ctypes.c_void_p,)
    library.freecon.restype = None
    return library
