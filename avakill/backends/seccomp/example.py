"""For a layer, an object that it is the first to decide: the witness of what a filter does to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from avakill.backends.plan import Layer, endpoint_example
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.automaton import Undecided, witness
from avakill.paths.glob import Glob, join, split
from avakill.paths.index import PrefixIndex

MAX_CHECKS = 400
"""Pieces looked at for one layer; past it nothing is claimed but the worst."""

MAX_MET = 12
"""Earlier pieces that one search keeps away from."""

ANYWHERE = ("/srv/avakill-probe", "/tmp/avakill-probe", "/home/avakill-probe", "/avakill-probe/a/b")


@dataclass(frozen=True, slots=True)
class Example:
    """`thing` is decided by `layer` first; None where there is no such object, or (not `is_sure`) where none was found."""

    layer: Layer
    thing: str | None
    is_sure: bool = True


def examples(effect: Effect, layers: tuple[Layer, ...]) -> Iterator[Example]:
    """One for each layer, in order; near-linear in the pieces."""
    seen: PrefixIndex[Piece[Any]] = PrefixIndex()
    for layer in layers:
        yield _example(effect, layer, seen)
        for piece in layer.region.pieces:
            seen.add(_prefix(piece), piece)


def _example(effect: Effect, layer: Layer, seen: PrefixIndex[Piece[Any]]) -> Example:
    left = MAX_CHECKS
    is_sure = True
    for piece in layer.region.pieces:
        for thing in _candidates(effect, piece):
            taken, left = _is_taken(thing, seen.above(_names(effect, thing)), left)
            if left <= 0:
                return Example(layer, None, False)
            if not taken:
                return Example(layer, thing)
        if effect is Effect.CONNECT:
            is_sure = False
        else:
            found, sure = _search(piece, seen)
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


def _search(piece: Piece[Any], seen: PrefixIndex[Piece[Any]]) -> tuple[str | None, bool]:
    """An object of the piece in none of the earlier ones that could meet it, and whether the answer is sure."""
    met = tuple(islice(seen.related(_prefix(piece)), MAX_MET + 1))
    simple = tuple(other.within[0] for other in met if len(other.within) == 1 and not other.without)
    if len(met) > MAX_MET or len(simple) < len(met):
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
    if len(piece.within) == 1 and not piece.without and isinstance(piece.within[0], Glob) and piece.within[0].is_literal:
        path = join(piece.within[0].literal_prefix)
        yield from (path, *(f"{path.rstrip('/')}/avakill-probe" for _ in range(piece.within[0].below)))
        return
    try:
        path_found = witness(piece.within, piece.without, frozenset({"/"}))
    except Undecided:
        return
    if path_found is not None:
        yield path_found


def _names(effect: Effect, thing: str) -> tuple[str, ...]:
    return () if effect is Effect.CONNECT else tuple(name.casefold() for name in split(thing))


def _prefix(piece: Piece[Any]) -> tuple[str, ...]:
    """A key to find a piece by; case is dropped since a target's file system may ignore it."""
    prefixes = (atom.literal_prefix for atom in piece.within if isinstance(atom, Glob))
    return tuple(name.casefold() for name in max(prefixes, key=len, default=()))
