"""The layers as units, one a piece of a rule's region, and the tree of literal paths on which they begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from avakill.backends.plan import DEFAULT, FLOOR, SELF_PROTECTION, Plan
from avakill.backends.selinux.model import BIT, Closed
from avakill.ir.effect import FILE_EFFECTS, Effect
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern
from avakill.paths.glob import CharClass, Glob, Part, Wildcard
from avakill.paths.substring import Substring
from avakill.source.span import NOWHERE, Span

RANK = {SELF_PROTECTION: -2, FLOOR: -1, DEFAULT: 1 << 60}


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """On one piece of its region, row `index` decides `effects`; of two units the one of lower `rank` decides."""

    rank: int
    index: int
    denies: bool
    effects: int
    piece: Piece[Pattern]
    span: Span
    literal: bool
    everything: bool
    reaches_below: bool
    prefix: tuple[str, ...]

    def holds(self, path: str) -> bool:
        return self.piece.holds(path)


def units_of(plan: Plan) -> tuple[Unit, ...]:
    """All units of the file effects, by rank."""
    found: dict[tuple[int, int], list[Any]] = {}
    for effect in FILE_EFFECTS:
        for layer in plan.layers[effect]:
            entry = found.setdefault((layer.index, id(layer.region)), [layer, Closed.NOTHING])
            entry[1] |= BIT[effect]
    units = [
        _unit(layer.index, layer.denies, effects, piece, layer.span)
        for layer, effects in found.values()
        for piece in layer.region.pieces
    ]
    units.sort(key=lambda unit: unit.rank)
    return tuple(units)


def _unit(index: int, denies: bool, effects: int, piece: Piece[Pattern], span: Span) -> Unit:
    if len(piece.within) == 1 and not piece.without:
        only = piece.within[0]
        if isinstance(only, Glob) and len(only.literal_prefix) == len(only.parts) > 0 and not only.fold:
            return Unit(RANK.get(index, index), index, denies, effects, piece, span, True, False, only.below, only.literal_prefix)
    literal = all(isinstance(a, Glob) and (a.is_literal or a.is_everything) and not a.fold for a in (*piece.within, *piece.without))
    below = all(isinstance(a, Substring) or a.below for a in piece.within) and (denies or literal or not piece.without)
    everything = not piece.without and all(a.is_everything for a in piece.within)
    prefix = max((atom.literal_prefix for atom in piece.within), key=len, default=())
    return Unit(RANK.get(index, index), index, denies, effects, piece, span, literal, everything, below, prefix)


def settle(units: Iterable[Unit]) -> int:
    """What the first unit for each effect, in order, closes."""
    closed = known = 0
    for unit in units:
        if unit.denies:
            closed |= unit.effects & ~known
        known |= unit.effects
        if known == 63:
            break
    return closed


def owner(units: Iterable[Unit], bit: int) -> Unit | None:
    """The unit that decides one effect."""
    return next((unit for unit in units if unit.effects & bit), None)


def label(here: Iterable[Unit], below: Iterable[Unit]) -> int:
    """What an object refuses that lies in `here`, when new names in it would lie in `below`."""
    return (settle(here) & ~Closed.CREATE) | (settle(below) & Closed.CREATE)


def is_floor_device(unit: Unit) -> bool:
    """Devices of the runtime floor keep their own types, whatever a pattern's line says."""
    return unit.index == FLOOR and unit.prefix[:1] == ("dev",)


# -- the tree of literal paths --


@dataclass(slots=True)
class Node:
    """A literal path at which a unit begins or ends: for the path alone, or for all from there on."""

    path: tuple[str, ...]
    parent: Node | None = None
    enter: list[Unit] = field(default_factory=list)
    enter_alone: list[Unit] = field(default_factory=list)
    leave: set[int] = field(default_factory=set)
    leave_alone: set[int] = field(default_factory=set)
    here: tuple[Unit, ...] = ()
    below: tuple[Unit, ...] = ()
    closed_here: int = 0
    closed_below: int = 0

    @property
    def around(self) -> tuple[Unit, ...]:
        """What holds every new name beside this one."""
        return self.parent.below if self.parent is not None else self.below

    @property
    def span(self) -> Span:
        """Of the rule that says most about the path."""
        own = [*self.enter, *self.enter_alone] or self.below
        return min(own, key=lambda unit: unit.rank).span if own else NOWHERE


def nodes_of(units: Iterable[Unit]) -> tuple[Node, ...]:
    """The nodes of all literal units, from the root down; the root is always there."""
    nodes: dict[tuple[str, ...], Node] = {(): Node(())}
    for unit in units:
        if unit.literal:
            _place(nodes, unit)
    ordered = [nodes[path] for path in sorted(nodes)]
    for node in ordered:
        node.parent = next((nodes[node.path[:n]] for n in range(len(node.path) - 1, -1, -1) if node.path[:n] in nodes), None)
        _settle_node(node)
    return tuple(ordered)


def _place(nodes: dict[tuple[str, ...], Node], unit: Unit) -> None:
    within = unit.piece.within
    if len(within) == 1 and not unit.piece.without and isinstance(within[0], Glob) and not within[0].is_everything:
        node = nodes.setdefault(within[0].literal_prefix, Node(within[0].literal_prefix))
        (node.enter if within[0].below else node.enter_alone).append(unit)
        return
    _place_combined(nodes, unit)


def _place_combined(nodes: dict[tuple[str, ...], Node], unit: Unit) -> None:
    within = sorted((a for a in unit.piece.within if isinstance(a, Glob) and not a.is_everything), key=lambda a: len(a.parts))
    where = within[-1] if within else None
    path = where.literal_prefix if where is not None else ()
    text = "/" + "/".join(path)
    alone = any(not atom.below for atom in within)
    if any(not atom.holds(text) for atom in within):
        return
    node = nodes.setdefault(path, Node(path))
    (node.enter_alone if alone else node.enter).append(unit)
    for atom in unit.piece.without:
        assert isinstance(atom, Glob)
        out = () if atom.is_everything else atom.literal_prefix
        if len(out) < len(path) or out[: len(path)] != path:
            if atom.holds(text):
                (node.enter_alone if alone else node.enter).remove(unit)
                return
            continue
        gone = nodes.setdefault(out, Node(out))
        (gone.leave if atom.below else gone.leave_alone).add(id(unit))


def _settle_node(node: Node) -> None:
    above = node.parent.below if node.parent is not None else ()
    below = [unit for unit in (*above, *node.enter) if id(unit) not in node.leave]
    below.sort(key=lambda unit: unit.rank)
    node.below = tuple(_telling(below))
    node.closed_below = settle(node.below)
    if node.enter_alone or node.leave_alone:
        here = [unit for unit in (*below, *node.enter_alone) if id(unit) not in node.leave_alone and id(unit) not in node.leave]
        here.sort(key=lambda unit: unit.rank)
        node.here = tuple(here)
        node.closed_here = settle(here)
    else:
        node.here = node.below
        node.closed_here = node.closed_below


def _telling(units: list[Unit]) -> Iterator[Unit]:
    """Without those that can never decide, so that many rules on one tree stay cheap."""
    known = Closed.NOTHING
    for unit in units:
        if unit.effects & ~known:
            yield unit
        if not unit.piece.without:
            known |= unit.effects


# -- examples --


INNER = ("avakill-later", "later", "x-later", "0later", "")
"""Names for a `**`, in the order in which they are tried; the last is no directory at all."""


def instance(pattern: Pattern) -> str | None:
    """Some path of a glob, made without a search, and if it can be in a directory outside; None where that did not work."""
    found: str | None = None
    for inner in INNER:
        path = made(pattern, inner)
        if pattern.holds(path):
            found = found or path
            if not pattern.holds(path.rpartition("/")[0] or "/"):
                return path
        if isinstance(pattern, Glob) and Wildcard.DEEP not in pattern.parts:
            break
    return found


def made(pattern: Pattern, inner: str) -> str:
    """A path in the pattern, mostly, with `inner` for its `**`."""
    if isinstance(pattern, Substring):
        return f"{'/srv' if inner else ''}/avakill{pattern.needle}later"
    names = [inner if part is Wildcard.DEEP else name_of(part) for part in pattern.parts]
    return "".join([f"/{name}" for name in names if name]) or "/"


def name_of(part: Part) -> str:
    """Some name that a component matches, mostly."""
    if isinstance(part, str):
        return part
    if isinstance(part, Wildcard):
        return INNER[0]
    text = ""
    for atom in part.atoms:
        if isinstance(atom, str):
            text += atom
        elif atom is Wildcard.ONE:
            text += "w"
        elif atom is Wildcard.SOME:
            text += "later"
        elif isinstance(atom, CharClass):
            likely = "wvu0_" if atom.negated else atom.ranges[0][0]
            text += next((char for char in likely if atom.holds(char)), "w")
    return text


def effects_in(closed: int) -> frozenset[Effect]:
    return frozenset(effect for effect, bit in BIT.items() if bit & closed)
