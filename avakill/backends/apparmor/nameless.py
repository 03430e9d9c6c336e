"""The names that a file without a name bears: AppArmor judges O_TMPFILE in `D`, which is WRITE on `D`, as `D/#NUMBER` (Linux 6.12)."""

from __future__ import annotations

import re
from functools import lru_cache

from avakill.backends.apparmor.model import Many, OneOf, Tokens
from avakill.backends.apparmor.utf8 import span_mask
from avakill.paths.automaton import Pattern
from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard
from avakill.paths.substring import Substring

NUMBER: Tokens = (b"/#", OneOf(span_mask(0x30, 0x39)), Many.NAME)
"""`/#N` behind a directory, and what else begins so: AppArmor cannot repeat a class."""
_NUMBER = Wild(("#", CharClass((("0", "9"),)), Wildcard.SOME))
_DIGITS = "1234567890"


def inside(directories: Glob) -> Glob:
    """The names that a file without a name may have in one of some directories."""
    return Glob((*directories.parts, _NUMBER), fold=directories.fold)


def parents(glob: Glob) -> Glob:
    """The directories that the objects of a pattern stand in (of one with `below`, those of its topmost)."""
    return Glob(glob.parts[:-1], fold=glob.fold)


def spares_inside(pattern: Pattern) -> bool:
    """Whether a pattern may hold a directory and not what is in it."""
    return isinstance(pattern, Glob) and not pattern.below


def is_closable(pattern: Pattern) -> bool:
    """Whether the files without a name in such directories are closed: with a directory that can be renamed the pattern leaks
    anyway, and a name closed at every depth would be lost everywhere."""
    return isinstance(pattern, Glob) and len(pattern.literal_prefix) >= len(pattern.parts) - 1


def number_in(pattern: Pattern) -> str | None:
    """A name `#N` that the pattern may hold in a directory that it does not hold; None where there is no such name."""
    if isinstance(pattern, Glob):
        return number_of(pattern.parts[-1]) if pattern.parts else None
    found = re.fullmatch(r"(?:.*/)?(#\d*)?|#?\d*", pattern.needle)
    return None if found is None or not pattern.needle else "#" + (pattern.needle.rpartition("/")[2].lstrip("#") or "1")


@lru_cache(maxsize=16384)
def number_of(part: Part) -> str | None:
    """A `#N` that one component matches."""
    if isinstance(part, str):
        return part if re.fullmatch("#[0-9]+", part) else None
    if not isinstance(part, Wild):
        return "#1"
    todo = [(at, "#") for at in _after(part, 0, "#")]
    seen = {at for at, _ in todo}
    while todo:
        at, text = todo.pop(0)
        for digit in _DIGITS:
            for further in _after(part, at, digit):
                if all(atom is Wildcard.SOME for atom in part.atoms[further:]):
                    return text + digit
                if further not in seen:
                    seen.add(further)
                    todo.append((further, text + digit))
    return None


def _after(part: Wild, at: int, char: str) -> tuple[int, ...]:
    """Where one may stand among the atoms after one character."""
    found = []
    while at < len(part.atoms):
        match part.atoms[at]:
            case Wildcard.SOME:
                found.append(at)
                at += 1
                continue
            case str() as own:
                found += [at + 1] if own == char else []
            case CharClass() as klass:
                found += [at + 1] if klass.holds(char) else []
            case _:
                found.append(at + 1)
        break
    return tuple(found)


def example_parents(pattern: Substring) -> tuple[str, ...]:
    """Directories that the pattern does not hold, though it may hold a `#N` in them."""
    before = pattern.needle.rpartition("/")[0].strip("/")
    return tuple(path for path in (f"/srv/a{before}", "/srv/plain") if not pattern.holds(path))
