"""The real compiler of filters: a profile as runc hands it to libseccomp, and the BPF program that comes out, run here."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import Any

LIBRARY = "libseccomp.so.2"
TOKENS = {
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_ARM": 0x40000028,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
}
AUDIT = TOKENS | {"SCMP_ARCH_X32": 0xC000003E}
"""What the kernel writes into seccomp_data.arch: x32 differs from x86_64 by a bit of the number only."""

OPS = {"NE": 1, "LT": 2, "LE": 3, "EQ": 4, "GE": 5, "GT": 6, "MASKED_EQ": 7}
ALLOW = 0x7FFF0000


class _Arg(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_arch_add.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    library.seccomp_arch_remove.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    library.seccomp_rule_add_array.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    library.seccomp_syscall_resolve_name_arch.argtypes = (ctypes.c_uint32, ctypes.c_char_p)
    library.seccomp_syscall_resolve_num_arch.argtypes = (ctypes.c_uint32, ctypes.c_int)
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
    return library


def number(arch: str, name: str) -> int | None:
    """The call's number on an architecture, None where it has none or libseccomp does not know it."""
    found = int(_library().seccomp_syscall_resolve_name_arch(TOKENS[arch], name.encode()))
    return found if found >= 0 else None


def _action(name: str, errno: int | None) -> int:
    kinds = {"SCMP_ACT_ALLOW": ALLOW, "SCMP_ACT_LOG": 0x7FFC0000, "SCMP_ACT_KILL": 0}
    return 0x00050000 | (1 if errno is None else errno) if name == "SCMP_ACT_ERRNO" else kinds[name]


def compile_profile(text: str, architectures: tuple[str, ...]) -> Filter:
    """As runc 1.1.5 does: unknown names and entries that say what the default says are left out. Raises OSError."""
    tree = json.loads(text)
    library = _library()
    default = _action(tree["defaultAction"], tree.get("defaultErrnoRet"))
    context = library.seccomp_init(default)
    try:
        for arch in architectures:
            _check(library.seccomp_arch_add(context, TOKENS[arch]), arch, allowed=(-17,))
        if "SCMP_ARCH_X86_64" not in architectures:
            _check(library.seccomp_arch_remove(context, TOKENS["SCMP_ARCH_X86_64"]), "native")
        for entry in tree["syscalls"] or ():
            action = _action(entry["action"], entry.get("errnoRet"))
            if action != default:
                for name in entry["names"]:
                    _add(context, action, name, entry.get("args") or ())
        with tempfile.TemporaryFile() as file:
            _check(library.seccomp_export_bpf(context, file.fileno()), "export")
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            return Filter(tuple(struct.iter_unpack("=HBBI", file.read())))
    finally:
        library.seccomp_release(context)


def _add(context: int, action: int, name: str, tests: Any) -> None:
    library = _library()
    call = library.seccomp_syscall_resolve_name_arch(TOKENS["SCMP_ARCH_X86_64"], name.encode())
    if call == -1:
        return
    made = [_Arg(t["index"], OPS[t["op"].removeprefix("SCMP_CMP_")], t["value"], t.get("valueTwo", 0)) for t in tests]
    array = (_Arg * len(made))(*made)
    _check(library.seccomp_rule_add_array(context, action, call, len(made), array), f"{name} {tests}")


def _check(code: int, what: str, allowed: tuple[int, ...] = ()) -> None:
    if code < 0 and code not in allowed:
        raise OSError(-code, os.strerror(-code), what)


@dataclass(frozen=True)
class Filter:
    """A classic BPF program of seccomp: loads of words, jumps, masks and returns."""

    program: tuple[tuple[Any, ...], ...]

    def passes(self, arch: str, call: int, args: tuple[int, ...]) -> bool:
        return self.run(arch, call, args) == ALLOW

    def run(self, arch: str, call: int, args: tuple[int, ...]) -> int:
        padded = [arg & (2**64 - 1) for arg in (*args, 0, 0, 0, 0, 0, 0)[:6]]
        if arch in ("SCMP_ARCH_X86", "SCMP_ARCH_ARM"):
            padded = [arg & 0xFFFFFFFF for arg in padded]
        data = struct.pack("=IIQ6Q", call & 0xFFFFFFFF, AUDIT[arch], 0, *padded)
        accumulator, at = 0, 0
        while True:
            code, yes, no, k = self.program[at]
            at += 1
            match code:
                case 0x20:  # load a word
                    (accumulator,) = struct.unpack_from("=I", data, k)
                case 0x54:  # and
                    accumulator &= k
                case 0x05:  # jump
                    at += k
                case 0x15:  # equal
                    at += yes if accumulator == k else no
                case 0x25:  # greater
                    at += yes if accumulator > k else no
                case 0x35:  # greater or equal
                    at += yes if accumulator >= k else no
                case 0x45:  # any bit
                    at += yes if accumulator & k else no
                case 0x06:
                    return int(k)
                case _:
                    raise AssertionError(f"instruction {code:#x}")
