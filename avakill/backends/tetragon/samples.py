"""Concrete paths of a shape, for witnesses."""
from __future__ import annotations

from collections.abc import Iterator

from avakill.backends.tetragon.shapes import Kind, Name, Shape
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern, Undecided, witness
from avakill.paths.glob import Glob, Part, Wild, Wildcard, join

MIDDLE = ("q7", "", "x")


def samples(shape: Shape) -> Iterator[str]:
    """A few paths of the shape, plain ones first."""
    below = f"{shape.path}/" if shape.base else "/"
    match shape.kind:
        case Kind.EXACT:
            yield shape.path
        case Kind.TREE:
            yield f"{below}q7"
            yield f"{below}q7/zz"
            yield shape.path
        case Kind.STRETCH:
            heads = [head for middle in MIDDLE if (head := shape.name.prefix + middle)]
            yield from (f"{below}{head}" for head in heads)
            yield from (f"{below}{head}/zz" for head in heads)
        case Kind.NAMED | Kind.CHILD:
            names = _names(shape.name)
            yield from (f"{below}{name}" for name in names)
            yield from (f"{below}zz/{name}" for name in names)
            yield from (f"{below}zz/yy/{name}" for name in names)


def _names(name: Name) -> tuple[str, ...]:
    if name.equal is not None:
        return (name.equal,)
    return tuple(made for middle in MIDDLE if (made := name.prefix + middle + name.suffix) not in ("", ".", ".."))


def glob_of(shape: Shape) -> Glob:
    """The shape as a pattern."""
    name = shape.name
    part: Part = name.equal if name.equal is not None else Wild((*name.prefix, Wildcard.SOME, *name.suffix))
    match shape.kind:
        case Kind.TREE:
            return Glob(shape.base, below=True)
        case Kind.EXACT:
            return Glob(shape.base)
        case Kind.STRETCH:
            return Glob((*shape.base, part), below=True)
        case Kind.NAMED:
            return Glob((*shape.base, Wildcard.DEEP, part))
        case Kind.CHILD:
            return Glob((*shape.base, Wildcard.DEEP, part))


def example(within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> str | None:
    """A path in all of `within` and none of `without`, or None where none was found."""
    try:
        return witness(within, without, frozenset({"/"}))
    except Undecided:
        return None


def filled(glob: Glob) -> str | None:
    """A path of a pattern without classes: each wildcard filled in."""
    names: list[str] = []
    for part in glob.parts:
        if isinstance(part, str):
            names.append(part)
        elif isinstance(part, Wild):
            if not all(isinstance(atom, str) or atom is Wildcard.SOME for atom in part.atoms):
                return None
            names.append("".join(atom if isinstance(atom, str) else "q7" for atom in part.atoms))
    return join(tuple(names))


def examples(piece: Piece[Pattern], shape: Shape) -> Iterator[str]:
    """Paths of a piece: cheap ones where they fit, else a shortest one."""
    is_same = shape.is_exact and not piece.without and shape.kind in (Kind.TREE, Kind.EXACT, Kind.NAMED)
    fitting = samples(shape) if is_same else filter(piece.holds, samples(shape))
    first = next(fitting, None)
    if first is None:
        first = next(filter(piece.holds, _filled(piece)), None) or example(piece.within, piece.without)
    if first is not None:
        yield first
    yield from fitting


def _filled(piece: Piece[Pattern]) -> Iterator[str]:
    for pattern in piece.within:
        if isinstance(pattern, Glob) and (path := filled(pattern)) is not None:
            yield path
