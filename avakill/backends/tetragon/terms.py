"""A group of denies as conjunctions of string tests: on a whole path, or on a directory and a name in it."""
from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from avakill.backends.tetragon.groups import Deny, Group
from avakill.backends.tetragon.holes import Holes, Left, Names, holes_of, left_of, texts, unite, values
from avakill.backends.tetragon.model import Value
from avakill.backends.tetragon.shapes import MAX_POSTFIX, Kind, Name, Shape
from avakill.paths.glob import join
from avakill.source.span import NOWHERE, Span

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Part:
    """A test whose argument is still a word: `path`, `dir` or `name`."""

    field: str
    operator: str
    values: tuple[Value, ...]


Term = tuple[Part, ...]


@dataclass(slots=True)
class Terms:
    """`merged`: (directory, name) pairs were united crosswise; `nodes_closed`: a hole's own name stays closed in its parent;
    `spent`: the most that were told one by one, so that with less room than that the terms are made anew."""

    terms: list[Term] = field(default_factory=list)
    merged: bool = False
    nodes_closed: bool = False
    spent: int = 0

    def spend(self, count: int) -> None:
        self.spent = max(self.spent, count)


# -- whole paths --


def path_terms(group: Group) -> Terms:
    made = group.made.get("path")
    if not isinstance(made, Terms) or made.spent > group.room.pairs:
        made = group.made["path"] = _path_terms(group)
    return made


def _path_terms(group: Group) -> Terms:
    holes = holes_of(group)
    result = Terms()
    left = left_of(group)
    whole = [deny for deny in left.whole if not deny.shape.is_root]
    if whole:
        result.terms.append((Part("path", "Equal", texts([deny.shape.path for deny in whole], whole)),))
    without = _path_holes(holes)
    if left.prefixes:
        result.terms.append((Part("path", "Prefix", left.prefixes), *without))
    for bases, names in _wild_classes(left.wild, result, group.room.pairs):
        front = () if () in bases else (Part("path", "Prefix", _starts(bases)),)
        for test in _path_names(names):
            result.terms.append((*test, *front, *without))
    return result


def _starts(bases: dict[Names, Deny]) -> tuple[Value, ...]:
    """How all below the bases begins."""
    return tuple([(f"{deny.shape.path}/" if base else "/", deny.span) for base, deny in bases.items()])


def _path_holes(holes: Holes) -> Term:
    equal = values(holes.paths)
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


def _wild_classes(denies: Sequence[Deny], result: Terms, limit: int) -> list[tuple[dict[Names, Deny], dict[Name, Span]]]:
    """Bases with the same names together."""
    by_base: dict[Names, dict[Name, Span]] = {}
    first: dict[Names, Deny] = {}
    for deny in denies:
        base = deny.shape.base
        names = by_base.get(base)
        if names is None:
            names = by_base[base] = {}
            first[base] = deny
        names.setdefault(deny.shape.name, deny.span)
    classes = _classes(by_base, limit)
    if classes is not None:
        result.spend(len(classes))
        return [({base: first[base] for base in bases}, names) for bases, names in classes]
    result.merged = True
    root = by_base.get(())
    alike = {base: first[base] for base, names in by_base.items() if root is not None and names.keys() == root.keys()}
    by_base.pop((), None)
    every = {name: span for names in by_base.values() for name, span in names.items()}
    merged = ({base: first[base] for base in by_base}, every)
    return [merged] if root is None else [(alike, root), merged]


# -- a directory and a name --


def name_terms(group: Group) -> Terms:
    made = group.made.get("name")
    if not isinstance(made, Terms) or made.spent > group.room.pairs:
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
    left = left_of(group)
    _add_trees(left, holes, special, outside, unnamed, result)
    regions = [deny.shape for deny in group.denies if deny.shape.kind in (Kind.TREE, Kind.STRETCH)] if nodes else []
    for bases, names in nodes:
        inside = [base for base in bases if any(_rules_dir(shape, base) for shape in regions)]
        if inside:
            result.terms.append((Part("dir", "Equal", values(map(join, inside))), *_not_names(names), *unnamed))
    _add_pairs(left, group.room.pairs, result)
    _add_stretches(left, holes, unnamed, result)
    _add_wild(left, group.room.pairs, holes, nodes, special, outside, unnamed, result)
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
    if len(classes) > group.room.pairs:
        result.nodes_closed = True
        return []
    result.spend(len(classes))
    return [(bases, list(names)) for names, bases in classes.items()]


def _not_names(names: Iterable[Name]) -> Term:
    equal = values(n.equal for n in names if n.equal is not None)
    starts = values(n.prefix for n in names if n.equal is None)
    parts = (Part("name", "NotEqual", equal), Part("name", "NotPrefix", starts))
    return tuple(part for part in parts if part.values)


def _dir_holes(holes: Holes, special: set[Names]) -> Term:
    whole = [base for base, prefixes in holes.stretches.items() if "" in prefixes]
    equal = values((*holes.tree_paths, *map(join, (*whole, *special))))
    parts = (Part("dir", "NotPrefix", holes.prefixes), Part("dir", "NotEqual", equal))
    return tuple(part for part in parts if part.values)


def _add_trees(left: Left, holes: Holes, special: set[Names], outside: Term, unnamed: Term, result: Terms) -> None:
    if left.prefixes:
        result.terms.append((Part("dir", "Prefix", left.prefixes), *outside, *unnamed))
    tops = [
        deny
        for deny in left.wide
        if (base := deny.shape.base)
        and not (deny.shape.kind is Kind.STRETCH and deny.shape.name.prefix)
        and base not in special
        and not (holes.stretches and holes.dir_is_open(base))
    ]
    if tops:
        result.terms.append((Part("dir", "Equal", texts([deny.shape.path for deny in tops], tops)), *unnamed))


def _add_pairs(left: Left, limit: int, result: Terms) -> None:
    pairs = {deny.shape.path: (deny.shape.parent, deny.shape.base[-1], deny.span) for deny in left.whole if deny.shape.base}
    terms, merged = pair_terms(pairs.values(), limit)
    result.terms.extend(terms)
    if merged:
        result.merged = True
    else:
        result.spend(len(terms))


Pair = tuple[str, str, Span]
"""A directory, a name in it, and the rule that it comes from."""


def pair_terms(pairs: Collection[Pair], limit: int) -> tuple[list[Term], bool]:
    """Paths as directories × names; True where more than those paths had to be said."""
    by_dir: dict[str, dict[str, Span]] = {}
    by_name: dict[str, dict[str, Span]] = {}
    for place, name, span in pairs:
        names = by_dir.get(place)
        if names is None:
            by_dir[place] = {name: span}
        else:
            names[name] = span
        places = by_name.get(name)
        if places is None:
            by_name[name] = {place: span}
        else:
            places[place] = span
    rows = _classes(by_dir, limit)
    columns = _classes(by_name, limit if rows is None else len(rows))
    if rows is None and columns is None:
        return [(Part("dir", "Equal", _firsts(by_dir, by_dir)), Part("name", "Equal", _firsts(by_name, by_name)))], True
    if rows is not None and (columns is None or len(rows) <= len(columns)):
        found = [(_firsts(by_dir, dirs), tuple(held.items())) for dirs, held in rows]
    else:
        found = [(tuple(held.items()), _firsts(by_name, last)) for last, held in columns or ()]
    return [(Part("dir", "Equal", one), Part("name", "Equal", other)) for one, other in found], False


def _firsts(table: dict[str, dict[str, Span]], keys: Iterable[str]) -> tuple[Value, ...]:
    return tuple([(key, next(iter(table[key].values()))) for key in keys])


def _classes(table: dict[K, dict[V, Span]], limit: int) -> list[tuple[list[K], dict[V, Span]]] | None:
    """Keys with the same entries together; None where those are more than `limit` classes."""
    classes: dict[frozenset[V], tuple[list[K], dict[V, Span]]] = {}
    for key, entries in table.items():
        known = frozenset(entries)
        found = classes.get(known)
        if found is not None:
            found[0].append(key)
        elif len(classes) < limit:
            classes[known] = ([key], entries)
        else:
            return None
    return list(classes.values())


def _add_stretches(left: Left, holes: Holes, unnamed: Term, result: Terms) -> None:
    """The names directly in a STRETCH's base that begin with its prefix."""
    for deny in left.wide:
        shape = deny.shape
        if shape.kind is Kind.STRETCH and shape.name.prefix and not holes.dir_is_open(shape.base):
            dirs = Part("dir", "Equal", ((shape.path, deny.span),))
            begin = Part("name", "Prefix", ((shape.name.prefix, deny.span),))
            result.terms.append((dirs, begin, *_not_names(holes.nodes.get(shape.base, ())), *unnamed))


def _add_wild(
    left: Left,
    limit: int,
    holes: Holes,
    nodes: list[tuple[list[Names], list[Name]]],
    special: set[Names],
    outside: Term,
    unnamed: Term,
    result: Terms,
) -> None:
    for kind in (Kind.NAMED, Kind.CHILD):
        for bases, names in _wild_classes([deny for deny in left.wild if deny.shape.kind is kind], result, limit):
            for test in _name_tests(names):
                if kind is Kind.NAMED:
                    where = () if () in bases and not outside else (Part("dir", "Prefix", _starts(bases)),)
                    result.terms.append((*test, *where, *outside, *unnamed))
                own = tuple(
                    [(d.shape.path, d.span) for b, d in bases.items() if b and b not in special and not holes.dir_is_open(b)]
                )
                if kind is Kind.CHILD and () in bases:
                    own = (*own, ("/", bases[()].span))
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
