"""Whether paths are in globs, by every spelling that both may have."""
from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

from avakill.evaluator.call import Call, Names, Reading
from avakill.evaluator.truth import Truth, weigh
from avakill.paths.glob import Anchor, CharClass, Glob, Wild, Wildcard, holds_parts


def paths_in(call: Call, readings: Iterable[Reading], globs: tuple[Glob, ...]) -> Truth:
    """YES where all that the readings name is in one of `globs`, NO where nothing is, else UNSURE."""
    return weigh([reading_in(call, reading, globs) for reading in readings])


def reading_in(call: Call, reading: Reading, globs: tuple[Glob, ...]) -> Truth:
    call.spend(len(globs) * len(reading.every))
    if not any(is_in(call, names, globs) for names in reading.every):
        return Truth.UNSURE if reading.doubt else Truth.NO
    if reading.doubt or not reading.firm or not all(is_in(call, names, globs) for names in reading.firm):
        return Truth.UNSURE
    return Truth.YES


def is_in(call: Call, names: Names, globs: tuple[Glob, ...]) -> bool:
    return any(_holds(call, glob, names) for glob in globs)


def _holds(call: Call, glob: Glob, names: Names) -> bool:
    """By the glob's own spelling, or by what its literal prefix is a link to."""
    if call.context.ignores_case:
        return _holds_folded(call, glob, names)
    base = _base(call, glob)
    prefix = glob.literal_prefix
    depth = len(base)
    full = (*base, *prefix)
    if names[: len(full)] == full and holds_parts(glob, names[depth:]):
        return True
    real = call.real(full)
    return real != full and names[: len(real)] == real and holds_parts(rest_of(glob), names[len(real) :])


def _holds_folded(call: Call, glob: Glob, names: Names) -> bool:
    glob = _folded(glob)
    base = _base(call, glob)
    full = (*base, *glob.literal_prefix)
    for front, rest in ((base, glob), (call.real(full), rest_of(glob))):
        if _fold(names[: len(front)]) == _fold(front) and holds_parts(rest, names[len(front) :]):
            return True
    return False


def prefix_of(call: Call, glob: Glob) -> Names:
    """The literal names that a glob begins with, from `/`."""
    return (*_base(call, glob), *glob.literal_prefix)


def _base(call: Call, glob: Glob) -> Names:
    match glob.anchor:
        case Anchor.ROOT:
            return ()
        case Anchor.HOME:
            return call.home
        case Anchor.WORKSPACE:
            return call.workspace


def bound(call: Call, glob: Glob) -> Glob:
    """`glob` with its parts from `/`."""
    base = _base(call, glob)
    return replace(glob, parts=(*base, *glob.parts), anchor=Anchor.ROOT, fold=glob.fold or call.context.ignores_case)


def _fold(names: Names) -> Names:
    return tuple(name.casefold() for name in names)


@lru_cache(maxsize=32768)
def rest_of(glob: Glob) -> Glob:
    """What a glob asks below its literal prefix."""
    return replace(glob, parts=glob.parts[len(glob.literal_prefix) :])


@lru_cache(maxsize=32768)
def _folded(glob: Glob) -> Glob:
    return replace(glob, fold=True)


def composed(globs: tuple[Glob, ...]) -> tuple[Glob, ...]:
    """`globs` with the composed (NFC) form of those that have another, so that one spelling of `é` holds both."""
    return (*globs, *(_composed(glob) for glob in globs if not glob.text.isascii()))


def _composed(glob: Glob) -> Glob:
    return replace(glob, parts=tuple(
        unicodedata.normalize("NFC", part) if isinstance(part, str)
        else Wild(_compose_atoms(part)) if isinstance(part, Wild)
        else part
        for part in glob.parts
    ))


def _compose_atoms(part: Wild) -> tuple[str | Wildcard | CharClass, ...]:
    """Runs of literal characters composed; wildcards stay where they are."""
    result: list[str | Wildcard | CharClass] = []
    for is_literal, group in groupby(part.atoms, lambda atom: isinstance(atom, str)):
        atoms = tuple(group)
        result.extend(unicodedata.normalize("NFC", "".join(map(str, atoms))) if is_literal else atoms)
    return tuple(result)
