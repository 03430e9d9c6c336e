"""What is known of the layers without a file system: where grants cannot stand, who decides a path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from avakill.backends.landlock.example import made_in, searched
from avakill.backends.landlock.field import NAMES, OBJECTS, Field, Names, Spot
from avakill.backends.landlock.model import Entry
from avakill.backends.landlock.track import Status, Trail, begin, status, step
from avakill.backends.plan import Layer
from avakill.ir.effect import Effect
from avakill.ir.region import Piece, Region
from avakill.paths.automaton import Undecided, witness
from avakill.paths.glob import Glob, Wildcard, join, tree
from avakill.paths.index import PrefixIndex

WORK = 60
"""How many patterns may be asked for all claims: so many for each rule, so that lowering stays linear."""
SEARCHES = 60
"""How many times an automaton may be asked for one policy."""
MAX_LOOSE = 20


class Unknown(Exception):
    """The work limit is reached: the caller claims the less flattering verdict."""


class Ground:
    """The layers of all effects; a question is about one of them, `bit`."""

    def __init__(self, kept: Mapping[Effect, tuple[Layer, ...]]) -> None:
        self.field = Field(kept)
        self.allows_of = 0
        self.holes: PrefixIndex[Spot] = PrefixIndex()
        self._split: dict[Names, int] = {}
        self._inner: dict[Names, list[Names]] = {}
        self._allow_trees: dict[Names, int] = {}
        self._deny_trees: dict[Names, int] = {}
        self._firm: dict[Names, list[Spot]] = {}
        self._loose: PrefixIndex[Spot] = PrefixIndex()
        self._grantable: dict[tuple[Names, int], bool] = {}
        self._searches = SEARCHES
        self._left = 10_000 + WORK * len(self.field.units)
        for unit in self.field.units:
            if unit.layer.denies:
                for spot in unit.spots:
                    self._add_deny(spot)
            else:
                self.allows_of |= unit.mask
                for spot in unit.spots:
                    self._add_allow(spot)

    def _add_allow(self, spot: Spot) -> None:
        self.holes.add(spot.prefix, spot)
        if spot.tree:
            self._allow_trees[spot.prefix] = self._allow_trees.get(spot.prefix, 0) | spot.unit.mask

    def _add_deny(self, spot: Spot) -> None:
        prefix, mask = spot.prefix, spot.unit.mask
        if spot.tree:
            self._deny_trees[prefix] = self._deny_trees.get(prefix, 0) | mask
        if spot.loose:
            self._loose.add(prefix, spot)
            return
        if not spot.literal:
            self._firm.setdefault(prefix, []).append(spot)
        if self._allow_trees:
            # what an earlier allow covers is granted: only the way to it is split
            for n in range(len(prefix) + 1):
                covered = self._allow_trees.get(prefix[:n], 0) & mask
                if covered:
                    mask &= ~covered
                    if n:
                        self._add_split(prefix[: n - 1], covered)
        if spot.exact:
            self._add_split(prefix, mask & OBJECTS)
            if prefix:
                self._add_split(prefix[:-1], mask & NAMES)
        else:
            self._add_split(prefix, mask)

    def _add_split(self, names: Names, mask: int) -> None:
        while mask:
            known = self._split.get(names, 0)
            mask &= ~known
            if not mask:
                return
            self._split[names] = known | mask
            if not names:
                return
            if not known:
                self._inner.setdefault(names[:-1], []).append(names)
            names = names[:-1]

    def is_split(self, names: Names, bit: int) -> bool:
        return bool(self._split.get(names, 0) & bit)

    def children(self, names: Names, bit: int) -> tuple[str, ...]:
        """The names in a split directory that are surely split themselves."""
        return tuple(inner[-1] for inner in self._inner.get(names, ()) if self._split[inner] & bit)

    def decider(self, path: str, bit: int) -> Layer | None:
        """The layer that decides `path`; None where none does. Raises Unknown."""
        spot = self._first(path, bit)
        return spot.unit.layer if spot is not None else None

    def _first(self, path: str, bit: int) -> Spot | None:
        deciders, work = self.field.deciders(path)
        if work:
            self._spend(work)
        for mask, spot in deciders:
            if mask & bit:
                return spot
        return None

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise Unknown

    def allows(self, path: str, bit: int) -> bool:
        """Whether f allows `path`. Raises Unknown."""
        layer = self.decider(path, bit)
        return layer is None or not layer.denies

    def surely_denied(self, names: Names, mask: int) -> bool:
        """Whether everything at and below a directory is surely denied, for all effects of `mask`."""
        if self.allows_of & mask:
            return False
        return any(not mask & ~self._deny_trees.get(names[:n], 0) for n in range(len(names) + 1))

    def is_ungranted(self, names: Names, bit: int) -> bool:
        """Whether the directory surely carries no grant, itself or by an ancestor, on any file system. Raises Unknown."""
        if self._split.get(names, 0) & bit:
            return True
        if bit & OBJECTS:
            return self._firmly_denied(join(names), bit)
        return any(self._firmly_denied(join((*names, name)), bit) for name in ("entry", "x", "0", "Z~"))

    def _firmly_denied(self, path: str, bit: int) -> bool:
        spot = self._first(path, bit)
        if spot is None or not spot.unit.layer.denies:
            return False
        return not spot.loose or any(not one.loose and one.piece.holds(path) for one in spot.unit.spots)

    def is_grantable(self, names: Names, bit: int) -> bool:
        """Whether an empty directory there would surely be granted. Raises Unknown."""
        known = self._grantable.get((names, bit))
        if known is None:
            known = self._grantable[names, bit] = self._is_grantable(names, bit)
        return known

    def _is_grantable(self, names: Names, bit: int) -> bool:
        if self._split.get(names, 0) & bit:
            return False
        for n in range(len(names) + 1):
            if self._deny_trees.get(names[:n], 0) & bit:
                return False
            for spot in self._firm.get(names[:n], ()):
                self._spend(3)
                if spot.unit.mask & bit and _bars(spot, names, bit):
                    return False
        denied, work = self.field.has_deny(join(names), bit)
        self._spend(work)
        return not denied

    def is_split_by_match(self, names: Names, path: str, bit: int) -> bool:
        """Whether something but `path`, there at launch, could keep the directory from being granted. Raises Unknown."""
        near = [spot for spot in self._near(names) if spot.unit.mask & bit]
        for spot in near:
            self._spend(4)
            match = _match_in(spot.piece, names)
            if match is not None and match != path and not self.allows(match, bit):
                return True
        if not near:
            return False
        holes = [hole for hole in islice(self.holes.related(names), 12) if hole.unit.mask & bit and len(hole.piece.within) == 1]
        for spot in near:
            self._search()
            allowed = (hole.piece.within[0] for hole in holes if hole.order < spot.order)
            try:
                where = (*spot.piece.within, tree(join(names)))
                match = witness(where, (*spot.piece.without, *allowed), frozenset({path, join(names)}))
            except Undecided:
                raise Unknown from None
            if match is not None and not self.allows(match, bit):
                return True
        return False

    def _near(self, names: Names) -> list[Spot]:
        """Patterns at any depth that may match below a directory; not all, where these are many."""
        return list(islice(self._loose.related(names), MAX_LOOSE))

    def paths_in(self, piece: Piece[Any], folders: Names = ()) -> Iterator[str]:
        """Some paths of the piece, one found by search at last, `folders` standing for its first `**`. Raises Unknown."""
        yield from made_in(piece, folders)
        yield from self.found_in(piece, folders)

    def found_in(self, piece: Piece[Any], folders: Names = ()) -> Iterator[str]:
        """A path of the piece, if a search finds one. Raises Unknown."""
        self._search()
        found = searched(piece, folders)
        if found is not None:
            yield found

    def _search(self) -> None:
        self._searches -= 1
        if self._searches < 0:
            raise Unknown


def _match_in(piece: Piece[Any], names: Names) -> str | None:
    """A path of the piece somewhere below a directory, made without a search."""
    atom = piece.within[0]
    if not isinstance(atom, Glob) or Wildcard.DEEP not in atom.parts:
        return None
    depth = atom.parts.index(Wildcard.DEEP)
    if names[:depth] != atom.parts[:depth]:
        return None
    made = next(made_in(piece, names[depth:]), None)
    return made if made != join(names) else None


def _bars(spot: Spot, names: Names, bit: int) -> bool:
    """Whether a pattern of fixed depth keeps a directory from being granted."""
    trail: Trail | None = begin(0, _NOBODY, spot.piece)
    for name in names:
        trail = step(trail, name) if trail is not None else None
    found = status(trail) if trail is not None else None
    if found is None:
        return False
    return found is not Status.HERE or bool(bit & OBJECTS)


_NOBODY = Entry(0, "", True, Region(()))
