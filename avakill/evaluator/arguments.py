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
    lines = _shell_lines(event, found)
    if lines:
        found.setdefault("command", []).extend(lines)
    if Effect.WRITE in TOOL_EFFECTS.get(event.tool, frozenset()):
        patched = [Found(path) for text in scalars(event.arguments) if isinstance(text, str) for path in patched_paths(text)]
        if patched:
            found.setdefault("path", []).extend(patched)
    return {name: tuple(items) for name, items in found.items()}


PROGRAMS = frozenset({"program", "executable", "exe", "binary"})
VECTORS = frozenset({"args", "argv", "arguments", "parameters"})
"""A program and its words, each under a name of its own."""

COMMANDS = frozenset({"argv", "bash", "bash_command", "cmdline", "command_string", "commandstring", "run_command"})
"""More names of a command line, as calls have them and no policy does."""

NO_COMMANDS = frozenset({"agent", "cwd", "description", "env", "explanation", "reason", "session", "shell", "timeout", "title"})
"""Arguments of a shell that are surely no command line, whatever else it is given."""


def _shell_lines(event: Event, found: dict[str, list[Found]]) -> list[Found]:
    """Command lines under names of their own: a program with its words, and of a shell without any command every text."""
    lines: list[Found] = []
    _vectors(event.arguments, lines, "command" not in found)
    lines += [item for name in COMMANDS for item in found.get(name, ())]
    if event.tool == "shell_execute" and not lines and "command" not in found:
        lines += [
            Found(value) for name, value in event.arguments.items
            if isinstance(value, str) and name.casefold() not in NO_COMMANDS and argument_name(name)[0] not in KNOWN_ARGUMENTS
        ]
    return lines


def _vectors(value: Value, lines: list[Found], alone: bool) -> None:
    """`alone` says that a program without words is a command too."""
    match value:
        case Members(items):
            programs = [inner for name, inner in items if name.casefold() in PROGRAMS and isinstance(inner, str)]
            words = [inner for name, inner in items if name.casefold() in VECTORS and isinstance(inner, tuple)]
            if programs and (words or alone):
                lines.extend(Found((program, *more)) for program in programs for more in (words or [()]))
            for _, inner in items:
                _vectors(inner, lines, alone)
        case tuple():
            for inner in value:
                _vectors(inner, lines, alone)
        case _:
            return


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
        for singular in (canonical_argument(name[:-1]), canonical_argument(name[:-3] + "y") if name[-3:].lower() == "ies" else name):
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


_PATCHED = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): ([^\n]+)$", re.MULTILINE)
_UNIFIED = re.compile(r"^(?:---|\+\+\+|rename from|rename to|copy to) ([^\t\n]+)", re.MULTILINE)


def patched_paths(text: str) -> list[str]:
    """The files that a patch names, of the `*** Begin Patch` form or a unified one (with `a/` and `b/` in front and without)."""
    found = [path.strip() for path in _PATCHED.findall(text)] if "*** " in text else []
    if "+++ " in text or "rename to " in text or "copy to " in text:
        for path in map(str.strip, _UNIFIED.findall(text)):
            if path != "/dev/null":
                found += [path, path[2:]] if path.startswith(("a/", "b/")) else [path]
    return found


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
