"""Whether two patterns share no object: by structure for trees, single paths, `D/*.x` and `D/**/*.x`, by automata for the rest."""

from __future__ import annotations

from functools import lru_cache

from avakill.backends.apparmor.samples import samples
from avakill.paths.automaton import Pattern, disjoint
from avakill.paths.glob import Glob, Part, Wild, Wildcard, component_holds, join, split

_Shape = tuple[tuple[Part, ...], bool, Part]
"""`D/NAME` or, where the second is true, `D/**/NAME`."""


def apart(one: Pattern, other: Pattern) -> bool:
    """As `disjoint`."""
    if not isinstance(one, Glob) or not isinstance(other, Glob) or one.fold or other.fold:
        return disjoint(one, other)
    p, q = one.literal_prefix, other.literal_prefix
    shared = min(len(p), len(q))
    if p[:shared] != q[:shared]:
        return True
    if one.is_tree or other.is_tree:
        tree, inner = (one, other) if one.is_tree else (other, one)
        if inner.is_tree or len(inner.literal_prefix) >= len(tree.parts):
            return False
        folder = len(inner.literal_prefix)
        if folder == len(inner.parts):
            return True  # one path, above the tree
        if inner.parts[folder] is Wildcard.DEEP:
            return False  # some object is as deep as it likes
        if len(inner.parts) == folder + 1 and not inner.below:
            return len(tree.parts) > folder + 1 or not component_holds(inner.parts[folder], tree.literal_prefix[folder])
        return not _meets(tree, inner) and disjoint(one, other)
    return _shapes_apart(one, other)


def _meets(tree: Glob, inner: Glob) -> bool:
    """Whether an object of `inner`, made up quickly, is in the tree."""
    depth = len(tree.parts)
    return any(inner.holds(join((*tree.literal_prefix, *split(path)[depth:]))) for path in samples(inner)[:1])


@lru_cache(maxsize=65536)
def _shapes_apart(one: Glob, other: Glob) -> bool:
    """Of two whose literal beginnings agree."""
    first, second = _shape(one), _shape(other)
    if first is None or second is None:
        return disjoint(one, other)
    (p, p_deep, a), (q, q_deep, b) = first, second
    if not (p_deep or len(p) >= len(q)) or not (q_deep or len(q) >= len(p)):
        return True
    if p[: len(q)] != q[: len(p)]:
        return True
    return _parts_apart(a, b)


def _shape(glob: Glob) -> _Shape | None:
    parts = glob.parts
    if glob.below or not parts or parts[-1] is Wildcard.DEEP:
        return None
    folder = len(glob.literal_prefix)
    if folder >= len(parts) - 1:
        return parts[:-1], False, parts[-1]
    if folder == len(parts) - 2 and parts[folder] is Wildcard.DEEP:
        return parts[:folder], True, parts[-1]
    return None


def _parts_apart(a: Part, b: Part) -> bool:
    if isinstance(a, str):
        return not component_holds(b, a)
    if isinstance(b, str):
        return not component_holds(a, b)
    ends = tail_of(a), tail_of(b)
    if ends[0] is not None and ends[1] is not None:
        return not (ends[0].endswith(ends[1]) or ends[1].endswith(ends[0]))
    return disjoint(Glob((a,)), Glob((b,)))


def tail_of(part: Part) -> str | None:
    """What a name that matches `*TAIL` ends in; None for any other form."""
    if isinstance(part, Wild) and part.atoms[:1] == (Wildcard.SOME,) and all(isinstance(atom, str) for atom in part.atoms[1:]):
        return "".join(map(str, part.atoms[1:]))
    return None
