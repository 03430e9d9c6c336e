"""Path patterns of the policy as tokens over the names that the kernel shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from avakill.backends.apparmor.folding import any_case, spellings
from avakill.backends.apparmor.model import Choice, Many, OneOf, Token, Tokens
from avakill.backends.apparmor.utf8 import EVERY, character
from avakill.paths.automaton import Chars, Pattern, class_chars
from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard
from avakill.paths.substring import Substring

ALL_BYTES = (1 << 256) - 2
NOT_SLASH = ALL_BYTES & ~(1 << 0x2F)
END = Choice(((), (b"/",)))
"""The object itself, a directory or not."""
TREE = Choice(((), (b"/",), (b"/", Many.ANY)))
"""The object and all below it."""
DEEP = Choice(((), (Many.ANY, b"/")))
"""Any number of components after a slash."""
ROOT_TREE = Choice(((), (Many.ANY,)))


@dataclass(frozen=True, slots=True)
class Spelled:
    """A pattern as tokens. `wide`: they match some names more than the pattern (never fewer, unless `narrow`)."""

    tokens: Tokens
    wide: bool = False
    narrow: bool = False


@lru_cache(maxsize=16384)
def spell(pattern: Pattern) -> Spelled:
    if isinstance(pattern, Substring):
        return _spell_substring(pattern.needle)
    if pattern.is_literal and not pattern.fold:
        if not pattern.parts:
            return Spelled((b"/", ROOT_TREE) if pattern.below else (b"/",))
        text = "".join(f"/{part}" for part in pattern.literal_prefix)
        return Spelled((encode(text), TREE if pattern.below else END))
    return _spell_glob(pattern)


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _spell_glob(glob: Glob) -> Spelled:
    run: list[Token] = []
    deep = wide = narrow = False
    for part in glob.parts:
        if part is Wildcard.DEEP:
            deep = True
            continue
        run += (b"/", DEEP) if deep else (b"/",)
        deep = False
        tokens, part_narrow = _spell_part(part, glob.fold)
        run += tokens
        narrow |= part_narrow
        wide |= isinstance(part, Wild) and _is_wide(part)
    below = glob.below or deep
    if not run:
        return Spelled((b"/", ROOT_TREE) if below else (b"/",))
    return Spelled(joined((*run, TREE if below else END)), wide, narrow)


def split_last(glob: Glob) -> tuple[Tokens, Tokens]:
    """A pattern up to the slash before its last component, and that component."""
    tail, _ = _spell_part(glob.parts[-1], glob.fold)
    run: list[Token] = []
    deep = False
    for part in glob.parts[:-1]:
        if part is Wildcard.DEEP:
            deep = True
        else:
            run += (b"/", DEEP) if deep else (b"/",)
            run += _spell_part(part, glob.fold)[0]
            deep = False
    return joined((*run, b"/", DEEP) if deep else (*run, b"/")), tail


def _spell_part(part: Part, fold: bool) -> tuple[Tokens, bool]:
    if isinstance(part, str):
        if not fold:
            return (encode(part),), False
        ways = spellings(part, part_of_more=False)
        if ways is None:
            return tuple(any_case(char) for char in part.casefold()), True
        return (ways[0] if len(ways) == 1 else (Choice(ways),)), False
    assert isinstance(part, Wild)
    if all(atom is Wildcard.SOME for atom in part.atoms):
        return (OneOf(NOT_SLASH), Many.NAME), False  # a name is never empty
    return tuple(_spell_atom(atom, fold) for atom in part.atoms), fold


def _spell_atom(atom: str | Wildcard | CharClass, fold: bool) -> Token:
    if isinstance(atom, str):
        return any_case(atom.casefold()) if fold and len(atom.casefold()) == 1 else encode(atom)
    if isinstance(atom, CharClass):
        return character(_both_cases(class_chars(atom)) if fold else class_chars(atom))
    return character(EVERY) if atom is Wildcard.ONE else Many.NAME


def _both_cases(chars: Chars) -> Chars:
    more = [(low + 32, high + 32) for low, high in _cut(chars, 65, 90)] + [(low - 32, high - 32) for low, high in _cut(chars, 97, 122)]
    return tuple(sorted((*chars, *more)))


def _cut(chars: Chars, first: int, last: int) -> list[tuple[int, int]]:
    return [(max(low, first), min(high, last)) for low, high in chars if low <= last and high >= first]


# -- where bytes cannot say what characters say: two neighbours may match the two bytes of one character --


def _is_wide(part: Wild) -> bool:
    """Whether the bytes that neighbouring atoms match could together be one character that they do not match so."""
    singles, atoms, uniform = 0, 0, True
    for atom in (*part.atoms, "."):
        if isinstance(atom, str) and not _is_lone(atom):
            if singles > 1 or (atoms > 1 and not uniform):
                return True
            singles, atoms, uniform = 0, 0, True
            continue
        atoms += 1
        if isinstance(atom, str):
            uniform = False
        elif isinstance(atom, CharClass):
            has_lone, has_all = _beyond_ascii(class_chars(atom))
            singles += has_lone
            uniform &= has_all or not has_lone
        elif atom is Wildcard.ONE:
            singles += 1
    return False


def _is_lone(char: str) -> bool:
    return 0xDC80 <= ord(char) <= 0xDCFF


def _beyond_ascii(chars: Chars) -> tuple[bool, bool]:
    """Whether the set has a lone byte, and whether it has all that is beyond ASCII."""
    lone = any(low <= 0xDCFF and high >= 0xDC80 for low, high in chars)
    return lone, any(low <= 0x80 and high >= 0x10FFFF for low, high in chars)


def _spell_substring(needle: str) -> Spelled:
    inner = needle.removeprefix("/")
    ways = spellings(inner, part_of_more=True) if inner else ((),)
    narrow = ways is None
    if ways is None:
        ways = (tuple(any_case(char) for char in inner.casefold()),)
    middle: Tokens = ways[0] if len(ways) == 1 else (Choice(ways),)
    # a directory's own name ends in a slash here, which is not in its path
    after: Tokens = (OneOf(NOT_SLASH), Many.ANY) if needle.endswith("/") else (Many.ANY,)
    before: Tokens = (b"/", DEEP) if needle.startswith("/") else (b"/", Many.ANY)
    return Spelled(joined((*before, *middle, *after)), narrow=narrow)


def joined(tokens: Tokens) -> Tokens:
    """The same, with neighbouring literal bytes as one token."""
    run: list[Token] = []
    for token in tokens:
        if isinstance(token, bytes) and run and isinstance(run[-1], bytes):
            run[-1] = run[-1] + token
        elif token != b"":
            run.append(token)
    return tuple(run)
