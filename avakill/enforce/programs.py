"""What running a program executes and reads: PATH, ELF interpreters, `#!` chains, the loader's directories."""

from __future__ import annotations

import glob
import os
import stat
import struct

from avakill.ir.target import Program

MAX_CHAIN = 5
PT_INTERP = 3
DEFAULT_LIBRARIES = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/lib32", "/usr/lib32", "/libx32", "/usr/local/lib")
SYSTEM_PREFIXES = ("/", "/usr", "/usr/local")


def find(name: str, path: str) -> str | None:
    """The file that `name` runs by PATH, as `execvp` looks for it."""
    if "/" in name:
        return os.path.abspath(name) if _is_program(name) else None
    for folder in path.split(os.pathsep):
        candidate = os.path.abspath(os.path.join(folder or ".", name))
        if _is_program(candidate):
            return candidate
    return None


def _is_program(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return False


def program(name: str, path: str) -> Program | None:
    """`name` with every file that running it executes, by each spelling."""
    first = find(name, path)
    return None if first is None else Program(name, executed(first, path))


def executed(first: str, path: str = "") -> tuple[str, ...]:
    """The file, its `#!` interpreter and its ELF interpreter, and what the symlinks on the way lead to."""
    found: dict[str, None] = {}
    todo = [first]
    for here in todo:
        if len(todo) > 2 * MAX_CHAIN or here in found:
            continue
        found[here] = None
        found[os.path.realpath(here)] = None
        todo.extend(_interpreters(here, path))
    return tuple(found)


def _interpreters(path: str, search: str) -> tuple[str, ...]:
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
            if head[:2] == b"#!":
                return _script(head, search)
            return _elf(head, file.fileno())
    except (OSError, ValueError):
        return ()


def _script(head: bytes, search: str) -> tuple[str, ...]:
    words = head[2:].split(b"\n", 1)[0].decode("utf-8", "surrogateescape").split()
    if not words:
        return ()
    if os.path.basename(words[0]) != "env":
        return (words[0],)
    wanted = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), None)
    target = find(wanted, search) if wanted else None
    return (words[0], target) if target else (words[0],)


def _elf(head: bytes, fd: int) -> tuple[str, ...]:
    """PT_INTERP of an ELF file of either class and byte order."""
    if head[:4] != b"\x7fELF" or len(head) < 64:
        return ()
    order = "<" if head[5] == 1 else ">"
    wide = head[4] == 2
    (table,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
    size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    for number in range(min(count, 64)):
        entry = os.pread(fd, size, table + number * size)
        if len(entry) < size or struct.unpack_from(order + "I", entry)[0] != PT_INTERP:
            continue
        offset, length = (
            (struct.unpack_from(order + "Q", entry, 8)[0], struct.unpack_from(order + "Q", entry, 32)[0])
            if wide
            else (struct.unpack_from(order + "I", entry, 4)[0], struct.unpack_from(order + "I", entry, 16)[0])
        )
        return (os.pread(fd, min(length, 4096), offset).rstrip(b"\0").decode("utf-8", "surrogateescape"),)
    return ()


def libraries(programs: tuple[str, ...]) -> tuple[str, ...]:
    """Trees that a program must read to start: the loader's directories, and its interpreter's own prefix."""
    found = dict.fromkeys(_loader_directories())
    for path in programs:
        prefix = os.path.dirname(os.path.dirname(path))
        if os.path.basename(os.path.dirname(path)) in ("bin", "sbin") and prefix not in SYSTEM_PREFIXES:
            for folder in ("lib", "lib64", "pyvenv.cfg"):
                found[os.path.join(prefix, folder)] = None
    spelled = {spelling: None for path in found for spelling in (path, os.path.realpath(path)) if os.path.lexists(path)}
    return tuple(spelled)


def _loader_directories() -> list[str]:
    found = list(DEFAULT_LIBRARIES)
    for name in ("/etc/ld.so.conf", *sorted(glob.glob("/etc/ld.so.conf.d/*.conf"))):
        try:
            with open(name, encoding="utf-8", errors="surrogateescape") as file:
                found.extend(line.strip() for line in file if line.startswith("/"))
        except OSError:
            continue
    return found
