"""For a layer, an object that it is the first to decide: the witness of what a filter does to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, takewhile
from typing import Any

from avakill.backends.plan import Layer, endpoint_example
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.automaton import Undecided, witness
from avakill.paths.glob import Glob, Part, Wild, Wildcard, join, split
from avakill.paths.index import PrefixIndex

MAX_CHECKS = 100
"""Pieces looked at for one layer; past it nothing is claimed but the worst."""

MAX_CHECKS_OF_ALL = 20_000
MAX_SEARCHES = 16
"""Pieces looked at, and searches by automata, for all layers of an effect."""

MAX_MET = 12
"""Earlier pieces that one search keeps away from."""

ANYWHERE = ("/srv/avakill-probe", "/tmp/avakill-probe", "/home/avakill-probe", "/avakill-probe/a/b")


@dataclass(frozen=True, slots=True)
class Example:
    """`thing` is decided by `layer` first; None where there is no such object, or (not `is_sure`) where none was found."""

    layer: Layer
    thing: str | None
    is_sure: bool = True


def examples(effect: Effect, layers: tuple[Layer, ...], denies_too: bool) -> Iterator[Example]:
    """One for each allow, in order, and with `denies_too` for each deny; near-linear in the pieces."""
    seen = _Seen()
    for layer in layers:
        if denies_too or not layer.denies:
            yield _example(effect, layer, seen)
        for piece in layer.region.pieces:
            seen.add(piece)


@dataclass(slots=True)
class _Seen:
    """The pieces of the layers so far, by how their names end, or else by how they begin. Case does not count here."""

    every: PrefixIndex[Piece[Any]] = field(default_factory=PrefixIndex)
    starts: PrefixIndex[Piece[Any]] = field(default_factory=PrefixIndex)
    ends: PrefixIndex[Piece[Any]] = field(default_factory=PrefixIndex)
    searches: int = 0
    checks: int = 0

    def add(self, piece: Piece[Any]) -> None:
        start, end = _prefix(piece), _suffix(piece)
        self.every.add(start, piece)
        if end:
            self.ends.add(end, piece)
        else:
            self.starts.add(start, piece)

    def about(self, names: tuple[str, ...]) -> Iterator[Piece[Any]]:
        """Those that could hold the object of these names."""
        return chain(self.starts.above(names), self.ends.above(names[::-1]))

    def met_by(self, piece: Piece[Any]) -> Iterator[Piece[Any]]:
        return self.every.related(_prefix(piece))


def _example(effect: Effect, layer: Layer, seen: _Seen) -> Example:
    left = allowance = min(MAX_CHECKS, MAX_CHECKS_OF_ALL - seen.checks)
    is_sure = True
    for piece in layer.region.pieces:
        for thing in _candidates(effect, piece):
            taken, left = _is_taken(thing, seen.about(_names(effect, thing)), left)
            seen.checks += allowance - left
            allowance = left
            if left <= 0:
                return Example(layer, None, False)
            if not taken:
                return Example(layer, thing)
        found, sure = (None, False) if effect is Effect.CONNECT else _search(piece, seen)
        if found is not None:
            return Example(layer, found)
        is_sure = is_sure and sure
    return Example(layer, None, is_sure)


def _is_taken(thing: str, earlier: Iterator[Piece[Any]], left: int) -> tuple[bool, int]:
    """Whether an earlier piece holds it, and how many checks are left."""
    for piece in earlier:
        left -= 1
        if piece.holds(thing):
            return True, left
        if left <= 0:
            break
    return False, left


def _search(piece: Piece[Any], seen: _Seen) -> tuple[str | None, bool]:
    """An object of the piece in none of the earlier ones that could meet it, and whether the answer is sure."""
    met = tuple(islice(seen.met_by(piece), MAX_MET + 1))
    simple = tuple(other.within[0] for other in met if len(other.within) == 1 and not other.without)
    seen.searches += 1
    if len(met) > MAX_MET or len(simple) < len(met) or seen.searches > MAX_SEARCHES:
        return None, False
    try:
        return witness(piece.within, (*piece.without, *simple), frozenset({"/"})), True
    except Undecided:
        return None, False


def _candidates(effect: Effect, piece: Piece[Any]) -> Iterator[str]:
    if effect is Effect.CONNECT:
        found = endpoint_example(piece.within, piece.without)
        if found is not None:
            yield found
        return
    if not piece.within and not piece.without:
        yield from ANYWHERE
        return
    glob = piece.within[0] if len(piece.within) == 1 and isinstance(piece.within[0], Glob) else None
    if glob is not None:
        path = join(tuple(_instance(part) for part in glob.parts if part is not Wildcard.DEEP))
        yield from (thing for thing in (path, f"{path.rstrip('/')}/avakill-probe") if thing != "/" and piece.holds(thing))


def _instance(part: Part) -> str:
    """A name that a component most likely holds; the caller asks."""
    if not isinstance(part, Wild):
        return str(part)
    return "".join(atom if isinstance(atom, str) else "x" for atom in part.atoms)


def _names(effect: Effect, thing: str) -> tuple[str, ...]:
    return () if effect is Effect.CONNECT else tuple(name.casefold() for name in split(thing))


def _prefix(piece: Piece[Any]) -> tuple[str, ...]:
    prefixes = (atom.literal_prefix for atom in piece.within if isinstance(atom, Glob))
    return tuple(name.casefold() for name in max(prefixes, key=len, default=()))


def _suffix(piece: Piece[Any]) -> tuple[str, ...]:
    """The literal names at the end of a glob that does not reach below them, the last one first."""
    for atom in piece.within:
        if isinstance(atom, Glob) and not atom.below:
            names = takewhile(lambda part: isinstance(part, str), reversed(atom.parts))
            return tuple(str(name).casefold() for name in names)
    return ()
