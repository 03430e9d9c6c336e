"""One event as the journal holds it: a header with its length and checksum, and two ASCII texts."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

MAGIC = b"\xffAK\x01"
"""No byte of the texts is above 127, so the next frame is found again behind a torn one."""

HEADER = Struct("<4sIIIIqq")
"""Magic, length of both texts, their checksum, number, length of the head, nanoseconds since the epoch, nanoseconds taken.

A page that a power failure lost takes a part of the texts with it, or the magic: so the checksum need not hold the numbers.
"""

MAX_FRAME = 1 << 20


class Frame(NamedTuple):
    number: int
    at: int
    took: int
    head: bytes
    arguments: bytes


class Read(NamedTuple):
    """Frames in their order, the offset behind the last one, and how many bytes before it belong to none."""

    frames: list[Frame]
    end: int
    torn: int


def frame(number: int, at: int, took: int, head: bytes, arguments: bytes) -> bytes:
    """Raises struct.error for a time outside of 64 bits."""
    length = len(head) + len(arguments)
    return HEADER.pack(MAGIC, length, crc32(arguments, crc32(head)), number, len(head), at, took) + head + arguments


def read_frames(data: bytes) -> Read:
    """All whole frames; a torn one is passed over when a whole one follows.

    Appends are atomic, so only the last frame may still be on its way: what is not whole at the end is left for later.
    """
    frames: list[Frame] = []
    start = end = torn = 0
    while True:
        found = _whole(data, start)
        if found is not None:
            torn += start - end
            one, start = found
            end = start
            frames.append(one)
            continue
        start = data.find(MAGIC, start + 1)
        if start < 0:
            return Read(frames, end, torn)


def _whole(data: bytes, start: int) -> tuple[Frame, int] | None:
    body = start + HEADER.size
    if len(data) < body:
        return None
    magic, length, checksum, number, head_length, at, took = HEADER.unpack_from(data, start)
    middle, end = body + head_length, body + length
    if magic != MAGIC or length > MAX_FRAME or middle > end or end > len(data):
        return None
    if crc32(memoryview(data)[body:end]) != checksum:
        return None
    return Frame(number, at, took, data[body:middle], data[middle:end]), end
