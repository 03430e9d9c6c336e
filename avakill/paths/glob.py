"""A glob over paths: its parts, read from text and matched against a path (semantics §3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import cast

from avakill.paths.lazy import lazy

MAX_ALTERNATIVES = 1024
MAX_LENGTH = 4096


class Anchor(Enum):
    """What a pattern's text is relative to."""

    ROOT = "/"
    HOME = "~"
    WORKSPACE = "."


class Wildcard(Enum):
    """`ONE` is `?`, `SOME` is `*` (any run without a slash, also empty), `DEEP` is a whole component `**`."""

    __hash__ = object.__hash__  # Enum's own is slow, and patterns are hashed by the thousand

    ONE = "?"
    SOME = "*"
    DEEP = "**"


@dataclass(frozen=True, slots=True)
class CharClass:
    """`[a-z]`: inclusive ranges of characters; never a slash, negated or not."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def holds(self, char: str) -> bool:
        return char != "/" and self.negated != any(low <= char <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Wild:
    """One component with wildcards. An atom is one literal character, `ONE`, `SOME` or a class."""

    atoms: tuple[str | Wildcard | CharClass, ...]


Part = str | Wild | Wildcard
"""A component: a literal name, one with wildcards, or `DEEP`."""


@dataclass(frozen=True, init=False)
class Glob:
    """The paths that the components `parts` name; with `below`, also everything below them.

    Parts are from `/` once bound to a target; before that from `anchor`. `anchor_length` is how many leading parts
    the anchor became. Names are `str` with surrogateescape, so a `?` is a character in UTF-8 and a byte elsewhere.
    `fold` ignores case (a file system that does).
    """

    parts: tuple[Part, ...]
    below: bool = False
    anchor: Anchor = Anchor.ROOT
    anchor_length: int = 0
    fold: bool = False
    text: str = field(default="", compare=False)

    def __init__(
        self,
        parts: tuple[Part, ...],
        below: bool = False,
        anchor: Anchor = Anchor.ROOT,
        anchor_length: int = 0,
        fold: bool = False,
        text: str = "",
    ) -> None:
        # by hand, since a policy holds thousands and the made one sets each field by a call
        self.__dict__.update(parts=parts, below=below, anchor=anchor, anchor_length=anchor_length, fold=fold, text=text)

    @lazy
    def literal_prefix(self) -> tuple[str, ...]:
        """The leading literal names."""
        for at, part in enumerate(self.parts):
            if not isinstance(part, str):
                return cast(tuple[str, ...], self.parts[:at])
        return cast(tuple[str, ...], self.parts)

    @lazy
    def is_literal(self) -> bool:
        return len(self.literal_prefix) == len(self.parts)

    @lazy
    def is_tree(self) -> bool:
        """A literal path and all below it."""
        return self.below and self.is_literal

    @lazy
    def is_everything(self) -> bool:
        return self.below and all(part is Wildcard.DEEP for part in self.parts)

    @lazy
    def _hash(self) -> int:
        return hash(self.parts)  # tells nearly all apart

    def __hash__(self) -> int:
        return self._hash

    def holds(self, path: str) -> bool:
        """Whether the absolute, normalised `path` (`/a/b`; the root is `/`) is in the set."""
        return holds_parts(self, split(path))


EVERYTHING = Glob((), below=True, text="/**")


class GlobError(ValueError):
    """A pattern that cannot be read; `offset` is the character that is to blame, from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@lru_cache(maxsize=65536)
def split(path: str) -> tuple[str, ...]:
    """`/a/b` to `("a", "b")`; `/` to `()`."""
    return tuple(filter(None, path.split("/")))


def join(parts: tuple[str, ...]) -> str:
    return "/" + "/".join(parts)


def tree(path: str) -> Glob:
    """The literal absolute `path` and all below it."""
    return Glob(split(path), below=True, text=path)


def exactly(path: str) -> Glob:
    """The literal absolute `path` alone."""
    return Glob(split(path), text=path)


# -- matching: one pass over the components, one over the characters of each; no backtracking beyond one star --


def holds_parts(glob: Glob, names: tuple[str, ...]) -> bool:
    """As `Glob.holds`, on the components of a path."""
    parts = glob.parts
    if glob.is_literal and not glob.fold:
        return names == parts or (glob.below and names[: len(parts)] == parts)
    if glob.fold:
        names = tuple(name.casefold() for name in names)
    if len(names) < len(parts) and Wildcard.DEEP not in parts:
        return False
    start = 0 if glob.fold else len(glob.literal_prefix)
    if start and names[:start] != parts[:start]:
        return False
    last = parts[-1] if parts and not glob.below else Wildcard.DEEP
    if last is not Wildcard.DEEP and not (names and component_holds(last, names[-1], glob.fold)):
        return False
    if len(parts) == start + 2 and parts[start] is Wildcard.DEEP and parts[-1] is not Wildcard.DEEP:
        # `D/**/name` is what most patterns with a `**` look like
        if not glob.below:
            return len(names) > start
        return _one_holds(parts[-1], names[start:], glob.fold)
    states = _closure({start}, parts)
    if glob.below and len(parts) in states:
        return True
    for name in names[start:]:
        ahead: set[int] = set()
        for state in states:
            if state == len(parts):
                continue
            part = parts[state]
            if part is Wildcard.DEEP:
                ahead.add(state)
            elif component_holds(part, name, glob.fold):
                ahead.add(state + 1)
        states = _closure(ahead, parts)
        if not states:
            return False
        if glob.below and len(parts) in states:
            return True
    return len(parts) in states


def _one_holds(part: Part, names: tuple[str, ...], fold: bool) -> bool:
    if isinstance(part, str) and not fold:
        return part in names
    return any(component_holds(part, name, fold) for name in names)


def _closure(states: set[int], parts: tuple[Part, ...]) -> set[int]:
    """Each `**` may stand for no component at all."""
    result = set(states)
    for state in states:
        while state < len(parts) and parts[state] is Wildcard.DEEP:
            state += 1
            result.add(state)
    return result


def component_holds(part: Part, name: str, fold: bool = False) -> bool:
    """Whether one component matches one name (already folded where `fold`)."""
    if isinstance(part, str):
        return (part.casefold() if fold else part) == name
    if isinstance(part, Wildcard):
        return True
    ends = None if fold else _ends(part)
    if ends is None:
        return _wild_holds(part.atoms, name, fold)
    first, last = ends
    return len(name) >= len(first) + len(last) and name.startswith(first) and name.endswith(last)


@lru_cache(maxsize=4096)
def _ends(part: Wild) -> tuple[str, str] | None:
    """What stands before and after the one `*` of a component that has no other wildcard, which nearly all are."""
    atoms = part.atoms
    if atoms.count(Wildcard.SOME) != 1 or not all(isinstance(atom, str) or atom is Wildcard.SOME for atom in atoms):
        return None
    star = atoms.index(Wildcard.SOME)
    return "".join(map(str, atoms[:star])), "".join(map(str, atoms[star + 1 :]))


def _wild_holds(atoms: tuple[str | Wildcard | CharClass, ...], name: str, fold: bool) -> bool:
    at = here = 0
    star, mark = -1, 0
    while here < len(name):
        if at < len(atoms) and atoms[at] is Wildcard.SOME:
            star, mark = at, here
            at += 1
        elif at < len(atoms) and _atom_holds(atoms[at], name[here], fold):
            at += 1
            here += 1
        elif star >= 0:
            mark += 1
            at, here = star + 1, mark
        else:
            return False
    return all(atom is Wildcard.SOME for atom in atoms[at:])


def _atom_holds(atom: str | Wildcard | CharClass, char: str, fold: bool) -> bool:
    if isinstance(atom, str):
        return (atom.casefold() if fold else atom) == char
    if isinstance(atom, Wildcard):
        return char != "/"
    return atom.holds(char) or (fold and (atom.holds(char.upper()) or atom.holds(char.lower())))


# -- reading --


def parse(text: str) -> tuple[Glob, ...]:
    """The globs that `text` means: one, or one for each combination of its `{a,b}`.

    Raises GlobError for what cannot be read: an unclosed class or brace, `**` inside a component, `..`, NUL.
    """
    if not text:
        raise GlobError("an empty pattern matches nothing", 0)
    if len(text) > MAX_LENGTH:
        raise GlobError(f"a pattern of over {MAX_LENGTH} characters", MAX_LENGTH)
    if "\0" in text:
        raise GlobError("a NUL cannot stand in a path", text.index("\0"))
    if (plain := _plain(text)) is not None:
        return (plain,)
    globs: dict[Glob, None] = {}
    for alternative in _alternatives(_tokens(text)):
        globs[_build(alternative, text)] = None
    return tuple(globs)


_SYNTAX = re.compile(r"[\\\[\]{}]")
_DOTS = frozenset((".", ".."))


def _plain(text: str) -> Glob | None:
    """A pattern of names, `*`, `?` and `**` only, read the short way (nearly all are, and a policy may hold thousands)."""
    if _SYNTAX.search(text) is not None or (text[0] == "~" and text[1:2] not in ("", "/")):
        return None
    names = text.split("/")
    if not _DOTS.isdisjoint(names):
        return None
    anchor = Anchor.WORKSPACE
    if names[0] == "~" or (not names[0] and len(names) > 1):
        anchor = Anchor.HOME if names[0] else Anchor.ROOT
        del names[0]
    if "*" in text or "?" in text:
        return _plain_wild([name for name in names if name], anchor, text)
    literal = tuple([name for name in names if name])
    if anchor is Anchor.WORKSPACE and len(literal) == 1:
        return Glob((Wildcard.DEEP, *literal), True, anchor, text=text)
    return Glob(literal, True, anchor, text=text)


def _plain_wild(names: list[str], anchor: Anchor, text: str) -> Glob | None:
    if any("**" in name and name != "**" for name in names):
        return None
    parts = tuple([_plain_part(name) if "*" in name or "?" in name else name for name in names])
    if anchor is Anchor.WORKSPACE and len(parts) == 1:
        parts = (Wildcard.DEEP, *parts)
    below = parts[-1] is Wildcard.DEEP
    if below:
        parts = _strip_deep(parts)
    return Glob(_merge_deep(parts) if "**" in text else parts, below, anchor, text=text)


@lru_cache(maxsize=4096)
def _plain_part(name: str) -> Part:
    if name == "**":
        return Wildcard.DEEP
    return Wild(tuple([_PLAIN_ATOMS.get(char, char) for char in name]))


_PLAIN_ATOMS: dict[str, Wildcard] = {"*": Wildcard.SOME, "?": Wildcard.ONE}


# A token is (what, offset): one character to be read as itself (quoted), or as syntax.
@dataclass(frozen=True, slots=True)
class _Token:
    char: str
    offset: int
    quoted: bool = False
    klass: CharClass | None = None


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            if at + 1 == len(text):
                raise GlobError("a `\\` at the end quotes nothing", at)
            tokens.append(_Token(text[at + 1], at, quoted=True))
            at += 2
        elif char == "[":
            klass, after = _read_class(text, at)
            tokens.append(_Token("[", at, klass=klass))
            at = after
        else:
            tokens.append(_Token(char, at))
            at += 1
    return tokens


def _read_class(text: str, start: int) -> tuple[CharClass, int]:
    at = start + 1
    negated = at < len(text) and text[at] in "!^"
    at += negated
    members: list[tuple[str, bool]] = []
    first = True
    while True:
        if at >= len(text):
            raise GlobError("a class `[…]` that is not closed", start)
        char = text[at]
        if char == "]" and not first:
            break
        if char == "/":
            raise GlobError("a `/` cannot stand in a class", at)
        if char == "[" and text[at + 1 : at + 2] in (":", ".", "="):
            raise GlobError("named classes like `[:alpha:]` are not supported", at)
        quoted = char == "\\" and at + 1 < len(text)
        at += quoted
        members.append((text[at], quoted))
        at += 1
        first = False
    ranges: list[tuple[str, str]] = []
    index = 0
    while index < len(members):
        low, _ = members[index]
        if index + 2 < len(members) and members[index + 1] == ("-", False):
            high, _ = members[index + 2]
            if high < low:
                raise GlobError(f"the range `{low}-{high}` is upside down", start)
            ranges.append((low, high))
            index += 3
        else:
            ranges.append((low, low))
            index += 1
    return CharClass(tuple(ranges), negated), at + 1


def _alternatives(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """Brace expansion; the number of results is bounded by MAX_ALTERNATIVES."""
    results = _expand(tokens, 0, tokens[0].offset if tokens else 0)
    if len(results) > MAX_ALTERNATIVES:
        raise GlobError(f"braces with over {MAX_ALTERNATIVES} combinations", 0)
    yield from results


def _expand(tokens: list[_Token], depth: int, offset: int) -> list[list[_Token]]:
    if depth > 16:
        raise GlobError("braces nested over 16 deep", offset)
    results: list[list[_Token]] = [[]]
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.quoted or token.klass is not None or token.char not in "{}":
            for result in results:
                result.append(token)
            at += 1
            continue
        if token.char == "}":
            raise GlobError("a `}` without its `{`", token.offset)
        groups, at = _brace(tokens, at)
        choices = [choice for group in groups for choice in _expand(group, depth + 1, token.offset)]
        if len(results) * len(choices) > MAX_ALTERNATIVES:
            raise GlobError(f"braces with over {MAX_ALTERNATIVES} combinations", token.offset)
        results = [result + choice for result in results for choice in choices]
    return results


def _brace(tokens: list[_Token], start: int) -> tuple[list[list[_Token]], int]:
    groups: list[list[_Token]] = [[]]
    level = 0
    for at in range(start + 1, len(tokens)):
        token = tokens[at]
        plain = not token.quoted and token.klass is None
        if plain and token.char == "}" and level == 0:
            return groups, at + 1
        if plain and token.char == "," and level == 0:
            groups.append([])
            continue
        if plain and token.char in "{}":
            level += 1 if token.char == "{" else -1
        groups[-1].append(token)
    raise GlobError("a `{` that is not closed", tokens[start].offset)


def _build(tokens: list[_Token], text: str) -> Glob:
    components: list[list[_Token]] = [[]]
    for token in tokens:
        if token.char == "/" and token.klass is None:
            components.append([])
        else:
            components[-1].append(token)
    absolute = not components[0] and len(components) > 1
    home = len(components[0]) == 1 and components[0][0].char == "~" and not components[0][0].quoted
    if components[0] and components[0][0].char == "~" and not components[0][0].quoted and not home:
        raise GlobError("`~user` is not supported; write the home directory out", components[0][0].offset)
    names = [c for c in (components[1:] if absolute or home else components) if c and not _is(c, ".")]
    parts = tuple(_part(component) for component in names)
    anchor = Anchor.ROOT if absolute else Anchor.HOME if home else Anchor.WORKSPACE
    slashed = absolute or home or len([c for c in components if c]) > 1 or any(_is(c, ".") for c in components)
    if anchor is Anchor.WORKSPACE and not slashed:
        parts = (Wildcard.DEEP, *parts)  # as in .gitignore: at any depth
    wild = any(not isinstance(_part(component), str) for component in names)
    below = not wild
    if wild and parts and parts[-1] is Wildcard.DEEP:
        parts, below = _strip_deep(parts), True
    return Glob(_merge_deep(parts), below, anchor, text=text)


def _is(component: list[_Token], name: str) -> bool:
    return "".join(token.char for token in component) == name and all(token.klass is None for token in component)


def _part(component: list[_Token]) -> Part:
    if _is(component, ".."):
        raise GlobError("`..` cannot stand in a pattern", component[0].offset)
    plain = [token for token in component if not token.quoted and token.klass is None]
    if len(component) == 2 and len(plain) == 2 and all(token.char == "*" for token in component):
        return Wildcard.DEEP
    atoms: list[str | Wildcard | CharClass] = []
    for token in component:
        if token.klass is not None:
            atoms.append(token.klass)
        elif token.quoted or token.char not in "*?":
            atoms.append(token.char)
        elif token.char == "?":
            atoms.append(Wildcard.ONE)
        elif atoms and atoms[-1] is Wildcard.SOME:
            raise GlobError("`**` must be a whole component", token.offset - 1)
        else:
            atoms.append(Wildcard.SOME)
    if all(isinstance(atom, str) for atom in atoms):
        return "".join(atom for atom in atoms if isinstance(atom, str))
    return Wild(tuple(atoms))


def _strip_deep(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    while parts and parts[-1] is Wildcard.DEEP:
        parts = parts[:-1]
    return parts


def _merge_deep(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    merged: list[Part] = []
    for part in parts:
        if not (part is Wildcard.DEEP and merged and merged[-1] is Wildcard.DEEP):
            merged.append(part)
    return tuple(merged)
