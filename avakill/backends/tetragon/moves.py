"""What renames, links and programs lose where the hooks see less than f asks."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice

from avakill.backends.judge import KEPT, Probe
from avakill.backends.tetragon.claims import MOVES, NONE, PROBE_OF, VERIFIED, Alike, Claims
from avakill.backends.tetragon.groups import Deny, Grouping, Hole
from avakill.backends.tetragon.hooks import Crossing
from avakill.backends.tetragon.losses import common, prefix_of, shapes_of
from avakill.backends.tetragon.renames import has_root
from avakill.backends.tetragon.samples import examples, samples
from avakill.backends.tetragon.shapes import Shape
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Lost
from avakill.paths.glob import join, split
from avakill.paths.index import PrefixIndex

READ = frozenset({Effect.READ})
RUNS = (Operation.EXEC,)


def _shut_to_names(grouping: Grouping) -> set[int]:
    """The denies of CREATE that no hole could open a part of, by identity: other effects have the same ones."""
    holes: PrefixIndex[Hole] = PrefixIndex()
    for hole in grouping.holes:
        holes.add(prefix_of(hole.piece.within), hole)
    return {
        id(deny)
        for deny in grouping.denies
        if not deny.piece.without and next(holes.related(deny.shape.base), None) is None
    }


def claim_crossings(claims: Claims, crossings: Iterable[Crossing]) -> None:
    """Directories × names of renames, where the pairs were too many: also those above what is denied."""
    reason = "its directories and names are too many pairs for Tetragon's selectors: a rename is denied for each name in each directory"
    for crossing in crossings:
        lost = (Lost(MOVES, join(common([path[:-1] for path in crossing.paths])), True),)
        for probe in islice(_rename_probes(crossing.paths), CROSSED):
            if claims.is_over(probe) is not None:
                claims.claim(crossing.rows, NONE, reason, probe, lost)
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


def claim_inner_moves(claims: Claims, groupings: Mapping[Effect, Grouping]) -> None:
    """A rename or a link inside what is closed gains nothing, but the hook would have to compare two places."""
    reason = "renames and new links of what it denies are refused also where they gain nothing"
    creates = groupings[Effect.CREATE]
    shut = _shut_to_names(creates)
    for grouping in {id(groupings[e]): groupings[e] for e in KEPT}.values():
        if grouping is creates:
            continue
        mine = frozenset(effect for effect in KEPT if groupings[effect] is grouping)
        alike = Alike(claims, reason)
        rooted = has_root(grouping)
        last: Deny | None = None
        for deny in grouping.denies:
            if id(deny) in shut:
                continue
            before, last = last, deny
            lost = (Lost(MOVES, deny.shape.path, True),)
            if claims.more((deny.row,), mine, reason, lost):
                continue
            probes = _inner_moves(deny, before if before is not None and before.row == deny.row else None)
            if rooted:
                claims.over((deny.row,), mine, reason, probes, lost)
            else:
                alike.claim(None, deny.row, mine, probes, lost)


def _inner_moves(deny: Deny, before: Deny | None) -> Iterator[Probe]:
    paths = examples(deny.piece, deny.shape)
    one = next(paths, deny.shape.path)
    for goal in chain(paths, _goals(one, before)):
        if goal != one:
            for operation in MOVES:
                yield Probe(operation, one, goal)


def _goals(one: str, before: Deny | None) -> Iterator[str]:
    yield f"{one}-moved"
    if before is not None:
        yield from islice(examples(before.piece, before.shape), 1)
    yield join((*split(one)[:-1], "zz", split(one)[-1])) if one != "/" else "/q7"


def claim_moves_in_holes(claims: Claims, groupings: Mapping[Effect, Grouping]) -> None:
    """Where names may come and go but reading stays denied, a rename that gains nothing is refused too."""
    reason = "renames and new links of what it denies are refused also where they gain nothing"
    few = all(len(groupings[e].denies) <= VERIFIED for e in KEPT)
    tops = [d.shape.base[:-1] for e in KEPT for d in groupings[e].denies[:8] if len(d.shape.base) > 1 and few]
    seen: set[Shape] = set()
    for effect in (Effect.DELETE, Effect.CREATE):
        for hole in groupings[effect].holes:
            for shape in shapes_of(hole):
                if shape in seen or len(seen) > VERIFIED:
                    continue
                seen.add(shape)
                place = next(samples(shape))
                probes = [Probe(op, place, f"{place}-moved", directory=d) for op in MOVES for d in (False, True)]
                probes += [Probe(Operation.RENAME, join(top), f"{place}-new", directory=True) for top in tops]
                for probe in probes:
                    named = claims.is_over(probe)
                    if named is not None:
                        blame = [r for e in KEPT for r in _denying(claims, e, probe.object, groupings[e])]
                        lost = (Lost(MOVES, join(shape.base), True), Lost(MOVES, probe.object, True))
                        claims.claim((*blame, *named), NONE, reason, probe, lost)


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
    layers = claims.ask.layers
    for deny in reads.denies:
        lost = (Lost(RUNS, deny.shape.path, True),)
        if claims.more((deny.row,), READ, reason, lost):
            continue
        for path in _run_paths(deny):
            if claims.all_fits and layers.answer(Effect.READ, path) == (False, deny.row):
                allowed, row = layers.answer(Effect.EXEC, path)
                if allowed:
                    allows = () if row is None else (row,)
                    claims.claim_with((deny.row,), READ, reason, Probe(Operation.EXEC, path), lost, allows)
                    break
        else:
            claims.over((deny.row,), READ, reason, (Probe(Operation.EXEC, path) for path in _run_paths(deny)), lost)
    for hole in (*runs.holes, *reads.holes):
        shapes = shapes_of(hole)
        for path in (path for shape in shapes for path in samples(shape)):
            probe = Probe(Operation.EXEC, path)
            named = claims.is_over(probe)
            if named is None:
                continue
            blame = [a.index for a in claims.ask.judge(Probe(Operation.READ, path)) if a.index is not None and not a.allowed]
            lost = (Lost(RUNS, shapes[0].path, True),)
            claims.claim((*blame, *named), READ, reason, probe, lost)
            break


def _run_paths(deny: Deny) -> Iterator[str]:
    yield from samples(deny.shape)
    if not deny.shape.is_exact:
        yield from examples(deny.piece, deny.shape)
