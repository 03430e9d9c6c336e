"""A record to its frame: a head of what recurs (who, which rule, why), and the arguments, both without secrets."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from contextlib import suppress
from json.encoder import encode_basestring_ascii as _quote
from struct import error as StructError
from zlib import crc32

from avakill.audit.compact import text as _text
from avakill.audit.frame import HEADER, MAGIC, frame
from avakill.audit.secrets import MARK, Mark, redact_shapes, suspicion
from avakill.audit.tame import MAX_KEY, cut, tame
from avakill.events.record import Record

MAX_PLAIN = 4096
MAX_LINE = 64 * 1024
MAX_MEMBERS = 64
MAX_VALUES = 256
MAX_NAME = 1024
MAX_REASON = 4096
MEMORY = 1024

_pack = HEADER.pack
_SCALARS = frozenset((str, int, float, bool, type(None)))


def marker(key: bytes | None) -> Mark:
    """With a key a secret leaves a fingerprint, by which the same one is known again; without one it could be guessed from it."""
    if key is None:
        return lambda _: MARK
    own = hmac.digest(key, b"avakill audit fingerprint", "sha256")

    def mark(secret: str) -> str:
        if not secret:
            return MARK
        return f"{MARK[:-1]}:{hmac.digest(own, secret.encode('utf-8', 'backslashreplace'), 'sha256')[:4].hex()}]"

    return mark


class Encoder:
    """Record to frame. What recurs is remembered, so that an ordinary call costs its arguments' encoding and one search."""

    __slots__ = ("_heads", "_mark", "_names", "_suspect")

    def __init__(self, key: bytes | None) -> None:
        self._mark = marker(key)
        self._suspect: Callable[[bytes], list[int] | None] = suspicion()
        self._heads: dict[tuple[object, tuple[object, ...]], tuple[bytes, int]] = {}
        self._names: dict[object, str] = {}

    def frame(self, record: Record, number: int) -> bytes:
        """One function, because a call costs as much as a checksum: the head as known, the arguments as they are if they are plain."""
        key = (record[1], record[3:11])
        try:
            head, checksum = self._heads[key]
        except (KeyError, TypeError):  # a name that cannot be hashed is no name, and is recorded as what it is
            head, checksum = self._head(key)
        given = record[2]
        text = b""
        if type(given) is dict and len(given) <= MAX_MEMBERS:
            try:
                members = []
                names = self._names
                for name, value in given.items():
                    if type(value) is not str or len(value) > MAX_PLAIN:
                        break
                    members.append(names[name])
                    members.append(_quote(value))
                else:
                    text = ("{" + "".join(members)[1:] + "}").encode("ascii")
                if not text:
                    text = self._plain(given)
            except (KeyError, TypeError, ValueError, RecursionError, RuntimeError):
                text = self._plain(given)
            if len(text) > MAX_LINE or self._suspect(text):
                text = b""
        if not text:
            text = self._tamed(given)
        length = len(head)
        try:
            return _pack(MAGIC, length + len(text), crc32(text, checksum), number, length, record[0], record[11]) + head + text
        except (StructError, TypeError):
            return frame(number, _whole(record[0]), _whole(record[11]), head, text)

    def _plain(self, given: dict[object, object]) -> bytes:
        """Small plain arguments as they are, empty if they are not; their names are remembered."""
        try:
            if _left(given, dict, MAX_VALUES, 8) < 0:
                return b""
            text = _text(given).encode("ascii")
        except (TypeError, ValueError, RecursionError, RuntimeError):
            return b""
        if len(self._names) >= MEMORY:
            self._names.clear()
        for name in given:
            if type(name) is str and len(name) <= MAX_KEY:
                self._names[name] = f",{_quote(name)}:"
        return text

    def _head(self, key: tuple[object, tuple[object, ...]]) -> tuple[bytes, int]:
        """Who asked, which rule decided and why, as a JSON array, secrets taken out; with its checksum."""
        head = self._new_head(key[0], *key[1])
        made = (head, crc32(head))
        if len(self._heads) >= MEMORY:
            self._heads.clear()
        with suppress(TypeError):
            self._heads[key] = made
        return made

    def _new_head(
        self,
        tool: object,
        agent: object,
        session: object,
        action: object,
        allowed: object,
        rule: object,
        rule_name: object,
        reason: object,
        policy: object,
    ) -> bytes:
        """The JSON array `session, agent, tool, allowed, action, rule_name, reason, rule, policy`."""
        name = self._name
        fields = (
            None if session is None else name(session),
            None if agent is None else name(agent),
            name(tool),
            1 if allowed is True else 0,
            name(action),
            None if rule_name is None else name(rule_name),
            self._reason(reason),
            rule if type(rule) is int and abs(rule) < 1 << 53 else None,
            name(policy),
        )
        return _text(fields).encode("ascii")

    def _name(self, value: object) -> str:
        if not isinstance(value, str):
            return str(tame(value, self._mark))[:MAX_NAME]
        plain = redact_shapes(str.__str__(value)[: MAX_NAME * 2], self._mark)
        return plain if len(plain) <= MAX_NAME else f"{plain[:MAX_NAME]}…[cut: {len(value)} characters]"

    def _reason(self, value: object) -> str:
        return cut(str.__str__(value) if isinstance(value, str) else str(tame(value, self._mark)), self._mark, most=MAX_REASON)

    def _tamed(self, given: object) -> bytes:
        text = _text(tame(given, self._mark)).encode("ascii")
        if len(text) <= MAX_LINE * 8:  # six bytes a character at most, so this always holds
            return text
        return _text({"[left out]": f"{len(text)} bytes"}).encode("ascii")


def _left(value: object, kind: type, left: int, depth: int) -> int:
    """How many values more there may be behind a list or an object of plain short ones; negative where it is none."""
    inner: Collection[object]
    if kind is dict and isinstance(value, dict):
        inner = value.values()
    elif kind in (list, tuple) and isinstance(value, list | tuple):
        inner = value
    else:
        return -1
    left -= len(inner)
    for one in inner if depth and left >= 0 else ():
        of = type(one)
        if isinstance(one, str) and of is str:
            if len(one) > MAX_PLAIN:
                return -1
        elif of not in _SCALARS:
            left = _left(one, of, left, depth - 1)
            if left < 0:
                return -1
    return left if depth else -1


def _whole(value: object) -> int:
    """A time that is a number of 64 bits, 0 for anything else."""
    return value if type(value) is int and abs(value) < 1 << 62 else 0
