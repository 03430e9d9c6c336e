"""Findings of one lowering, each with a witness that was checked on the selectors themselves."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from avakill.backends.judge import KEPT, Probe
from avakill.backends.plan import Plan
from avakill.backends.tetragon.ask import Ask
from avakill.backends.tetragon.groups import Deny, Group, Grouping, Hole
from avakill.backends.tetragon.hooks import Crossing
from avakill.backends.tetragon.renames import has_root
from avakill.backends.tetragon.samples import example, examples, glob_of, samples
from avakill.backends.tetragon.shapes import Kind, Shape, could_meet, shape_of
from avakill.backends.tetragon.terms import holes_of, name_terms, path_terms
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, join, split
from avakill.paths.index import PrefixIndex
from avakill.source.span import Span

BUDGET = 400
"""Searches for a shortest path in one lowering."""

PROBE_OF = {
    Effect.READ: (Operation.READ, Operation.LIST),
    Effect.WRITE: (Operation.WRITE, Operation.TRUNCATE),
    Effect.ATTR: (Operation.ATTR,),
    Effect.CREATE: (Operation.CREATE, Operation.MKDIR),
    Effect.DELETE: (Operation.UNLINK, Operation.RMDIR),
    Effect.EXEC: (Operation.EXEC,),
}
MOVES = (Operation.RENAME, Operation.LINK)


@dataclass(slots=True)
class _Claim:
    witness: Witness
    effects: dict[Effect, None] = field(default_factory=dict)
    lost: dict[Lost, None] = field(default_factory=dict)


class Claims:
    def __init__(self, plan: Plan, ask: Ask, all_fits: bool = True) -> None:
        self.plan = plan
        self.ask = ask
        self.budget = BUDGET
        self.all_fits = all_fits
        self.is_big = len(plan.rows) > VERIFIED
        self.strict: dict[tuple[int, str], _Claim] = {}
        self.others: list[Finding] = []

    def findings(self) -> tuple[Finding, ...]:
        made = [
            Finding(
                row, Verdict.STRICTER, reason, frozenset(claim.effects), claim.witness, tuple(claim.lost), self._span(row)
            )
            for (row, reason), claim in self.strict.items()
        ]
        return (*self.others, *made)

    def _span(self, row: int) -> Span:
        return self.plan.row_by_index[row].span

    # -- over-denials --

    def is_over(self, probe: Probe) -> tuple[int, ...] | None:
        """The rows that f names where f allows and the selectors deny; None where they agree (or where the plan is big
        and what is below a moved directory would have to be compared with all of it)."""
        if probe.directory and self.is_big and self.ask.names_below(probe.object):
            return None
        answers = self.ask.judge(probe)
        if not all(answer.allowed for answer in answers) or not self.ask.denied(probe):
            return None
        return tuple(dict.fromkeys(answer.index for answer in answers if answer.index is not None))

    def over(
        self, rows: Iterable[int], effects: Iterable[Effect], reason: str, probes: Iterable[Probe], lost: Iterable[Lost]
    ) -> bool:
        """Claim STRICTER for `rows` and the allows that f names, if a probe shows it."""
        rows, effects, lost = tuple(rows), tuple(effects), tuple(lost)
        if all((row, reason) in self.strict for row in rows):
            self.more(rows, effects, reason, lost)
            return True
        for probe in probes:
            named = self.is_over(probe)
            if named is not None:
                self.claim(rows, effects, reason, probe, lost)
                allows = tuple(row for row in named if row not in rows)
                self.claim(allows, (), f"a deny below closes a part of it: {reason}", probe, lost)
                return True
        return False

    def claim_if_allowed(self, row: int, effects: Iterable[Effect], reason: str, probe: Probe, lost: Iterable[Lost]) -> bool:
        """Claim what is known to be denied, where f allows it."""
        if probe.directory and self.is_big and self.ask.names_below(probe.object):
            return False
        answers = self.ask.judge(probe)
        if not all(answer.allowed for answer in answers):
            return False
        lost = tuple(lost)
        self.claim((row,), effects, reason, probe, lost)
        named = dict.fromkeys(answer.index for answer in answers if answer.index is not None and answer.index != row)
        self.claim(named, (), f"a deny below closes a part of it: {reason}", probe, lost)
        return True

    def claim(self, rows: Iterable[int], effects: Iterable[Effect], reason: str, probe: Probe, lost: Iterable[Lost]) -> None:
        for row in rows:
            found = self.strict.get((row, reason))
            if found is None:
                made = Witness(probe.operation, probe.object, policy=True, target=False, to=probe.to)
                found = self.strict[(row, reason)] = _Claim(made)
            found.effects.update(dict.fromkeys(effects))
            found.lost.update(dict.fromkeys(lost))

    def more(self, rows: Iterable[int], effects: Iterable[Effect], reason: str, lost: Iterable[Lost]) -> None:
        """Another place that a claim with a witness already loses."""
        for row in rows:
            found = self.strict[row, reason]
            found.effects.update(dict.fromkeys(effects))
            found.lost.update(dict.fromkeys(lost))

    def example(self, within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> tuple[str, ...]:
        self.budget -= 1
        path = example(within, without) if self.budget >= 0 else None
        return () if path is None else (path,)


# -- what one grouping loses --


def claim_grouping(
    claims: Claims, grouping: Grouping, effects: tuple[Effect, ...], shut: set[tuple[int, Shape]]
) -> None:
    """`shut`: the denies that close their region to new names too; nothing moves or is linked in there anyway."""
    _claim_unsaid(claims, grouping, effects)
    for deny in grouping.denies:
        if not deny.shape.is_exact or deny.shape.kind is Kind.CHILD:
            _claim_wide(claims, deny, effects, grouping)
    for hole, deny in grouping.closed:
        _claim_closed(claims, hole, deny, effects)
    opened = _opened(grouping)
    for group in grouping.groups:
        _claim_merged(claims, group, effects)
        _claim_nodes(claims, grouping, group, effects)
        _claim_tops(claims, group, effects, opened)
    if any(effect in KEPT for effect in effects):
        _claim_inner_moves(claims, grouping, effects, shut)


def shut_to_names(grouping: Grouping) -> set[tuple[int, Shape]]:
    """The denies of CREATE that no hole could open a part of."""
    holes: PrefixIndex[Hole] = PrefixIndex()
    for hole in grouping.holes:
        holes.add(_prefix(hole.piece.within), hole)
    return {
        (deny.row, deny.shape)
        for deny in grouping.denies
        if not deny.piece.without and next(holes.related(deny.shape.base), None) is None
    }


def file_probes(path: str, effects: Iterable[Effect]) -> Iterable[Probe]:
    for effect in effects:
        for operation in PROBE_OF[effect]:
            yield Probe(operation, path)
    if any(effect in KEPT for effect in effects):
        yield Probe(Operation.LINK, path, "/tmp/q7-moved")
    if Effect.DELETE in effects or any(effect in KEPT for effect in effects):
        yield Probe(Operation.RENAME, path, "/tmp/q7-moved")
        yield Probe(Operation.RENAME, path, "/tmp/q7-moved", directory=True)
    if Effect.CREATE in effects:
        yield Probe(Operation.RENAME, "/tmp/q7", path)


def operations(effects: Iterable[Effect]) -> tuple[Operation, ...]:
    """What a closed place loses: renames and links wherever an effect that they ask for is denied."""
    effects = tuple(effects)
    found = dict.fromkeys(operation for effect in effects for operation in OPERATIONS_OF[effect])
    if Effect.CREATE in effects or any(effect in KEPT for effect in effects):
        found.update(dict.fromkeys(MOVES))
    if Effect.READ in effects:
        found[Operation.EXEC] = None
    return tuple(found)


def _claim_unsaid(claims: Claims, grouping: Grouping, effects: tuple[Effect, ...]) -> None:
    said = {deny.row for deny in grouping.denies}
    rows: dict[int, list[Pattern]] = {}
    for layer, piece in grouping.unsaid:
        rows.setdefault(layer.index, []).extend(piece.within[:1])
        if layer.index in said and layer.index not in {f.index for f in claims.others if f.effects == frozenset(effects)}:
            for path in claims.example(piece.within, piece.without):
                probes = (p for p in file_probes(path, effects) if not claims.ask.denied(p))
                for probe in probes:
                    if not all(answer.allowed for answer in claims.ask.judge(probe)):
                        seen = Witness(probe.operation, probe.object, policy=False, target=True, to=probe.to)
                        reason = "a part of its patterns cannot be said with `Equal`, `Prefix` and `Postfix`"
                        claims.others.append(
                            Finding(layer.index, Verdict.WEAKER, reason, frozenset(effects), seen, span=layer.span)
                        )
                        break
        elif layer.index not in said:
            rows.setdefault(layer.index, [])
    for row, patterns in rows.items():
        if row not in said or not any(f.index == row and f.effects == frozenset(effects) for f in claims.others):
            reason = f"{_why(patterns)}: `Equal`, `Prefix` and `Postfix` are all that prevents reliably"
            span = claims.plan.row_by_index[row].span
            claims.others.append(Finding(row, Verdict.UNENFORCEABLE, reason, frozenset(effects), span=span))


def _why(patterns: list[Pattern]) -> str:
    if any(not isinstance(pattern, Glob) for pattern in patterns):
        return "Tetragon cannot search a path for a text (`SubString` loads and never matches before Linux 6.17)"
    if any("\udc80" <= char <= "\udcff" for p in patterns if isinstance(p, Glob) for n in p.parts for char in str(n)):
        return "YAML cannot hold a name that is not UTF-8"
    return "Tetragon cannot say a wildcard in the middle of a path, and what it can say would deny everything around"


def _claim_wide(claims: Claims, deny: Deny, effects: tuple[Effect, ...], grouping: Grouping) -> None:
    reason = "its pattern can only be said more widely: Tetragon has `Equal`, `Prefix` and `Postfix`, which do not stop at `/`"
    lost = (Lost(operations(effects), join(deny.shape.base), True),)
    if (deny.row, reason) in claims.strict:
        claims.more((deny.row,), effects, reason, lost)
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


def _claim_closed(claims: Claims, hole: Hole, deny: Deny, effects: tuple[Effect, ...]) -> None:
    reason = "an exception stays closed: it cannot be cut out with `NotEqual`, `NotPrefix` and `NotPostfix`"
    place = max((_prefix(hole.piece.within), deny.shape.base), key=len)
    above = tuple(Lost((Operation.RENAME,), join(place[:size])) for size in range(1, len(place)))
    lost = (Lost(operations(effects), join(place), True), *above)
    rows = tuple(dict.fromkeys((deny.row, hole.row)))
    if all((row, reason) in claims.strict for row in rows):
        claims.more(rows, effects, reason, lost)
        return
    paths = [p for shape in _shapes(hole) for p in samples(shape) if hole.piece.holds(p) and deny.shape.holds(split(p))]
    cheap = (probe for path in paths for probe in file_probes(path, effects))
    if not claims.over(rows, effects, reason, cheap, lost):
        found = claims.example((*hole.piece.within, glob_of(deny.shape)), hole.piece.without)
        claims.over(rows, effects, reason, (p for path in found for p in file_probes(path, effects)), lost)


def _shapes(hole: Hole) -> tuple[Shape, ...]:
    found = (hole.shape,) if hole.shape is not None else tuple(map(shape_of, hole.piece.within))
    return tuple(shape for shape in found if shape is not None)


def _prefix(patterns: tuple[Pattern, ...]) -> tuple[str, ...]:
    return max((pattern.literal_prefix for pattern in patterns), key=len, default=())


def _claim_merged(claims: Claims, group: Group, effects: tuple[Effect, ...]) -> None:
    """Directories × names where the pairs were too many."""
    by_name = Effect.CREATE in effects or Effect.DELETE in effects or any(effect in KEPT for effect in effects)
    if not (by_name and name_terms(group).merged) and not path_terms(group).merged:
        return
    reason = "its directories and names are too many pairs for Tetragon's selectors, so each name is denied in each directory"
    common = _common([deny.shape.base[:-1] for deny in group.denies])
    holes = holes_of(group)
    pairs = [d for d in group.denies if d.shape.kind in (Kind.TREE, Kind.EXACT) and d.shape.base and not holes.open(d.shape.base)]
    wild = [d for d in group.denies if d.shape.is_wild]
    alike = _Alike()
    operation = _asked_for(effects)
    every = (Lost(operations(effects), join(common), True),)
    for denies in (pairs, wild):
        for at, deny in enumerate(denies):
            probes = (operation(path) for path in _crossed(denies, at))
            alike.claim(claims, deny.shape.kind, deny.row, effects, reason, probes, every, denies is pairs)


def claim_crossings(claims: Claims, crossings: Iterable[Crossing]) -> None:
    """Directories × names of renames, where the pairs were too many: also those above what is denied."""
    reason = "its directories and names are too many pairs for Tetragon's selectors: a rename is denied for each name in each directory"
    for crossing in crossings:
        lost = (Lost(MOVES, join(_common([path[:-1] for path in crossing.paths])), True),)
        for probe in islice(_rename_probes(crossing.paths), CROSSED):
            if claims.is_over(probe) is not None:
                claims.claim(crossing.rows, (), reason, probe, lost)
                break


CROSSED = 400
"""Renames that are tried as witnesses of merged pairs."""


def _rename_probes(paths: tuple[tuple[str, ...], ...]) -> Iterator[Probe]:
    known = set(paths)
    for step in range(1, len(paths)):
        for at, path in enumerate(paths):
            crossed = (*path[:-1], paths[(at + step) % len(paths)][-1])
            if crossed not in known:
                known.add(crossed)
                place = join(crossed)
                for directory in (True, False):
                    yield Probe(Operation.RENAME, place, f"{place}-moved", directory=directory)
                    yield Probe(Operation.RENAME, "/tmp/q7", place, directory=directory)
                yield Probe(Operation.LINK, place, "/tmp/q7-moved")


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


def _asked_for(effects: tuple[Effect, ...]) -> Callable[[str], Probe]:
    """The operation that shows a name closed."""
    if Effect.CREATE in effects:
        return lambda path: Probe(Operation.CREATE, path)
    if Effect.DELETE in effects:
        return lambda path: Probe(Operation.UNLINK, path)
    if any(effect in KEPT for effect in effects):
        return lambda path: Probe(Operation.RENAME, path, "/tmp/q7-moved")
    return lambda path: Probe(PROBE_OF[effects[0]][0], path)


def _common(bases: list[tuple[str, ...]]) -> tuple[str, ...]:
    low, high = min(bases), max(bases)
    size = 0
    while size < min(len(low), len(high)) and low[size] == high[size]:
        size += 1
    return low[:size]


def _claim_nodes(claims: Claims, grouping: Grouping, group: Group, effects: tuple[Effect, ...]) -> None:
    """The names of holes in their parents, where those were too many."""
    if not name_terms(group).nodes_closed:
        return
    reason = "the exceptions have too many different names: what is in them is open, but not making or removing them"
    around: PrefixIndex[Deny] = PrefixIndex()
    for deny in group.denies:
        around.add(deny.shape.base, deny)
    for hole in grouping.holes:
        if hole.shape is not None and not hole.shape.is_wild and hole.shape in group.holes:
            path = samples(hole.shape)[0] if hole.shape.kind is Kind.STRETCH else join(hole.shape.base)
            probes = [Probe(op, path) for effect in effects if effect in (Effect.CREATE, Effect.DELETE) for op in PROBE_OF[effect]]
            probes += [Probe(Operation.RENAME, path, "/tmp/q7-moved"), Probe(Operation.RENAME, "/tmp/q7", path)]
            near = [d.row for d in around.above(hole.shape.base) if d.shape.holds(hole.shape.base)]
            lost = (Lost(operations(effects), path),)
            claims.over((*near[:4], hole.row), effects, reason, probes, lost)


def _opened(grouping: Grouping) -> PrefixIndex[Shape]:
    """Where something is open in between: holes, and the exceptions of denies."""
    index: PrefixIndex[Shape] = PrefixIndex()
    for hole in grouping.holes:
        for shape in _shapes(hole):
            index.add(shape.base, shape)
    for deny in grouping.denies:
        for shape in deny.without:
            index.add(shape.base, shape)
    return index


def _claim_tops(claims: Claims, group: Group, effects: tuple[Effect, ...], opened: PrefixIndex[Shape]) -> None:
    """Directories that may hold what a pattern names cannot be renamed, whatever is in them."""
    moving = [effect for effect in effects if effect in (*KEPT, Effect.DELETE, Effect.CREATE)]
    if not moving:
        return
    reason = "a directory that may hold what its pattern names cannot be renamed: the hook does not see what is in it"
    alike = _Alike()
    for deny in group.denies:
        shape = deny.shape
        if shape.kind in (Kind.TREE, Kind.EXACT):
            continue
        base = join(shape.base)
        moves = _top_moves(shape, opened)
        tops = tuple(Lost((Operation.RENAME,), join(shape.base[:n])) for n in range(1, len(shape.base)))
        key = (shape.kind, not shape.base)
        alike.claim(claims, key, deny.row, moving, reason, moves, (Lost((Operation.RENAME,), base, True), *tops))


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


PLACES = 8
"""Holes in which a witness is looked for."""

VERIFIED = 64
"""Rows of a small plan."""

TRIED = 8
"""Witnesses of one make that are tried before the others, whose paths no layer touches, are taken to be as real."""


class _Alike:
    """Many denies of one group and one make: the selectors are the same ones, and f does not touch the path."""

    def __init__(self) -> None:
        self.tried: dict[tuple[object, int], int] = {}

    def claim(
        self,
        claims: Claims,
        key: object,
        row: int,
        effects: Iterable[Effect],
        reason: str,
        probes: Iterable[Probe],
        lost: Iterable[Lost],
        sure: bool = False,
    ) -> None:
        """`sure`: the selectors that deny it have no exceptions, so it does not matter what touches the path."""
        if (row, reason) in claims.strict:
            claims.more((row,), effects, reason, lost)
            return
        for at, probe in enumerate(probes):
            free = not sure and claims.ask.is_free(probe.object) and (probe.to is None or claims.ask.is_free(probe.to))
            worked = self.tried.get((key, at), 0)
            ours = sure or free or any(claims.ask.row_of(effect, probe.object) == row for effect in KEPT)
            if ours and worked >= TRIED and claims.all_fits and claims.claim_if_allowed(row, effects, reason, probe, lost):
                return
            if claims.over((row,), effects, reason, (probe,), lost):
                self.tried[key, at] = worked + ours
                return
            self.tried[key, at] = 0


def _claim_inner_moves(
    claims: Claims, grouping: Grouping, effects: tuple[Effect, ...], shut: set[tuple[int, Shape]]
) -> None:
    """A rename or a link inside what is closed gains nothing, but the hook would have to compare two places."""
    if Effect.CREATE in effects:
        return
    mine = [effect for effect in effects if effect in KEPT]
    reason = "renames and new links of what it denies are refused also where they gain nothing"
    last: Deny | None = None
    alike = _Alike()
    rooted = has_root(grouping)
    for deny in grouping.denies:
        if (deny.row, deny.shape) in shut:
            continue
        more = examples(last.piece, last.shape)[:1] if last is not None and last.row == deny.row else ()
        last = deny
        lost = (Lost(MOVES, join(deny.shape.base), True),)
        probes = _inner_moves(deny, more)
        if rooted:
            claims.over((deny.row,), mine, reason, probes, lost)
        else:
            alike.claim(claims, id(grouping), deny.row, mine, reason, probes, lost)


def _inner_moves(deny: Deny, more: tuple[str, ...]) -> Iterator[Probe]:
    paths = examples(deny.piece, deny.shape)
    one = paths[0] if paths else join(deny.shape.base)
    goals = (*paths[1:], f"{one}-moved", *more, join((*split(one)[:-1], "zz", split(one)[-1])) if one != "/" else "/q7")
    for goal in goals:
        if goal != one:
            for operation in MOVES:
                yield Probe(operation, one, goal)


def claim_moves_in_holes(claims: Claims, groupings: Mapping[Effect, Grouping]) -> None:
    """Where names may come and go but reading stays denied, a rename that gains nothing is refused too."""
    reason = "renames and new links of what it denies are refused also where they gain nothing"
    few = all(len(groupings[e].denies) <= VERIFIED for e in KEPT)
    tops = [d.shape.base[:-1] for e in KEPT for d in groupings[e].denies[:8] if len(d.shape.base) > 1 and few]
    seen: set[Shape] = set()
    for effect in (Effect.DELETE, Effect.CREATE):
        for hole in groupings[effect].holes:
            for shape in _shapes(hole):
                if shape in seen or len(seen) > VERIFIED:
                    continue
                seen.add(shape)
                place = samples(shape)[0]
                probes = [Probe(op, place, f"{place}-moved", directory=d) for op in MOVES for d in (False, True)]
                probes += [Probe(Operation.RENAME, join(top), f"{place}-new", directory=True) for top in tops]
                for probe in probes:
                    named = claims.is_over(probe)
                    if named is not None:
                        blame = [r for e in KEPT for r in _denying(claims, e, probe.object, groupings[e])]
                        lost = (Lost(MOVES, join(shape.base), True), Lost(MOVES, probe.object, True))
                        claims.claim((*blame, *named), (), reason, probe, lost)


def _denying(claims: Claims, effect: Effect, path: str, grouping: Grouping) -> list[int]:
    """The row that denies the effect there, or whose denied tree is below."""
    answers = claims.ask.judge(Probe(PROBE_OF[effect][0], path))
    here = [answer.index for answer in answers if answer.index is not None and not answer.allowed]
    if here or claims.is_big:
        return here
    names = split(path)
    return [deny.row for deny in grouping.denies if deny.shape.base[: len(names)] == names][:4]


# -- what reading costs programs --


def claim_programs(claims: Claims, groupings: Mapping[Effect, Grouping]) -> None:
    """A program is opened for reading when it is run: a READ deny stops its EXEC too (facts §3)."""
    reads, runs = groupings[Effect.READ], groupings[Effect.EXEC]
    if reads is runs:
        return
    reason = "a program is opened for reading when it starts: what cannot be read cannot be run either"
    for deny in reads.denies:
        lost = (Lost((Operation.EXEC,), join(deny.shape.base), True),)
        if (deny.row, reason) in claims.strict:
            claims.more((deny.row,), (Effect.READ,), reason, lost)
            continue
        paths = samples(deny.shape) if deny.shape.is_exact else (*samples(deny.shape), *examples(deny.piece, deny.shape))
        for path in paths:
            if claims.all_fits and claims.ask.row_of(Effect.READ, path) == deny.row:
                allowed, row = claims.ask.layers.answer(Effect.EXEC, path)
                if allowed:
                    probe = Probe(Operation.EXEC, path)
                    claims.claim((deny.row,), (Effect.READ,), reason, probe, lost)
                    claims.claim(() if row is None else (row,), (), f"a deny below closes a part of it: {reason}", probe, lost)
                    break
        else:
            claims.over((deny.row,), (Effect.READ,), reason, (Probe(Operation.EXEC, path) for path in paths), lost)
    for hole in (*runs.holes, *reads.holes):
        shapes = _shapes(hole)
        for path in (path for shape in shapes for path in samples(shape)):
            probe = Probe(Operation.EXEC, path)
            named = claims.is_over(probe)
            if named is None:
                continue
            blame = [a.index for a in claims.ask.judge(Probe(Operation.READ, path)) if a.index is not None and not a.allowed]
            lost = (Lost((Operation.EXEC,), join(shapes[0].base), True),)
            claims.claim((*blame, *named), (Effect.READ,), reason, probe, lost)
            break


