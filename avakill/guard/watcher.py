"""A policy file that is read again when it changes."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from avakill.guard.errors import ConfigError

if TYPE_CHECKING:
    from avakill.guard.guard import Guard

LOG = logging.getLogger("avakill")
POLL = "AVAKILL_WATCH_POLL"
YES = ("1", "true", "yes")


class PolicyWatcher:
    """Watches the folder of a guard's policy in a thread, so that a file that is replaced is seen too, and its `.sig`.

    `debounce_ms`: how long changes are gathered before the policy is read; `force_polling` looks at the files instead of
    asking the system (None: as AVAKILL_WATCH_POLL says). A file that does not compile changes nothing: `last_error` says
    why, and so does the log. Needs `pip install avakill[watch]`; raises ValueError for a guard without a file.
    """

    def __init__(
        self, guard: Guard, *, debounce_ms: int = 200, poll_interval_s: float = 2.0, force_polling: bool | None = None
    ) -> None:
        if guard.policy_path is None:
            raise ValueError("the guard's policy is no file that could be watched")
        self.guard = guard
        self.policy_path: Path = guard.policy_path
        self.use_polling = force_polling if force_polling is not None else os.environ.get(POLL, "").lower() in YES
        self.debounce_ms = debounce_ms
        self.poll_interval_s = poll_interval_s
        self.reloads = 0
        self.last_error: str | None = None
        self._ended = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Raises ConfigError without the library. Every change after the policy was last read is seen."""
        try:
            import watchfiles  # noqa: F401
        except ImportError:
            raise ConfigError("watching a policy needs the package `watchfiles`: install avakill[watch]") from None
        self._thread = Thread(target=self._run, name="avakill-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)

    async def __aenter__(self) -> PolicyWatcher:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        """What the system tells makes it quick; what the files look like makes it sure (two changes within a tick of the file
        system's clock are one to a watcher that polls)."""
        import watchfiles

        names = {str(self.policy_path), f"{self.policy_path}.sig"}
        seen: tuple[tuple[int, ...], ...] = ()  # what changed before we looked is read once
        for _ in watchfiles.watch(
            self.policy_path.parent,
            watch_filter=lambda _, path: path in names,
            debounce=self.debounce_ms,
            step=50,
            stop_event=self._ended,
            rust_timeout=min(1000, int(self.poll_interval_s * 1000)),
            yield_on_timeout=True,
            force_polling=self.use_polling,
            poll_delay_ms=int(self.poll_interval_s * 1000),
            recursive=False,
            raise_interrupt=False,
        ):
            looks = self._looks()
            if looks != seen:
                seen = looks
                self._reload()

    def _looks(self) -> tuple[tuple[int, ...], ...]:
        """What tells one state of the two files from another; nothing of one that is not there."""
        found: list[tuple[int, ...]] = []
        for path in (self.policy_path, self.policy_path.with_name(f"{self.policy_path.name}.sig")):
            try:
                seen = path.stat()
                found.append((seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))
            except OSError:
                found.append(())
        return tuple(found)

    def _reload(self) -> None:
        try:
            self.guard.reload_policy()
            self.last_error = None
            self.reloads += 1
        except ConfigError as error:
            self._failed(error.message)
        except Exception as error:  # a watcher that dies would leave a stale policy without a word
            self._failed(f"{type(error).__name__}: {error}")

    def _failed(self, message: str) -> None:
        self.last_error = message
        LOG.warning("the policy %s is kept as it was: %s", self.policy_path, message)


