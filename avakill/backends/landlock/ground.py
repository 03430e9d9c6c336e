"""What is known of one effect's layers without a file system: where grants cannot stand, who decides a path."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

from avakill.backends.landlock.model import Entry, is_loose
from avakill.backends.landlock.track import Status, Trail, begin, status, step
from avakill.backends.plan import Layer
from avakill.ir.effect import Effect
from avakill.ir.region import Piece, Region
from avakill.paths.automaton import Undecided, witness
from avakill.paths.glob import Glob, join, split, tree
from avakill.paths.index import PrefixIndex

Names = tuple[str, ...]
WORK_LIMIT = 500
SEARCH_COST = 50
MAX_LOOSE = 20
"""How many patterns may be asked for all claims of one ground (small policies: more), so that lowering stays linear."""


class Sort(Enum):
    """What an effect's rights are asked of."""

    OBJECT = "object"
    NAME = "name"


class Unknown(Exception):
    """The work limit is reached: the caller claims the less flattering verdict."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One piece of one layer."""

    order: int
    layer: Layer
    piece: Piece[Any]


class Ground:
    """The layers of `effects`, which all have the same ones and are of the same sort."""

    def __init__(self, sort: Sort, effects: tuple[Effect, ...], layers: tuple[Layer, ...]) -> None:
        self.sort = sort
        self.effects = effects
        self.layers = layers
        self.has_allows = any(not layer.denies for layer in layers)
        self._all: PrefixIndex[Spot] = PrefixIndex()
        self.holes: PrefixIndex[Spot] = PrefixIndex()
        self._deny_trees: PrefixIndex[Spot] = PrefixIndex()
        self._allow_trees: PrefixIndex[Names] = PrefixIndex()
        self._loose: list[Spot] = []
        self.split: set[Names] = set()
        self._left = WORK_LIMIT + max(0, 30_000 - 200 * len(layers))
        self._inner: dict[Names, list[str]] = {}
        for order, layer in enumerate(layers):
            for piece in layer.region.pieces:
                self._add(Spot(order, layer, piece))

    def _add(self, spot: Spot) -> None:
        prefix = prefix_of(spot.piece)
        self._all.add(prefix, spot)
        if not spot.layer.denies:
            self.holes.add(prefix, spot)
            if is_tree(spot.piece):
                self._allow_trees.add(prefix, prefix)
            return
        if is_tree(spot.piece):
            self._deny_trees.add(prefix, spot)
        if is_loose(spot.piece):
            self._loose.append(spot)
        else:
            edge = self.edge(spot.piece)
            # what an earlier allow covers is granted: only the way to it is split
            cover = next(self._allow_trees.above(prefix), None)
            self._add_split(edge if cover is None else cover[:-1] if cover else None)

    def _add_split(self, names: Names | None) -> None:
        while names is not None and names not in self.split:
            self.split.add(names)
            if not names:
                return
            self._inner.setdefault(names[:-1], []).append(names[-1])
            names = names[:-1]

    def children(self, names: Names) -> tuple[str, ...]:
        """The names in a split directory that are surely split themselves."""
        return tuple(self._inner.get(names, ()))

    def edge(self, piece: Piece[Any]) -> Names | None:
        """The deepest directory that the piece surely keeps from being granted; None where it holds only `/` itself."""
        prefix = prefix_of(piece)
        if self.sort is Sort.NAME and is_exact(piece):
            return prefix[:-1] if prefix else None
        return prefix

    def decider(self, path: str) -> Layer | None:
        """The layer that decides `path`; None where none does. Raises Unknown."""
        best: Spot | None = None
        for spot in self._all.above(split(path)):
            self._spend(1)
            if (best is None or spot.order < best.order) and spot.piece.holds(path):
                best = spot
        return best.layer if best else None

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise Unknown

    def allows(self, path: str) -> bool:
        """Whether f allows `path`. Raises Unknown."""
        layer = self.decider(path)
        return layer is None or not layer.denies

    def surely_denied(self, names: Names) -> bool:
        """Whether everything at and below a directory is surely denied."""
        return not self.has_allows and any(True for _ in self._deny_trees.above(names))

    def is_ungranted(self, names: Names) -> bool:
        """Whether the directory surely carries no grant, itself or by an ancestor, on any file system. Raises Unknown."""
        if names in self.split:
            return True
        if self.sort is Sort.OBJECT:
            return self._firmly_denied(join(names))
        return any(self._firmly_denied(join((*names, name))) for name in ("entry", "x", "0", "Z~"))

    def _firmly_denied(self, path: str) -> bool:
        layer = self.decider(path)
        return layer is not None and layer.denies and any(p.holds(path) and not is_loose(p) for p in layer.region.pieces)

    def is_grantable(self, names: Names) -> bool:
        """Whether an empty directory there would surely be granted. Raises Unknown."""
        if names in self.split:
            return False
        for spot in self._all.above(names):
            self._spend(3)
            if spot.layer.denies and self._bars(spot, names):
                return False
        return True

    def is_split_by_match(self, names: Names, path: str) -> bool:
        """Whether something but `path`, there at launch, could keep the directory from being granted. Raises Unknown."""
        if not self._loose:
            return False
        holes = [hole for hole in islice(self.holes.related(names), 12) if len(hole.piece.within) == 1]
        for spot in self._loose[:MAX_LOOSE]:
            self._spend(SEARCH_COST)
            allowed = (hole.piece.within[0] for hole in holes if hole.order < spot.order)
            try:
                where = (*spot.piece.within, tree(join(names)))
                match = witness(where, (*spot.piece.without, *allowed), frozenset({path, join(names)}))
            except Undecided:
                raise Unknown from None
            if match is not None and not self.allows(match):
                return True
        return False

    def _bars(self, spot: Spot, names: Names) -> bool:
        trail: Trail | None = begin(0, _NOBODY, spot.piece)
        for name in names:
            trail = step(trail, name) if trail is not None else None
        found = status(trail) if trail is not None else None
        if found is None:
            return False
        if found is Status.COVERS:
            return True
        below = found is not Status.HERE
        return (below and not is_loose(spot.piece)) or (self.sort is Sort.OBJECT and found is not Status.AHEAD)


def prefix_of(piece: Piece[Any]) -> Names:
    return max((atom.literal_prefix for atom in piece.within), key=len, default=())


def is_tree(piece: Piece[Any]) -> bool:
    return not piece.without and all(isinstance(atom, Glob) and (atom.is_tree or atom.is_everything) for atom in piece.within)


def is_exact(piece: Piece[Any]) -> bool:
    """Whether it holds at most one path."""
    return any(isinstance(atom, Glob) and atom.is_literal and not atom.below for atom in piece.within)


_NOBODY = Entry(0, "", True, Region(()))
