"""The front door: `record` an event and it is acknowledged; what follows happens behind the caller's back."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Self
from weakref import WeakSet

from avakill.audit.chain import Chain
from avakill.audit.encode import Encoder
from avakill.audit.journal import LIMIT, Journal, Unrecorded
from avakill.audit.schema import JOURNAL, default_folder, prepare
from avakill.audit.secrets import forget_patterns
from avakill.audit.writer import Observe, Writer
from avakill.events.record import Record

__all__ = ["Durability", "Trail", "Unrecorded"]

AT_EXIT = 30.0
WHEN_STUCK = 2.0
LOOK = 0.25
"""Seconds: how long a normal exit drains while it gets on, how long while it does not, and how often it looks."""


class Durability(StrEnum):
    """What an acknowledged event outlives: the process (and a second later the machine's power), or the power at once."""

    PROCESS = "process"
    FULL = "full"


class Trail:
    """An audit trail in `folder`: `journal/`, and `audit.db`, which one background thread fills.

    Thread-safe; the child of a fork has a journal of its own. With a `key` the store's chain is an HMAC and secrets leave a
    fingerprint. `observe` is given the rows of each batch after they are stored.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        key: bytes | None = None,
        durability: str = Durability.PROCESS,
        observe: Observe | None = None,
        clock: Callable[[], int] = time.time_ns,
        limit: int = LIMIT,
    ) -> None:
        self.folder = default_folder() if folder is None else Path(folder)
        self.protected_paths = (f"{self.folder.absolute()}/",)
        self._full = Durability(durability) is Durability.FULL
        self._chain = Chain(key)
        self._key = key
        self._observe = observe
        self._encode = Encoder(key).frame
        self._journal = Journal(self.folder / JOURNAL, clock, limit, self._full)
        self._writer = self._new_writer()
        _live.add(self)

    def _new_writer(self) -> Writer:
        return Writer(self.folder, self._journal, self._chain, self._full, self._observe)

    def record(self, record: Record) -> str:
        """The event's id, when it is in the journal. Raises Unrecorded."""
        journal = self._journal
        if journal.fd < 0:
            self._open()
        number = journal.next_number()
        frame = self._encode(record, number)
        try:
            if journal.refusal or os.write(journal.fd, frame) != len(frame):  # a torn frame is passed over when it is read
                raise Unrecorded(journal.refusal or "the audit journal cannot be written: No space left on device")
        except OSError as fault:
            raise Unrecorded(f"the audit journal cannot be written: {fault.strerror}") from None
        if self._full:
            self._sync()
        if self._writer.asleep:
            self._writer.wake()
        return f"{journal.stream}-{number}"

    def _open(self) -> None:
        try:
            prepare(self.folder)
        except OSError as fault:
            raise Unrecorded(f"the audit trail's folder cannot be made: {fault.strerror}") from None
        self._journal.open()

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as fault:
            raise Unrecorded(f"the audit journal cannot be synced: {fault.strerror}") from None

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps events in the journal and out of the store; empty when all is well."""
        return (*self._writer.problems, *((self._journal.refusal,) if self._journal.refusal else ()))

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was recorded before is in the store; False when `timeout` seconds did not do."""
        try:
            prepare(self.folder)
        except OSError:
            return False
        return self._writer.flush(timeout)

    def close(self, timeout: float = AT_EXIT, stuck: float = WHEN_STUCK) -> None:
        """Take no more, drain, and end the thread; at most `stuck` seconds are waited where the store takes nothing.

        What could not be drained stays in the journal for the next process.
        """
        if self not in _live:
            return
        _live.discard(self)
        self._journal.close("the audit trail is closed")
        if self._journal.fd >= 0:
            began = monotonic()
            while not self._writer.flush(min(timeout, LOOK)):
                waited = monotonic() - began
                if waited >= timeout or (self._writer.problems and waited >= stuck):
                    break
        self._writer.stop(stuck)
        self._journal.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def forget(self) -> None:
        """In the child of a fork: journal, thread and connection are the parent's."""
        _inherited.append(self._writer)  # closing the parent's SQLite connection here would be an error (sqlite.org/howtocorrupt)
        self._journal.forget()
        self._writer = self._new_writer()
        self._encode = Encoder(self._key).frame


_live: WeakSet[Trail] = WeakSet()
_inherited: list[Writer] = []


def _after_fork() -> None:
    forget_patterns()  # another thread may have held the lock of one when the process was copied
    for trail in tuple(_live):
        trail.forget()


def _at_exit() -> None:
    for trail in tuple(_live):
        trail.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
