"""A denied pattern minus the holes of earlier allows: AppArmor's deny always wins, so the deny set itself must leave them out.

The names of the holes make one trie over bytes; walking it together with the pattern, every byte that leaves the trie is
denied with all that may follow (`/srv/app/d[^o]**`), and every name that ends before a hole is denied alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from avakill.backends.apparmor.derive import accepts, after, joined_steps
from avakill.backends.apparmor.model import Choice, Many, OneOf, Token, Tokens
from avakill.backends.apparmor.tokens import ALL_BYTES, END, NOT_SLASH, ROOT_TREE, encode, joined
from avakill.paths.glob import Glob, Part, Wild, Wildcard

SLASH = 0x2F


class Kind(Enum):
    """What a hole takes: a path, a path with all below, names at any depth below `prefix` or directly in it that end in
    `suffix`, names that begin with `prefix`; of a last component the name `prefix`, or those that begin with it."""

    PATH = auto()
    TREE = auto()
    DEEP_NAMES = auto()
    NAMES = auto()
    BEGINNINGS = auto()
    ENDING = auto()
    ENDINGS = auto()

    __hash__ = object.__hash__  # as in `model.Many`


@dataclass(frozen=True, slots=True)
class Cut:
    """A hole that can be cut out of a denied tree."""

    kind: Kind
    prefix: bytes
    suffix: bytes = b""

    @property
    def is_plain(self) -> bool:
        """Cut out of any pattern, not only of a tree."""
        return self.kind in (Kind.PATH, Kind.TREE)

    @property
    def takes_directories(self) -> bool:
        """Whether a directory that bears a name of the hole is left out like a file."""
        return self.kind in (Kind.TREE, Kind.ENDING, Kind.ENDINGS)


@lru_cache(maxsize=16384)
def cut_of(glob: Glob) -> Cut | None:
    """The hole that a glob is, or None where it is of no kind that can be cut out."""
    if glob.fold:
        return None
    prefix = encode("".join(f"/{name}" for name in glob.literal_prefix))
    rest = glob.parts[len(glob.literal_prefix) :]
    if not rest:
        return Cut(Kind.TREE if glob.below else Kind.PATH, prefix)
    match rest:
        case (Wild((*head, Wildcard.SOME)),) if not glob.below and (begin := _text(tuple(head))):
            return Cut(Kind.BEGINNINGS, prefix + b"/" + begin)
        case (Wild((Wildcard.SOME, *tail)),) if not glob.below and (end := _text(tuple(tail))) is not None:
            return Cut(Kind.NAMES, prefix, end)
        case (Wildcard.DEEP, Wild((Wildcard.SOME, *tail))) if not glob.below and (end := _text(tuple(tail))):
            return Cut(Kind.DEEP_NAMES, prefix, end)
        case (Wildcard.DEEP, str(name)) if not glob.below:
            return Cut(Kind.DEEP_NAMES, prefix, b"/" + encode(name))
    return None


def begins_with(part: Part) -> bytes | None:
    """What the names that match `TEXT*` begin with; None for another form."""
    if isinstance(part, Wild) and part.atoms[-1:] == (Wildcard.SOME,):
        return _text(part.atoms[:-1]) or None
    return None


def _text(atoms: tuple[object, ...]) -> bytes | None:
    """Literal characters as bytes; None where some are none, or are lone bytes that another could complete."""
    if all(isinstance(atom, str) and not 0xDC80 <= ord(atom) <= 0xDCFF for atom in atoms):
        return encode("".join(str(atom) for atom in atoms))
    return None


class Node:
    """A place in the trie of the holes' names. `closed`: all from here on is hole; `taken`: the name that ends here is."""

    __slots__ = ("children", "closed", "tails", "taken")

    def __init__(self) -> None:
        self.children: dict[int, Node] = {}
        self.taken = False
        self.closed = False
        self.tails: dict[Kind, set[bytes]] = {}

    def at(self, text: bytes) -> Node:
        node = self
        for byte in text:
            child = node.children.get(byte)
            if child is None:
                child = node.children[byte] = Node()
            node = child
        return node


def trie(cuts: Iterable[Cut], directories: bool) -> Node:
    """The trie of the holes. Without `directories` a hole that has nothing below it leaves directories denied."""
    root = Node()
    for cut in cuts:
        node = root.at(cut.prefix)
        match cut.kind:
            case Kind.PATH:
                node.taken = True
                if directories:
                    node.at(b"/").taken = True
            case Kind.TREE | Kind.ENDING:
                node.taken = True
                node.at(b"/").closed = True
            case Kind.ENDINGS:
                node.closed = True
            case _:
                node.tails.setdefault(cut.kind, set()).add(cut.suffix)
    return root


def subtract(tokens: Tokens, root: Node, directories: bool) -> tuple[Tokens, ...] | None:
    """Patterns that together match what `tokens` matches outside the holes; None where some hole cannot be cut out of it."""
    found: dict[Tokens, None] = {}
    todo: list[tuple[Node, bytes, frozenset[Tokens], bool]] = [(root, b"", frozenset({tokens}), False)]
    while todo:
        node, text, states, begun = todo.pop()
        if node.closed:
            continue
        begun |= Kind.BEGINNINGS in node.tails
        if begun and not _has_anything(states):
            return None
        lines: Iterable[Tokens] | None
        if node.tails and node.tails.keys() - {Kind.BEGINNINGS}:
            lines = None if begun or node.children else _around_tails(node, text, states, directories)
            if lines is None:
                return None
        elif begun:
            lines = _behind_beginnings(node, text, directories)
        else:
            lines = _leaving(node, text, states)
        found.update(dict.fromkeys(lines))
        children = node.children.items()
        for byte, child in sorted(children, reverse=True) if len(children) > 1 else children:
            beyond = after(states, byte)
            if beyond:
                child.taken |= begun and byte == SLASH and directories
                todo.append((child, text + bytes((byte,)), beyond, begun and byte != SLASH))
    return tuple(found)


def _leaving(node: Node, text: bytes, states: frozenset[Tokens]) -> Iterator[Tokens]:
    """The name that ends here, and all that leaves the trie with the next byte."""
    if not node.taken and any(accepts(state) for state in states):
        yield (text,)
    yield from _going_on(text, states, ~_inside(node))


def _going_on(text: bytes, states: frozenset[Tokens], allowed: int) -> Iterator[Tokens]:
    """All that has one of the `allowed` bytes behind `text`."""
    ordered = states if len(states) == 1 else sorted(states, key=repr)
    for mask, left in dict.fromkeys(step for state in ordered for step in joined_steps(state)):
        mask &= allowed
        if mask & (mask - 1):
            yield (text, OneOf(mask), *left) if text else (OneOf(mask), *left)
        elif mask and not (mask == 1 << SLASH and text.endswith(b"/")):
            # no name has two slashes in a row, and the parser would read them as one
            here = text + bytes((mask.bit_length() - 1,))
            yield (here + left[0], *left[1:]) if left and isinstance(left[0], bytes) else (here, *left)


def _behind_beginnings(node: Node, text: bytes, directories: bool) -> Iterator[Tokens]:
    """Names that begin with `text` are hole as far as their next slash."""
    inner: Tokens = (OneOf(NOT_SLASH), Many.ANY) if directories else (ROOT_TREE,)
    outside = ALL_BYTES & ~_inside(node)
    if outside & NOT_SLASH:
        yield (text, _one_of(outside & NOT_SLASH), Many.NAME, b"/", *inner)
    if outside >> SLASH & 1:
        yield (text + b"/", *inner)


def _inside(node: Node) -> int:
    return sum(1 << byte for byte in node.children)


def _one_of(mask: int) -> bytes | OneOf:
    return bytes((mask.bit_length() - 1,)) if mask & (mask - 1) == 0 else OneOf(mask)


def _has_anything(states: frozenset[Tokens]) -> bool:
    """Whether whatever follows is matched."""
    return (Many.ANY,) in states


def _around_tails(node: Node, text: bytes, states: frozenset[Tokens], directories: bool) -> list[Tokens] | None:
    """What stands around one kind of names with wildcards; only in a tree, and with no other hole beside it."""
    if len(node.tails) != 1:
        return None
    ((kind, suffixes),) = node.tails.items()
    below = after(states, SLASH)
    if below and not _has_anything(below):
        return None
    ends = any(accepts(state) for state in states)
    beside = list(_going_on(text, states, NOT_SLASH))
    if not below:
        return ([(text,)] if ends and not node.taken else []) + beside
    lines: list[Tokens] = [(text, END)] if ends and not node.taken else [(text + b"/",)]
    return lines + beside + list(_not_ending(text + b"/", tuple(sorted(suffixes)), kind, directories))


def _not_ending(text: bytes, suffixes: tuple[bytes, ...], kind: Kind, directories: bool) -> Iterator[Tokens]:
    """What lies below the directory `text` and does not end in a suffix: by the trie of the suffixes read backwards."""
    direct = kind is Kind.NAMES
    begins: dict[bytes, int] = {b"": 0}
    for suffix in suffixes:
        for start in range(len(suffix)):
            end = suffix[start + 1 :]
            begins[end] = begins.get(end, 0) | 1 << suffix[start]
    run: Token = Many.NAME if direct else Many.ANY
    last: Tokens = (END,) if directories else ()
    for end, taken in sorted(begins.items()):
        if any(end.endswith(suffix) for suffix in suffixes):
            continue
        outside = ALL_BYTES & ~taken & (NOT_SLASH if direct or end == b"" or taken >> SLASH & 1 else ALL_BYTES)
        if end == b"" or taken >> SLASH & 1:
            yield joined((text, run, _one_of(outside), end, *last))
        else:
            yield joined((text, Choice(((), (run, _one_of(outside)))), end, *last))
    if not directories:
        yield (text, OneOf(NOT_SLASH), Many.ANY, b"/")
    if direct:
        yield (text, OneOf(NOT_SLASH), Many.NAME, b"/", OneOf(NOT_SLASH), Many.ANY)
