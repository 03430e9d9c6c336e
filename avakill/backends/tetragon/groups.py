"""Ordered layers to groups: denied shapes with the holes that may be cut out of all of them at once.

Tetragon's selectors are united, so a group is a set of denies minus a set of holes. A hole belongs to the denies *below*
it in the policy only: a deny above a hole that it meets goes to the next level, so that the hole cannot open it.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from avakill.backends.plan import DEFAULT, FLOOR, SELF_PROTECTION, Layer
from avakill.backends.tetragon.levels import OVERFLOW, Index, Work, find_levels
from avakill.backends.tetragon.shapes import Kind, Shape, could_meet, is_below, shape_of
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern, covers, disjoint
from avakill.paths.glob import Glob
from avakill.paths.index import PrefixIndex
from avakill.source.span import Span

ROOT = Shape(Kind.TREE, ())


# Named tuples, not frozen dataclasses: every rule makes some.
class Deny(NamedTuple):
    """One piece of a denying layer as a shape. `without` are the exceptions of the piece itself."""

    order: int
    row: int
    span: Span
    shape: Shape
    piece: Piece[Pattern]
    without: tuple[Shape, ...] = ()

    @property
    def is_hole(self) -> bool:
        return False


class Hole(NamedTuple):
    """One piece of an allowing layer. `shape` is None where it cannot be cut out: it stays closed."""

    order: int
    row: int
    shape: Shape | None
    piece: Piece[Pattern]

    @property
    def is_hole(self) -> bool:
        return True


@dataclass(slots=True)
class Room:
    """How many selectors may be spent on pairs of directory and name before they are merged: for all groups of a lowering,
    and it only shrinks, so what was told with less stays as it is."""

    pairs: int = 12


Open = dict[str, object]
"""What is worked out of holes alone, for all groups that have the same ones."""


@dataclass(slots=True)
class Group:
    """Denies that share their holes. `wild` are name holes that hold in all of the group's region; `made` keeps its terms."""

    denies: list[Deny] = field(default_factory=list)
    holes: dict[Shape, None] = field(default_factory=dict)
    wild: tuple[Shape, ...] = ()
    rows: dict[int, None] = field(default_factory=dict)
    made: dict[str, object] = field(default_factory=dict)
    open: Open = field(default_factory=dict)
    room: Room = field(default_factory=Room)

    @property
    def told(self) -> tuple[int, ...]:
        """The rows, as all selectors of the group share them."""
        known = self.made.get("rows")
        if not isinstance(known, tuple):
            known = self.made["rows"] = tuple(self.rows)
        return known


@dataclass(slots=True)
class Grouping:
    """`unsaid`: pieces of denies that no shape holds; `closed`: holes that stay closed, each with a deny that closes it."""

    groups: list[Group] = field(default_factory=list)
    unsaid: list[tuple[Layer, Piece[Pattern]]] = field(default_factory=list)
    closed: list[tuple[Hole, Deny]] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    denies: list[Deny] = field(default_factory=list)
    room: Room = field(default_factory=Room)


def group(layers: Iterable[Layer], shared: Shared) -> Grouping:
    """The groups of one effect's layers."""
    result = Grouping(room=shared.room)
    items = _items(layers, result, shared)
    work = Work(50_000 + 20 * len(items))
    _fill(items, find_levels(items, work), result, work)
    for one in result.groups:
        one.open = shared.opens.setdefault((tuple(one.holes), one.wild), one.open)
    return result


def _items(layers: Iterable[Layer], result: Grouping, shared: Shared) -> list[Deny | Hole]:
    items: list[Deny | Hole] = []
    for layer in layers:
        key = (layer.index, id(layer.region))
        read = shared.readings.get(key)
        if read is None:
            read = shared.readings[key] = _read(layer)
        if read.holes:
            items += read.holes
            result.holes += read.holes
            continue
        items += read.denies
        result.denies += read.denies
        if read.unsaid or read.closed:
            result.unsaid += read.unsaid
            result.closed += read.closed
    return items


class Reading(NamedTuple):
    """What became of one layer."""

    denies: tuple[Deny, ...] = ()
    holes: tuple[Hole, ...] = ()
    unsaid: tuple[tuple[Layer, Piece[Pattern]], ...] = ()
    closed: tuple[tuple[Hole, Deny], ...] = ()


@dataclass(slots=True)
class Shared:
    """What the groupings of one lowering have in common: layers and holes of several effects are mostly the same."""

    room: Room = field(default_factory=Room)
    readings: dict[tuple[int, int], Reading] = field(default_factory=dict)
    opens: dict[tuple[tuple[Shape, ...], tuple[Shape, ...]], Open] = field(default_factory=dict)


_ORDER = {SELF_PROTECTION: -2, FLOOR: -1, DEFAULT: 1 << 30}


def _read(layer: Layer) -> Reading:
    order = _ORDER.get(layer.index, layer.index)
    if not layer.denies:
        pieces = [part for piece in layer.region.pieces for part in _sayable_parts(piece)]
        return Reading(holes=tuple([Hole(order, layer.index, _hole_shape(piece), piece) for piece in pieces]))
    denies: list[Deny] = []
    unsaid: list[tuple[Layer, Piece[Pattern]]] = []
    closed: list[tuple[Hole, Deny]] = []
    for piece in layer.region.pieces:
        shape = _narrowest(piece)
        if isinstance(shape, Shape):
            deny = Deny(order, layer.index, layer.span, shape, piece)
            denies.append(_cut(deny, closed) if piece.without else deny)
        elif shape is None:
            unsaid.append((layer, piece))
    return Reading(tuple(denies), (), tuple(unsaid), tuple(closed))


def _sayable_parts(piece: Piece[Pattern]) -> tuple[Piece[Pattern], ...]:
    """A name at any depth and all below it: the name itself can be cut out, what is below it can not."""
    only = piece.within[0] if len(piece.within) == 1 and not piece.without else None
    if not isinstance(only, Glob) or not only.below or only.is_literal or only.is_everything:
        return (piece,)
    named = Glob(only.parts, fold=only.fold)
    shape = shape_of(named)
    if shape is None or shape.kind is not Kind.NAMED or not is_cuttable(shape):
        return (piece,)
    return (Piece((named,)), Piece((only,), (named,)))


def _cut(deny: Deny, closed: list[tuple[Hole, Deny]]) -> Deny:
    """The deny with the exceptions of its own piece that can be cut out."""
    without: list[Shape] = []
    for pattern in deny.piece.without:
        hole = shape_of(pattern)
        cut = hole if hole is not None and is_cuttable(hole) else None
        if cut is None:
            closed.append((Hole(deny.order, deny.row, None, Piece((pattern,))), deny))
        elif could_meet(cut, deny.shape):
            without.append(cut)
    return deny._replace(without=tuple(without)) if without else deny


def _narrowest(piece: Piece[Pattern]) -> Shape | bool | None:
    """The shape of an intersection: its narrowest pattern's; False where the piece is surely empty."""
    if not piece.within:
        return ROOT
    if len(piece.within) == 1:
        return shape_of(piece.within[0])
    for at, one in enumerate(piece.within):
        if any(disjoint(one, other) for other in piece.within[at + 1 :]):
            return False
    found = [(shape, pattern) for pattern in piece.within if (shape := shape_of(pattern)) is not None]
    if not found:
        return None
    shape, pattern = max(found, key=lambda pair: (len(pair[0].base), pair[0].kind is Kind.EXACT, pair[0].is_exact))
    alone = all(other is pattern or covers(other, pattern) for other in piece.within)
    return Shape(shape.kind, shape.base, shape.name, shape.is_exact and alone)


def _hole_shape(piece: Piece[Pattern]) -> Shape | None:
    if piece.without:
        return None
    shape = _narrowest(piece)
    return shape if isinstance(shape, Shape) and is_cuttable(shape) else None


def is_cuttable(shape: Shape) -> bool:
    """A hole must be exact: a superset would open too much."""
    return shape.is_exact and not (shape.kind is Kind.NAMED and shape.name.is_two_sided) and shape.kind is not Kind.CHILD


def _fill(items: list[Deny | Hole], levels: list[set[int]], result: Grouping, work: Work) -> None:
    """Put each deny into its group and each hole into the groups that it is cut out of."""
    found: dict[tuple[int, tuple[Shape, ...], tuple[Shape, ...]], Group] = {}
    plain: dict[int, Group] = {}
    cut: dict[int, dict[Shape, None]] = {}
    wild: Index[Hole] = Index()
    closed: PrefixIndex[Hole] = PrefixIndex()
    has_closed = False
    for item, its_levels in zip(items, levels, strict=True):
        if isinstance(item, Hole):
            if OVERFLOW in its_levels or item.shape is None:
                closed.add(_prefix(item.piece), item)
                has_closed = True
            elif item.shape.is_wild and its_levels:
                wild.add(item.shape, item)
            else:
                for level in its_levels:
                    cut.setdefault(level, {})[item.shape] = None
            continue
        for hole in closed.related(item.shape.base) if has_closed else ():
            if work.spend() and (hole.shape is None or could_meet(hole.shape, item.shape)):
                result.closed.append((hole, item))
        if not wild and not item.without:
            level = next(iter(its_levels))
            place = plain.get(level)
            if place is None:
                place = plain[level] = found[level, (), ()] = Group()
            place.denies.append(item)
            place.rows[item.row] = None
            continue
        above = _wild_above(item, wild, result, work)
        for deny, implied in _split(item, above, result):
            key = (next(iter(its_levels)), implied, deny.without)
            place = found.get(key)
            if place is None:
                place = found[key] = Group(wild=implied)
                if not implied and not deny.without:
                    plain[key[0]] = place
            place.denies.append(deny)
            place.rows[deny.row] = None
    for (level, _, without), place in found.items():
        place.holes = {**cut.get(level, {}), **dict.fromkeys(without)}
        place.room = result.room
        result.groups.append(place)


def merge(groups: Iterable[Group]) -> list[Group]:
    """Groups of several effects: those with the same holes become one, each shape once."""
    found: dict[tuple[frozenset[Shape], tuple[Shape, ...]], tuple[Group, dict[Shape, Deny]]] = {}
    for one in groups:
        key = (frozenset(one.holes), one.wild)
        if key not in found:
            found[key] = (Group(holes=one.holes, wild=one.wild, open=one.open, room=one.room), {})
        place, shapes = found[key]
        for deny in one.denies:
            shapes.setdefault(deny.shape, deny)
        place.rows.update(one.rows)
    for place, shapes in found.values():
        place.denies = list(shapes.values())
    return [place for place, _ in found.values()]


def beyond(groups: Iterable[Group], others: Iterable[Group]) -> list[Group]:
    """What of `groups` is not in `others` already."""
    known: dict[tuple[frozenset[Shape], tuple[Shape, ...]], set[Shape]] = {}
    for other in others:
        known.setdefault((frozenset(other.holes), other.wild), set()).update(deny.shape for deny in other.denies)
    result: list[Group] = []
    for one in groups:
        seen = known.get((frozenset(one.holes), one.wild), set())
        denies = [deny for deny in one.denies if deny.shape not in seen]
        if len(denies) == len(one.denies):
            result.append(one)
        elif denies:
            result.append(Group(denies, one.holes, one.wild, one.rows, open=one.open, room=one.room))
    return result


def _prefix(piece: Piece[Pattern]) -> tuple[str, ...]:
    return max((atom.literal_prefix for atom in piece.within), key=len, default=())


def _wild_above(deny: Deny, wild: Index[Hole], result: Grouping, work: Work) -> list[Hole]:
    """The name holes above that meet the deny; one too many stays closed."""
    names: list[Hole] = []
    for hole in sorted(wild.related(deny.shape), key=_order):
        if hole.shape is None or not could_meet(hole.shape, deny.shape):
            continue
        if work.spend() and len(names) < 64:
            names.append(hole)
        else:
            result.closed.append((hole, deny))
    return names


def _order(hole: Hole) -> int:
    return hole.order


def _split(deny: Deny, above: list[Hole], result: Grouping) -> list[tuple[Deny, tuple[Shape, ...]]]:
    """A name hole inside a wider deny: the deny without what is below the hole's base, and that part without the names."""
    if not above and not deny.without:
        return [(deny, ())]
    own = [Hole(deny.order, deny.row, shape, Piece(())) for shape in deny.without if shape.is_wild]
    plain = tuple(shape for shape in deny.without if not shape.is_wild)
    holes = [(hole, hole.shape) for hole in (*above, *own) if hole.shape is not None]
    implied = tuple(dict.fromkeys(shape for _, shape in holes if is_below(deny.shape, shape.base)))
    inner = sorted({shape.base for _, shape in holes if not is_below(deny.shape, shape.base)})
    if not inner:
        return [(_with(deny, deny.shape, plain), implied)]
    if deny.shape.kind is not Kind.TREE:
        result.closed.extend((hole, deny) for hole, shape in holes if not is_below(deny.shape, shape.base))
        return [(_with(deny, deny.shape, plain), implied)]
    parts = [(_with(deny, deny.shape, (*plain, *(Shape(Kind.STRETCH, base) for base in inner))), implied)]
    for base in inner:
        shape = Shape(Kind.STRETCH, base, is_exact=deny.shape.is_exact)
        mine = tuple(dict.fromkeys(s for _, s in holes if base[: len(s.base)] == s.base))
        deeper = (Shape(Kind.STRETCH, other) for other in inner if len(other) > len(base) and other[: len(base)] == base)
        parts.append((_with(deny, shape, (*plain, *deeper)), mine))
    return parts


def _with(deny: Deny, shape: Shape, without: tuple[Shape, ...]) -> Deny:
    return Deny(deny.order, deny.row, deny.span, shape, deny.piece, without)
