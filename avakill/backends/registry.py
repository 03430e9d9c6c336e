"""The backends that are installed: found by entry point, each fault a diagnostic."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from avakill.backends.contract import Backend
from avakill.source import codes
from avakill.source.diagnostic import Bag, Diagnostic

GROUP = "avakill.backends"
ORDER = ("landlock", "apparmor", "selinux", "sbpl", "tetragon", "seccomp")
"""The order of the report's columns; a stranger's backend comes after, by name."""


@dataclass(frozen=True, slots=True)
class Found:
    """The backends asked for, in report order, and what was wrong with others."""

    backends: tuple[Backend[Any], ...]
    diagnostics: tuple[Diagnostic, ...]


def find(names: Sequence[str] = ()) -> Found:
    """Load the backends `names`, or all that are installed."""
    from importlib.metadata import entry_points

    bag = Bag()
    points: dict[str, Any] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        known = points.setdefault(point.name, point)
        if known.value != point.value:
            bag.error(
                codes.DUPLICATE_PLUGIN,
                f"two backends are called `{point.name}`: `{known.value}` and `{point.value}`",
                help="uninstall one of the packages that bring them",
            )
    wanted = tuple(dict.fromkeys(names)) or tuple(points)
    for name in wanted:
        if name not in points:
            bag.error(codes.UNKNOWN_BACKEND, f"there is no backend `{name}`", help=_suggestion(name, points))
    loaded = (_load(name, points[name], bag) for name in _ordered(wanted) if name in points)
    return Found(tuple(backend for backend in loaded if backend is not None), tuple(bag))


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"did you mean `{near[0]}`?" if near else f"installed are: {', '.join(_ordered(known))}"


def _ordered(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def _load(name: str, point: Any, bag: Bag) -> Backend[Any] | None:
    try:
        backend = point.load()
    except Exception as fault:  # a stranger's module may raise anything while it is imported
        bag.error(
            codes.BROKEN_PLUGIN,
            f"the backend `{name}` cannot be loaded: {type(fault).__name__}: {fault}",
            help=f"its entry point is `{point.value}`; reinstall or uninstall the package that brings it",
        )
        return None
    if not isinstance(backend, Backend):
        bag.error(
            codes.BROKEN_PLUGIN,
            f"the backend `{name}` is no `avakill.backends.contract.Backend`",
            help=f"its entry point `{point.value}` names a {type(backend).__name__}",
        )
        return None
    return backend
