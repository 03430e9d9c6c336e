"""Trees cut out of `P/**/NAME` by the directories between: one line for each pattern, not one for each byte of a hole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from avakill.backends.apparmor.holes import SLASH, Cut, Kind, Node, trie
from avakill.backends.apparmor.model import Choice, Many, OneOf, Token, Tokens
from avakill.backends.apparmor.tokens import DEEP, NOT_SLASH, encode
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, Part, Wildcard, component_holds


def around_trees(pattern: Pattern, tokens: Tokens, holes: tuple[Pattern, ...]) -> Tokens | None:
    """`tokens` with its `**` narrowed to the directories that are in no hole; None where that would not be the same.

    It is the same where nothing that the rest of the pattern begins with is a name on the way to a hole: then an object is
    in a hole only if the directories that `**` stands for begin with the hole's names.
    """
    if not isinstance(pattern, Glob) or pattern.fold or len(tokens) < 2 or tokens[1] is not DEEP:
        return None
    at = len(pattern.literal_prefix)
    rest = pattern.parts[at + 1 :]
    if pattern.parts[at] is not Wildcard.DEEP or not rest or tokens[0] != encode("".join(f"/{n}" for n in pattern.parts[:at]) + "/"):
        return None
    inner: list[bytes] = []
    for hole in holes:
        if not isinstance(hole, Glob) or not hole.is_tree or hole.fold or hole.parts[:at] != pattern.parts[:at]:
            return None
        names = hole.literal_prefix[at:]
        if not names or any(_begins(rest[0], name) for name in names):
            return None
        inner.append(encode("/".join(names)))
    return (tokens[0], outside(tuple(sorted(inner))), *tokens[2:])


def _begins(part: Part, name: str) -> bool:
    return component_holds(part, name)


@lru_cache(maxsize=1024)
def outside(names: tuple[bytes, ...]) -> Choice:
    """All relative directories, each with its last slash (and none at all), that are no tree of `names` nor in one."""
    root = trie((Cut(Kind.TREE, name) for name in names), directories=True)
    return Choice(((), *_options(root, b"")))


def _options(root: Node, start: bytes) -> Iterator[tuple[Token, ...]]:
    todo = [(root, start)]
    while todo:
        node, text = todo.pop()
        if node.closed:
            continue
        if text[-1:] == b"/":
            yield (text,)
        elif text and SLASH not in node.children:
            yield (text + b"/", DEEP)
        beyond = NOT_SLASH & ~sum(1 << byte for byte in node.children)
        yield (text, OneOf(beyond), Many.ANY, b"/") if text else (OneOf(beyond), Many.ANY, b"/")
        todo.extend((child, text + bytes((byte,))) for byte, child in sorted(node.children.items(), reverse=True))
