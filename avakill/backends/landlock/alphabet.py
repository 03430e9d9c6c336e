"""Names as far as some patterns tell them apart: two names with the same letter lead every pattern to the same place."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from avakill.backends.landlock.track import Place, Trail, after_name
from avakill.paths.automaton import Pattern
from avakill.paths.glob import CharClass, Glob, Wild, Wildcard, component_holds
from avakill.paths.substring import Substring

Letter = tuple[str, tuple[int, ...], tuple[Place, ...]]
"""The name itself where a pattern says it, the components with wildcards that hold it, where it leads each substring."""

OTHER: Letter = ("", (), ())
"""A name that no pattern concerns."""


class Alphabet:
    """What is asked of a name in a directory, each question once, however many patterns ask it."""

    def __init__(self, trails: Iterable[Trail]) -> None:
        self._names: set[str] = set()
        self._folded: set[str] = set()
        self._wilds: list[tuple[Wild, bool]] = []
        self._heads: dict[int, dict[str, list[int]]] = {}
        self._tails: dict[int, dict[str, list[int]]] = {}
        self._texts: dict[tuple[Substring, Place], None] = {}
        asked: dict[tuple[Wild, bool], None] = {}
        for trail in trails:
            for atom, place in (*zip(trail.piece.within, trail.within, strict=True), *trail.without):
                self._add(atom, place, asked)
        for wild, fold in asked:
            self._add_wild(wild, fold)

    def _add(self, atom: Pattern, place: Place, asked: dict[tuple[Wild, bool], None]) -> None:
        if not isinstance(atom, Glob):
            self._texts[atom, place] = None
            return
        for position in place:
            part = atom.parts[int(position)] if int(position) < len(atom.parts) else Wildcard.DEEP
            if isinstance(part, Wild):
                asked[part, atom.fold] = None
            elif isinstance(part, str) and atom.fold:
                self._folded.add(part.casefold())
            elif isinstance(part, str):
                self._names.add(part)

    def _add_wild(self, wild: Wild, fold: bool) -> None:
        """By what every name that it holds begins or ends with, so that a name is asked of few."""
        head, tail = ("", "") if fold else (_literal(wild.atoms), _literal(wild.atoms[::-1])[::-1])
        if len(head) > len(tail):
            self._heads.setdefault(len(head), {}).setdefault(head, []).append(len(self._wilds))
        else:
            self._tails.setdefault(len(tail), {}).setdefault(tail, []).append(len(self._wilds))
        self._wilds.append((wild, fold))

    def letter(self, name: str) -> Letter:
        said = name if name in self._names else ""
        if self._folded and not said and name.casefold() in self._folded:
            said = name
        held: tuple[int, ...] = ()
        for length, heads in self._heads.items():
            near = heads.get(name[:length])
            if near is not None:
                held += tuple([number for number in near if self._holds(number, name)])
        for length, tails in self._tails.items():
            near = tails.get(name[-length:] if length else "")
            if near is not None:
                held += tuple([number for number in near if self._holds(number, name)])
        if not self._texts:
            return (said, held, ()) if said or held else OTHER
        return said, held, tuple([after_name(text, place, name) for text, place in self._texts])

    def _holds(self, number: int, name: str) -> bool:
        wild, fold = self._wilds[number]
        return component_holds(wild, name.casefold() if fold else name, fold)


def _literal(atoms: tuple[str | Wildcard | CharClass, ...]) -> str:
    """The characters before the first wildcard."""
    return "".join(atom for atom in takewhile(lambda atom: isinstance(atom, str), atoms) if isinstance(atom, str))
