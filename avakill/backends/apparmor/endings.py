"""Names cut out of the last component of a pattern, by the trie of the names: `**/.env*` without `**/.env.example`."""

from __future__ import annotations

from collections.abc import Iterable

from avakill.backends.apparmor.holes import Cut, Kind, begins_with, subtract, trie
from avakill.backends.apparmor.model import Tokens
from avakill.backends.apparmor.nameless import NUMBER
from avakill.backends.apparmor.tokens import END, encode, joined, split_last
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, Part, Wild, Wildcard

_SOMETHING = Wild((Wildcard.SOME,))


def ending_of(pattern: Pattern, hole: Pattern) -> Glob | None:
    """The hole's own names, where they can be cut out of the pattern's last component wherever it stands."""
    if not isinstance(pattern, Glob) or not isinstance(hole, Glob) or pattern.below or pattern.fold or hole.fold:
        return None
    if not pattern.parts or not isinstance(pattern.parts[-1], Wild) or not hole.parts or _name(hole.parts[-1]) is None:
        return None
    folders, deep = hole.parts[:-1], hole.parts[:-1][-1:] == (Wildcard.DEEP,)
    if folders != pattern.parts[:-1] and not (deep and _is_above(folders[:-1], pattern.parts)):
        return None
    return Glob(hole.parts)


def _is_above(folders: tuple[Part, ...], parts: tuple[Part, ...]) -> bool:
    return all(isinstance(part, str) for part in folders) and parts[:-1][: len(folders)] == folders


def below_ending(hole: Glob) -> Glob | None:
    """What a hole takes below its own names."""
    return Glob((*hole.parts, _SOMETHING), below=True) if hole.below else None


def ending_cut(hole: Glob) -> Cut:
    """The last component of a hole as a cut."""
    name = _name(hole.parts[-1])
    assert name is not None
    return Cut(Kind.ENDING if isinstance(hole.parts[-1], str) else Kind.ENDINGS, name)


def _name(part: Part) -> bytes | None:
    """A literal name, or what the names that match `TEXT*` begin with."""
    return encode(part) if isinstance(part, str) else begins_with(part)


def without_endings(pattern: Glob, cuts: Iterable[Cut]) -> tuple[tuple[Tokens, ...], tuple[Tokens, ...]]:
    """The lines of a pattern without some of its last names, and those of the files without a name in what is left of it."""
    head, tail = split_last(pattern)
    root = trie(cuts, directories=True)
    objects = subtract((*tail, END), root, True) or ()
    numbers = subtract((*tail, *NUMBER), root, True) or ()
    return tuple(joined((*head, *line)) for line in objects), tuple(joined((*head, *line)) for line in numbers)
