"""What Landlock loses and lets through for the layers of one effect, on any file system (semantics §5, §6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from avakill.backends.landlock.example import LATER, NEW, paths_in
from avakill.backends.landlock.ground import Ground, Names, Sort, Spot, Unknown, is_exact, prefix_of
from avakill.backends.landlock.model import is_loose
from avakill.backends.plan import FLOOR, Layer
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.glob import join, split

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


class Claims:
    """The findings for the layers of one ground."""

    def __init__(self, ground: Ground, runs: Runs) -> None:
        self._ground = ground
        self._runs = runs
        moves = (Operation.RENAME,) if ground.effects == (Effect.DELETE,) else _MOVES
        self._operations = (*(op for effect in ground.effects for op in _LOST[effect]), *moves)
        self._effects = frozenset(ground.effects)
        self._chains: dict[Names, tuple[Lost, ...]] = {}
        self._seen: dict[Names, Witness | None] = {}
        listing = ", and listing them" if Effect.READ in ground.effects else ""
        self._reason = SPLIT.format(listing=listing) if ground.sort is Sort.OBJECT else SPLIT_NAMES

    def findings(self) -> Iterator[Finding]:
        if not any(layer.denies for layer in self._ground.layers):
            return
        for order, layer in enumerate(self._ground.layers):
            if layer.denies:
                yield from self._of_deny(order, layer)
            elif not self._is_there(layer):
                yield from self._of_allow(layer)

    def _is_there(self, layer: Layer) -> bool:
        """The floor's devices and programs are files that exist when a process starts; READ has directories too."""
        return layer.index == FLOOR and Effect.READ not in self._effects

    # -- denies --

    def _of_deny(self, order: int, layer: Layer) -> Iterator[Finding]:
        lost: dict[Lost, None] = {}
        found: Witness | None = None
        for piece in layer.region.pieces:
            places, shown = self._cost(order, piece)
            lost.update(dict.fromkeys(places))
            found = found or shown
        if found is not None and lost:
            yield self._finding(layer, Verdict.STRICTER, self._reason, found, tuple(lost))
        for piece in layer.region.pieces:
            if is_loose(piece):
                shown = self._later(layer, piece)
                if shown is not None:
                    yield self._finding(layer, Verdict.WEAKER, LATER_FILES, shown)
                    return

    def _finding(
        self, layer: Layer, verdict: Verdict, reason: str, found: Witness, lost: tuple[Lost, ...] = ()
    ) -> Finding:
        return Finding(layer.index, verdict, reason, self._effects, found, lost, layer.span)

    def _cost(self, order: int, piece: Piece[Any]) -> tuple[tuple[Lost, ...], Witness | None]:
        prefix = prefix_of(piece)
        literal = len(piece.within) == 1 and not piece.without and piece.within[0].literal_prefix == getattr(
            piece.within[0], "parts", None
        )
        if literal:
            edge = prefix if is_exact(piece) and self._ground.sort is Sort.OBJECT else prefix[:-1] if prefix else None
            places = self._chain(edge) if edge is not None else ()
            shown = self._shown(edge) if edge is not None else None
        else:
            places = (*self._chain(prefix), Lost(self._operations, join(prefix), True)) if self._widens(piece) else ()
            shown = self._shown(prefix) if places and not is_loose(piece) else None
            if places and is_loose(piece):
                shown = self._shown_loosely(piece)
        if self._ground.has_allows or piece.without:
            holes, example = self._holes(order, piece, prefix)
            places, shown = (*places, *holes), shown or example
        if Effect.READ in self._effects and Effect.EXEC not in self._effects:
            places = (*places, Lost((Operation.EXEC,), join(prefix), True))
            shown = shown or self._unrun(piece)
        if Effect.CREATE in self._effects and places:
            # a directory may not move to where more may be created in it
            places = (*places, Lost((Operation.RENAME,), join(prefix), True))
        return places, shown

    def _unrun(self, piece: Piece[Any]) -> Witness | None:
        """Something that may be executed by f, and cannot since it may not be read."""
        for path in islice(paths_in(piece), 3):
            try:
                if not self._ground.allows(path) and self._runs(path):
                    return Witness(Operation.EXEC, path, policy=True, target=False)
            except Unknown:
                return Witness(Operation.EXEC, path, policy=True, target=False)
        return None

    def _widens(self, piece: Piece[Any]) -> bool:
        return bool(piece.within) and not any(atom.is_everything for atom in piece.within)

    def _chain(self, names: Names) -> tuple[Lost, ...]:
        """The directory and its ancestors, each losing what is directly in it."""
        known = self._chains.get(names)
        if known is None:
            above = self._chain(names[:-1]) if names else ()
            here = () if self._ground.surely_denied(names) else (Lost(self._operations, join(names)),)
            known = (*here, *above)
            self._chains[names] = known
        return known

    def _shown(self, names: Names) -> Witness | None:
        """An operation that is lost in the directory, or else in the nearest ancestor."""
        if names not in self._seen:
            found = self._lost_in(names)
            self._seen[names] = found or (self._shown(names[:-1]) if names else None)
        return self._seen[names]

    def _lost_in(self, names: Names) -> Witness | None:
        directory = join(names)
        try:
            if Effect.READ in self._effects and self._ground.allows(directory) and self._ground.is_ungranted(names):
                return Witness(Operation.LIST, directory, policy=True, target=False)
        except Unknown:
            pass
        for name in (NEW, f"{NEW}2", "x"):
            path = join((*names, name))
            if self._is_lost(path):
                return self._witness(path)
        return None

    def _is_lost(self, path: str) -> bool:
        """Whether f allows `path`, made after launch, and no grant can hold it; also where that took too long to tell."""
        try:
            return self._ground.is_ungranted(split(path)[:-1]) and self._ground.allows(path)
        except Unknown:
            return True

    def _witness(self, path: str) -> Witness:
        return Witness(_ASKED[self._ground.effects[0]], path, policy=True, target=False)

    def _shown_loosely(self, piece: Piece[Any]) -> Witness | None:
        """What is lost in a directory where a match stands at launch."""
        for path in paths_in(piece, (LATER,)):
            parent = split(path)[:-1]
            beside = join((*parent, NEW))
            try:
                if self._ground.allows(path):
                    continue
                if Effect.READ in self._effects and self._ground.allows(join(parent)):
                    return Witness(Operation.LIST, join(parent), policy=True, target=False)
                if self._ground.allows(beside):
                    return self._witness(beside)
            except Unknown:
                return self._witness(beside)
        return None

    def _holes(self, order: int, piece: Piece[Any], prefix: Names) -> tuple[tuple[Lost, ...], Witness | None]:
        """What is allowed inside a denied piece: by earlier rules, or by its own exceptions."""
        lost: dict[Lost, None] = {}
        shown: Witness | None = None
        spots = self._ground.holes.related(prefix) if self._ground.has_allows else iter(())
        for count, spot in enumerate(spots):
            if count >= MAX_HOLES:
                lost = {Lost(self._operations, join(prefix), True): None}
                break
            if spot.order < order and not self._is_there(spot.layer):
                lost[Lost(self._operations, join(prefix_of(spot.piece)), True)] = None
                shown = shown or self._in_hole(spot)
        for atom in piece.without:
            lost[Lost(self._operations, join(atom.literal_prefix), True)] = None
            shown = shown or self._example(Piece((*piece.within, atom)))
        return tuple(lost), shown

    def _example(self, piece: Piece[Any]) -> Witness | None:
        for path in paths_in(piece):
            if self._is_lost(path):
                return self._witness(path)
        return None

    def _later(self, layer: Layer, piece: Piece[Any]) -> Witness | None:
        """Something that the piece denies, made after launch in a directory that was granted."""
        prefix = prefix_of(piece)
        fallback: str | None = None
        try:
            for depth in (1, 2, 3, 5):
                folders = tuple(f"{LATER}{n}" if n else LATER for n in range(depth))
                for path in paths_in(piece, folders):
                    owner = self._ground.decider(path)
                    if owner is None or owner.index != layer.index:
                        continue
                    parent = split(path)[:-1]
                    if any(self._ground.is_grantable(parent[:n]) for n in range(len(parent), len(prefix) - 1, -1)):
                        return self._open(path)
                    fallback = fallback or path
            if fallback is None or self._ground.is_ungranted(prefix):
                return None
        except Unknown:
            fallback = fallback or next(paths_in(piece, (LATER,)), None)
        return self._open(fallback) if fallback is not None else None

    def _open(self, path: str) -> Witness:
        return Witness(_ASKED[self._ground.effects[0]], path, policy=False, target=True)

    # -- allows --

    def _of_allow(self, layer: Layer) -> Iterator[Finding]:
        lost: dict[Lost, None] = {}
        shown: Witness | None = None
        for piece in layer.region.pieces:
            lost[Lost(self._operations, join(prefix_of(piece)), True)] = None
            shown = shown or self._in_hole(Spot(0, layer, piece))
        if shown is not None:
            yield self._finding(layer, Verdict.STRICTER, HOLE, shown, tuple(lost))

    def _in_hole(self, spot: Spot) -> Witness | None:
        """Something that exactly this layer allows and that no grant can hold if it is made later."""
        for path in chain(self._split_in(spot.piece), paths_in(spot.piece), self._directly_in(spot.piece)):
            try:
                owner = self._ground.decider(path)
                if owner is None or owner.index != spot.layer.index:
                    continue
                if self._is_lost(path) or self._ground.is_split_by_match(split(path)[:-1], path):
                    return self._witness(path)
            except Unknown:
                return self._witness(path)
        return None

    def _directly_in(self, piece: Piece[Any]) -> Iterator[str]:
        yield join((*prefix_of(piece), NEW))

    def _split_in(self, piece: Piece[Any]) -> Iterator[str]:
        """New entries of the split directories that stand in the piece; bounded."""
        prefix = prefix_of(piece)
        if prefix in self._ground.split:
            yield from self._below(prefix, 0)

    def _below(self, names: Names, depth: int) -> Iterator[str]:
        inner = self._ground.children(names)
        for name in (NEW, *inner):
            yield join((*names, name))
        if depth < 8:
            for name in inner[:4]:
                yield from self._below((*names, name), depth + 1)
