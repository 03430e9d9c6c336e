"""A group of denies as conjunctions of string tests: on a whole path, or on a directory and a name in it."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from avakill.backends.tetragon.groups import Deny, Group
from avakill.backends.tetragon.model import Value
from avakill.backends.tetragon.shapes import MAX_POSTFIX, Kind, Name, Shape
from avakill.paths.glob import join
from avakill.source.span import NOWHERE, Span

Names = tuple[str, ...]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Part:
    """A test whose argument is still a word: `path`, `dir` or `name`."""

    field: str
    operator: str
    values: tuple[Value, ...]


Term = tuple[Part, ...]


@dataclass(slots=True)
class Terms:
    """`merged`: (directory, name) pairs were united crosswise; `nodes_closed`: a hole's own name stays closed in its parent."""

    terms: list[Term] = field(default_factory=list)
    merged: bool = False
    nodes_closed: bool = False


def child(base: Names, prefix: str = "") -> str:
    """`/a/b/` and what follows."""
    return f"{join(base).rstrip('/')}/{prefix}"


# -- holes --


class Holes:
    """The plain holes of a group, to ask and to say."""

    def __init__(self, group: Group) -> None:
        self.trees = {h.base for h in group.holes if h.kind is Kind.TREE}
        self.exact = {h.base for h in group.holes if h.kind is Kind.EXACT}
        self.stretches: dict[Names, list[str]] = {}
        for hole in group.holes:
            if hole.kind is Kind.STRETCH:
                self.stretches.setdefault(hole.base, []).append(hole.name.prefix)
        self.covered: dict[Names, bool] = {}
        self.wild = tuple(hole.name for hole in group.wild)
        self.nodes = self._nodes()
        self.prefixes = values(
            (*(child(base) for base in self.trees if base), *(child(b, p) for b, ps in self.stretches.items() for p in ps))
        )

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
        if not self.trees and not self.stretches:
            return False
        known = self.covered.get(names)
        if known is None:
            known = self.covered[names] = self._covers(names)
        return known

    def _covers(self, names: Names) -> bool:
        for size in range(len(names) + 1):
            base = names[:size]
            if base in self.trees:
                return True
            if self.stretches and size < len(names) and any(names[size].startswith(p) for p in self.stretches.get(base, ())):
                return True
        return False

    def open(self, names: Names) -> bool:
        """Whether the path itself is open."""
        return names in self.exact or self.covers(names) or bool(names and any(n.holds(names[-1]) for n in self.wild))

    def dir_is_open(self, names: Names) -> bool:
        """Whether every name in the directory is open."""
        return self.covers(names) or "" in self.stretches.get(names, ())


def holes_of(group: Group) -> Holes:
    made = group.made.get("holes")
    if not isinstance(made, Holes):
        made = group.made["holes"] = Holes(group)
    return made


def values(texts: Iterable[str], span: Span = NOWHERE) -> tuple[Value, ...]:
    return tuple((text, span) for text in sorted(dict.fromkeys(texts)))


def unite(found: Iterable[Value]) -> tuple[Value, ...]:
    """Each text once, the first origin kept."""
    seen: dict[str, Span] = {}
    for text, span in found:
        seen.setdefault(text, span)
    return tuple(seen.items())


# -- whole paths --


def path_terms(group: Group) -> Terms:
    made = group.made.get("path")
    if not isinstance(made, Terms):
        made = group.made["path"] = _path_terms(group)
    return made


def _path_terms(group: Group) -> Terms:
    holes = holes_of(group)
    result = Terms()
    equal = unite(
        (join(deny.shape.base), deny.span)
        for deny in group.denies
        if deny.shape.kind in (Kind.TREE, Kind.EXACT) and not deny.shape.is_root and not holes.open(deny.shape.base)
    )
    if equal:
        result.terms.append((Part("path", "Equal", equal),))
    prefix = _prefixes(group, holes)
    without = _path_holes(holes)
    if prefix:
        result.terms.append((Part("path", "Prefix", prefix), *without))
    for bases, names in _wild_classes(group.denies, (Kind.NAMED, Kind.CHILD), result, group.limit):
        front = () if any(not base for base in bases) else (Part("path", "Prefix", unite((child(b), s) for b, s in bases.items())),)
        for test in _path_names(names):
            result.terms.append((*test, *front, *without))
    return result


def _prefixes(group: Group, holes: Holes) -> tuple[Value, ...]:
    return unite(
        (child(shape.base, shape.name.prefix), deny.span)
        for deny in group.denies
        if (shape := deny.shape).kind in (Kind.TREE, Kind.STRETCH) and not holes.covers(shape.base)
    )


def _path_holes(holes: Holes) -> Term:
    equal = values(join(base) for base in holes.trees | holes.exact)
    parts: list[Part] = []
    if holes.prefixes:
        parts.append(Part("path", "NotPrefix", holes.prefixes))
    if equal:
        parts.append(Part("path", "NotEqual", equal))
    for test in _path_names(dict.fromkeys(holes.wild, NOWHERE)):
        for part in test:
            parts.append(Part(part.field, f"Not{part.operator}", part.values))
    return tuple(parts)


def _path_names(names: dict[Name, Span]) -> list[Term]:
    """Tests of the last component on a whole path; a `Postfix` of the path is used wherever it says the same."""
    ends = unite((_postfix(n), s) for n, s in names.items() if _postfix(n))
    equal = unite((n.equal, s) for n, s in names.items() if n.equal is not None and not _postfix(n))
    starts = unite((n.prefix, s) for n, s in names.items() if n.prefix and not n.suffix)
    both = [(n, s) for n, s in names.items() if n.is_two_sided]
    terms: list[Term] = []
    if ends:
        terms.append((Part("path", "Postfix", ends),))
    if equal:
        terms.append((Part("name", "Equal", equal),))
    if starts:
        terms.append((Part("name", "Prefix", starts),))
    terms += [(Part("name", "Prefix", ((n.prefix, s),)), Part("path", "Postfix", ((n.suffix, s),))) for n, s in both]
    if any(n.is_any for n in names):
        terms.append(())
    return terms


def _postfix(name: Name) -> str:
    if name.equal is not None:
        return f"/{name.equal}" if len(name.equal.encode()) < MAX_POSTFIX else ""
    return name.suffix if not name.prefix else ""


def _wild_classes(
    denies: Sequence[Deny], kinds: tuple[Kind, ...], result: Terms, limit: int
) -> list[tuple[dict[Names, Span], dict[Name, Span]]]:
    """Bases with the same names together."""
    by_base: dict[Names, dict[Name, Span]] = {}
    spans: dict[Names, Span] = {}
    for deny in denies:
        if deny.shape.kind in kinds:
            by_base.setdefault(deny.shape.base, {}).setdefault(deny.shape.name, deny.span)
            spans.setdefault(deny.shape.base, deny.span)
    classes: dict[frozenset[Name], tuple[dict[Names, Span], dict[Name, Span]]] = {}
    for base, names in by_base.items():
        classes.setdefault(frozenset(names), ({}, names))[0][base] = spans[base]
    if len(classes) <= limit:
        return list(classes.values())
    result.merged = True
    root = classes.pop(frozenset(by_base[()]), None) if () in by_base else None
    bases = {base: spans[base] for base in by_base if base}
    every = {name: span for base, names in by_base.items() if base for name, span in names.items()}
    return [*((root,) if root else ()), (bases, every)]


# -- a directory and a name --


def name_terms(group: Group) -> Terms:
    made = group.made.get("name")
    if not isinstance(made, Terms):
        made = group.made["name"] = _name_terms(group)
    return made


def _name_terms(group: Group) -> Terms:
    holes = holes_of(group)
    result = Terms()
    nodes = _node_classes(group, holes, result)
    special = {base for bases, _ in nodes for base in bases}
    wild = _name_tests(dict.fromkeys(holes.wild, NOWHERE))
    unnamed: Term = tuple(Part("name", f"Not{part.operator}", part.values) for test in wild for part in test)
    outside = _dir_holes(holes, special)
    _add_trees(group, holes, special, outside, unnamed, result)
    regions = [deny.shape for deny in group.denies if deny.shape.kind in (Kind.TREE, Kind.STRETCH)]
    for bases, names in nodes:
        inside = [base for base in bases if any(_rules_dir(shape, base) for shape in regions)]
        if inside:
            result.terms.append((Part("dir", "Equal", values(map(join, inside))), *_not_names(names), *unnamed))
    _add_pairs(group, holes, result)
    _add_stretches(group, holes, unnamed, result)
    _add_wild(group, holes, nodes, special, outside, unnamed, result)
    return result


def _rules_dir(shape: Shape, names: Names) -> bool:
    """Whether names made in the directory are in the shape."""
    if names[: len(shape.base)] != shape.base:
        return False
    if shape.kind is Kind.TREE or not shape.name.prefix:
        return True
    return len(names) > len(shape.base) and names[len(shape.base)].startswith(shape.name.prefix)


def _node_classes(group: Group, holes: Holes, result: Terms) -> list[tuple[list[Names], list[Name]]]:
    classes: dict[tuple[Name, ...], list[Names]] = {}
    if not any(deny.shape.kind is not Kind.EXACT for deny in group.denies):
        return []
    for base, names in holes.nodes.items():
        classes.setdefault(tuple(names), []).append(base)
    if len(classes) > group.limit:
        result.nodes_closed = True
        return []
    return [(bases, list(names)) for names, bases in classes.items()]


def _not_names(names: Iterable[Name]) -> Term:
    equal = values(n.equal for n in names if n.equal is not None)
    starts = values(n.prefix for n in names if n.equal is None)
    parts = (Part("name", "NotEqual", equal), Part("name", "NotPrefix", starts))
    return tuple(part for part in parts if part.values)


def _dir_holes(holes: Holes, special: set[Names]) -> Term:
    whole = [base for base, prefixes in holes.stretches.items() if "" in prefixes]
    equal = values(map(join, (*holes.trees, *whole, *special)))
    parts = (Part("dir", "NotPrefix", holes.prefixes), Part("dir", "NotEqual", equal))
    return tuple(part for part in parts if part.values)


def _add_trees(group: Group, holes: Holes, special: set[Names], outside: Term, unnamed: Term, result: Terms) -> None:
    prefix = _prefixes(group, holes)
    if prefix:
        result.terms.append((Part("dir", "Prefix", prefix), *outside, *unnamed))
    equal = unite(
        (join(base), deny.span)
        for deny in group.denies
        if (base := deny.shape.base)
        and (deny.shape.kind is Kind.TREE or (deny.shape.kind is Kind.STRETCH and not deny.shape.name.prefix))
        and base not in special
        and not holes.dir_is_open(base)
    )
    if equal:
        result.terms.append((Part("dir", "Equal", equal), *unnamed))


def _add_pairs(group: Group, holes: Holes, result: Terms) -> None:
    pairs = {
        deny.shape.base: deny.span
        for deny in group.denies
        if deny.shape.kind in (Kind.TREE, Kind.EXACT) and deny.shape.base and not holes.open(deny.shape.base)
    }
    terms, merged = pair_terms(pairs, group.limit)
    result.terms.extend(terms)
    result.merged = result.merged or merged


def pair_terms(paths: dict[Names, Span], limit: int) -> tuple[list[Term], bool]:
    """Paths as directories × names; True where more than those paths had to be said."""
    by_dir: dict[Names, dict[str, Span]] = {}
    by_name: dict[str, dict[Names, Span]] = {}
    for path, span in paths.items():
        by_dir.setdefault(path[:-1], {})[path[-1]] = span
        by_name.setdefault(path[-1], {})[path[:-1]] = span
    rows = _classes(by_dir)
    columns = _classes(by_name)
    if len(rows) > limit and len(columns) > limit:
        dirs = unite((join(path[:-1]), span) for path, span in paths.items())
        names = unite((path[-1], span) for path, span in paths.items())
        return [(Part("dir", "Equal", dirs), Part("name", "Equal", names))], True
    if len(rows) <= len(columns):
        found = [((tuple((join(d), s) for d, s in ds.items())), tuple(ns.items())) for ds, ns in rows]
    else:
        found = [(tuple((join(d), s) for d, s in ds.items()), tuple(ns.items())) for ns, ds in columns]
    return [(Part("dir", "Equal", dirs), Part("name", "Equal", names)) for dirs, names in found], False


def _classes(table: dict[K, dict[V, Span]]) -> list[tuple[dict[K, Span], dict[V, Span]]]:
    classes: dict[frozenset[V], tuple[dict[K, Span], dict[V, Span]]] = {}
    for key, entries in table.items():
        classes.setdefault(frozenset(entries), ({}, entries))[0][key] = next(iter(entries.values()))
    return list(classes.values())


def _add_stretches(group: Group, holes: Holes, unnamed: Term, result: Terms) -> None:
    """The names directly in a STRETCH's base that begin with its prefix."""
    for deny in group.denies:
        shape = deny.shape
        if shape.kind is Kind.STRETCH and shape.name.prefix and not holes.dir_is_open(shape.base):
            dirs = Part("dir", "Equal", ((join(shape.base), deny.span),))
            begin = Part("name", "Prefix", ((shape.name.prefix, deny.span),))
            result.terms.append((dirs, begin, *_not_names(holes.nodes.get(shape.base, ())), *unnamed))


def _add_wild(
    group: Group,
    holes: Holes,
    nodes: list[tuple[list[Names], list[Name]]],
    special: set[Names],
    outside: Term,
    unnamed: Term,
    result: Terms,
) -> None:
    for kind in (Kind.NAMED, Kind.CHILD):
        for bases, names in _wild_classes(group.denies, (kind,), result, group.limit):
            for test in _name_tests(names):
                if kind is Kind.NAMED:
                    front = unite((child(b), s) for b, s in bases.items())
                    where = () if () in bases and not outside else (Part("dir", "Prefix", front),)
                    result.terms.append((*test, *where, *outside, *unnamed))
                own = tuple((join(b), s) for b, s in bases.items() if b and b not in special and not holes.dir_is_open(b))
                if kind is Kind.CHILD and () in bases:
                    own = (*own, ("/", bases[()]))
                if own:
                    result.terms.append((*test, Part("dir", "Equal", own), *unnamed))
                for dirs, open_names in nodes:
                    inside = [d for d in dirs if any(d == b or (kind is Kind.NAMED and d[: len(b)] == b) for b in bases)]
                    if inside:
                        equal = Part("dir", "Equal", values(map(join, inside)))
                        result.terms.append((*test, equal, *_not_names(open_names), *unnamed))


def _name_tests(names: dict[Name, Span]) -> list[Term]:
    equal = unite((n.equal, s) for n, s in names.items() if n.equal is not None)
    ends = unite((n.suffix, s) for n, s in names.items() if n.suffix and not n.prefix)
    starts = unite((n.prefix, s) for n, s in names.items() if n.prefix and not n.suffix)
    terms: list[Term] = [
        (Part("name", operator, found),)
        for operator, found in (("Equal", equal), ("Postfix", ends), ("Prefix", starts))
        if found
    ]
    for n, s in names.items():
        if n.is_two_sided:
            terms.append((Part("name", "Prefix", ((n.prefix, s),)), Part("name", "Postfix", ((n.suffix, s),))))
        elif n.is_any:
            terms.append(())
    return terms
