"""Ordered layers to groups: denied shapes with the holes that may be cut out of all of them at once.

Tetragon's selectors are united, so a group is a set of denies minus a set of holes. A hole belongs to the denies *below*
it in the policy only: a deny above a hole that it meets goes to the next level, so that the hole cannot open it.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from avakill.backends.plan import Layer
from avakill.backends.tetragon.shapes import Kind, Name, Shape, could_meet, is_below, shape_of
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern, covers, disjoint
from avakill.paths.index import PrefixIndex
from avakill.source.span import Span

ROOT = Shape(Kind.TREE, ())


@dataclass(frozen=True, slots=True)
class Deny:
    """One piece of a denying layer as a shape. `without` are the exceptions of the piece itself."""

    order: int
    row: int
    span: Span
    shape: Shape
    piece: Piece[Pattern]
    without: tuple[Shape, ...] = ()


@dataclass(frozen=True, slots=True)
class Hole:
    """One piece of an allowing layer. `shape` is None where it cannot be cut out: it stays closed."""

    order: int
    row: int
    shape: Shape | None
    piece: Piece[Pattern]


@dataclass(slots=True)
class Group:
    """Denies that share their holes. `wild` are name holes that hold in all of the group's region; `made` keeps its terms;
    `limit` is how many selectors may be spent on pairs of directory and name before they are merged."""

    denies: list[Deny] = field(default_factory=list)
    holes: dict[Shape, None] = field(default_factory=dict)
    wild: tuple[Shape, ...] = ()
    rows: dict[int, None] = field(default_factory=dict)
    made: dict[str, object] = field(default_factory=dict)
    limit: int = 12


@dataclass(slots=True)
class Grouping:
    """`unsaid`: pieces of denies that no shape holds; `closed`: holes that stay closed, each with a deny that closes it."""

    groups: list[Group] = field(default_factory=list)
    unsaid: list[tuple[Layer, Piece[Pattern]]] = field(default_factory=list)
    closed: list[tuple[Hole, Deny]] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    denies: list[Deny] = field(default_factory=list)
    limit: int = 12


def group(layers: Iterable[Layer], limit: int = 12) -> Grouping:
    """The groups of one effect's layers."""
    result = Grouping(limit=limit)
    items = _items(tuple(layers), result)
    work = _Work(50_000 + 20 * len(items))
    levels = _levels(items, work)
    _fill(items, levels, result, work)
    return result


def _items(layers: tuple[Layer, ...], result: Grouping) -> list[Deny | Hole]:
    items: list[Deny | Hole] = []
    for order, layer in enumerate(layers):
        for piece in layer.region.pieces:
            if layer.denies:
                found = _deny(order, layer, piece, result)
                if found is not None:
                    items.append(found)
                    result.denies.append(found)
            else:
                hole = Hole(order, layer.index, _hole_shape(piece), piece)
                items.append(hole)
                result.holes.append(hole)
    return items


def _deny(order: int, layer: Layer, piece: Piece[Pattern], result: Grouping) -> Deny | None:
    shape = _narrowest(piece)
    if shape is False:
        return None
    if not isinstance(shape, Shape):
        result.unsaid.append((layer, piece))
        return None
    without: list[Shape] = []
    deny = Deny(order, layer.index, layer.span, shape, piece)
    for pattern in piece.without:
        hole = shape_of(pattern)
        cut = hole if hole is not None and _is_cuttable(hole) else None
        if cut is None:
            result.closed.append((Hole(order, layer.index, None, Piece((pattern,))), deny))
        elif could_meet(cut, shape):
            without.append(cut)
    return Deny(order, layer.index, layer.span, shape, piece, tuple(without)) if without else deny


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
    return shape if isinstance(shape, Shape) and _is_cuttable(shape) else None


def _is_cuttable(shape: Shape) -> bool:
    """A hole must be exact: a superset would open too much."""
    return shape.is_exact and not (shape.kind is Kind.NAMED and shape.name.is_two_sided) and shape.kind is not Kind.CHILD


@dataclass(slots=True)
class _Work:
    """Comparisons left; past them holes are closed rather than compared."""

    left: int

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


OVERFLOW = -1
"""The level of a hole that took too many comparisons: it stays closed."""


def _levels(items: list[Deny | Hole], work: _Work) -> list[set[int]]:
    """For each deny its level, for each hole the levels that it is cut out of; from the last item to the first."""
    if not any(isinstance(item, Hole) for item in items):
        return [{0} for _ in items]
    levels: list[set[int]] = [set() for _ in items]
    denies, holes = Index(), Index()
    for at in range(len(items) - 1, -1, -1):
        item = items[at]
        if item.shape is None:
            levels[at] = {OVERFLOW}
        elif isinstance(item, Hole):
            levels[at] = _hole_levels(item.shape, items, levels, denies, work)
            if levels[at] and OVERFLOW not in levels[at]:
                holes.add(item.shape, at)
        else:
            levels[at] = {_deny_level(item.shape, items, levels, holes, work)}
            denies.add(item.shape, at)
    return levels


def _hole_levels(shape: Shape, items: list[Deny | Hole], levels: list[set[int]], denies: Index, work: _Work) -> set[int]:
    found: set[int] = set()
    for i in denies.related(shape):
        if not work.spend():
            return {OVERFLOW}
        other = items[i].shape
        if other is not None and could_meet(shape, other):
            found |= levels[i]
    return found


def _deny_level(shape: Shape, items: list[Deny | Hole], levels: list[set[int]], holes: Index, work: _Work) -> int:
    level = 0
    for i in holes.related(shape):
        other = items[i].shape
        if not work.spend() or (other is not None and could_meet(shape, other)):
            level = max(level, max(levels[i]) + 1)
    return level


class Index:
    """Shapes that could meet: names anywhere below `/` are found by how they end, all else by how it begins."""

    def __init__(self) -> None:
        self.starts: PrefixIndex[int] = PrefixIndex()
        self.ends: PrefixIndex[int] = PrefixIndex()

    def add(self, shape: Shape, at: int) -> None:
        if shape.kind is Kind.NAMED and not shape.base:
            self.ends.add(_ending(shape.name), at)
        else:
            self.starts.add(shape.base, at)

    def related(self, shape: Shape) -> Iterable[int]:
        yield from self.starts.related(shape.base)
        if shape.kind is Kind.EXACT and shape.base:
            yield from self.ends.above(tuple(reversed(shape.base[-1])))
        else:
            yield from self.ends.related(_ending(shape.name) if shape.is_wild else ())


def _ending(name: Name) -> tuple[str, ...]:
    return tuple(reversed(name.equal if name.equal is not None else name.suffix))


def _fill(items: list[Deny | Hole], levels: list[set[int]], result: Grouping, work: _Work) -> None:
    """Put each deny into its group and each hole into the groups that it is cut out of."""
    found: dict[tuple[int, tuple[Shape, ...], tuple[Shape, ...]], Group] = {}
    cut: dict[int, dict[Shape, None]] = {}
    wild = Index()
    closed: PrefixIndex[Hole] = PrefixIndex()
    for at, item in enumerate(items):
        if isinstance(item, Hole):
            _open(at, item, levels[at], cut, wild, closed)
            continue
        for hole in closed.related(item.shape.base):
            if work.spend() and (hole.shape is None or could_meet(hole.shape, item.shape)):
                result.closed.append((hole, item))
        for deny, implied in _split(item, _wild_above(item, items, wild, result, work), result):
            key = (next(iter(levels[at])), implied, deny.without)
            place = found.setdefault(key, Group(wild=implied))
            place.denies.append(deny)
            place.rows[deny.row] = None
    for (level, _, without), place in found.items():
        place.holes = {**cut.get(level, {}), **dict.fromkeys(without)}
        place.limit = result.limit
        result.groups.append(place)


def merge(groups: Iterable[Group]) -> list[Group]:
    """Groups of several effects: those with the same holes become one, each shape once."""
    found: dict[tuple[frozenset[Shape], tuple[Shape, ...]], tuple[Group, dict[Shape, Deny]]] = {}
    for one in groups:
        key = (frozenset(one.holes), one.wild)
        if key not in found:
            found[key] = (Group(holes=one.holes, wild=one.wild, limit=one.limit), {})
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
            result.append(Group(denies, one.holes, one.wild, one.rows, limit=one.limit))
    return result


def _open(
    at: int, hole: Hole, levels: set[int], cut: dict[int, dict[Shape, None]], wild: Index, closed: PrefixIndex[Hole]
) -> None:
    if OVERFLOW in levels or hole.shape is None:
        closed.add(_prefix(hole.piece), hole)
    elif hole.shape.is_wild and levels:
        wild.add(hole.shape, at)
    else:
        for level in levels:
            cut.setdefault(level, {})[hole.shape] = None


def _prefix(piece: Piece[Pattern]) -> tuple[str, ...]:
    return max((atom.literal_prefix for atom in piece.within), key=len, default=())


def _wild_above(deny: Deny, items: list[Deny | Hole], wild: Index, result: Grouping, work: _Work) -> list[Hole]:
    """The name holes above that meet the deny; one too many stays closed."""
    names: list[Hole] = []
    for i in sorted(wild.related(deny.shape)):
        hole = items[i]
        if not isinstance(hole, Hole) or hole.shape is None or not could_meet(hole.shape, deny.shape):
            continue
        if work.spend() and len(names) < 64:
            names.append(hole)
        else:
            result.closed.append((hole, deny))
    return names


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
