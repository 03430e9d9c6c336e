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


Frame = tuple[int, int, int, bytes, bytes]
"""Number, nanoseconds since the epoch, nanoseconds taken, head, arguments."""


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
    unpack, before, have, view = HEADER.unpack_from, HEADER.size, len(data), memoryview(data)
    while True:
        body = start + before
        if body <= have:
            magic, length, checksum, number, head_length, at, took = unpack(data, start)
            stop, middle = body + length, body + head_length
            if magic == MAGIC and middle <= stop <= have and length <= MAX_FRAME and crc32(view[body:stop]) == checksum:
                frames.append((number, at, took, data[body:middle], data[middle:stop]))
                torn += start - end
                start = end = stop
                continue
        start = data.find(MAGIC, start + 1)
        if start < 0:
            return Read(frames, end, torn)
