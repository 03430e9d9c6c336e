"""What is open in a group of denies, to ask and to say, and what of the denies that leaves to be said."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from avakill.backends.tetragon.groups import Deny, Group
from avakill.backends.tetragon.model import Value
from avakill.backends.tetragon.shapes import Kind, Name
from avakill.source.span import NOWHERE, Span

Names = tuple[str, ...]


class Holes:
    """The plain holes of a group, to ask and to say."""

    def __init__(self, group: Group) -> None:
        trees = [h for h in group.holes if h.kind is Kind.TREE]
        exact = [h for h in group.holes if h.kind is Kind.EXACT]
        starts = [h for h in group.holes if h.kind is Kind.STRETCH]
        self.trees = {h.base for h in trees}
        self.exact = {h.base for h in exact}
        self.stretches: dict[Names, list[str]] = {}
        for hole in starts:
            self.stretches.setdefault(hole.base, []).append(hole.name.prefix)
        self.covered: dict[Names, bool] = {(): () in self.trees}
        self.wild = tuple(hole.name for hole in group.wild)
        self.nodes = self._nodes()
        self.tree_paths = [h.path for h in trees]
        self.paths = [*self.tree_paths, *(h.path for h in exact)]
        self.prefixes = values((*(h.start for h in trees if h.base), *(h.start for h in starts)))

    def _nodes(self) -> dict[Names, list[Name]]:
        """Directories in which some names are open."""
        nodes: dict[Names, list[Name]] = {}
        for base in sorted(self.trees | self.exact):
            if base:
                nodes.setdefault(base[:-1], []).append(Name(equal=base[-1]))
        for base, prefixes in self.stretches.items():
            nodes.setdefault(base, []).extend(Name(prefix=prefix) for prefix in prefixes if prefix)
        return {
            base: names for base, names in nodes.items() if names and not self.covers(base) and "" not in self.stretches.get(base, ())
        }

    def covers(self, names: Names) -> bool:
        """Whether all at and below `names` is open."""
        known = self.covered.get(names)
        if known is not None:
            return known
        if not self.trees and not self.stretches:
            return False
        todo: list[Names] = []
        while (known := self.covered.get(names)) is None:
            todo.append(names)
            names = names[:-1]
        while todo:
            names = todo.pop()
            known = self.covered[names] = known or names in self.trees or self._begins(names)
        return known

    def _begins(self, names: Names) -> bool:
        if not self.stretches:
            return False
        return any(names[-1].startswith(prefix) for prefix in self.stretches.get(names[:-1], ()))

    def open(self, names: Names) -> bool:
        """Whether the path itself is open."""
        return self.covers(names) or self.names(names)

    def names(self, names: Names) -> bool:
        """Whether a hole is just the path, or its name anywhere."""
        return names in self.exact or bool(self.wild and names and any(n.holds(names[-1]) for n in self.wild))

    def dir_is_open(self, names: Names) -> bool:
        """Whether every name in the directory is open."""
        return self.covers(names) or "" in self.stretches.get(names, ())


@dataclass(frozen=True, slots=True)
class Left:
    """What the holes leave: `whole` trees and files whose own name is closed, `wide` trees and stretches of which some is
    closed, `wild` name patterns."""

    whole: tuple[Deny, ...]
    wide: tuple[Deny, ...]
    wild: tuple[Deny, ...]
    prefixes: tuple[Value, ...]


def holes_of(group: Group) -> Holes:
    made = group.open.get("holes")
    if not isinstance(made, Holes):
        made = group.open["holes"] = Holes(group)
    return made


def left_of(group: Group) -> Left:
    made = group.made.get("left")
    if not isinstance(made, Left):
        made = group.made["left"] = _left(group.denies, holes_of(group))
    return made


def _left(denies: Sequence[Deny], holes: Holes) -> Left:
    wild = [deny for deny in denies if deny.shape.is_wild]
    rest = [deny for deny in denies if not deny.shape.is_wild] if wild else denies
    if holes.trees or holes.stretches:
        known = holes.covered.get
        rest = [d for d in rest if not (holes.covers(d.shape.base) if (found := known(d.shape.base)) is None else found)]
    wide = [deny for deny in rest if deny.shape.kind is not Kind.EXACT]
    whole = [deny for deny in rest if deny.shape.kind is not Kind.STRETCH]
    if holes.exact or holes.wild:
        whole = [deny for deny in whole if not holes.names(deny.shape.base)]
    return Left(tuple(whole), tuple(wide), tuple(wild), texts([d.shape.start for d in wide], wide))


def texts(found: list[str], denies: Sequence[Deny]) -> tuple[Value, ...]:
    """Each text once, with the first of its denies as its origin."""
    if len(set(found)) == len(found):
        return tuple([(text, deny.span) for text, deny in zip(found, denies, strict=True)])
    seen: dict[str, Span] = {}
    for text, deny in zip(found, denies, strict=True):
        if text not in seen:
            seen[text] = deny.span
    return tuple(seen.items())


def values(found: Iterable[str], span: Span = NOWHERE) -> tuple[Value, ...]:
    return tuple([(text, span) for text in sorted(dict.fromkeys(found))])


def unite(found: Iterable[Value]) -> tuple[Value, ...]:
    """Each text once, the first origin kept."""
    seen: dict[str, Span] = {}
    for text, span in found:
        seen.setdefault(text, span)
    return tuple(seen.items())
