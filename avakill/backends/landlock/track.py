"""Following patterns down a tree: at each directory, what of them still matters there."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum

from avakill.backends.landlock.model import Entry, is_loose
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, Part, Wildcard, component_holds
from avakill.paths.substring import Substring


class Status(IntEnum):
    """What a pattern holds at a path: `HERE` the path itself, `AHEAD` perhaps something below it, `BOTH`, or `COVERS` all of it."""

    HERE = 1
    AHEAD = 2
    BOTH = 3
    COVERS = 4


# How far a pattern has come: the positions in a glob's parts, or how much of a substring the path so far ends with.
Place = tuple[int, ...] | str


@dataclass(frozen=True, slots=True)
class Trail:
    """One piece of one entry on its way down."""

    order: int
    entry: Entry
    piece: Piece[Pattern]
    loose: bool
    within: tuple[Place, ...]
    without: tuple[tuple[Pattern, Place], ...]

    @property
    def key(self) -> Hashable:
        """Trails of one walk with the same key go on alike."""
        return self.order, id(self.piece), self.within, tuple([(id(atom), place) for atom, place in self.without])


def begin(order: int, entry: Entry, piece: Piece[Pattern]) -> Trail:
    return Trail(
        order,
        entry,
        piece,
        is_loose(piece),
        tuple(_start(atom) for atom in piece.within),
        tuple((atom, _start(atom)) for atom in piece.without),
    )


def _start(atom: Pattern) -> Place:
    return "" if isinstance(atom, Substring) else _closure((0,), atom.parts)


def after_name(atom: Substring, place: Place, name: str) -> Place:
    """A substring's place one component further down: all of it where it was met, else what of it may still go on."""
    needle = atom.needle.casefold()
    text = f"{place}/{name.casefold()}"
    if place == needle or needle in text:
        return needle
    return next((text[-n:] for n in range(min(len(needle) - 1, len(text)), 0, -1) if needle.startswith(text[-n:])), "")


def _closure(positions: tuple[int, ...], parts: tuple[Part, ...]) -> tuple[int, ...]:
    found = dict.fromkeys(positions)
    for position in positions:
        at = position
        while at < len(parts) and parts[at] is Wildcard.DEEP:
            at += 1
            found[at] = None
    return tuple(sorted(found))


def _step(atom: Pattern, place: Place, name: str) -> Place | None:
    """The place one component further down; None where the pattern can hold nothing there."""
    if isinstance(atom, Substring):
        return after_name(atom, place, name)
    assert not isinstance(place, str)
    parts = atom.parts
    if atom.below and len(parts) in place:
        return place
    if atom.fold:
        name = name.casefold()
    ahead: dict[int, None] = {}
    for position in place:
        if position < len(parts):
            part = parts[position]
            if part is Wildcard.DEEP:
                ahead[position] = None
            elif component_holds(part, name, atom.fold):
                ahead[position + 1] = None
    return _closure(tuple(ahead), parts) if ahead else None


def _status(atom: Pattern, place: Place) -> Status:
    if isinstance(atom, Substring):
        # every path has a slash
        met = place == atom.needle.casefold() or atom.needle in ("", "/")
        return Status.COVERS if met else Status.AHEAD
    assert not isinstance(place, str)
    end = len(atom.parts)
    here = end in place
    if here and atom.below:
        return Status.COVERS
    ahead = place[0] < end
    return Status.BOTH if here and ahead else Status.HERE if here else Status.AHEAD


def step(trail: Trail, name: str) -> Trail | None:
    """The trail at a child; None where its piece holds nothing at or below it."""
    within: list[Place] = []
    for atom, place in zip(trail.piece.within, trail.within, strict=True):
        after = _step(atom, place, name)
        if after is None:
            return None
        within.append(after)
    if not trail.without:
        return Trail(trail.order, trail.entry, trail.piece, trail.loose, tuple(within), ())
    without: list[tuple[Pattern, Place]] = []
    for atom, place in trail.without:
        after = _step(atom, place, name)
        if after is not None:
            if _status(atom, after) is Status.COVERS:
                return None
            without.append((atom, after))
    return Trail(trail.order, trail.entry, trail.piece, trail.loose, tuple(within), tuple(without))


def status(trail: Trail) -> Status | None:
    """What the trail's piece holds at the path where it stands."""
    inside = [_status(atom, place) for atom, place in zip(trail.piece.within, trail.within, strict=True)]
    outside = [_status(atom, place) for atom, place in trail.without]
    if Status.COVERS in outside:
        return None
    if not outside and all(found is Status.COVERS for found in inside):
        return Status.COVERS
    here = all(found is not Status.AHEAD for found in inside) and all(found is Status.AHEAD for found in outside)
    ahead = all(found is not Status.HERE for found in inside)
    if here:
        return Status.BOTH if ahead else Status.HERE
    return Status.AHEAD if ahead else None


def next_literal(trail: Trail) -> str | None:
    """The one name under which this trail goes on, where there is only one."""
    if len(trail.within) != 1 or trail.without:
        return None
    place, atom = trail.within[0], trail.piece.within[0]
    if isinstance(place, str) or len(place) != 1 or not isinstance(atom, Glob) or atom.fold or place[0] >= len(atom.parts):
        return None
    part = atom.parts[place[0]]
    return part if isinstance(part, str) else None
