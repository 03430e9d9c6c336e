"""Which node and which patterns hold a path, without asking all: by literal beginning, and by a name that it must have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from avakill.backends.selinux.units import Node, Unit
from avakill.paths.glob import Glob, Part, Wild, Wildcard


@dataclass(slots=True)
class _Bucket:
    """The patterns of one literal beginning, by what they ask of the names after it.

    `surely_last` and `sure_endings` are of the shapes `D/**/name` and `D/**/*.x`, which ask for nothing else.
    """

    surely_last: dict[str, list[Unit]] = field(default_factory=dict)
    sure_endings: dict[int, dict[str, list[Unit]]] = field(default_factory=dict)
    last: dict[str, list[Unit]] = field(default_factory=dict)
    endings: dict[int, dict[str, list[Unit]]] = field(default_factory=dict)
    named: dict[str, list[Unit]] = field(default_factory=dict)
    rest: list[Unit] = field(default_factory=list)

    def add(self, unit: Unit, parts: tuple[Part, ...], below: bool) -> None:
        end = parts[-1] if parts and not below else None
        is_sure = len(parts) == 2 and parts[0] is Wildcard.DEEP and len(unit.piece.within) == 1 and not unit.piece.without
        if isinstance(end, str):
            (self.surely_last if is_sure else self.last).setdefault(end, []).append(unit)
        elif isinstance(end, Wild) and (ending := _ending(end)):
            is_sure = is_sure and end.atoms[0] is Wildcard.SOME and len(ending) == len(end.atoms) - 1
            endings = self.sure_endings if is_sure else self.endings
            endings.setdefault(len(ending), {}).setdefault(ending, []).append(unit)
        elif (name := next((part for part in reversed(parts) if isinstance(part, str)), None)) is not None:
            self.named.setdefault(name, []).append(unit)
        else:
            self.rest.append(unit)

    def holders(self, path: str, names: tuple[str, ...]) -> list[Unit]:
        """`names` are those of `path` after the literal beginning."""
        if not names:
            return [unit for unit in self.rest if unit.holds(path)]
        end = names[-1]
        asked = [*self.rest, *self.last.get(end, ())]
        for length, by_ending in self.endings.items():
            asked += by_ending.get(end[-length:], ())
        if self.named:
            for name in dict.fromkeys(names):
                asked += self.named.get(name, ())
        found = [unit for unit in asked if unit.holds(path)] if asked else asked
        found += self.surely_last.get(end, ())
        for length, by_ending in self.sure_endings.items():
            found += by_ending.get(end[-length:], ())
        return found


def _ending(part: Wild) -> str:
    """The literal characters at the end of a component."""
    at = len(part.atoms)
    while at and isinstance(part.atoms[at - 1], str):
        at -= 1
    return "".join(str(atom) for atom in part.atoms[at:])


@dataclass(slots=True)
class Spot:
    """A literal beginning: the node that stands there, the patterns that begin there, and what comes below."""

    node: Node | None = None
    bucket: _Bucket | None = None
    below: dict[str, Spot] = field(default_factory=dict)


def spots(nodes: Iterable[Node], units: Iterable[Unit]) -> Spot:
    """The root of all beginnings of nodes and patterns."""
    root = Spot()
    for node in nodes:
        _spot(root, node.path).node = node
    for unit in units:
        main = next((a for a in unit.piece.within if isinstance(a, Glob) and not a.fold and a.literal_prefix == unit.prefix), None)
        spot = _spot(root, unit.prefix) if main is not None else root
        if spot.bucket is None:
            spot.bucket = _Bucket()
        if main is not None:
            spot.bucket.add(unit, main.parts[len(unit.prefix) :], main.below)
        else:
            spot.bucket.rest.append(unit)
    return root


def _spot(root: Spot, path: tuple[str, ...]) -> Spot:
    for name in path:
        after = root.below.get(name)
        if after is None:
            after = root.below[name] = Spot()
        root = after
    return root


def walk(root: Spot, path: str, names: tuple[str, ...]) -> tuple[Node, list[Unit]]:
    """The deepest node at or above a path, and the patterns that hold it, in no particular order."""
    node = root.node
    assert node is not None  # there is always one for `/`
    found = root.bucket.holders(path, names) if root.bucket is not None else []
    for length, name in enumerate(names, 1):
        after = root.below.get(name)
        if after is None:
            break
        root = after
        if root.node is not None:
            node = root.node
        if root.bucket is not None:
            found += root.bucket.holders(path, names[length:])
    return node, found
