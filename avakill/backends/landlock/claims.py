"""What Landlock loses and lets through, on any file system (semantics §5, §6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from avakill.backends.landlock.example import LATER, NEW, made_in, searched
from avakill.backends.landlock.field import (
    CREATE,
    DELETE,
    EFFECT,
    EXEC,
    NAMES,
    OBJECTS,
    READ,
    Names,
    Spot,
    Unit,
    bits_of,
    prefix_of,
)
from avakill.backends.landlock.ground import Ground, Unknown
from avakill.backends.plan import FLOOR, Layer
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.glob import join, split
from avakill.paths.index import PrefixIndex

MAX_HOLES = 24

Runs = Callable[[str], bool]
"""Whether f lets a path be executed."""

_LOST: dict[Effect, tuple[Operation, ...]] = {
    Effect.READ: (Operation.READ, Operation.LIST, Operation.EXEC),  # the kernel opens what it runs for reading
    Effect.WRITE: (Operation.WRITE, Operation.TRUNCATE),
    Effect.EXEC: (Operation.EXEC,),
    Effect.CREATE: (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK),
    Effect.DELETE: (Operation.UNLINK, Operation.RMDIR),
}
_MOVES = (Operation.LINK, Operation.RENAME)
_ASKED = {
    Effect.READ: Operation.READ,
    Effect.WRITE: Operation.WRITE,
    Effect.EXEC: Operation.EXEC,
    Effect.CREATE: Operation.CREATE,
    Effect.DELETE: Operation.UNLINK,
}
"""The operation that a witness about the effect shows."""

SPLIT = (
    "directories on the way to what is denied carry no grant: entries made in them later (and what those hold), "
    "moves of such entries{listing} are denied too"
)
SPLIT_NAMES = "directories on the way to what is denied carry no grant: making and removing names directly in them is denied too"
HOLE = "what this rule allows is granted as it exists at launch: what is made or replaced later has no grant"
LATER_FILES = "only what exists at launch is covered: a name that the pattern matches later, below a granted directory, is open"


class Sort:
    """The effects of `mask` whose rights are asked of the same thing: what their claims share."""

    def __init__(self, mask: int) -> None:
        self.mask = mask
        self.bits = bits_of(mask)
        self.effects = frozenset(EFFECT[bit] for bit in self.bits)
        moves = (Operation.RENAME,) if mask == DELETE else _MOVES
        self.operations = (*(op for bit in self.bits for op in _LOST[EFFECT[bit]]), *moves)
        listing = ", and listing them" if mask & READ else ""
        self.reason = SPLIT.format(listing=listing) if mask & OBJECTS else SPLIT_NAMES
        self.chains: dict[Names, tuple[Lost, ...]] = {}
        self.seen: dict[Names, Witness | None] = {}

    def lost(self, names: Names) -> Lost:
        """All operations, there and below."""
        return Lost(self.operations, join(names), True)


class Claims:
    """The findings of all layers: for each rule those of objects and those of names."""

    def __init__(self, ground: Ground, runs: Runs, denied: int) -> None:
        self._ground = ground
        self._runs = runs
        self._denied = denied
        self._exec_apart = any(bool(unit.mask & READ) != bool(unit.mask & EXEC) for unit in ground.field.units)
        self._sorts: dict[int, Sort] = {}
        self._earlier: dict[int, PrefixIndex[Spot]] = {}
        """By effect, the allows above the rule at hand that lose something."""

    def findings(self) -> list[Finding]:
        found: list[Finding] = []
        for sort in (OBJECTS & self._denied, NAMES & self._denied):
            for unit in self._ground.field.units:
                mask = unit.mask & sort
                if not mask:
                    continue
                shared = self._sorts.get(mask)
                if shared is None:
                    shared = self._sorts[mask] = Sort(mask)
                if unit.layer.denies:
                    self._of_deny(unit, shared, found)
                elif not _is_there(unit.layer, mask):
                    self._of_allow(unit, shared, found)
                    self._remember(unit, mask)
        return found

    def _remember(self, unit: Unit, mask: int) -> None:
        for bit in bits_of(mask):
            if not _is_there(unit.layer, bit):
                earlier = self._earlier.setdefault(bit, PrefixIndex())
                for spot in unit.spots:
                    earlier.add(spot.prefix, spot)

    def _near(self, prefix: Names, sort: Sort) -> tuple[Spot, ...]:
        """Earlier allows that could meet a pattern of this prefix: more than `MAX_HOLES`, if there are."""
        found: dict[Spot, None] = {}
        for bit in sort.bits:
            if bit in self._earlier:
                found.update(dict.fromkeys(islice(self._earlier[bit].related(prefix), MAX_HOLES + 1)))
        return tuple(found)

    # -- denies --

    def _of_deny(self, unit: Unit, sort: Sort, into: list[Finding]) -> None:
        found: Witness | None = None
        if len(unit.spots) == 1:
            places, found = self._cost(unit.spots[0], sort)
        else:
            lost: dict[int, Lost] = {}
            for spot in unit.spots:
                costs, shown = self._cost(spot, sort)
                lost.update((id(place), place) for place in costs)
                found = found or shown
            places = tuple(lost.values())
        if found is not None and places:
            into.append(_finding(unit.layer, sort, Verdict.STRICTER, sort.reason, found, places))
        for spot in unit.spots:
            if spot.loose and sort.mask & ~spot.shadow:
                shown = self._later(unit.layer, spot, sort)
                if shown is not None:
                    into.append(_finding(unit.layer, sort, Verdict.WEAKER, LATER_FILES, shown))
                    return

    def _cost(self, spot: Spot, sort: Sort) -> tuple[tuple[Lost, ...], Witness | None]:
        prefix = spot.prefix
        places: tuple[Lost, ...] = ()
        shown: Witness | None = None
        if spot.literal:
            if prefix or (spot.exact and sort.mask & OBJECTS):
                edge = prefix if spot.exact and sort.mask & OBJECTS else prefix[:-1]
                places, shown = self._chain(edge, sort), self._shown(edge, sort)
        elif _widens(spot.piece):
            places = (*self._chain(prefix, sort), sort.lost(prefix))
            shown = self._shown_loosely(spot, sort) if spot.loose else self._shown(prefix, sort)
        holes, shown = self._holes(spot, sort, shown)
        places = (*places, *holes)
        if sort.mask & READ and self._exec_apart:
            places = (*places, Lost((Operation.EXEC,), join(prefix), True))
            shown = shown or self._unrun(spot.piece)
        if sort.mask & CREATE and places:
            # a directory may not move to where more may be created in it
            places = (*places, Lost((Operation.RENAME,), join(prefix), True))
        return places, shown

    def _unrun(self, piece: Piece[Any]) -> Witness | None:
        """Something that may be executed by f, and cannot since it may not be read."""
        path = join(prefix_of(piece))
        try:
            for path in islice(self._ground.paths_in(piece), 3):
                if not self._ground.allows(path, READ) and self._runs(path):
                    return Witness(Operation.EXEC, path, policy=True, target=False)
        except Unknown:
            return Witness(Operation.EXEC, path, policy=True, target=False)
        return None

    def _chain(self, names: Names, sort: Sort) -> tuple[Lost, ...]:
        """The directory and its ancestors, each losing what is directly in it."""
        known = sort.chains.get(names)
        if known is None:
            above = self._chain(names[:-1], sort) if names else ()
            here = () if self._ground.surely_denied(names, sort.mask) else (Lost(sort.operations, join(names)),)
            known = sort.chains[names] = (*here, *above)
        return known

    def _shown(self, names: Names, sort: Sort) -> Witness | None:
        """An operation that is lost in the directory, or else in the nearest ancestor."""
        if names not in sort.seen:
            found = self._lost_in(names, sort)
            sort.seen[names] = found or (self._shown(names[:-1], sort) if names else None)
        return sort.seen[names]

    def _lost_in(self, names: Names, sort: Sort) -> Witness | None:
        directory = join(names)
        try:
            if sort.mask & READ and self._ground.allows(directory, READ) and self._ground.is_ungranted(names, READ):
                return Witness(Operation.LIST, directory, policy=True, target=False)
        except Unknown:
            pass
        for bit in sort.bits:
            for name in (NEW, f"{NEW}2", "x"):
                path = join((*names, name))
                if self._is_lost(path, bit):
                    return _lost_at(path, bit)
        return None

    def _is_lost(self, path: str, bit: int) -> bool:
        """Whether f allows `path`, made after launch, and no grant can hold it; also where that took too long to tell."""
        try:
            return self._ground.is_ungranted(split(path)[:-1], bit) and self._ground.allows(path, bit)
        except Unknown:
            return True

    def _shown_loosely(self, spot: Spot, sort: Sort) -> Witness | None:
        """What is lost in a directory where a match stands at launch."""
        beside, bit = join((*spot.prefix, NEW)), sort.bits[0]
        try:
            for path in self._ground.paths_in(spot.piece, (LATER,)):
                parent = split(path)[:-1]
                beside = join((*parent, NEW))
                for bit in sort.bits:
                    if self._ground.allows(path, bit):
                        continue
                    if bit == READ and self._ground.allows(join(parent), bit):
                        return Witness(Operation.LIST, join(parent), policy=True, target=False)
                    if self._ground.allows(beside, bit):
                        return _lost_at(beside, bit)
        except Unknown:
            return _lost_at(beside, bit)
        return None

    def _holes(self, spot: Spot, sort: Sort, shown: Witness | None) -> tuple[tuple[Lost, ...], Witness | None]:
        """What is allowed inside a denied piece: by earlier rules, or by its own exceptions."""
        near = self._near(spot.prefix, sort)
        lost = {hole.prefix: sort.lost(hole.prefix) for hole in near}
        if len(near) > MAX_HOLES:
            lost = {spot.prefix: sort.lost(spot.prefix)}
        for hole in near:
            shown = shown or self._in_hole(hole, bits_of(hole.unit.mask & sort.mask))
        if len(near) > MAX_HOLES and shown is None:
            shown = _lost_at(join((*near[-1].prefix, NEW)), bits_of(near[-1].unit.mask & sort.mask)[0])
        for atom in spot.piece.without:
            lost[atom.literal_prefix] = sort.lost(atom.literal_prefix)
            shown = shown or self._example(Piece((*spot.piece.within, atom)), sort)
        return tuple(lost.values()), shown

    def _example(self, piece: Piece[Any], sort: Sort) -> Witness | None:
        try:
            for path in self._ground.paths_in(piece):
                for bit in sort.bits:
                    if self._is_lost(path, bit):
                        return _lost_at(path, bit)
        except Unknown:
            return _lost_at(join((*prefix_of(piece), NEW)), sort.bits[0])
        return None

    def _later(self, layer: Layer, spot: Spot, sort: Sort) -> Witness | None:
        """Something that the piece denies, made after launch in a directory that was granted."""
        return next((shown for bit in sort.bits if (shown := self._later_of(layer, spot, bit)) is not None), None)

    def _later_of(self, layer: Layer, spot: Spot, bit: int) -> Witness | None:
        prefix = spot.prefix
        fallback: str | None = None
        try:
            for path in chain(self._made_later(spot), self._found_later(spot)):
                owner = self._ground.decider(path, bit)
                if owner is None or owner.index != layer.index:
                    continue
                parent = split(path)[:-1]
                if any(self._ground.is_grantable(parent[:n], bit) for n in range(len(parent), len(prefix) - 1, -1)):
                    return _open_at(path, bit)
                fallback = fallback or path
            if fallback is None or self._ground.is_ungranted(prefix, bit):
                return None
        except Unknown:
            fallback = fallback or next(made_in(spot.piece, (LATER,)), None) or searched(spot.piece)
        return _open_at(fallback, bit) if fallback is not None else None

    def _made_later(self, spot: Spot) -> Iterator[str]:
        return (path for folders in _FOLDERS for path in made_in(spot.piece, folders))

    def _found_later(self, spot: Spot) -> Iterator[str]:
        return (path for folders in _FOLDERS[:2] for path in self._ground.found_in(spot.piece, folders))

    # -- allows --

    def _of_allow(self, unit: Unit, sort: Sort, into: list[Finding]) -> None:
        lost: dict[Names, Lost] = {}
        shown: Witness | None = None
        for spot in unit.spots:
            lost[spot.prefix] = sort.lost(spot.prefix)
            shown = shown or self._in_hole(spot, sort.bits)
        if shown is not None:
            into.append(_finding(unit.layer, sort, Verdict.STRICTER, HOLE, shown, tuple(lost.values())))

    def _in_hole(self, spot: Spot, bits: tuple[int, ...]) -> Witness | None:
        """Something that exactly this layer allows and that no grant can hold if it is made later."""
        return next((shown for bit in bits if (shown := self._in_hole_of(spot, bit)) is not None), None)

    def _in_hole_of(self, spot: Spot, bit: int) -> Witness | None:
        near = path = join((*spot.prefix, NEW))
        try:
            for path in chain(self._split_in(spot.prefix, bit), made_in(spot.piece), (near,), self._ground.found_in(spot.piece)):
                owner = self._ground.decider(path, bit)
                if owner is None or owner.index != spot.unit.layer.index:
                    continue
                if self._is_lost(path, bit) or self._ground.is_split_by_match(split(path)[:-1], path, bit):
                    return _lost_at(path, bit)
        except Unknown:
            return _lost_at(path, bit)
        return None

    def _split_in(self, prefix: Names, bit: int) -> Iterator[str]:
        """New entries of the split directories that stand in a piece of this prefix; bounded."""
        if self._ground.is_split(prefix, bit):
            yield from self._below(prefix, bit, 0)

    def _below(self, names: Names, bit: int, depth: int) -> Iterator[str]:
        inner = self._ground.children(names, bit)
        for name in (NEW, *inner):
            yield join((*names, name))
        if depth < 8:
            for name in inner[:4]:
                yield from self._below((*names, name), bit, depth + 1)


_FOLDERS = tuple(tuple(f"{LATER}{n}" if n else LATER for n in range(depth)) for depth in (1, 2, 3, 5))


def _finding(layer: Layer, sort: Sort, verdict: Verdict, reason: str, found: Witness, lost: tuple[Lost, ...] = ()) -> Finding:
    return Finding(layer.index, verdict, reason, sort.effects, found, lost, layer.span)


def _is_there(layer: Layer, mask: int) -> bool:
    """The floor's devices and programs are files that exist when a process starts; READ has directories too."""
    return layer.index == FLOOR and not mask & READ


def _widens(piece: Piece[Any]) -> bool:
    return bool(piece.within) and not any(atom.is_everything for atom in piece.within)


def _lost_at(path: str, bit: int) -> Witness:
    return Witness(_ASKED[EFFECT[bit]], path, policy=True, target=False)


def _open_at(path: str, bit: int) -> Witness:
    return Witness(_ASKED[EFFECT[bit]], path, policy=False, target=True)
