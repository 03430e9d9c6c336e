"""`AuditHookManager`: the hooks by the name that programs already use for them."""

from __future__ import annotations

from collections.abc import Iterable

from avakill.hardening.hooks import StrPath, is_installed, protect_files
from avakill.hardening.sentry import OnAttempt


class AuditHookManager:
    """Paths collected first and protected by `install`; those added later are protected at once."""

    __slots__ = ("_event_callback", "_installed", "_paths")

    def __init__(self, protected_paths: Iterable[StrPath] = (), event_callback: OnAttempt | None = None) -> None:
        self._paths = list(protected_paths)
        self._event_callback = event_callback
        self._installed = False

    def install(self) -> None:
        """Protect what was collected. There is no way back."""
        protect_files(self._paths, self._event_callback)
        self._installed = True

    def add_protected_path(self, path: StrPath) -> None:
        """One more path."""
        self._paths.append(path)
        if self._installed:
            protect_files((path,), self._event_callback)

    @property
    def is_installed(self) -> bool:
        """The hook of this process is there, whoever put it in."""
        return is_installed()
