"""Names, paths and patterns as text of the profile language."""

from __future__ import annotations

from functools import lru_cache

from avakill.backends.sbpl.characters import any_character, character_class, either_case
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Anchor, CharClass, Glob, Part, Wild, Wildcard, join
from avakill.paths.substring import Substring

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_STRING = str.maketrans(_ESCAPES)
_SPECIAL = frozenset(".^$*+?()[]{}|\\")
_PARAMETERS = {Anchor.HOME: "HOME", Anchor.WORKSPACE: "WORKSPACE"}


def string(text: str) -> str:
    """A string literal on one line."""
    return f'"{text.translate(_STRING)}"'


def comment(text: str) -> str:
    """Text that cannot end a comment's line."""
    return "".join(char if char.isprintable() or "\udc80" <= char <= "\udcff" else "?" for char in text)


def path(pattern: Pattern) -> str:
    """The filter that holds what `pattern` holds."""
    if isinstance(pattern, Substring):
        return f"(regex {string(_folded(pattern.needle))})"
    if pattern.is_literal and not pattern.fold:
        kind = "subpath" if pattern.below else "literal"
        return f"({kind} {_literal(pattern)})"
    return f"(regex {_anchored(pattern)})"


def _parameter(glob: Glob) -> str | None:
    """The parameter that the leading parts come from; a pattern that ignores case is written out."""
    return _PARAMETERS.get(glob.anchor) if glob.anchor_length and not glob.fold else None


def _literal(glob: Glob) -> str:
    name = _parameter(glob)
    if name is None:
        return string(join(glob.literal_prefix))
    rest = glob.literal_prefix[glob.anchor_length :]
    value = f'(param "{name}")'
    return f"(string-append {value} {string(join(rest))})" if rest else value


def _anchored(glob: Glob) -> str:
    name = _parameter(glob)
    if name is None:
        return string("^" + _parts(glob, glob.parts))
    rest = _parts(glob, glob.parts[glob.anchor_length :])
    return f'(string-append "^" (regex-quote (param "{name}")) {string(rest)})'


def _parts(glob: Glob, parts: tuple[Part, ...]) -> str:
    return "".join(_part(part, glob.fold) for part in parts) + ("(/.*)?$" if glob.below else "$")


@lru_cache(maxsize=65536)
def _part(part: Part, fold: bool) -> str:
    if part is Wildcard.DEEP:
        return "(/[^/]+)*"
    if isinstance(part, str):
        return "/" + (_folded(part) if fold else "".join(map(_character, part)))
    assert isinstance(part, Wild)
    if all(atom is Wildcard.SOME for atom in part.atoms):
        return "/[^/]+"
    return "/" + "".join(_atom(atom, fold) for atom in part.atoms)


def _atom(atom: str | Wildcard | CharClass, fold: bool) -> str:
    if isinstance(atom, str):
        return either_case(atom, _character) if fold else _character(atom)
    if isinstance(atom, CharClass):
        return character_class(atom, fold)
    return "[^/]*" if atom is Wildcard.SOME else any_character()


def _folded(text: str) -> str:
    return "".join(either_case(char, _character) for char in text)


def _character(char: str) -> str:
    return f"\\{char}" if char in _SPECIAL else char
