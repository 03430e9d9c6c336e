"""Sets of objects as unions of pieces: the algebra that turns conditions into regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

MAX_PIECES = 4096


class Atom(Protocol):
    """A primitive set of objects. `covers` and `is_disjoint` answer False where they cannot tell."""

    def holds(self, thing: str, /) -> bool: ...


A = TypeVar("A", bound=Atom)


class TooComplex(Exception):
    """A combination of over MAX_PIECES pieces: the caller takes the cautious approximation."""


@dataclass(frozen=True, slots=True)
class Piece(Generic[A]):
    """The objects in all of `within` and in none of `without`; with nothing in `within`, all objects but `without`."""

    within: tuple[A, ...] = ()
    without: tuple[A, ...] = ()

    def holds(self, thing: str) -> bool:
        if len(self.within) == 1 and not self.without:
            return self.within[0].holds(thing)
        return all(atom.holds(thing) for atom in self.within) and not any(atom.holds(thing) for atom in self.without)


@dataclass(frozen=True, slots=True)
class Region(Generic[A]):
    """The union of its pieces."""

    pieces: tuple[Piece[A], ...] = ()

    def holds(self, thing: str) -> bool:
        return any(piece.holds(thing) for piece in self.pieces)

    @property
    def is_nothing(self) -> bool:
        """Surely holds nothing (a region of contradicting pieces may also hold nothing)."""
        return not self.pieces

    @property
    def is_everything(self) -> bool:
        """Surely holds everything."""
        if len(self.pieces) == 1:
            return not self.pieces[0].within and not self.pieces[0].without
        return any(not piece.within and not piece.without for piece in self.pieces)

    def __or__(self, other: Region[A]) -> Region[A]:
        if self.is_everything or other.is_everything:
            return Region((Piece(),))
        return Region(tuple(dict.fromkeys((*self.pieces, *other.pieces))))

    def __and__(self, other: Region[A]) -> Region[A]:
        """Raises TooComplex."""
        if len(self.pieces) * len(other.pieces) > MAX_PIECES:
            raise TooComplex
        pieces = (
            Piece(tuple(dict.fromkeys((*a.within, *b.within))), tuple(dict.fromkeys((*a.without, *b.without))))
            for a in self.pieces
            for b in other.pieces
        )
        return Region(tuple(dict.fromkeys(pieces)))

    def __invert__(self) -> Region[A]:
        """Raises TooComplex."""
        result: Region[A] = Region((Piece(),))
        simple: list[A] = []
        for piece in self.pieces:
            if len(piece.within) == 1 and not piece.without:
                simple.append(piece.within[0])
            else:
                outside = Region(
                    (*(Piece((), (atom,)) for atom in piece.within), *(Piece((atom,)) for atom in piece.without))
                )
                result = result & outside
        return result & Region((Piece((), tuple(simple)),)) if simple else result


def union(atoms: Iterable[A]) -> Region[A]:
    """The objects in any of `atoms`."""
    distinct = tuple(atoms)
    if len(distinct) > 1:
        distinct = tuple(dict.fromkeys(distinct))
    return Region(tuple([Piece((atom,)) for atom in distinct]))
