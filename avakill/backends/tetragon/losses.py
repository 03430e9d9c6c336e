"""What the selectors of one effect's denies lose beside them: wider shapes, closed exceptions, merged pairs, renames."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice

from avakill.backends.judge import KEPT, Probe
from avakill.backends.tetragon.claims import PROBE_OF, TRIED, Alike, Claims, Effects, file_probes, operations
from avakill.backends.tetragon.groups import Deny, Group, Grouping, Hole
from avakill.backends.tetragon.holes import holes_of
from avakill.backends.tetragon.samples import glob_of, samples
from avakill.backends.tetragon.shapes import Kind, Shape, could_meet, shape_of
from avakill.backends.tetragon.terms import name_terms, path_terms
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, join, split
from avakill.paths.index import PrefixIndex

RENAMES = (Operation.RENAME,)
MOVING = frozenset((*KEPT, Effect.DELETE, Effect.CREATE))

PLACES = 8
"""Holes in which a witness is looked for."""

MACHINES = 12
"""Patterns of one search for a shortest path."""


def claim_grouping(claims: Claims, grouping: Grouping, effects: Effects) -> None:
    _claim_unsaid(claims, grouping, effects)
    wide = [deny for deny in grouping.denies if not deny.shape.is_exact or deny.shape.kind is Kind.CHILD]
    near = _holes_by_place(grouping) if wide else PrefixIndex()
    failed: dict[int, int] = {}
    for deny in wide:
        _claim_wide(claims, deny, effects, grouping)
        if claims.is_big:
            _claim_holes_near(claims, deny, effects, near, failed)
        else:
            _claim_holes_in(claims, deny, effects, grouping)
    for hole, deny in grouping.closed:
        _claim_closed(claims, hole, deny, effects)
    opened = _opened(grouping)
    for group in grouping.groups:
        _claim_merged(claims, group, effects)
        _claim_nodes(claims, grouping, group, effects)
        _claim_tops(claims, group, effects, opened)


def _claim_unsaid(claims: Claims, grouping: Grouping, effects: Effects) -> None:
    said = {deny.row for deny in grouping.denies}
    rows: dict[int, list[Pattern]] = {}
    for layer, piece in grouping.unsaid:
        rows.setdefault(layer.index, []).extend(piece.within[:1])
        if layer.index in said and layer.index not in {f.index for f in claims.others if f.effects == effects}:
            for path in claims.example(piece.within, piece.without):
                probes = (p for p in file_probes(path, effects) if not claims.ask.denied(p))
                for probe in probes:
                    if not all(answer.allowed for answer in claims.ask.judge(probe)):
                        seen = Witness(probe.operation, probe.object, policy=False, target=True, to=probe.to)
                        reason = "a part of its patterns cannot be said with `Equal`, `Prefix` and `Postfix`"
                        claims.others.append(
                            Finding(layer.index, Verdict.WEAKER, reason, effects, seen, span=layer.span)
                        )
                        break
        elif layer.index not in said:
            rows.setdefault(layer.index, [])
    for row, patterns in rows.items():
        if row not in said or not any(f.index == row and f.effects == effects for f in claims.others):
            reason = f"{_why(patterns)}: `Equal`, `Prefix` and `Postfix` are all that prevents reliably"
            span = claims.plan.row_by_index[row].span
            claims.others.append(Finding(row, Verdict.UNENFORCEABLE, reason, effects, span=span))


def _why(patterns: list[Pattern]) -> str:
    if any(not isinstance(pattern, Glob) for pattern in patterns):
        return "Tetragon cannot search a path for a text (`SubString` loads and never matches before Linux 6.17)"
    if any("\udc80" <= char <= "\udcff" for p in patterns if isinstance(p, Glob) for n in p.parts for char in str(n)):
        return "YAML cannot hold a name that is not UTF-8"
    return "Tetragon cannot say a wildcard in the middle of a path, and what it can say would deny everything around"


def _claim_wide(claims: Claims, deny: Deny, effects: Effects, grouping: Grouping) -> None:
    reason = WIDE
    lost = (Lost(operations(effects), deny.shape.path, True),)
    if claims.more((deny.row,), effects, reason, lost):
        return
    cheap = (
        probe for path in samples(deny.shape) if not deny.piece.holds(path) for probe in file_probes(path, effects)
    )
    if not claims.over((deny.row,), effects, reason, cheap, lost) and not deny.shape.is_exact:
        for path in _beside(claims, deny, grouping):
            if claims.over((deny.row,), effects, reason, file_probes(path, effects), lost):
                return


MACHINES = 12
"""Patterns of one search for a shortest path."""


def _beside(claims: Claims, deny: Deny, grouping: Grouping) -> Iterator[str]:
    """Paths that the shape holds and the pattern does not: anywhere, where nothing else denies, and in every exception."""
    wide = glob_of(deny.shape)
    for without in (deny.piece.within[:1], deny.piece.within):
        yield from claims.example((wide,), tuple(without)) if without else ()
    others = [d for d in grouping.denies if could_meet(d.shape, deny.shape) and len(d.piece.within) == 1 and not d.piece.without]
    outside = tuple(d.piece.within[0] for d in others)
    if len(outside) < MACHINES:
        yield from claims.example((wide,), (*deny.piece.within[:1], *outside))
    for hole in grouping.holes:
        if hole.order < deny.order or (hole.shape is not None and not could_meet(hole.shape, deny.shape)):
            continue
        above = tuple(d.piece.within[0] for d in others if d.order < hole.order)
        if len(above) < MACHINES:
            yield from claims.example((wide, *hole.piece.within), (*deny.piece.within[:1], *hole.piece.without, *above))


def _claim_holes_in(claims: Claims, deny: Deny, effects: Effects, grouping: Grouping) -> None:
    """Each allow that the wider shape closes a part of says so, whatever else the deny loses."""
    lost = (Lost(operations(effects), deny.shape.path, True),)
    for hole in grouping.holes:
        if claims.has(hole.row, CLOSED_BY_WIDE) or hole.order < deny.order:
            continue
        if hole.shape is not None and not could_meet(hole.shape, deny.shape):
            continue
        within = (glob_of(deny.shape), *hole.piece.within)
        for path in claims.example(within, (*deny.piece.within[:1], *hole.piece.without)):
            claims.show((deny.row,), effects, WIDE, file_probes(path, effects), lost)
        if not claims.has(hole.row, CLOSED_BY_WIDE):
            above = [d.piece.within[0] for d in grouping.denies if d.order < hole.order and len(d.piece.within) == 1]
            if len(above) < MACHINES:
                for path in claims.example(within, (*hole.piece.without, *above)):
                    claims.show((deny.row,), effects, WIDE, file_probes(path, effects), lost)


def _holes_by_place(grouping: Grouping) -> PrefixIndex[Hole]:
    index: PrefixIndex[Hole] = PrefixIndex()
    for hole in grouping.holes:
        index.add(prefix_of(hole.piece.within), hole)
    return index


def _claim_holes_near(claims: Claims, deny: Deny, effects: Effects, near: PrefixIndex[Hole], failed: dict[int, int]) -> None:
    """As `_claim_holes_in` for many rows: each exception is tried with the first few denies around it that fail."""
    lost = (Lost(operations(effects), deny.shape.path, True),)
    for hole in near.related(deny.shape.base):
        if hole.order < deny.order or claims.has(hole.row, CLOSED_BY_WIDE) or failed.get(id(hole), 0) >= TRIED:
            continue
        if hole.shape is not None and not could_meet(hole.shape, deny.shape):
            continue
        probes = (probe for path in _closed_paths(claims, deny, hole) for probe in file_probes(path, effects))
        if not claims.show((deny.row,), effects, WIDE, probes, lost):
            failed[id(hole)] = failed.get(id(hole), 0) + 1


def _closed_paths(claims: Claims, deny: Deny, hole: Hole) -> Iterator[str]:
    """Paths of the exception that only the wider shape of the deny holds."""
    at_hand = 0
    for shape in (*shapes_of(hole), deny.shape):
        for path in samples(shape):
            if hole.piece.holds(path) and deny.shape.holds(split(path)) and not deny.piece.holds(path):
                at_hand += 1
                yield path
    if not at_hand:
        yield from claims.example((glob_of(deny.shape), *hole.piece.within), (*deny.piece.within[:1], *hole.piece.without))


WIDE = "its pattern can only be said more widely: Tetragon has `Equal`, `Prefix` and `Postfix`, which do not stop at `/`"
CLOSED_BY_WIDE = f"a deny below closes a part of it: {WIDE}"


def _claim_closed(claims: Claims, hole: Hole, deny: Deny, effects: Effects) -> None:
    reason = "an exception stays closed: it cannot be cut out with `NotEqual`, `NotPrefix` and `NotPostfix`"
    place = max((prefix_of(hole.piece.within), deny.shape.base), key=len)
    above = tuple(Lost((Operation.RENAME,), join(place[:size])) for size in range(1, len(place)))
    lost = (Lost(operations(effects), join(place), True), *above)
    rows = tuple(dict.fromkeys((deny.row, hole.row)))
    if claims.more(rows, effects, reason, lost):
        return
    paths = [p for shape in shapes_of(hole) for p in samples(shape) if hole.piece.holds(p) and deny.shape.holds(split(p))]
    cheap = (probe for path in paths for probe in file_probes(path, effects))
    if not claims.over(rows, effects, reason, cheap, lost):
        found = claims.example((*hole.piece.within, glob_of(deny.shape)), hole.piece.without)
        claims.over(rows, effects, reason, (p for path in found for p in file_probes(path, effects)), lost)


def shapes_of(hole: Hole) -> tuple[Shape, ...]:
    found = (hole.shape,) if hole.shape is not None else tuple(map(shape_of, hole.piece.within))
    return tuple(shape for shape in found if shape is not None)


def prefix_of(patterns: tuple[Pattern, ...]) -> tuple[str, ...]:
    return max((pattern.literal_prefix for pattern in patterns), key=len, default=())


def _claim_merged(claims: Claims, group: Group, effects: Effects) -> None:
    """Directories × names where the pairs were too many."""
    by_name = Effect.CREATE in effects or Effect.DELETE in effects or any(effect in KEPT for effect in effects)
    if not (by_name and name_terms(group).merged) and not path_terms(group).merged:
        return
    reason = "its directories and names are too many pairs for Tetragon's selectors, so each name is denied in each directory"
    holes = holes_of(group)
    pairs = [d for d in group.denies if d.shape.kind in (Kind.TREE, Kind.EXACT) and d.shape.base and not holes.open(d.shape.base)]
    wild = [d for d in group.denies if d.shape.is_wild]
    alike = Alike(claims, reason)
    operation = _asked_for(effects)
    every = (Lost(operations(effects), join(common([deny.shape.base[:-1] for deny in group.denies])), True),)
    for denies in (pairs, wild):
        for at, deny in enumerate(denies):
            if not claims.more((deny.row,), effects, reason, every):
                probes = (operation(path) for path in _crossed(denies, at))
                alike.claim(deny.shape.kind, deny.row, effects, probes, every, denies is pairs)


def _crossed(denies: list[Deny], at: int) -> Iterator[str]:
    """A directory of one deny with the name of another."""
    shape = denies[at].shape
    base = shape.base
    parent = base[:-1] if shape.kind in (Kind.TREE, Kind.EXACT) else base
    for step in (1, 2, 3, len(denies) // 2):
        other = denies[(at + step) % len(denies)].shape
        if other.base:
            yield join((*parent, other.base[-1]))
    yield from samples(Shape(shape.kind, base, denies[(at + 1) % len(denies)].shape.name))


def _asked_for(effects: Effects) -> Callable[[str], Probe]:
    """The operation that shows a name closed."""
    if Effect.CREATE in effects:
        return lambda path: Probe(Operation.CREATE, path)
    if Effect.DELETE in effects:
        return lambda path: Probe(Operation.UNLINK, path)
    if any(effect in KEPT for effect in effects):
        return lambda path: Probe(Operation.RENAME, path, "/tmp/q7-moved")
    first = PROBE_OF[next(effect for effect in Effect if effect in effects)][0]
    return lambda path: Probe(first, path)


def common(bases: list[tuple[str, ...]]) -> tuple[str, ...]:
    low, high = min(bases), max(bases)
    size = 0
    while size < min(len(low), len(high)) and low[size] == high[size]:
        size += 1
    return low[:size]


def _claim_nodes(claims: Claims, grouping: Grouping, group: Group, effects: Effects) -> None:
    """The names of holes in their parents, where those were too many."""
    if not name_terms(group).nodes_closed:
        return
    reason = "the exceptions have too many different names: what is in them is open, but not making or removing them"
    around: dict[tuple[str, ...], list[Deny]] = {}
    for deny in group.denies:
        around.setdefault(deny.shape.base, []).append(deny)
    ops = operations(effects)
    holes = holes_of(group)
    worked = 0
    for hole in grouping.holes:
        if hole.shape is None or hole.shape.is_wild or hole.shape not in group.holes:
            continue
        base = hole.shape.base
        above = chain.from_iterable(around.get(base[:size], ()) for size in range(len(base) + 1))
        near = [deny.row for deny in islice(above, 64) if deny.shape.holds(base)]
        rows = (*near[:4], hole.row)
        path = next(samples(hole.shape)) if hole.shape.kind is Kind.STRETCH else hole.shape.path
        lost = (Lost(ops, path),)
        if claims.more(rows, effects, reason, lost):
            continue
        probes = [Probe(op, path) for effect in (Effect.CREATE, Effect.DELETE) if effect in effects for op in PROBE_OF[effect]]
        probes += [Probe(Operation.RENAME, path, "/tmp/q7-moved"), Probe(Operation.RENAME, "/tmp/q7", path)]
        closed = near and not group.wild and not holes.dir_is_open(hole.shape.base[:-1]) and hole.shape.kind is not Kind.STRETCH
        if worked >= TRIED and closed and claims.all_fits and claims.allowing(probes[0]) is not None:
            claims.claim(rows, effects, reason, probes[0], lost)
            continue
        worked = worked + 1 if claims.over(rows, effects, reason, probes, lost) else 0


def _opened(grouping: Grouping) -> PrefixIndex[Shape]:
    """Where something is open in between: holes, and the exceptions of denies."""
    index: PrefixIndex[Shape] = PrefixIndex()
    for hole in grouping.holes:
        for shape in shapes_of(hole):
            index.add(shape.base, shape)
    for deny in grouping.denies:
        for shape in deny.without:
            index.add(shape.base, shape)
    return index


def _claim_tops(claims: Claims, group: Group, effects: Effects, opened: PrefixIndex[Shape]) -> None:
    """Directories that may hold what a pattern names cannot be renamed, whatever is in them."""
    moving = effects & MOVING
    if not moving:
        return
    reason = "a directory that may hold what its pattern names cannot be renamed: the hook does not see what is in it"
    alike = Alike(claims, reason)
    for deny in group.denies:
        shape = deny.shape
        if shape.kind is Kind.TREE or shape.kind is Kind.EXACT:
            continue
        lost = claims.carried.get(shape.base) or _carried(claims.carried, shape.base)
        if not claims.more((deny.row,), moving, reason, lost):
            alike.claim((shape.kind, not shape.base), deny.row, moving, _top_moves(shape, opened), lost)


def _carried(known: dict[tuple[str, ...], tuple[Lost, ...]], base: tuple[str, ...]) -> tuple[Lost, ...]:
    """Renames of all that is below the base, and of each directory above it."""
    if len(base) < 2:
        return (Lost(RENAMES, join(base), True),)
    above = known.get(base[:-1]) or _carried(known, base[:-1])
    known[base] = (Lost(RENAMES, join(base), True), *above[1:], Lost(RENAMES, above[0].place))
    return known[base]


def _top_moves(shape: Shape, opened: PrefixIndex[Shape]) -> Iterator[Probe]:
    base, inner = join(shape.base), join((*shape.base, "zz"))
    if shape.base:
        yield Probe(Operation.RENAME, base, f"{base}-moved", directory=True)
    yield Probe(Operation.RENAME, inner, f"{inner}-moved", directory=True)
    yield Probe(Operation.RENAME, inner, "/tmp/q7-moved", directory=True)
    yield Probe(Operation.RENAME, "/tmp/q7", inner, directory=True)
    yield Probe(Operation.RENAME, "/tmp/q7", "/tmp/q7-moved", directory=True)
    for hole in islice(opened.related(shape.base), PLACES):
        for path in samples(hole):
            yield Probe(Operation.RENAME, path, f"{path}-moved", directory=True)
            yield Probe(Operation.RENAME, path, "/tmp/q7-moved", directory=True)
