"""Concrete paths for witnesses, made from a pattern's own parts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from avakill.ir.region import Piece
from avakill.paths.automaton import Undecided, witness
from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard, join, tree

NEW = "new-entry"
LATER = "later"


def paths_in(piece: Piece[Any], folders: tuple[str, ...] = ()) -> Iterator[str]:
    """Some paths of the piece, `folders` standing for its first `**`; then one found by search."""
    yield from made_in(piece, folders)
    found = searched(piece, folders)
    if found is not None:
        yield found


def made_in(piece: Piece[Any], folders: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of the piece that its own parts give, without a search."""
    alone = len(piece.within) == 1 and not piece.without
    for atom in piece.within:
        if isinstance(atom, Glob):
            path = _made(atom, folders)
            if path is None:
                continue
            if alone or piece.holds(path):
                yield path
            if atom.below and piece.holds(inner := f"{path.rstrip('/')}/{NEW}"):
                yield inner
    if not piece.within and piece.holds(f"/{NEW}"):
        yield f"/{NEW}"


def searched(piece: Piece[Any], folders: tuple[str, ...] = ()) -> str | None:
    """A path of the piece found by an automaton, in a directory of those names; None where there is none, or it took too long."""
    globs = [atom for atom in piece.within if isinstance(atom, Glob)]
    base = max((atom.literal_prefix for atom in globs), key=len, default=())
    wheres = [tree(join((*base, *folders)))] if folders else []
    try:
        return witness((*piece.within, *wheres), piece.without, frozenset({"/"}))
    except Undecided:
        return None


@lru_cache(maxsize=65536)
def _made(glob: Glob, folders: tuple[str, ...]) -> str | None:
    """A path of the glob, made part by part; None where that failed."""
    path = join(tuple(_names(glob.parts, folders)))
    return path if glob.holds(path) else None


def _names(parts: tuple[Part, ...], folders: tuple[str, ...]) -> Iterator[str]:
    left = folders
    for part in parts:
        if part is Wildcard.DEEP:
            yield from left
            left = ()
        elif isinstance(part, Wild):
            yield "".join(_char(atom) for atom in part.atoms) or "x"
        else:
            yield str(part)


def _char(atom: str | Wildcard | CharClass) -> str:
    if isinstance(atom, str):
        return atom
    if isinstance(atom, CharClass):
        candidates = ("x", "a", "0", "A", *(low for low, _ in atom.ranges), *(high for _, high in atom.ranges), "é")
        return next((char for char in candidates if atom.holds(char)), "x")
    return "x" if atom is Wildcard.ONE else ""
