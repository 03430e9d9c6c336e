"""From one effect's ordered layers to denied patterns: each deny minus the holes of the allows above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from avakill.backends.apparmor.apart import apart
from avakill.backends.apparmor.endings import below_ending, ending_cut, ending_of, without_endings
from avakill.backends.apparmor.factoring import around_trees
from avakill.backends.apparmor.field import Entry, Work, effects_in, mask_of, prefix_of
from avakill.backends.apparmor.holes import Cut, cut_of, subtract, trie
from avakill.backends.apparmor.model import Tokens
from avakill.backends.apparmor.nameless import NUMBER, inside, is_closable, number_in, parents, spares_inside
from avakill.backends.apparmor.samples import samples
from avakill.backends.apparmor.tokens import END, joined, spell
from avakill.backends.plan import SELF_PROTECTION, Layer
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern, covers
from avakill.paths.glob import EVERYTHING, Glob, join, tree
from avakill.paths.index import PrefixIndex

MAX_SPLITS = 8
CROWD = 16
"""With more holes near, a pattern keeps them all closed once the work for cutting is used up."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole in a denied pattern: what an allow (row `index`) or the deny itself (None) leaves out of it."""

    pattern: Pattern
    index: int | None
    is_ending: bool = False
    """Names of the pattern's last component, or (closed) what stands below such names."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One denied pattern of one layer, for effects that are lowered alike.

    `whole` are its lines where a hole takes directories too, `objects` where a hole that ends at its names leaves
    directories denied: who moves such a directory moves what is denied below it. `open` are the holes that were cut out
    (with their `cuts`), `closed` those that could not be said and stay denied. `lumped` are holes for some of the
    effects that stay denied for the sake of the others. `crowded`: `closed` are only some
    of the holes that stay closed. `wide`: the lines match more than `pattern`. `nameless` are the lines for the files without
    a name in denied directories, and `numbered` the names that these lines take.
    """

    layer: Layer
    effects: tuple[Effect, ...]
    pattern: Pattern
    whole: tuple[Tokens, ...]
    objects: tuple[Tokens, ...]
    open: tuple[Hole, ...] = ()
    cuts: tuple[Cut, ...] = ()
    closed: tuple[Hole, ...] = ()
    wide: bool = False
    narrow: bool = False
    lumped: tuple[tuple[Hole, tuple[Effect, ...]], ...] = ()
    crowded: bool = False
    nameless: tuple[Tokens, ...] = ()
    numbered: tuple[Glob, ...] = ()


_Related = tuple[Piece[Pattern], int | None]
_W = mask_of((Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE))


MAX_FACTORED = 4
"""More holes in one `P/**/NAME` line make the parser's automaton explode: 10 minutes for 1,000 mixed rules, 5 s without (3.0.8)."""


def denials(found: tuple[Entry, ...], work: Work) -> Iterator[Denial]:
    """Every deny of the layers, first match wins: once for all effects that have the same holes."""
    holes: PrefixIndex[Entry] = PrefixIndex()
    opened = 0
    for entry in found:
        if not entry.layer.denies:
            holes.add(prefix_of(entry.piece), entry)
            opened |= entry.mask
        elif opened & entry.mask or entry.piece.without or len(entry.piece.within) != 1:
            yield from _denied(entry, holes, work)
        else:
            yield _spelled(entry.layer, effects_in(entry.mask), entry.piece.within[0], [], [], False)


def _denied(entry: Entry, holes: PrefixIndex[Entry], work: Work) -> Iterator[Denial]:
    pattern, is_wide = _one_pattern(entry.piece.within)
    if work.cuts < 0 and len(crowd := tuple(islice(holes.related(pattern.literal_prefix), CROWD + 1))) > CROWD:
        closed = [Hole(one, hole.layer.index) for hole in crowd for one in hole.piece.within[:1]]
        yield replace(_spelled(entry.layer, effects_in(entry.mask), pattern, [], closed, is_wide), crowded=True)
        return
    mask, met = _meeting(entry.mask, pattern, holes, work)
    if not met and not entry.piece.without:
        if mask:
            yield _spelled(entry.layer, effects_in(mask), pattern, [], [], is_wide)
        return
    own = tuple((Piece((without,)), None) for without in entry.piece.without)
    for part, effects, lumped in _parts(mask, met):
        related: tuple[_Related, ...] = (*own, *((hole.piece, hole.layer.index) for hole in part))
        for denial in _split(entry.layer, effects_in(effects), pattern, related, is_wide, work):
            yield _with_lumped(denial, lumped) if lumped else denial


_Met = tuple[tuple[Entry, int], ...]
"""Holes, each with the effects that it is open for."""


def _meeting(mask: int, pattern: Pattern, holes: PrefixIndex[Entry], work: Work) -> tuple[int, _Met]:
    """The effects for which some of `pattern` stays denied, and the holes that meet it; the same hole of several regions once."""
    met: dict[tuple[Piece[Pattern], int], tuple[Entry, int]] = {}
    for hole in holes.related(pattern.literal_prefix):
        if not hole.mask & mask:
            continue
        work.cuts -= 1
        if any(apart(one, pattern) for one in hole.piece.within):
            continue
        if not hole.piece.without and all(_takes(one, pattern) for one in hole.piece.within):
            mask &= ~hole.mask
            continue
        key = hole.piece, hole.layer.index
        met[key] = hole, hole.mask | (met[key][1] if key in met else 0)
    return mask, tuple((hole, bits & mask) for hole, bits in met.values() if bits & mask)


_Part = tuple[tuple[Entry, ...], int, _Met]


def _parts(mask: int, met: _Met) -> Iterator[_Part]:
    """Holes, the effects that have them, and the holes of some of these effects that one permission for all keeps closed."""
    if all(bits == mask for _, bits in met):
        if mask:
            yield tuple(hole for hole, _ in met), mask, ()
        return
    groups: dict[tuple[int, ...], int] = {}
    for place in range(mask.bit_length()):
        if mask >> place & 1:
            key = tuple(number for number, (_, bits) in enumerate(met) if bits >> place & 1)
            groups[key] = groups.get(key, 0) | 1 << place
    lumped: _Met = ()
    written = [key for key, bits in groups.items() if bits & _W]
    least = min(written, key=len, default=())
    if len(written) > 1 and all(set(least) <= set(key) for key in written):
        # `w` is taken for one of its effects, so a hole for another of them opens nothing
        left = {key: bits & ~_W for key, bits in groups.items()}
        left[least] |= mask & _W
        groups = {key: bits for key, bits in left.items() if bits}
        lumped = tuple((hole, bits & _W) for number, (hole, bits) in enumerate(met) if number not in least and bits & _W)
    for key, bits in groups.items():
        yield tuple(met[number][0] for number in key), bits, lumped if bits & _W else ()


def _with_lumped(denial: Denial, lumped: _Met) -> Denial:
    holes = ((one, entry.layer.index, bits) for entry, bits in lumped for one in (*entry.piece.within, denial.pattern)[:1])
    near = tuple((Hole(one, index), effects_in(bits)) for one, index, bits in holes if not apart(one, denial.pattern))
    return replace(denial, lumped=near)


def _split(
    layer: Layer, effects: tuple[Effect, ...], pattern: Pattern, related: tuple[_Related, ...], is_wide: bool, work: Work
) -> Iterator[Denial]:
    todo = [(pattern, related)]
    for _ in range(MAX_SPLITS):
        if not todo:
            return
        pattern, left = todo.pop()
        sorted_ = _sort(pattern, left, work, len(todo))
        if sorted_ is None:
            continue
        open_, closed, more, only_these = sorted_
        todo += more
        if not only_these:
            yield _spelled(layer, effects, pattern, open_, closed, is_wide)
    for pattern, left in todo:
        closed = [Hole(one, index) for hole, index in left for one in hole.within[:1]]
        yield _spelled(layer, effects, pattern, [], closed, is_wide)


def _one_pattern(within: tuple[Pattern, ...]) -> tuple[Pattern, bool]:
    """The pattern that an intersection is, or the closest of those around it; and whether it is wider."""
    if not within:
        return EVERYTHING, False
    if len(within) == 1:
        return within[0], False
    kept = [one for one in within if not any(other is not one and covers(one, other) for other in within)]
    kept = kept or [within[0]]
    best = max(kept, key=lambda one: len(one.literal_prefix))
    return best, len(kept) > 1


_Sorted = tuple[list[Hole], list[Hole], list[tuple[Pattern, tuple[_Related, ...]]], bool]


def _sort(pattern: Pattern, related: tuple[_Related, ...], work: Work, depth: int) -> _Sorted | None:
    """The holes that can be cut out of `pattern`, those that cannot, and what is denied inside of holes with exceptions.

    None when a hole takes all of it. The last is whether nothing else of it is denied: `P - (all - W)` is `P and W`.
    """
    open_: list[Hole] = []
    closed: list[Hole] = []
    more: list[tuple[Pattern, tuple[_Related, ...]]] = []
    for place, (hole, index) in enumerate(related):
        work.cuts -= 8
        if any(apart(one, pattern) for one in hole.within):
            continue
        within = [one for one in hole.within if not _takes(one, pattern)]
        without = [one for one in hole.without if not any(apart(one, other) for other in (pattern, *within))]
        if not within and not without:
            return None
        if any(covers(one, pattern) for one in without):
            continue
        if len(within) == 1 and not without:
            _place(pattern, within[0], index, open_, closed)
        elif len(within) <= 1 and depth + len(more) + len(without) < MAX_SPLITS and all(covers(pattern, one) for one in without):
            others = tuple(entry for other, entry in enumerate(related) if other != place)
            more += [(one, others) for one in without]
            if not within:
                return [], [], more, True
            _place(pattern, within[0], index, open_, closed)
        else:
            closed += [Hole(one, index) for one in (within or [pattern])[:1]]
    return open_, closed, more, False


def _place(pattern: Pattern, hole: Pattern, index: int | None, open_: list[Hole], closed: list[Hole]) -> None:
    """A hole among those that can be cut out of a pattern, or among the others."""
    ending = ending_of(pattern, hole)
    simple = _simplified(pattern, hole) if ending is None else None
    if ending is None:
        (open_ if simple is not None else closed).append(Hole(simple or hole, index))
        return
    open_.append(Hole(ending, index, is_ending=True))
    below = below_ending(hole) if isinstance(hole, Glob) else None
    if below is not None and not apart(below, pattern):
        closed.append(Hole(below, index, is_ending=True))


def _takes(hole: Pattern, pattern: Pattern) -> bool:
    """As `covers`, quickly where the hole is a literal path or tree and the pattern has wildcards."""
    if isinstance(hole, Glob) and isinstance(pattern, Glob) and hole.is_literal and not pattern.is_literal and not hole.fold:
        return hole.below and pattern.literal_prefix[: len(hole.parts)] == hole.parts
    if any(not hole.holds(path) for path in samples(pattern)):
        return False
    return covers(hole, pattern)


def _simplified(pattern: Pattern, hole: Pattern) -> Pattern | None:
    """A hole that can be cut out and takes the same of `pattern`, or None."""
    if not isinstance(hole, Glob):
        return None
    if cut_of(hole) is not None and (cut_of(hole).is_plain or _is_tree(pattern)):  # type: ignore[union-attr]
        return hole
    around = tree("/" + "/".join(hole.literal_prefix))
    if hole.literal_prefix and not hole.fold and isinstance(pattern, Glob) and _same_inside(pattern, around, hole):
        return around
    return None


def _is_tree(pattern: Pattern) -> bool:
    return isinstance(pattern, Glob) and pattern.is_tree and not pattern.fold


def _same_inside(pattern: Glob, around: Glob, hole: Glob) -> bool:
    """Whether all that `pattern` has in the tree `around` is in the hole."""
    from avakill.paths.automaton import Undecided, is_empty

    try:
        return is_empty((pattern, around), (hole,))
    except Undecided:
        return False


def _spelled(
    layer: Layer, effects: tuple[Effect, ...], pattern: Pattern, open_: list[Hole], closed: list[Hole], is_wide: bool
) -> Denial:
    spelled = spell(pattern)
    wide = is_wide or spelled.wide
    if not open_ and isinstance(pattern, Glob) and (pattern.below or not is_closable(pattern)):
        only = (spelled.tokens,)
        return Denial(layer, effects, pattern, only, only, (), (), tuple(closed), wide, spelled.narrow)
    lines, nameless = _bodies(layer, effects, pattern, spelled.tokens, open_)
    numbered = (inside(pattern),) if nameless and isinstance(pattern, Glob) else ()
    rest = [hole for hole in open_ if not hole.is_ending]
    if rest:
        trees = tuple(hole.pattern for hole in rest)
        factored = _factored(pattern, (*lines, *nameless), trees) if len(rest) <= MAX_FACTORED else None
        if factored is None:
            return _subtracted(layer, effects, pattern, (lines, nameless), (open_, closed), (wide, spelled.narrow))
        lines, nameless = factored[: len(lines)], factored[len(lines) :]
    cuts = tuple(map(_cut, open_))
    found = Denial(layer, effects, pattern, lines, lines, tuple(open_), cuts, tuple(closed), wide, spelled.narrow)
    return replace(found, nameless=nameless, numbered=numbered) if nameless else found


_Bodies = tuple[tuple[Tokens, ...], tuple[Tokens, ...]]


def _bodies(layer: Layer, effects: tuple[Effect, ...], pattern: Pattern, tokens: Tokens, open_: list[Hole]) -> _Bodies:
    """The lines of a pattern without the endings among its holes, and those of the files without a name in its directories."""
    with_nameless = Effect.WRITE in effects and spares_inside(pattern) and is_closable(pattern) and not is_file(layer, pattern)
    endings = [_cut(hole) for hole in open_ if hole.is_ending]
    if endings and isinstance(pattern, Glob):
        lines, nameless = without_endings(pattern, endings)
        return lines, nameless if with_nameless else ()
    before = tokens[:-1] if tokens[-1] is END else ()
    return (tokens,), (joined((*before, *NUMBER)),) if with_nameless else ()


def is_file(layer: Layer, pattern: Pattern) -> bool:
    """Whether the target says that no directory bears the name."""
    return layer.index == SELF_PROTECTION and isinstance(pattern, Glob) and pattern.is_literal


def _factored(pattern: Pattern, lines: tuple[Tokens, ...], trees: tuple[Pattern, ...]) -> tuple[Tokens, ...] | None:
    found = tuple(around_trees(pattern, line, trees) for line in lines)
    kept = tuple(line for line in found if line is not None)
    return kept if len(kept) == len(found) else None


def _subtracted(
    layer: Layer,
    effects: tuple[Effect, ...],
    pattern: Pattern,
    bodies: _Bodies,
    holes: tuple[list[Hole], list[Hole]],
    wide_narrow: tuple[bool, bool],
) -> Denial:
    """Holes cut out of every line, byte by byte."""
    lines, nameless = bodies
    kept, closed = holes
    whole = _subtract(lines, kept, True)
    if whole is None:
        kept = [hole for hole in kept if hole.is_ending or _cut(hole).is_plain]
        closed = [*closed, *(hole for hole in holes[0] if not (hole.is_ending or _cut(hole).is_plain))]
        whole = _subtract(lines, kept, True) or ()
    cuts = tuple(_cut(hole) for hole in kept)
    objects = whole if all(cut.takes_directories for cut in cuts) else _subtract(lines, kept, False) or ()
    more = tuple(_beside(hole) for hole in kept if Effect.WRITE in effects and _lets_through(pattern, hole))
    numbered = ((inside(pattern),) if nameless and isinstance(pattern, Glob) else ()) + tuple(dict.fromkeys(more))
    numbers = (*(_subtract(nameless, kept, True) or ()), *(spell(glob).tokens[:-1] for glob in dict.fromkeys(more)))
    return Denial(
        layer, effects, pattern, whole, objects, tuple(kept), cuts, tuple(closed), *wide_narrow, nameless=numbers, numbered=numbered
    )


def _lets_through(pattern: Pattern, hole: Hole) -> bool:
    """Whether a file without a name could bear a name of the hole, in a directory that is denied."""
    if hole.is_ending or number_in(hole.pattern) is None or not isinstance(hole.pattern, Glob):
        return False
    above = parents(hole.pattern)
    return not above.is_literal or pattern.holds(join(above.literal_prefix))


def _beside(hole: Hole) -> Glob:
    """The names that the hole shares with files without a name."""
    assert isinstance(hole.pattern, Glob)
    return Glob(hole.pattern.parts) if isinstance(hole.pattern.parts[-1], str) else inside(parents(hole.pattern))


def _subtract(lines: tuple[Tokens, ...], holes: list[Hole], directories: bool) -> tuple[Tokens, ...] | None:
    if not lines:
        return ()
    cuts = trie((_cut(hole) for hole in holes if not hole.is_ending), directories)
    found = [subtract(line, cuts, directories) for line in lines]
    kept = [some for some in found if some is not None]
    return tuple(dict.fromkeys(line for some in kept for line in some)) if len(kept) == len(found) else None


def _cut(hole: Hole) -> Cut:
    assert isinstance(hole.pattern, Glob)
    cut = ending_cut(hole.pattern) if hole.is_ending else cut_of(hole.pattern)
    assert cut is not None
    return cut
