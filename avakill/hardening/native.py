"""The hooks of C, where they were built: armed once for the whole process, seen and taken out by nobody in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from avakill.hardening.places import Places


class Hooks(NamedTuple):
    """What the extension offers, bound when this module is loaded."""

    arm: Callable[[Iterable[str | bytes]], None]
    is_active: Callable[[], bool]


def _load() -> Hooks | None:
    try:
        from avakill.hardening import _hooks
    except ImportError:  # built without a compiler
        return None
    return Hooks(_hooks.arm, _hooks.is_active)


_HOOKS = _load()


def hardened_available() -> bool:
    """This build has the hooks of C."""
    return _HOOKS is not None


def is_hardened() -> bool:
    """They are armed, so that a verified policy may be called hardened."""
    return _HOOKS is not None and _HOOKS.is_active()


def harden(paths: Iterable[str | bytes | os.PathLike[str] | os.PathLike[bytes]]) -> None:
    """Arm them: protect `paths` as `protect_files` does, and shut ctypes, cffi, gc's introspection and code surgery.

    There is no way back. What needs ctypes or cffi, or makes code objects by hand, must be loaded before: as cryptography is,
    and as asyncio is here, for `types.coroutine` makes code objects.
    """
    import asyncio  # noqa: F401

    if _HOOKS is None:
        raise OSError("avakill was built without the hooks of C: docs/hardening.md tells how to build them")
    places, base = Places(), os.getcwd()
    for path in paths:
        places.add(os.path.join(base, os.fsdecode(path)))
    _HOOKS.arm(sorted(places.names | set(places.identities.values())))
