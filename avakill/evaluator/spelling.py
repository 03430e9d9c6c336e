"""A path as written in an argument to the absolute paths that it may mean, as text: no links followed yet."""
from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from avakill.evaluator.context import Context


@dataclass(frozen=True, slots=True)
class Spelled:
    """`firm` are the readings that a tool may well take; `extra` less likely ones, which only a deny counts.

    Each is an absolute path with the directory that it was taken from. `doubt` says why there may be others.
    """

    firm: tuple[tuple[str, str], ...]
    extra: tuple[tuple[str, str], ...] = ()
    doubt: str = ""


_HOME = re.compile(r"\$HOME\b|\$\{HOME\}|%USERPROFILE%")
_PWD = re.compile(r"\$PWD\b|\$\{PWD\}")
_OTHER = re.compile(r"\$\{?\w|%\w+%")


def spell(text: str, bases: tuple[str, ...], context: Context) -> Spelled:
    """`bases` are the directories that a relative path may be relative to."""
    firm: list[tuple[str, str]] = []
    extra: list[tuple[str, str]] = []
    doubt = ""
    for reading in dict.fromkeys((text, text.strip())):
        for base in bases:
            local = _file_url(reading)
            if local is None:
                doubt = doubt or "a file URL with a host"
                continue
            if local != reading:
                extra.append((_absolute(reading, base), base))
            expanded = _replaced(_PWD, base, _replaced(_HOME, context.home, local))
            if expanded != local:
                firm.append((_absolute(expanded, base), base))
            elif _OTHER.match(local):
                doubt = doubt or "a variable in front"
            if not local.startswith("~"):
                firm.append((_absolute(local, base), base))
                continue
            home = _home_of(local, context)
            if home is None:
                doubt = doubt or "the home of a user who is not known here"
                firm.append((_absolute(local, base), base))
            else:
                firm.append((home, base))
                extra.append((_absolute(local, base), base))
    return Spelled(tuple(dict.fromkeys(firm)), tuple(dict.fromkeys(extra)), doubt)


def _replaced(pattern: re.Pattern[str], value: str, text: str) -> str:
    """As `sub`, with `value` as it is."""
    return pattern.sub(lambda _: value, text)


def _absolute(path: str, base: str) -> str:
    return path if path.startswith("/") else f"{base}/{path}"


def _home_of(path: str, context: Context) -> str | None:
    """`~/x` and `~name/x` with the home written out; None for a name that is not known."""
    name, _, rest = path[1:].partition("/")
    if not name:
        return f"{context.home}/{rest}"
    for user, home in context.users:
        if user == name:
            return f"{home}/{rest}"
    return None


def _file_url(text: str) -> str | None:
    """The path of a `file:` URL; any other text as it is; None for a URL of another host."""
    if text[:5].lower() != "file:":
        return text
    rest = text[5:]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost", "127.0.0.1"):
            return None
        rest = slash + path
    return unquote(re.split(r"[?#]", rest, maxsplit=1)[0], errors="surrogateescape")
