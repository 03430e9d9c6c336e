"""The program that every file of a world holds: an ELF file of one segment that exits with 0, to be read, written and run."""

from __future__ import annotations

import platform
import struct

from avakill.lab.words import LabFault

BASE = 0x400000
HEADERS = 64 + 56

CODE = {
    # xor edi, edi; mov eax, 60 (exit); syscall
    "x86_64": (62, bytes.fromhex("31ff b83c000000 0f05")),
    # mov x0, 0; mov x8, 93 (exit); svc 0
    "aarch64": (183, bytes.fromhex("000080d2 a80b80d2 010000d4")),
}
"""By machine: its number in elf.h, and the code."""


def tiny_program(machine: str = platform.machine()) -> bytes:
    """Raises LabFault on a machine whose code is not known here."""
    if machine not in CODE:
        raise LabFault(f"the lab has no program for `{machine}`", "it runs on x86_64 and aarch64")
    number, code = CODE[machine]
    size = HEADERS + len(code)
    head = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    elf = struct.pack("<HHIQQQIHHHHHH", 2, number, 1, BASE + HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000)
    return head + elf + segment + code
