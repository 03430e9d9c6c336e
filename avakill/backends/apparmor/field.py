"""f asked fast: layers by literal prefix and by name, so that a claim's witness can be checked (semantics §3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, NamedTuple

from avakill.backends.apparmor.apart import apart, tail_of
from avakill.backends.apparmor.nameless import number_in
from avakill.backends.apparmor.samples import samples
from avakill.backends.plan import DEFAULT, FLOOR, SELF_PROTECTION, Layer
from avakill.ir.effect import FILE_EFFECTS, Effect
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern, Undecided, covers, witness
from avakill.paths.glob import EVERYTHING, Glob, Part, Wildcard, split
from avakill.paths.index import PrefixIndex

MACHINES = 10
COMPARED = 40
"""With more patterns at once, or more to compare with, a witness is not looked for."""

PLACE = {effect: place for place, effect in enumerate(FILE_EFFECTS)}
_FRONT = {SELF_PROTECTION: -2, FLOOR: -1, DEFAULT: 1 << 62}


def mask_of(effects: Iterable[Effect]) -> int:
    """Effects as bits, in the order of FILE_EFFECTS."""
    return sum(1 << PLACE[effect] for effect in effects)


def effects_in(mask: int) -> tuple[Effect, ...]:
    return _EFFECTS_IN[mask]


_EFFECTS_IN = tuple(
    tuple(effect for place, effect in enumerate(FILE_EFFECTS) if mask >> place & 1) for mask in range(1 << len(FILE_EFFECTS))
)


@dataclass(slots=True)
class Work:
    """What a lowering may still spend: `asks` on single objects, `searches` on witnesses, `cuts` on holes."""

    asks: int = 60_000
    searches: int = 2_000
    cuts: int = 12_000


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One piece of one layer for the effects in `mask`; `order` is the layer's place."""

    order: int
    layer: Layer
    piece: Piece[Pattern]
    mask: int


def entries(layers: Mapping[Effect, tuple[Layer, ...]]) -> tuple[Entry, ...]:
    """The layers of all file effects as one list, first match first; a region that several effects share stands once."""
    found: dict[tuple[int, int, bool], list[Any]] = {}
    for place, effect in enumerate(FILE_EFFECTS):
        for layer in layers[effect]:
            known = found.setdefault((layer.index, id(layer.region), layer.denies), [layer, 0])
            known[1] |= 1 << place
    ordered = sorted(found.values(), key=lambda known: _FRONT.get(known[0].index, known[0].index))
    return tuple(Entry(order, layer, piece, mask) for order, (layer, mask) in enumerate(ordered) for piece in layer.region.pieces)


class _Reach(Enum):
    """Which of the paths that begin with its prefix an entry holds."""

    ALL = auto()
    ITSELF = auto()
    LAST = auto()
    """All whose last name is the one that the entry needs."""
    ASK = auto()


class _Bucket:
    """Entries of one literal prefix: by a name that they need, by the end of such a name, and the others."""

    __slots__ = ("below", "lengths", "named", "others", "tails")

    def __init__(self) -> None:
        self.below: dict[str, _Bucket] = {}
        self.named: dict[str, list[tuple[Entry, _Reach]]] = {}
        self.tails: dict[str, list[Entry]] = {}
        self.lengths: set[int] = set()
        self.others: list[tuple[Entry, _Reach]] = []

    def at(self, prefix: tuple[str, ...]) -> _Bucket:
        bucket = self
        for name in prefix:
            inner = bucket.below.get(name)
            if inner is None:
                inner = bucket.below[name] = _Bucket()
            bucket = inner
        return bucket

    def ending(self, names: tuple[str, ...]) -> list[list[Entry]]:
        """Those that need the end of one of `names`."""
        tails = [name[len(name) - n :] for name in names for n in self.lengths]
        return [self.tails[tail] for tail in dict.fromkeys(tails) if tail in self.tails]


@dataclass(frozen=True, slots=True)
class Answer:
    """What f says of an object; `index` is the row that decides, None when no layer does."""

    allowed: bool
    index: int | None


OPEN = Answer(True, None)
_Answers = tuple[Answer, ...]
ALL_OPEN: _Answers = (OPEN,) * len(FILE_EFFECTS)


class Said(NamedTuple):
    """f's answer for each of FILE_EFFECTS, and those that it denies as bits."""

    answers: _Answers
    denied: int


_NOTHING = Said(ALL_OPEN, 0)


class Field:
    """The layers of all file effects."""

    def __init__(self, found: tuple[Entry, ...], work: Work) -> None:
        self.work = work
        self._known: dict[str, Said] = {}
        self._root = _Bucket()
        self._allows: PrefixIndex[Entry] = PrefixIndex()
        self._denies: PrefixIndex[Entry] | None = None
        self._entries = found
        self.allowing = 0
        self._last = [len(found)] * len(FILE_EFFECTS)
        """Of each effect the first layer that decides everything: none below it says anything."""
        for entry in found:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        prefix = prefix_of(entry.piece)
        bucket = self._root.at(prefix)
        part = _last_part(entry.piece)
        tail = None if part is None else tail_of(part)
        if isinstance(part, str):
            bucket.named.setdefault(part, []).append((entry, _reach_of_named(entry.piece)))
        elif tail is not None:
            bucket.tails.setdefault(tail, []).append(entry)
            bucket.lengths.add(len(tail))
        else:
            bucket.others.append((entry, _reach(entry.piece)))
        if not prefix and any(pattern.is_everything for pattern in _simple((entry,))):
            for place in _PLACES_IN[entry.mask]:
                self._last[place] = min(self._last[place], entry.order)
        if not entry.layer.denies:
            self._allows.add(prefix, entry)
            self.allowing |= entry.mask

    @property
    def denies(self) -> PrefixIndex[Entry]:
        if self._denies is None:
            self._denies = PrefixIndex()
            for entry in self._entries:
                if entry.layer.denies:
                    self._denies.add(prefix_of(entry.piece), entry)
        return self._denies

    def said(self, path: str) -> Said | None:
        """All that f answers of an object; None when the work is used up."""
        known = self._known.get(path)
        if known is None:
            hits = self._holding(path)
            if self.work.asks < 0:
                return None
            known = self._known[path] = _decided(hits)
        return known

    def ask(self, effect: Effect, path: str) -> Answer | None:
        """f's answer; None when the work is used up."""
        known = self._known.get(path) or self.said(path)
        return None if known is None else known.answers[PLACE[effect]]

    def denied(self, path: str) -> int:
        """The effects that f denies, as bits; none where the work is used up."""
        known = self._known.get(path) or self.said(path)
        return 0 if known is None else known.denied

    def _holding(self, path: str) -> list[Entry]:
        """The entries that hold a path, first match first."""
        names = split(path)
        last = len(names)
        hits: list[Entry] = []
        work = self.work
        bucket: _Bucket | None = self._root
        for length in range(last + 1):
            assert bucket is not None
            if bucket.others and work.asks >= 0:
                for entry, reach in bucket.others:
                    work.asks -= 1
                    if length == last if reach is _Reach.ITSELF else reach is _Reach.ALL or entry.piece.holds(path):
                        hits.append(entry)
            if bucket.named:
                for at in range(length, last):
                    if names[at] in bucket.named and names[at] not in names[length:at]:
                        hits += self._with_name(bucket.named[names[at]], names[at], path)
            if bucket.tails and work.asks >= 0:
                for entries in bucket.ending(names[length:]):
                    hits += self._of(entries, path)
            bucket = bucket.below.get(names[length]) if length < last else None
            if bucket is None:
                break
        hits.sort(key=_order)
        return hits

    def _with_name(self, entries: list[tuple[Entry, _Reach]], name: str, path: str) -> Iterator[Entry]:
        """Those of the entries that need `name` which hold a path that has it."""
        for entry, reach in entries:
            self.work.asks -= 1
            is_held = reach is _Reach.ALL or (path.endswith(f"/{name}") if reach is _Reach.LAST else entry.piece.holds(path))
            if is_held:
                yield entry

    def _of(self, entries: list[Entry], path: str) -> list[Entry]:
        self.work.asks -= len(entries)
        return [entry for entry in entries if entry.piece.holds(path)]

    def allowed_in(
        self, effect: Effect, area: tuple[Pattern, ...], tries: tuple[str, ...] = (), outside: tuple[Pattern, ...] = ()
    ) -> tuple[tuple[tuple[str, int | None], ...], bool]:
        """Objects of `area`, not in `outside`, that f allows: one for each row that allows some (None: no row does); and
        whether those are surely all rows."""
        found: dict[int | None, str] = {}
        sure = True
        for path in tries:
            if not any(pattern.holds(path) for pattern in outside):
                sure &= self._keep(effect, found, path)
        prefix = prefix_of(Piece(area))
        bit = 1 << PLACE[effect]
        if self.allowing & bit:
            for entry in self._allows.related(prefix):
                if not entry.mask & bit or entry.order > self._last[PLACE[effect]]:
                    continue
                self.work.searches -= 1
                if self.work.searches < 0:
                    sure = False
                    break
                if entry.layer.index in found or any(apart(a, b) for a in area for b in entry.piece.within):
                    continue
                earlier = (e for e in self._related(prefix, bit) if e.order < entry.order)
                without = (*entry.piece.without, *outside, *_simple(earlier))
                sure &= self._search(effect, found, (*area, *entry.piece.within), without)
        if None not in found and not self._is_decided(bit, area, prefix, tuple(found.values())):
            sure &= self._search(effect, found, area, (*outside, *_simple(self._related(prefix, bit))))
        return tuple((path, index) for index, path in found.items()), sure

    def allowed_at(
        self, effect: Effect, names: Glob, tries: tuple[str, ...], outside: tuple[Pattern, ...]
    ) -> tuple[tuple[tuple[str, int | None], ...], bool]:
        """As `allowed_in` for the names of files without a name: no search where the first try answers for all rows.

        Such a name is decided as its directory is, but where a rule's own last component holds `#N`.
        """
        if not self._allows_numbers:
            for path in tries:
                answer = self.ask(effect, path)
                if answer is not None and answer.allowed and not any(one.holds(path) for one in outside):
                    return ((path, answer.index),), True
        return self.allowed_in(effect, (names,), tries, outside)

    @cached_property
    def _allows_numbers(self) -> bool:
        """Whether some allow names files `#N`, or is no plain tree of which its directories tell enough."""
        patterns = (pattern for entry in self.allows() for pattern in entry.piece.within or (EVERYTHING,))
        return any(not isinstance(one, Glob) or not one.parts or number_in(one) is not None for one in patterns)

    def allows(self) -> Iterator[Entry]:
        """All that some layer opens."""
        return (entry for entry in self._entries if not entry.layer.denies)

    def example(self, within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> str | None:
        """An object of some patterns outside some others; None where none was found."""
        self.work.searches -= 1
        if self.work.searches < 0 or len(without) > MACHINES:
            return None
        try:
            return witness(within, without, frozenset({"/"}))
        except Undecided:
            return None

    def patterns_of(self, effect: Effect, area: Pattern, indexes: frozenset[int]) -> Iterator[Pattern]:
        """The allowing patterns of some rows that may meet `area`."""
        for entry in self._allows.related(prefix_of(Piece((area,)))):
            if entry.layer.index in indexes and entry.mask >> PLACE[effect] & 1:
                yield entry.piece.within[0] if entry.piece.within else EVERYTHING

    def _is_decided(self, bit: int, area: tuple[Pattern, ...], prefix: tuple[str, ...], known: tuple[str, ...]) -> bool:
        """Whether one pattern of a layer holds all of `area`: then no object in it is left to no rule."""
        tries = known or next((found for found in map(samples, area) if found), ())
        for path in tries[:1]:
            asks = self.work.asks
            near = [entry for entry in self._holding(path) if entry.mask & bit]
            self.work.asks = asks  # a look that is asked of no one else
            return any(self._covers(pattern, inside) for pattern in _simple(near) for inside in area)
        above = (entry for entry in self.denies.above(prefix) if entry.mask & bit)
        return any(covers(pattern, inside) for pattern in islice(_simple(above), COMPARED) for inside in area)

    def _covers(self, big: Pattern, small: Pattern) -> bool:
        if big in (small, EVERYTHING) or (isinstance(big, Glob) and big.is_tree and isinstance(small, Glob) and small.is_tree):
            return big == small or covers(big, small)
        self.work.searches -= 1
        return self.work.searches >= 0 and covers(big, small)

    def _keep(self, effect: Effect, found: dict[int | None, str], path: str) -> bool:
        """Whether f could be asked; what it allows is kept."""
        answer = self.ask(effect, path)
        if answer is not None and answer.allowed:
            found.setdefault(answer.index, path)
        return answer is not None

    def _related(self, prefix: tuple[str, ...], bit: int) -> Iterator[Entry]:
        for index in (self.denies, self._allows):
            for entry in index.related(prefix):
                if entry.mask & bit:
                    yield entry

    def _search(
        self,
        effect: Effect,
        found: dict[int | None, str],
        within: tuple[Pattern, ...],
        without: Iterable[Pattern],
        depth: int = 3,
    ) -> bool:
        """Looks for an object in all of `within` and none of `without`; whether the search was not cut short."""
        self.work.searches -= 1
        near: dict[Pattern, None] = {}
        for count, pattern in enumerate(without):
            if pattern.is_everything or pattern in within:
                return True  # nothing is left
            self.work.searches -= 1
            if self.work.searches < 0 or len(near) > MACHINES or count > COMPARED:
                return False
            if not any(apart(pattern, inside) for inside in within):
                near[pattern] = None
        try:
            path = witness(within, near, frozenset({"/"}))
        except Undecided:
            return False
        if path is None:
            return True
        known = self._keep(effect, found, path)
        bit = 1 << PLACE[effect]
        hits = self._holding(path) if known and path not in found.values() and depth else []
        decider = next((entry for entry in hits if entry.mask & bit), None)
        if decider is None or not (decider.piece.without or len(decider.piece.within) > 1):
            return known
        # the piece that decides is no single pattern: look in each part of what it leaves out
        for inside in decider.piece.without:
            known &= self._search(effect, found, (*within, inside), tuple(near), depth - 1)
        for outside in decider.piece.within:
            known &= self._search(effect, found, within, (*near, outside), depth - 1)
        return known


def _order(entry: Entry) -> int:
    return entry.order


_ALL = (1 << len(FILE_EFFECTS)) - 1


def _decided(hits: list[Entry]) -> Said:
    """First match wins, for each effect."""
    if not hits:
        return _NOTHING
    result, left, denied = list(ALL_OPEN), _ALL, 0
    for entry in hits:
        new = entry.mask & left
        if not new:
            continue
        answer = _answer(not entry.layer.denies, entry.layer.index)
        for place in _PLACES_IN[new]:
            result[place] = answer
        left &= ~new
        if entry.layer.denies:
            denied |= new
        if not left:
            break
    return Said(tuple(result), denied)


_answer = lru_cache(maxsize=16384)(Answer)
_PLACES_IN = tuple(tuple(PLACE[effect] for effect in effects) for effects in _EFFECTS_IN)


def _simple(entries: Iterable[Entry]) -> Iterator[Pattern]:
    """The patterns of pieces that are one pattern; of the others something smaller, which a check of the witness mends."""
    for entry in entries:
        if len(entry.piece.within) <= 1 and not entry.piece.without:
            yield entry.piece.within[0] if entry.piece.within else EVERYTHING


def prefix_of(piece: Piece[Any]) -> tuple[str, ...]:
    if len(piece.within) == 1:
        return piece.within[0].literal_prefix  # type: ignore[no-any-return]
    return max((atom.literal_prefix for atom in piece.within if isinstance(atom, Glob)), key=len, default=())


def _reach(piece: Piece[Pattern]) -> _Reach:
    glob = piece.within[0] if len(piece.within) == 1 and not piece.without else None
    if not isinstance(glob, Glob) or not glob.is_literal or glob.fold:
        return _Reach.ASK
    return _Reach.ALL if glob.below else _Reach.ITSELF


def _reach_of_named(piece: Piece[Pattern]) -> _Reach:
    """Of `D/**/name` and of it with all below, the paths below D that have the name."""
    glob = piece.within[0]
    if piece.without or not isinstance(glob, Glob) or glob.fold or len(glob.parts) != len(glob.literal_prefix) + 2:
        return _Reach.ASK
    if glob.parts[-2] is not Wildcard.DEEP:
        return _Reach.ASK
    return _Reach.ALL if glob.below else _Reach.LAST


def _last_part(piece: Piece[Pattern]) -> Part | None:
    """What one name in the path of every object of the piece matches, behind the prefix."""
    if len(piece.within) != 1:
        return None
    glob = piece.within[0]
    return glob.parts[-1] if isinstance(glob, Glob) and not glob.fold and not glob.is_literal else None
