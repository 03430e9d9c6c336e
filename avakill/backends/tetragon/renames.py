"""Renames and hard links: `No gain` (semantics §2) in terms of two directories and two names."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from avakill.backends.judge import KEPT
from avakill.backends.tetragon import hooks
from avakill.backends.tetragon.groups import Deny, Group, Grouping
from avakill.backends.tetragon.hooks import Draft, bind, mask
from avakill.backends.tetragon.model import Arg, Test
from avakill.backends.tetragon.shapes import Kind, Shape
from avakill.backends.tetragon.terms import Holes, Names, Part, Term, child, name_terms, pair_terms, path_terms, unite
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.glob import join
from avakill.source.span import NOWHERE, Span

Groupings = Mapping[Effect, Grouping]
RENAME = "path_rename"


def add_moves(groupings: Groupings, draft: Draft) -> None:
    """Every selector of `path_rename` and `path_link`."""
    kept = [effect for effect in KEPT if groupings[effect].groups]
    shut: dict[int, None] = {}
    for grouping in _distinct(groupings, (Effect.DELETE,)):
        _add_deletes(grouping, draft, grouping is groupings[Effect.CREATE])
        shut[id(grouping)] = None
    for grouping in _distinct(groupings, (Effect.CREATE,)):
        _add_creates(grouping, draft, id(grouping) in shut)
    for grouping in _distinct(groupings, tuple(kept)):
        effects = frozenset(effect for effect in kept if groupings[effect] is grouping)
        if id(grouping) not in shut:
            _add_kept(grouping, effects, draft)
        _add_links(grouping, effects, draft)


def _distinct(groupings: Groupings, effects: tuple[Effect, ...]) -> Iterator[Grouping]:
    seen: set[int] = set()
    for effect in effects:
        if id(groupings[effect]) not in seen and groupings[effect].groups:
            seen.add(id(groupings[effect]))
            yield groupings[effect]


# -- the name that goes, the name that comes --

DELETE, CREATE = frozenset({Effect.DELETE}), frozenset({Effect.CREATE})
OLD, NEW = hooks.RENAME_OLD, hooks.RENAME_NEW
EXCHANGE = mask(hooks.FLAGS, hooks.EXCHANGE_BIT)


def _is_directory(side: Mapping[str, Arg]) -> Test:
    return mask(side["type"], hooks.DIRECTORY_BIT)


def _add_deletes(grouping: Grouping, draft: Draft, also_creates: bool) -> None:
    for group in grouping.groups:
        for term in name_terms(group).terms:
            draft.add(RENAME, bind(term, OLD), DELETE, group.rows)
            if not also_creates:
                exists = mask(NEW["type"], hooks.ANY_TYPE_BITS)
                draft.add(RENAME, (*bind(term, NEW), exists), DELETE, group.rows)
        for term in inside_terms(group):
            draft.add(RENAME, (*bind(term, OLD), _is_directory(OLD)), DELETE, group.rows)
            draft.add(RENAME, (*bind(term, NEW), _is_directory(NEW), EXCHANGE), DELETE, group.rows)
        for term in top_terms(group):
            draft.add(RENAME, bind(term, OLD), DELETE, group.rows)
            draft.add(RENAME, (*bind(term, NEW), EXCHANGE), DELETE, group.rows)


def _add_creates(grouping: Grouping, draft: Draft, also_deletes: bool) -> None:
    for group in grouping.groups:
        for term in name_terms(group).terms:
            draft.add(RENAME, bind(term, NEW), CREATE, group.rows)
            draft.add("path_link", bind(term, hooks.LINK_NEW), CREATE, group.rows)
            if not also_deletes:
                draft.add(RENAME, (*bind(term, OLD), EXCHANGE), CREATE, group.rows)
        for term in inside_terms(group):
            draft.add(RENAME, (*bind(term, NEW), _is_directory(OLD)), CREATE, group.rows)
        for term in top_terms(group):
            draft.add(RENAME, (*bind(term, NEW), _is_directory(OLD)), CREATE, group.rows)


# -- what the object must not gain --


def _add_kept(grouping: Grouping, effects: frozenset[Effect], draft: Draft) -> None:
    goals = opened(grouping)
    for here, there, flags in ((OLD, NEW, ()), (NEW, OLD, (EXCHANGE,))):
        for group in grouping.groups:
            for term in name_terms(group).terms:
                for goal in goals:
                    draft.add(RENAME, (*bind(goal, there), *bind(term, here), *flags), effects, group.rows)
            for term in top_terms(group):
                for goal in goals:
                    draft.add(RENAME, (*bind(goal, there), *bind(term, here), *flags), effects, group.rows)
            _add_directories(group, effects, draft, here, there, flags)
        if has_root(grouping):
            rows = tuple(dict.fromkeys(row for group in grouping.groups for row in group.rows))
            for term in tops_of(hole.shape for hole in grouping.holes if hole.shape is not None):
                draft.add(RENAME, (*bind(term, there), _is_directory(here), *flags), effects, rows)


def _add_directories(
    group: Group,
    effects: frozenset[Effect],
    draft: Draft,
    here: Mapping[str, Arg],
    there: Mapping[str, Arg],
    flags: tuple[Test, ...],
) -> None:
    """A directory takes what it holds along: names anywhere below a base may leave the base, or come to a hole."""
    bases = {deny.shape.base: deny.span for deny in group.denies if deny.shape.kind is Kind.NAMED}
    if () in bases:
        if group.holes or group.wild:
            draft.add(RENAME, (_is_directory(here), *flags), effects, group.rows)
        return
    outside: tuple[Test, ...] = ()
    if len(bases) == 1 and not group.holes and not group.wild:
        trees = unite((child(base), span) for base, span in bases.items())
        roots = unite((join(base), span) for base, span in bases.items())
        outside = bind((Part("dir", "NotPrefix", trees), Part("dir", "NotEqual", roots)), there)
    for term in inside_terms(group, _only_named(group)):
        draft.add(RENAME, (*bind(term, here), _is_directory(here), *outside, *flags), effects, group.rows)


def _only_named(group: Group) -> tuple[Deny, ...]:
    return tuple(deny for deny in group.denies if deny.shape.kind is Kind.NAMED)


def has_root(grouping: Grouping) -> bool:
    return any(deny.shape.is_root for deny in grouping.denies)


def opened(grouping: Grouping) -> list[Term]:
    """Where an object could come out open: anywhere, or only in a hole where all else is denied."""
    if not has_root(grouping):
        return [()]
    shapes = dict.fromkeys(hole.shape for hole in grouping.holes if hole.shape is not None)
    holes = Group([Deny(0, 0, NOWHERE, shape, Piece()) for shape in shapes])
    for deny in grouping.denies:
        holes.denies.extend(Deny(0, 0, NOWHERE, shape, Piece()) for shape in deny.without)
    if any(deny.piece.without for deny in grouping.denies):
        return [()]
    return name_terms(holes).terms


def inside_terms(group: Group, denies: tuple[Deny, ...] | None = None) -> list[Term]:
    """All that is below the base of a name pattern, without the group's plain holes."""
    chosen = tuple(d for d in group.denies if d.shape.kind is Kind.NAMED) if denies is None else denies
    shapes = {Shape(Kind.STRETCH, deny.shape.base): deny for deny in chosen}
    if not shapes:
        return []
    within = Group([Deny(d.order, d.row, d.span, shape, d.piece) for shape, d in shapes.items()], group.holes)
    return name_terms(within).terms


def top_terms(group: Group) -> list[Term]:
    """The directories whose rename would move what the group denies."""
    holes = Holes(group)
    live = (deny.shape for deny in group.denies if not holes.covers(deny.shape.base))
    return tops_of(live, {deny.shape.base: deny.span for deny in group.denies})


def tops_of(shapes: Iterable[Shape], spans: Mapping[Names, Span] | None = None) -> list[Term]:
    found: dict[Names, Span] = {}
    for shape in shapes:
        names = shape.base if shape.kind in (Kind.STRETCH, Kind.NAMED, Kind.CHILD) else shape.base[:-1]
        span = (spans or {}).get(shape.base, NOWHERE)
        while names and names not in found:
            found[names] = span
            names = names[:-1]
    return pair_terms(found)[0]


# -- hard links --


def _add_links(grouping: Grouping, effects: frozenset[Effect], draft: Draft) -> None:
    goals = opened(grouping)
    for group in grouping.groups:
        for term in path_terms(group).terms:
            for goal in goals:
                tests = (*bind(goal, hooks.LINK_NEW), *bind(term, hooks.LINK_OLD))
                draft.add("path_link", tests, effects, group.rows)
