"""What Tetragon's string operators can say of a set of paths: five shapes, each exact or a superset."""
from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, Part, Wild, Wildcard, join
from avakill.paths.lazy import lazy

MAX_PREFIX = 255
"""Bytes of a path that `Prefix` compares (facts §2)."""
MAX_POSTFIX = 127


class Kind(StrEnum):
    """`TREE` base and all below · `EXACT` base · `STRETCH` all that begins with `base/` + prefix · `NAMED` a name
    anywhere below base · `CHILD` a name directly in base."""

    TREE = "tree"
    EXACT = "exact"
    STRETCH = "stretch"
    NAMED = "named"
    CHILD = "child"


# Named tuples, not frozen dataclasses: they are made and looked up for every rule, several times faster.
class Name(NamedTuple):
    """One component: exactly `equal`, or one that begins with `prefix` and ends with `suffix`."""

    equal: str | None = None
    prefix: str = ""
    suffix: str = ""

    def holds(self, name: str) -> bool:
        if self.equal is not None:
            return name == self.equal
        return name.startswith(self.prefix) and name.endswith(self.suffix)

    @property
    def is_any(self) -> bool:
        return self.equal is None and not self.prefix and not self.suffix

    @property
    def is_two_sided(self) -> bool:
        return bool(self.prefix and self.suffix)


ANY_NAME = Name()


class _Said(NamedTuple):
    kind: Kind
    base: tuple[str, ...]
    name: Name = ANY_NAME
    is_exact: bool = True


class Shape(_Said):
    """A set of paths in Tetragon's words. Not `is_exact`: a superset of the pattern that it was made of."""

    @lazy
    def path(self) -> str:
        """The base as text."""
        return join(self.base)

    @lazy
    def parent(self) -> str:
        """The base's directory as text."""
        return join(self.base[:-1])

    @lazy
    def start(self) -> str:
        """`/a/b/` and the prefix: how all below the base, or all of a STRETCH, begins."""
        return f"{self.path.rstrip('/')}/{self.name.prefix if self.kind is Kind.STRETCH else ''}"

    @lazy
    def is_wild(self) -> bool:
        return self.kind in (Kind.NAMED, Kind.CHILD)

    @lazy
    def is_region(self) -> bool:
        return self.kind is Kind.TREE or self.kind is Kind.STRETCH

    @lazy
    def is_anywhere(self) -> bool:
        """A name anywhere below `/`."""
        return self.kind is Kind.NAMED and not self.base

    @property
    def is_root(self) -> bool:
        """The whole file system."""
        return not self.base and self.kind is Kind.TREE

    def holds(self, names: tuple[str, ...]) -> bool:
        size = len(self.base)
        if names[:size] != self.base:
            return False
        match self.kind:
            case Kind.TREE:
                return True
            case Kind.EXACT:
                return len(names) == size
            case Kind.STRETCH:
                return len(names) > size and names[size].startswith(self.name.prefix)
            case Kind.NAMED:
                return len(names) > size and self.name.holds(names[-1])
            case Kind.CHILD:
                return len(names) == size + 1 and self.name.holds(names[-1])


def is_sayable(names: tuple[Part, ...]) -> bool:
    """YAML holds Unicode text only: a name that is not UTF-8 cannot be said."""
    text = "".join([name for name in names if isinstance(name, str)])
    return text.isascii() or not any("\udc80" <= char <= "\udcff" for char in text)


@lru_cache(maxsize=65536)
def shape_of(pattern: Pattern) -> Shape | None:
    """The narrowest shape that holds all of `pattern`; None where only `everything` would."""
    if not isinstance(pattern, Glob) or pattern.fold:
        return None
    base = pattern.literal_prefix
    if not base or is_sayable(base):
        shape = _shape(pattern, base)
        return None if shape is None else _within_limits(shape)
    return None


def _shape(glob: Glob, base: tuple[str, ...]) -> Shape | None:
    rest = glob.parts[len(base) :]
    if not rest:
        return Shape(Kind.TREE if glob.below else Kind.EXACT, base)
    last, deep = rest[-1], rest[0] is Wildcard.DEEP
    if not glob.below and last is not Wildcard.DEEP:
        name, tight = _name(last)
        if len(rest) == 1:
            return Shape(Kind.CHILD, base, name, tight)
        return _useful(glob, Shape(Kind.NAMED, base, name, tight and deep and len(rest) == 2))
    first, tight = _name(rest[0]) if isinstance(rest[0], Wild) else (ANY_NAME, False)
    exact = tight and len(rest) == 1 and not first.suffix and glob.below
    return _useful(glob, Shape(Kind.STRETCH, base, Name(prefix=first.prefix), exact))


def _useful(glob: Glob, shape: Shape) -> Shape | None:
    """A superset that is the whole home, the workspace or the root is no approximation."""
    if shape.is_exact or shape.name.prefix or shape.name.suffix or shape.name.equal is not None:
        return shape
    return shape if len(shape.base) > glob.anchor_length else None


def _name(part: Part) -> tuple[Name, bool]:
    """The name that a component says, and whether it says just that."""
    if isinstance(part, str):
        return (Name(equal=part), True) if is_sayable((part,)) else (ANY_NAME, False)
    atoms = part.atoms if isinstance(part, Wild) else ()
    head: list[str] = []
    for atom in atoms:
        if not isinstance(atom, str):
            break
        head.append(atom)
    tail: list[str] = []
    for atom in reversed(atoms[len(head) :]):
        if not isinstance(atom, str):
            break
        tail.insert(0, atom)
    prefix, suffix = "".join(head), "".join(tail)
    if not is_sayable((prefix, suffix)):
        return ANY_NAME, False
    middle = atoms[len(head) : len(atoms) - len(tail)]
    tight = middle == (Wildcard.SOME,) and not any(
        prefix.endswith(suffix[:size]) for size in range(1, min(len(prefix), len(suffix)) + 1)
    )
    return Name(prefix=prefix, suffix=suffix), tight


def _within_limits(shape: Shape) -> Shape:
    """Cut what is longer than the operators compare: a superset, and no longer exact."""
    shape = _cut_postfix(shape)
    if shape.kind is Kind.EXACT or (shape.kind is Kind.CHILD and _size(shape.base) <= MAX_PREFIX):
        return shape
    if shape.kind is Kind.STRETCH and _size((*shape.base, shape.name.prefix)) - 1 <= MAX_PREFIX:
        return shape
    if shape.kind is not Kind.STRETCH and _size(shape.base) <= MAX_PREFIX:
        return shape
    names = (*shape.base, shape.name.prefix) if shape.kind is Kind.STRETCH else shape.base
    kept = 0
    while _size(names[: kept + 1]) <= MAX_PREFIX:
        kept += 1
    room = MAX_PREFIX - _size(names[:kept])
    part = names[kept].encode()[:room].decode(errors="ignore")
    return Shape(Kind.STRETCH, names[:kept], Name(prefix=part), False)


def _size(names: tuple[str, ...]) -> int:
    """Bytes of `/a/b/`."""
    return len(join((*names, "")).encode())


def _cut_postfix(shape: Shape) -> Shape:
    suffix = shape.name.suffix.encode()
    if len(suffix) <= MAX_POSTFIX:
        return shape
    cut = suffix[-MAX_POSTFIX:].decode(errors="ignore")
    return Shape(shape.kind, shape.base, Name(prefix=shape.name.prefix, suffix=cut), False)


def could_meet(one: Shape, other: Shape) -> bool:
    """Whether some path may be in both; True where it takes more than a look."""
    short, long = (one, other) if len(one.base) <= len(other.base) else (other, one)
    if long.base[: len(short.base)] != short.base:
        return False
    if long.kind is Kind.EXACT:
        return short.holds(long.base)
    beyond = long.base[len(short.base) :]
    match short.kind:
        case Kind.TREE:
            return True
        case Kind.EXACT:
            return long.kind is Kind.TREE and not beyond
        case Kind.STRETCH if beyond:
            return beyond[0].startswith(short.name.prefix)
        case Kind.NAMED if not beyond or long.is_wild or long.kind is Kind.TREE:
            return not long.is_wild or names_meet(short.name, long.name)
        case Kind.CHILD if beyond:
            return long.kind is Kind.TREE and len(beyond) == 1 and short.name.holds(beyond[0])
        case _:
            return not (short.is_wild and long.is_wild) or names_meet(short.name, long.name)


def names_meet(one: Name, other: Name) -> bool:
    for a, b in ((one, other), (other, one)):
        if a.equal is not None:
            return b.holds(a.equal)
    heads = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return heads and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))


def is_below(shape: Shape, base: tuple[str, ...]) -> bool:
    """Whether every path of `shape` is strictly below `base`."""
    if shape.base[: len(base)] != base:
        return False
    return len(shape.base) > len(base) or shape.kind in (Kind.STRETCH, Kind.NAMED, Kind.CHILD)


