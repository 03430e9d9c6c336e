"""One SQLite file that several processes share: opened with care, used in transactions that wait only so long."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE = 0o600
_FAULTS = (sqlite3.Error, OSError, OverflowError, ValueError, TypeError, RuntimeError)


def files_of(path: str | Path) -> tuple[str, ...]:
    """The files that SQLite makes of one database: for self-protection."""
    place = os.path.abspath(os.path.expanduser(path))
    return tuple(f"{place}{end}" for end in ("", "-wal", "-shm", "-journal"))


class Database:
    """Every fault of file, lock or content is a `fault`, and the next transaction opens the file anew.

    `wipes` overwrites what is deleted.
    """

    def __init__(
        self, path: str | Path, schema: str, version: int, timeout_s: float, fault: type[Exception], *, wipes: bool = False
    ) -> None:
        self._fault, self._wipes = fault, wipes
        self._given, self._schema, self._version, self._timeout = path, schema, version, timeout_s
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        _opened.add(self)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The only writer among all processes, until the block ends."""
        if not self._lock.acquire(timeout=self._timeout):
            raise self._fault(f"`{self._given}` is busy")
        try:
            connection = self._connected()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.execute("COMMIT")
        except _FAULTS as fault:
            self._drop()
            raise self._fault(f"`{self._given}` cannot be used: {fault}") from None
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def forget_in_child(self) -> None:
        """After a fork: the connection is the parent's, and not even to be closed here (sqlite.org/howtocorrupt.html, 2.6)."""
        if self._connection is not None:
            _parents.append(self._connection)
        self._connection, self._lock = None, threading.Lock()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def _connected(self) -> sqlite3.Connection:
        """The open connection, unless another file has taken the name since: all processes must share one."""
        path = Path(self._given).expanduser()
        if self._connection is not None and self._file != _identity(path):
            self._drop()
        if self._connection is None:
            self._file = _make_private(path)
            connection = sqlite3.connect(path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._timeout
        while True:  # the change to WAL does not wait for a lock as other statements do
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA synchronous=NORMAL")
        if self._wipes:
            connection.execute("PRAGMA secure_delete=ON")
        if _version(connection) != self._version:
            self._create(connection)

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        found = _version(connection)
        if found not in (0, self._version):
            raise ValueError(f"its format is {found}, and this program writes {self._version}")
        if found == 0:
            for statement in self._schema.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={self._version}")
        connection.execute("COMMIT")


_opened: weakref.WeakSet[Database] = weakref.WeakSet()
_parents: list[sqlite3.Connection] = []


def _after_fork() -> None:
    for database in _opened:
        database.forget_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _make_private(path: Path) -> tuple[int, int]:
    """The file, made where it is missing, readable and writable by its owner alone. Raises OSError for one of others.

    An existing one is not opened: closing it would take the locks of this process's other connections (howtocorrupt, 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.path.lexists(path):
        _make_empty(path)
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is no ordinary file")
    if found.st_uid != os.geteuid():
        raise OSError("it belongs to another user")
    if found.st_mode & 0o022:
        raise OSError("others may write it")
    if stat.S_IMODE(found.st_mode) != PRIVATE:
        path.chmod(PRIVATE)
    return found.st_dev, found.st_ino


def _make_empty(path: Path) -> None:
    """An empty file under its name in one step, unless somebody else was first."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # of mode 0600
    os.close(descriptor)
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
