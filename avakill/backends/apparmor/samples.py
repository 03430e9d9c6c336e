"""Objects of a pattern, made up quickly: the first witnesses that a claim tries."""

from __future__ import annotations

from functools import lru_cache

from avakill.paths.automaton import Pattern, class_chars
from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard, join
from avakill.paths.substring import Substring


@lru_cache(maxsize=16384)
def samples(pattern: Pattern) -> tuple[str, ...]:
    """One or two objects that the pattern holds, the second below the first."""
    if isinstance(pattern, Glob) and not pattern.fold:
        names = tuple([part for part in pattern.parts if isinstance(part, str)])
        if names and len(names) + pattern.parts.count(Wildcard.DEEP) == len(pattern.parts):
            path = join(names)
            return (path, f"{path}/inside") if pattern.below else (path,)
    if isinstance(pattern, Substring):
        made: tuple[str, ...] = (f"/srv/a{pattern.needle.strip('/') or 'x'}b/file",)
    else:
        path = "/" + "/".join(_part(part) for part in pattern.parts if part is not Wildcard.DEEP)
        below = f"{path.rstrip('/')}/inside"
        made = ((path, below) if path != "/" else (below,)) if pattern.below else (path,)
    return tuple(path for path in made if pattern.holds(path))


def _part(part: Part) -> str:
    if isinstance(part, str):
        return part
    assert isinstance(part, Wild)
    return "".join(map(_atom, part.atoms)) or "x"


def _atom(atom: str | Wildcard | CharClass) -> str:
    if isinstance(atom, str):
        return atom
    if isinstance(atom, CharClass):
        return next((char for char in "xyzabcmns0123456789_-X" if atom.holds(char)), chr(class_chars(atom)[0][0]))
    return "x" if atom is Wildcard.ONE else ""


def two_bytes_as_two(pattern: Pattern) -> tuple[str, ...]:
    """Objects in which one character of two bytes stands where the pattern asks for two of one byte."""
    if not isinstance(pattern, Glob):
        return ()
    parts = tuple(_paired(part) if isinstance(part, Wild) else part for part in pattern.parts)
    if any(part == "" for part in parts):
        return ()
    path = "/" + "/".join(_part(part) for part in parts if part is not Wildcard.DEEP)
    return () if pattern.holds(path) else (path,)


def _paired(part: Wild) -> str:
    """The component with `é` for its first two neighbouring atoms of one character beyond ASCII."""
    text, open_ = "", False
    for atom in part.atoms:
        single = atom is Wildcard.ONE or (isinstance(atom, CharClass) and atom.holds("\udcc3"))
        if single and open_ and "é" not in text:
            text = f"{text[:-1]}é"
        else:
            text += _atom(atom)
        open_ = single or (open_ and atom is Wildcard.SOME)
    return text or "x"


def parents_pattern(pattern: Pattern) -> Glob | None:
    """The directories between a pattern's literal prefix and its last component, or None where there is none."""
    if isinstance(pattern, Substring):
        return None if pattern.is_everything else Glob((Wild((Wildcard.SOME,)),), below=True)
    prefix = len(pattern.literal_prefix)
    if prefix >= len(pattern.parts) - 1:
        return None
    inner = pattern.parts[prefix:-1]
    if Wildcard.DEEP in inner:
        return Glob((*pattern.literal_prefix, Wild((Wildcard.SOME,))), below=True)
    return Glob(pattern.parts[:-1])


def bearer(pattern: Pattern, parent: str) -> str | None:
    """An object of the pattern below the directory `parent`."""
    if isinstance(pattern, Substring):
        texts = (f"{parent}/{pattern.needle.strip('/') or 'x'}", f"{parent}/x{pattern.needle.strip('/')}")
        return next((path for path in texts if pattern.holds(path)), None)
    names = [_part(part) for part in pattern.parts if part is not Wildcard.DEEP]
    made = (f"{parent}/{'/'.join(names[start:])}" for start in range(len(names) - 1, -1, -1))
    return next((path for path in made if pattern.holds(path)), None)
