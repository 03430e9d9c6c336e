"""What moving a directory does to a piece: whether its objects can leave it without being named."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from avakill.backends.sbpl.field import Budget, PathPiece
from avakill.paths.automaton import Pattern, Undecided, witness
from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard, join
from avakill.paths.substring import Substring


class Shape(Enum):
    """How the objects of a piece hang in the tree.

    `ROOTED`: one literal path, perhaps with all below it; it leaves only with a literal ancestor.
    `EDGED`: the last component alone has wildcards; as `ROOTED`, but nobody knows whether anything is there.
    `FLOATING`: membership is told by one component of the path, so a moved parent changes nothing.
    `EVERYWHERE`: no directory is outside of it.
    `LOOSE`: a directory outside of it may be moved with something of it inside.
    """

    ROOTED = "rooted"
    EDGED = "edged"
    FLOATING = "floating"
    EVERYWHERE = "everywhere"
    LOOSE = "loose"


def shape(piece: PathPiece) -> Shape:
    if len(piece.within) == 1 and not piece.without:
        return Shape.EVERYWHERE if piece.within[0].is_everything else _atom_shape(piece.within[0])
    if not all(is_closed_atom(atom) for atom in piece.without):
        return Shape.LOOSE
    within = tuple(atom for atom in piece.within if not atom.is_everything)
    if not within:
        return Shape.EVERYWHERE
    if len(within) > 1:
        return Shape.LOOSE
    return _atom_shape(within[0]) if not piece.without or isinstance(within[0], Glob) else Shape.LOOSE


def _atom_shape(atom: Pattern) -> Shape:
    if isinstance(atom, Substring):
        # a slash in front only says where a name begins, and that a moved parent does not change
        return Shape.LOOSE if "/" in atom.needle[1:] else Shape.FLOATING
    if atom.is_literal:
        return Shape.ROOTED
    if len(atom.literal_prefix) == len(atom.parts) - 1 and atom.parts[-1] is not Wildcard.DEEP:
        return Shape.EDGED
    if len(atom.parts) == 2 and atom.parts[0] is Wildcard.DEEP:
        return Shape.FLOATING
    return Shape.LOOSE


def is_closed_atom(atom: Pattern) -> bool:
    """Whether all below an object of it is in it too."""
    return isinstance(atom, Substring) or atom.below or atom.is_everything


def is_closed(piece: PathPiece) -> bool:
    return not piece.without and all(is_closed_atom(atom) for atom in piece.within)


def place(piece: PathPiece) -> str:
    """The deepest tree that surely contains the piece."""
    return join(max((a.literal_prefix for a in piece.within if isinstance(a, Glob)), key=len, default=()))


# -- examples: real paths for witnesses --

FILLERS = ("x", "y", "zz")


class Search:
    """Examples by construction, and by the automata as long as the allowance lasts."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def examples(self, piece: PathPiece) -> Iterator[str]:
        """A few paths of the piece; none where there is none, or none was found within the allowance."""
        found = False
        certain = len(piece.within) == 1 and not piece.without and _is_filled(piece.within[0])
        before = ""
        for path in _constructed(piece):
            if path not in ("/", before) and (certain or piece.holds(path)):
                found = True
                before = path
                yield path
        if not found:
            yield from self.exact(piece)

    def exact(self, piece: PathPiece, without: tuple[Pattern, ...] = ()) -> tuple[str, ...]:
        if self.budget.automata <= 0:
            return ()
        self.budget.automata -= 1
        try:
            path = witness(piece.within, (*piece.without, *without), frozenset({"/"}))
        except Undecided:
            return ()
        return () if path is None else (path,)


def _is_filled(atom: Pattern) -> bool:
    """Whether `fill` surely makes a path of it."""
    return isinstance(atom, Glob) and not any(
        isinstance(inner, CharClass) for part in atom.parts if isinstance(part, Wild) for inner in part.atoms
    )


def _constructed(piece: PathPiece) -> Iterator[str]:
    longest = max((a for a in piece.within if isinstance(a, Glob)), key=lambda glob: len(glob.parts), default=None)
    for filler in FILLERS:
        if longest is not None:
            base = fill(longest, filler)
            yield base
            if longest.below:
                yield f"{base.rstrip('/')}/{filler}"
        for atom in piece.within:
            if isinstance(atom, Substring):
                yield f"/srv/{filler}{atom.needle.strip('/')}{filler}"
                yield f"/srv/{filler}/{atom.needle.strip('/')}"
                yield f"/srv/{filler}{atom.needle.rstrip('/')}/{filler}"
        if not piece.within:
            yield f"/srv/{filler}"


def fill(glob: Glob, filler: str) -> str:
    """A path of the glob, most of the time, with `filler` for its wildcards; a `**` stands for one component."""
    return join(tuple(_name(part, filler) for part in glob.parts)) if glob.parts else "/"


def _name(part: Part, filler: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Wild):
        return filler
    return "".join(_text(atom, filler) for atom in part.atoms)


def _text(atom: str | Wildcard | CharClass, filler: str) -> str:
    if isinstance(atom, str):
        return atom
    if isinstance(atom, CharClass):
        options = (*filler, *"abcxyz019_ABC", *(low for low, _ in atom.ranges))
        return next((char for char in options if atom.holds(char)), filler)
    return filler if atom is Wildcard.SOME else filler[0]
