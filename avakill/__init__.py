"""avakill: a policy compiler for AI agents.

    from avakill import Guard, protect

Everything is imported when it is first used, so that `import avakill` costs next to nothing.
"""

from __future__ import annotations

from avakill.version import __version__

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would cost more than all the rest
if TYPE_CHECKING:
    from avakill.approvals.store import ApprovalStore
    from avakill.audit.trail import Trail
    from avakill.guard.decision import Decision
    from avakill.guard.errors import AvaKillError, ConfigError, PolicyViolation, RateLimitExceeded
    from avakill.guard.guard import Guard
    from avakill.guard.load import PolicyStatus
    from avakill.guard.protect import protect
    from avakill.guard.session import GuardSession
    from avakill.guard.watcher import PolicyWatcher

_PLACES = {
    "ApprovalStore": "avakill.approvals.store",
    "AvaKillError": "avakill.guard.errors",
    "ConfigError": "avakill.guard.errors",
    "Decision": "avakill.guard.decision",
    "Guard": "avakill.guard.guard",
    "GuardSession": "avakill.guard.session",
    "PolicyStatus": "avakill.guard.load",
    "PolicyViolation": "avakill.guard.errors",
    "PolicyWatcher": "avakill.guard.watcher",
    "RateLimitExceeded": "avakill.guard.errors",
    "Trail": "avakill.audit.trail",
    "protect": "avakill.guard.protect",
}

__all__ = [
    "ApprovalStore",
    "AvaKillError",
    "ConfigError",
    "Decision",
    "Guard",
    "GuardSession",
    "PolicyStatus",
    "PolicyViolation",
    "PolicyWatcher",
    "RateLimitExceeded",
    "Trail",
    "__version__",
    "protect",
]


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'avakill' has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(place), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
