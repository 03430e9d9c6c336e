"""Regions as filters, each path by every spelling that this system knows for it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from avakill.backends.sbpl.field import PathPiece
from avakill.backends.sbpl.model import All, Any, Every, Filter, Not, Paths
from avakill.ir.region import Region
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Anchor, Glob, Wildcard, component_holds
from avakill.paths.substring import Substring

ALIASES = ("tmp", "var", "etc")
"""Links in `/` to the directories of that name in `/private`; the kernel compares what they resolve to."""


def region_filters(region: Region[Pattern]) -> tuple[Filter, ...]:
    """Filters of which one holds exactly where the region does."""
    if len(region.pieces) == 1:
        return piece_filters(region.pieces[0])
    return tuple(dict.fromkeys([found for piece in region.pieces for found in piece_filters(piece)]))


def piece_filters(piece: PathPiece) -> tuple[Filter, ...]:
    if len(piece.within) == 1 and not piece.without:
        return _choices(piece.within[0])
    parts: list[Filter] = [any_of(_choices(atom)) for atom in piece.within if not atom.is_everything]
    if piece.without:
        parts.append(Not(any_of(tuple(found for atom in piece.without for found in _choices(atom)))))
    if not parts:
        return (Every(),)
    return (parts[0],) if len(parts) == 1 else (All(tuple(parts)),)


def any_of(filters: tuple[Filter, ...]) -> Filter:
    return filters[0] if len(filters) == 1 else Any(filters)


def _choices(atom: Pattern) -> tuple[Filter, ...]:
    if atom.is_everything:
        return (Every(),)
    if isinstance(atom, Substring):
        return (Paths(atom),)
    return tuple([Paths(glob) for glob in spellings(atom)])


@lru_cache(maxsize=65536)
def spellings(glob: Glob) -> tuple[Glob, ...]:
    """`glob`, and where it begins in a directory that is a link on this system, the other spelling."""
    parts = glob.parts
    if not parts or parts[0] is Wildcard.DEEP:
        return (glob,)
    first = parts[0]
    if first == "private" and len(parts) > 1 and parts[1] in ALIASES:
        return (glob, replace(glob, parts=parts[1:], anchor=Anchor.ROOT, anchor_length=0))
    names: tuple[str, ...] = (first,) if isinstance(first, str) and first in ALIASES else ()
    if not isinstance(first, str):
        names = tuple(name for name in ALIASES if component_holds(first, name, glob.fold))
    elif glob.fold:
        names = tuple(name for name in ALIASES if name == first.casefold())
    return (
        glob,
        *(replace(glob, parts=("private", name, *parts[1:]), anchor=Anchor.ROOT, anchor_length=0) for name in names),
    )
