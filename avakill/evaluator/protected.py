"""The protected objects of one call, and whether a path, a pattern or a text names one."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from avakill.evaluator.call import Call, Names
from avakill.evaluator.walk import Unresolvable, Walker, lexical
from avakill.paths import glob as globs
from avakill.paths.glob import GlobError, join, split

Thing = tuple[Names, bool]
"""The components of a protected path, and whether all below it is protected too."""

PROPOSED = (".proposed.yaml", ".proposed.yml")
"""Ends of what agents may write anywhere: a human looks at it before it counts."""

_PACKAGES = ("site-packages", "dist-packages")
PACKAGE = "avakill"
_WILD = "*?[{"


@dataclass(frozen=True, slots=True)
class Guarded:
    """`endings` are directories with an end that any name in them may have; `above` all directories over what is protected."""

    files: frozenset[Names]
    trees: frozenset[Names]
    endings: frozenset[tuple[Names, str]]
    above: frozenset[Names]
    marks: tuple[str, ...]
    folds: bool = False

    def holds(self, names: Names) -> bool:
        """Whether that path is protected."""
        if self.folds:
            names = _folded(names)
        if names and names[-1].endswith(PROPOSED):
            return False
        if names in self.files or any(names[:end] in self.trees for end in range(len(names) + 1)):
            return True
        if any(one in _PACKAGES and other == PACKAGE for one, other in pairwise(names)):
            return True
        return any(names[:-1] == folder and names[-1].endswith(end) for folder, end in self.endings if names)

    def is_above(self, names: Names) -> bool:
        """Whether it is a directory with something protected in it."""
        return (_folded(names) if self.folds else names) in self.above

    def may_match(self, names: Names, dots: bool) -> bool:
        """Whether a pattern may name something protected; `dots` says that `*` matches a leading dot."""
        return _may_match(names, tuple(self.files | self.trees), dots) or any(
            _may_match(names, (folder,), dots) for folder, _ in self.endings
        )

    def may_match_above(self, names: Names, dots: bool) -> bool:
        """Whether a pattern may name something protected, or a directory above."""
        return _may_match(names, tuple(self.files | self.trees | self.above), dots)

    def mentions(self, text: str, bases: Iterable[str] = ()) -> bool:
        """Whether a text has the name of something protected in it, as somebody in one of `bases` would write it."""
        if any(mark in text for mark in self.marks):
            return True
        folders = {split(lexical(base)) for base in bases}
        return any(thing[-1] in text for thing in (*self.files, *self.trees) if thing and thing[:-1] in folders)


def guarded(call: Call) -> Guarded:
    """The protected objects, each under its name as given and with links followed."""
    if call.protected is not None:
        return call.protected
    plain, endings = _places(call)
    return _guarded(plain, endings, call.context.ignores_case)


def protected_places(call: Call) -> tuple[Thing, ...]:
    """The places of which nothing may be told quickly: protected objects, and directories in which some names are."""
    plain, endings = _places(call)
    return tuple(dict.fromkeys((*plain, *((folder, False) for folder, _ in endings))))


def _places(call: Call) -> tuple[tuple[Thing, ...], tuple[tuple[Names, str], ...]]:
    things: dict[Thing, None] = {}
    endings: dict[tuple[Names, str], None] = {}
    walker = Walker(call.context.resolver, call.base, call.known)
    for text in call.context.protected:
        folder, _, last = text.rpartition("/")
        if last.startswith("*"):
            endings |= dict.fromkeys((names, last[1:]) for names in _spellings(walker, folder))
        else:
            things |= dict.fromkeys((names, text.endswith("/")) for names in _spellings(walker, text))
    return tuple(things), tuple(endings)


def _spellings(walker: Walker, text: str) -> tuple[Names, ...]:
    found = {split(lexical(text)): None}
    try:
        place = walker.place(text)
    except Unresolvable:
        return tuple(found)
    return tuple(found | {split(place.object): None, split(place.name): None})


@lru_cache(maxsize=64)
def _guarded(things: tuple[Thing, ...], endings: tuple[tuple[Names, str], ...], folds: bool) -> Guarded:
    if folds:
        things = tuple((_folded(names), below) for names, below in things)
        endings = tuple((_folded(names), end.casefold()) for names, end in endings)
    every = [names for names, _ in things] + [(*folder, "") for folder, _ in endings]
    return Guarded(
        frozenset(names for names, below in things if not below),
        frozenset(names for names, below in things if below),
        frozenset(endings),
        frozenset(names[:end] for names in every for end in range(len(names))),
        tuple(dict.fromkeys(_mark(names) for names, _ in things if names)),
        folds,
    )


def _mark(names: Names) -> str:
    """What in a text points to it: its own name where that is telling, with its directory's otherwise."""
    last = names[-1]
    if "avakill" in last and last != "avakill":
        return last
    return last.removesuffix(".py") if last in ("sitecustomize.py", "usercustomize.py") else "/".join(names[-2:])


def _folded(names: Names) -> Names:
    return tuple(name.casefold() for name in names)


@lru_cache(maxsize=4096)
def _may_match(names: Names, things: tuple[Names, ...], dots: bool) -> bool:
    wild = next((at for at, name in enumerate(names) if any(char in name for char in "*?[{(")), len(names))
    if wild == len(names):
        return names in things
    near = [thing for thing in things if len(thing) > wild and thing[:wild] == names[:wild]]
    if not near:
        return False
    if any("(" in name or "{" in name for name in names):
        names = tuple("*" if "(" in name or ("{" in name and ".." in name) else name for name in names)
    try:
        patterns = globs.parse(join(names))
    except GlobError:
        return True
    return any(pattern.holds(join(thing)) for thing in near if dots or _is_shown(names, thing) for pattern in patterns)


def _is_shown(names: Names, thing: Names) -> bool:
    """Whether no wildcard would have to match a leading dot."""
    return not any(part.startswith(".") and name[:1] in ("*", "?", "[") for name, part in zip(names, thing, strict=False))
