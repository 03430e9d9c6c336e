"""The values that a call's arguments hold under a canonical name, at any depth."""
from __future__ import annotations

import re
from dataclasses import dataclass

from avakill.events.event import Event
from avakill.events.value import Members, Value, names, scalars
from avakill.ir.effect import KNOWN_ARGUMENTS, TOOL_EFFECTS, Effect
from avakill.ir.names import canonical_argument

LISTING = frozenset({"file_list", "file_search", "content_search"})
"""Tools that look at the working directory where no path is given."""


@dataclass(frozen=True, slots=True)
class Found:
    """One value; `is_plural` where the name that it stands under is one of several things (`paths`, `commands`)."""

    value: Value
    is_plural: bool = False


def index(event: Event) -> dict[str, tuple[Found, ...]]:
    """Canonical argument names with all their values, outermost first; of a name that is not known case does not count."""
    found: dict[str, list[Found]] = {}
    _index(event.arguments, found)
    if event.tool in LISTING and not any(item.value is not None for item in found.get("path", ())):
        found["path"] = [Found(".")]
    if event.tool == "file_search":
        found.setdefault("path", []).extend(_searched(found))
    if Effect.WRITE in TOOL_EFFECTS.get(event.tool, frozenset()):
        patched = [Found(path) for text in scalars(event.arguments) if isinstance(text, str) for path in patched_paths(text)]
        if patched:
            found.setdefault("path", []).extend(patched)
    return {name: tuple(items) for name, items in found.items()}


def _index(value: Value, found: dict[str, list[Found]]) -> None:
    match value:
        case Members(items):
            for name, inner in items:
                canonical, is_plural = argument_name(name)
                found.setdefault(canonical, []).append(Found(inner, is_plural))
                _index(inner, found)
        case tuple():
            for inner in value:
                _index(inner, found)
        case _:
            return


def argument_name(name: str) -> tuple[str, bool]:
    """The canonical name, and whether it was given in the plural."""
    canonical = canonical_argument(name)
    if canonical not in KNOWN_ARGUMENTS and name[-1:] in ("s", "S"):
        singular = canonical_argument(name[:-1])
        if singular in KNOWN_ARGUMENTS:
            return singular, True
    return canonical if canonical in KNOWN_ARGUMENTS else canonical.casefold(), False


def _searched(found: dict[str, list[Found]]) -> list[Found]:
    """The directories in which a file pattern of its own begins (`~/.ssh/*` lists `~/.ssh`)."""
    result: list[Found] = []
    for item in found.get("pattern", ()):
        for text in scalars(item.value):
            if isinstance(text, str) and (text.startswith(("/", "~")) or ".." in text.split("/")):
                plain = re.split(r"[*?\[{]", text, maxsplit=1)[0]
                result.append(Found(plain if plain == text else plain.rpartition("/")[0] or "/"))
    return result


_PATCHED = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+?)\s*$", re.MULTILINE)


def patched_paths(text: str) -> list[str]:
    """The files that a patch of the `*** Begin Patch` form names."""
    return _PATCHED.findall(text) if "*** " in text else []


def path_texts(value: Value) -> list[str | None]:
    """The paths that a path argument's value holds: its scalars, and its members' names, which may be paths too."""
    result: list[str | None] = list(names(value))
    for scalar in scalars(value):
        match scalar:
            case None:
                result.append(None)
            case bool():
                continue
            case _:
                result.append(str(scalar))
    return result
