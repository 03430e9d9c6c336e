"""f of one effect, asked fast: layers by literal prefix and by name, so that a claim's witness can be checked (semantics §3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from avakill.backends.apparmor.samples import samples
from avakill.backends.plan import Layer
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern, Undecided, covers, disjoint, witness
from avakill.paths.glob import EVERYTHING, Glob, split
from avakill.paths.index import PrefixIndex

MACHINES = 10
COMPARED = 40
"""With more patterns at once, or more to compare with, a witness is not looked for."""


@dataclass(slots=True)
class Work:
    """What a lowering may still spend: `asks` on single objects, `searches` on witnesses, `cuts` on holes."""

    asks: int = 60_000
    searches: int = 2_000
    cuts: int = 400_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of one layer; `order` is the layer's place."""

    order: int
    layer: Layer
    piece: Piece[Pattern]


@dataclass(slots=True)
class _Bucket:
    named: dict[str, list[Entry]] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """What f says of an object; `index` is the row that decides, None when no layer does."""

    allowed: bool
    index: int | None


OPEN = Answer(True, None)


class Field:
    """The layers of one effect."""

    def __init__(self, layers: tuple[Layer, ...], work: Work) -> None:
        self.work = work
        self.known: dict[str, Answer] = {}
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self.allows: PrefixIndex[Entry] = PrefixIndex()
        self.denies: PrefixIndex[Entry] = PrefixIndex()
        self.has_allows = False
        for order, layer in enumerate(layers):
            for piece in layer.region.pieces:
                self._add(Entry(order, layer, piece))

    def _add(self, entry: Entry) -> None:
        prefix = prefix_of(entry.piece)
        bucket = self._buckets.setdefault(prefix, _Bucket())
        name = _last_name(entry.piece)
        (bucket.others if name is None else bucket.named.setdefault(name, [])).append(entry)
        if entry.layer.denies:
            self.denies.add(prefix, entry)
        else:
            self.allows.add(prefix, entry)
            self.has_allows = True

    def ask(self, path: str) -> Answer | None:
        """f's answer; None when the work is used up."""
        known = self.known.get(path)
        if known is None:
            best = self._decider(path)
            if self.work.asks < 0:
                return None
            known = OPEN if best is None else Answer(not best.layer.denies, best.layer.index)
            self.known[path] = known
        return known

    def _decider(self, path: str) -> Entry | None:
        best: Entry | None = None
        for entry in self._candidates(split(path)):
            self.work.asks -= 1
            if (best is None or entry.order < best.order) and entry.piece.holds(path):
                best = entry
        return best

    def _candidates(self, names: tuple[str, ...]) -> Iterator[Entry]:
        for length in range(len(names) + 1):
            bucket = self._buckets.get(names[:length])
            if bucket is not None:
                if self.work.asks >= 0:
                    yield from bucket.others
                if bucket.named:
                    for name in dict.fromkeys(names[length:]):
                        yield from bucket.named.get(name, ())

    def allowed_in(
        self, area: tuple[Pattern, ...], tries: tuple[str, ...] = (), outside: tuple[Pattern, ...] = ()
    ) -> tuple[tuple[tuple[str, int | None], ...], bool]:
        """Objects of `area`, not in `outside`, that f allows: one for each row that allows some (None: no row does); and
        whether those are surely all rows."""
        found: dict[int | None, str] = {}
        sure = True
        for path in tries:
            if not any(pattern.holds(path) for pattern in outside):
                sure &= self._keep(found, path)
        prefix = prefix_of(Piece(area))
        if self.has_allows:
            for entry in self.allows.related(prefix):
                self.work.searches -= 1
                if self.work.searches < 0:
                    sure = False
                    break
                if entry.layer.index in found or any(disjoint(a, b) for a in area for b in entry.piece.within):
                    continue
                earlier = (e for e in self._related(prefix) if e.order < entry.order)
                without = (*entry.piece.without, *outside, *_simple(earlier))
                sure &= self._search(found, (*area, *entry.piece.within), without)
        if None not in found and not self._is_denied_somewhere(area, prefix):
            sure &= self._search(found, area, (*outside, *_simple(self._related(prefix))))
        return tuple((path, index) for index, path in found.items()), sure

    def patterns_of(self, area: Pattern, indexes: frozenset[int]) -> Iterator[Pattern]:
        """The allowing patterns of some rows that may meet `area`."""
        for entry in self.allows.related(prefix_of(Piece((area,)))):
            if entry.layer.index in indexes:
                yield entry.piece.within[0] if entry.piece.within else EVERYTHING

    def _is_denied_somewhere(self, area: tuple[Pattern, ...], prefix: tuple[str, ...]) -> bool:
        """Whether one deny holds all of `area`: then no object in it is left to no rule."""
        tries = next((found for found in map(samples, area) if found), ())
        for path in tries[:1]:
            near = (entry for entry in self._candidates(split(path)) if entry.layer.denies and entry.piece.holds(path))
            return any(self._covers(pattern, inside) for pattern in _simple(near) for inside in area)
        return any(covers(pattern, inside) for pattern in islice(_simple(self.denies.above(prefix)), COMPARED) for inside in area)

    def _covers(self, big: Pattern, small: Pattern) -> bool:
        if big in (small, EVERYTHING) or (isinstance(big, Glob) and big.is_tree and isinstance(small, Glob) and small.is_tree):
            return big == small or covers(big, small)
        self.work.searches -= 1
        return self.work.searches >= 0 and covers(big, small)

    def _keep(self, found: dict[int | None, str], path: str) -> bool:
        """Whether f could be asked; what it allows is kept."""
        answer = self.ask(path)
        if answer is not None and answer.allowed:
            found.setdefault(answer.index, path)
        return answer is not None

    def _related(self, prefix: tuple[str, ...]) -> Iterator[Entry]:
        yield from self.denies.related(prefix)
        yield from self.allows.related(prefix)

    def _search(
        self, found: dict[int | None, str], within: tuple[Pattern, ...], without: Iterable[Pattern], depth: int = 3
    ) -> bool:
        """Looks for an object in all of `within` and none of `without`; whether the search was not cut short."""
        self.work.searches -= 1
        near: dict[Pattern, None] = {}
        for count, pattern in enumerate(without):
            self.work.searches -= 1
            if self.work.searches < 0 or len(near) > MACHINES or count > COMPARED:
                return False
            if not any(disjoint(pattern, inside) for inside in within):
                near[pattern] = None
        try:
            path = witness(within, near, frozenset({"/"}))
        except Undecided:
            return False
        if path is None:
            return True
        known = self._keep(found, path)
        decider = self._decider(path) if known and path not in found.values() and depth else None
        if decider is None or not (decider.piece.without or len(decider.piece.within) > 1):
            return known
        # the piece that decides is no single pattern: look in each part of what it leaves out
        for inside in decider.piece.without:
            known &= self._search(found, (*within, inside), tuple(near), depth - 1)
        for outside in decider.piece.within:
            known &= self._search(found, within, (*near, outside), depth - 1)
        return known


def _simple(entries: Iterable[Entry]) -> Iterator[Pattern]:
    """The patterns of pieces that are one pattern; of the others something smaller, which a check of the witness mends."""
    for entry in entries:
        if len(entry.piece.within) <= 1 and not entry.piece.without:
            yield entry.piece.within[0] if entry.piece.within else EVERYTHING


def prefix_of(piece: Piece[Any]) -> tuple[str, ...]:
    return max((atom.literal_prefix for atom in piece.within if isinstance(atom, Glob)), key=len, default=())


def _last_name(piece: Piece[Pattern]) -> str | None:
    """A name that every object of the piece has in its path behind the prefix."""
    if len(piece.within) != 1:
        return None
    glob = piece.within[0]
    if isinstance(glob, Glob) and not glob.fold and not glob.is_literal and isinstance(glob.parts[-1], str):
        return glob.parts[-1]
    return None
