"""Renames and hard links: `No gain` (semantics §2) in terms of two directories and two names."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from avakill.backends.judge import KEPT
from avakill.backends.tetragon import hooks
from avakill.backends.tetragon.groups import Deny, Group, Grouping, Room, beyond, merge
from avakill.backends.tetragon.holes import Names, holes_of, unite
from avakill.backends.tetragon.hooks import Crossing, Draft, bind, mask
from avakill.backends.tetragon.model import Arg, Test
from avakill.backends.tetragon.shapes import Kind, Shape
from avakill.backends.tetragon.terms import Pair, Part, Term, name_terms, pair_terms, path_terms
from avakill.ir.effect import Effect
from avakill.ir.region import Piece
from avakill.paths.glob import join
from avakill.source.span import NOWHERE, Span

Groupings = Mapping[Effect, Grouping]
RENAME = "path_rename"


@dataclass(frozen=True, slots=True)
class Moves:
    """The groups that renames and links ask about, of all effects together.

    `kept` must not be gained, `going` are names that may not go and `creates` those that may not come. `replaced` are names
    that may only not go, `swapped` those that nothing else asks about when they are the new name of an exchange, `swapped_in`
    the same for the old name, `carried` what only a directory could carry away.
    """

    rooted: list[tuple[Grouping, frozenset[Effect]]]
    kept: list[Group]
    going: list[Group]
    creates: list[Group]
    deletes: list[Group]
    replaced: list[Group]
    swapped: list[Group]
    swapped_in: list[Group]
    carried: list[Group]
    going_tops: Tops
    creates_tops: Tops


def moves_of(groupings: Groupings) -> Moves:
    deletes, creates = groupings[Effect.DELETE].groups, groupings[Effect.CREATE].groups
    distinct = [*_distinct(groupings, KEPT)]
    plain = [group for grouping in distinct if not has_root(grouping) for group in grouping.groups]
    kept = merge(plain)
    going = merge((*deletes, *plain))
    return Moves(
        rooted=[(grouping, _effects(groupings, grouping)) for grouping in distinct if has_root(grouping)],
        kept=kept,
        going=going,
        creates=creates,
        deletes=merge(deletes),
        replaced=beyond(deletes, creates),
        swapped=beyond(beyond(kept, creates), deletes),
        swapped_in=beyond(creates, going),
        carried=beyond(kept, deletes),
        going_tops=tops_above(going),
        creates_tops=tops_above(creates),
    )


def add_moves(moves: Moves, draft: Draft) -> None:
    """Every selector of `path_rename` and `path_link`."""
    for grouping, effects in moves.rooted:
        _add_rooted(grouping, effects, draft)
    for group in (*moves.kept, *moves.going):
        if path_terms(group).merged or name_terms(group).merged:
            _note_pairs(group, draft)
    _add_old(moves.going, moves.going_tops, draft)
    _add_new(moves, draft)
    _add_exchanges(moves.swapped, moves.swapped_in, draft)
    for group in moves.deletes:
        for term in inside_terms(group):
            draft.add(RENAME, (*bind(term, OLD), _is_directory(OLD)), DELETE, group.told)
            draft.add(RENAME, (*bind(term, NEW), _is_directory(NEW), EXCHANGE), DELETE, group.told)
    for group in moves.carried:
        _add_directories(group, frozenset(KEPT), draft, OLD, NEW, ())
        _add_directories(group, frozenset(KEPT), draft, NEW, OLD, (EXCHANGE,))
    for group in moves.kept:
        for term in path_terms(group).terms:
            draft.add("path_link", bind(term, hooks.LINK_OLD), frozenset(KEPT), group.told)


def _note_pairs(group: Group, draft: Draft) -> None:
    """Pairs that no effect of its own had to merge, but all together had."""
    draft.crossings[Crossing(group.told, tuple([d.shape.base for d in group.denies if d.shape.base]))] = None


def _distinct(groupings: Groupings, effects: tuple[Effect, ...]) -> Iterator[Grouping]:
    seen: set[int] = set()
    for effect in effects:
        if id(groupings[effect]) not in seen and groupings[effect].groups:
            seen.add(id(groupings[effect]))
            yield groupings[effect]


def _effects(groupings: Groupings, grouping: Grouping) -> frozenset[Effect]:
    return frozenset(effect for effect in KEPT if groupings[effect] is grouping)


DELETE, CREATE = frozenset({Effect.DELETE}), frozenset({Effect.CREATE})
GOING = frozenset({Effect.DELETE, *KEPT})
OLD, NEW = hooks.RENAME_OLD, hooks.RENAME_NEW
EXCHANGE = mask(hooks.FLAGS, hooks.EXCHANGE_BIT)


def _is_directory(side: Mapping[str, Arg]) -> Test:
    return mask(side["type"], hooks.DIRECTORY_BIT)


# -- the name that goes, the name that comes, both at once --


def _add_old(going: list[Group], tops: Tops, draft: Draft) -> None:
    for group in going:
        for term in name_terms(group).terms:
            draft.add(RENAME, bind(term, OLD), GOING, group.told)
    for term in top_terms(tops, draft):
        draft.add(RENAME, bind(term, OLD), GOING, tops.rows)
        draft.add(RENAME, (*bind(term, NEW), EXCHANGE), GOING, tops.rows)


def _add_new(moves: Moves, draft: Draft) -> None:
    for group in moves.creates:
        for term in name_terms(group).terms:
            draft.add(RENAME, bind(term, NEW), CREATE, group.told)
            draft.add("path_link", bind(term, hooks.LINK_NEW), CREATE, group.told)
        for term in inside_terms(group):
            draft.add(RENAME, (*bind(term, NEW), _is_directory(OLD)), CREATE, group.told)
    for term in top_terms(moves.creates_tops, draft):
        draft.add(RENAME, (*bind(term, NEW), _is_directory(OLD)), CREATE, moves.creates_tops.rows)
    exists = mask(NEW["type"], hooks.ANY_TYPE_BITS)
    for group in moves.replaced:
        for term in name_terms(group).terms:
            draft.add(RENAME, (*bind(term, NEW), exists), DELETE, group.told)


def _add_exchanges(kept: list[Group], creates: list[Group], draft: Draft) -> None:
    """An exchange moves the new name's object to the old name; the hook is asked once, with its flag (since 5.19)."""
    for group in kept:
        for term in name_terms(group).terms:
            draft.add(RENAME, (*bind(term, NEW), EXCHANGE), frozenset(KEPT), group.told)
    for group in creates:
        for term in name_terms(group).terms:
            draft.add(RENAME, (*bind(term, OLD), EXCHANGE), CREATE, group.told)


def _rows(groups: Iterable[Group]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(row for group in groups for row in group.rows))


# -- where all is denied but for holes: an object gains only where it comes into a hole --


def _add_rooted(grouping: Grouping, effects: frozenset[Effect], draft: Draft) -> None:
    goals = opened(grouping)
    for here, there, flags in ((OLD, NEW, ()), (NEW, OLD, (EXCHANGE,))):
        for group in grouping.groups:
            for term in (*name_terms(group).terms, *top_terms(tops_above([group]), draft)):
                for goal in goals:
                    draft.add(RENAME, (*bind(goal, there), *bind(term, here), *flags), effects, group.told)
            _add_directories(group, effects, draft, here, there, flags)
        above = [(hole.shape, NOWHERE) for hole in grouping.holes if hole.shape is not None]
        tops = tops_of(above, grouping.room, _rows(grouping.groups))
        for term in top_terms(tops, draft):
            draft.add(RENAME, (*bind(term, there), _is_directory(here), *flags), effects, tops.rows)
    for group in grouping.groups:
        for term in path_terms(group).terms:
            for goal in goals:
                draft.add("path_link", (*bind(goal, hooks.LINK_NEW), *bind(term, hooks.LINK_OLD)), effects, group.told)


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
            draft.add(RENAME, (_is_directory(here), *flags), effects, group.told)
        return
    outside: tuple[Test, ...] = ()
    if len(bases) == 1 and not group.holes and not group.wild:
        trees = unite((f"{join(base)}/", span) for base, span in bases.items())
        roots = unite((join(base), span) for base, span in bases.items())
        outside = bind((Part("dir", "NotPrefix", trees), Part("dir", "NotEqual", roots)), there)
    for term in inside_terms(group):
        draft.add(RENAME, (*bind(term, here), _is_directory(here), *outside, *flags), effects, group.told)


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
    if any(deny.piece.without for deny in grouping.denies) or any(hole.shape is None for hole in grouping.holes):
        return [()]  # f opens more than the selectors say
    return name_terms(holes).terms


def inside_terms(group: Group) -> list[Term]:
    """All that is below the base of a name pattern, without the group's plain holes."""
    inside = group.made.get("inside")
    if not isinstance(inside, Group):
        inside = group.made["inside"] = _inside(group)
    return name_terms(inside).terms if inside.denies else []


def _inside(group: Group) -> Group:
    shapes = {Shape(Kind.STRETCH, d.shape.base): d for d in group.denies if d.shape.kind is Kind.NAMED}
    denies = [Deny(d.order, d.row, d.span, shape, d.piece) for shape, d in shapes.items()]
    return Group(denies, group.holes, open={} if group.wild else group.open, room=group.room)


@dataclass(frozen=True, slots=True)
class Tops:
    """Directories whose rename would move what is denied by `rows`."""

    paths: tuple[Names, ...]
    pairs: list[Pair]
    room: Room
    rows: tuple[int, ...]


def tops_above(groups: list[Group]) -> Tops:
    live: list[tuple[Shape, Span]] = []
    for group in groups:
        holes = holes_of(group)
        live += [(deny.shape, deny.span) for deny in group.denies if not holes.covers(deny.shape.base)]
    return tops_of(live, groups[0].room if groups else Room(), _rows(groups))


def tops_of(shapes: Iterable[tuple[Shape, Span]], room: Room, rows: tuple[int, ...]) -> Tops:
    found: dict[Names, Span] = {}
    for shape, span in shapes:
        names = shape.base[:-1] if shape.kind is Kind.TREE or shape.kind is Kind.EXACT else shape.base
        while names and names not in found:
            found[names] = span
            names = names[:-1]
    return Tops(tuple(found), [(join(path[:-1]), path[-1], span) for path, span in found.items()], room, rows)


def top_terms(tops: Tops, draft: Draft) -> list[Term]:
    terms, merged = pair_terms(tops.pairs, tops.room.pairs)
    if merged:
        draft.crossings[Crossing(tops.rows, tops.paths)] = None
    return terms
