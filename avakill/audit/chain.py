"""The hash chain: each row's hash is over the one before it and the row's own canonical text.

Without a key it is SHA-256: whoever can write the file can make a new chain of it. With a key it is HMAC-SHA256 (RFC 2104).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from avakill.audit.compact import text as compact

GENESIS = "0" * 64
"""What stands for the hash before the first row."""

NOTHING_ELSE = compact((None, None, None))
"""`execution_result`, `error` and `metadata` of a row as the writer makes it."""


class Chain:
    """`digest` of a text, by SHA-256 or by HMAC where there is a key; `key_id` tells keys apart and is public."""

    __slots__ = ("_inner", "_outer", "key_id")

    def __init__(self, key: bytes | None) -> None:
        self.key_id = "" if key is None else hashlib.sha256(b"avakill audit key\0" + key).hexdigest()[:16]
        if key is None:
            self._inner = hashlib.sha256()
            self._outer = None
            return
        block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
        # The two keyed states are kept and copied: `hmac.digest` makes them anew for every row.
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, text: str) -> str:
        inner = self._inner.copy()
        inner.update(text.encode("utf-8", "surrogateescape"))
        if self._outer is None:
            return inner.hexdigest()
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


def canonical(previous: str, sequence: int, id_: str, timestamp: str, latency: float, head: str, arguments: str, rest: str) -> str:
    """A row as one text. No part has a line break in it: they are JSON in ASCII, numbers, or a time."""
    return f"row\n{previous}\n{sequence}\n{id_}\n{timestamp}\n{latency!r}\n{head}\n{arguments}\n{rest}"


class Head(NamedTuple):
    """The end of the chain: how many rows were ever written, the last one's sequence and hash; `seal` is over all of it."""

    rows: int
    sequence: int
    hash: str
    key_id: str
    seal: str


def sealed_head(chain: Chain, rows: int, sequence: int, hash_: str) -> Head:
    return Head(rows, sequence, hash_, chain.key_id, chain.digest(f"head\n{rows}\n{sequence}\n{hash_}\n{chain.key_id}"))


class Checkpoint(NamedTuple):
    """What retention removed: every row through `sequence`, `removed` in all, the last one's hash; `seal` is over all of it."""

    sequence: int
    removed: int
    hash: str
    at: str
    seal: str


def sealed_checkpoint(chain: Chain, sequence: int, removed: int, hash_: str, at: str) -> Checkpoint:
    return Checkpoint(sequence, removed, hash_, at, chain.digest(f"checkpoint\n{sequence}\n{removed}\n{hash_}\n{at}"))
