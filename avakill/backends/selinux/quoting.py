"""Sets of paths as regular expressions of file contexts: bytes under PCRE, printable ASCII without a space.

libselinux 3.4 reads a line by white space, refuses other than ASCII, anchors with `^` and `$`, and takes the first
component of a spec as literal text unless one of `.^$?*+|[({` stands in it. libsemanage 3.4 moves a line that holds `ROLE`
or `USER` to the templates of home directories, and the `.pp` is turned into CIL, where `"` would end the string.
`$` also matches before a final newline, so every spec ends with `\\z`.
"""

from __future__ import annotations

from functools import lru_cache

from avakill.paths.automaton import Pattern
from avakill.paths.glob import CharClass, Glob, Part, Wildcard
from avakill.paths.substring import Substring

END = "\\z"
META = frozenset(".^$?*+|[](){}\\")
PLAIN = frozenset(chr(code) for code in range(0x21, 0x7F)) - META - frozenset('"#')
NAME = "[^/]"
# One character of UTF-8, or else one byte; atomic, so that a character is never taken apart.
ONE = (
    "(?>[\\x01-\\x2e\\x30-\\x7f]|[\\xc2-\\xdf][\\x80-\\xbf]|\\xe0[\\xa0-\\xbf][\\x80-\\xbf]|"
    "[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}|\\xed[\\x80-\\x9f][\\x80-\\xbf]|\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}|"
    "[\\xf1-\\xf3][\\x80-\\xbf]{3}|\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}|[\\x80-\\xff])"
)
MAX_RANGE = 300


class Unsayable(Exception):
    """A pattern that has no regular expression here."""


def spec(within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> str:
    """The paths that are in all of `within` and none of `without`."""
    main = next((p for p in reversed(within) if isinstance(p, Glob)), within[0]) if within else None
    ahead = "".join(f"(?={regex(p)}{END})" for p in within if p is not main)
    ahead += "".join(f"(?!{regex(p)}{END})" for p in without)
    return f"{ahead}{regex(main) if main is not None else '/.*'}{END}".replace("ROLE", "ROL\\x45").replace("USER", "USE\\x52")


@lru_cache(maxsize=1 << 16)
def regex(pattern: Pattern) -> str:
    """A pattern's regular expression, without an end. Raises Unsayable."""
    if isinstance(pattern, Substring):
        return "(?=/).*" + "".join(_both_cases(char) for char in pattern.needle) + ".*"
    parts = [_part(part, pattern.fold, first=index == 0) for index, part in enumerate(pattern.parts)]
    if not parts:
        return "/.*" if pattern.below else "/"
    return "".join(parts) + ("(/.*)?" if pattern.below else "")


def _part(part: Part, fold: bool, first: bool) -> str:
    if part is Wildcard.DEEP:
        return "(/[^/]+)*"
    if isinstance(part, str):
        text = "".join(_both_cases(char) for char in part) if fold else literal(part)
    else:
        assert not isinstance(part, Wildcard)
        text = _component(part.atoms, fold)
    return f"/(?:{text})" if first and "\\" in text else f"/{text}"


def _component(atoms: tuple[str | Wildcard | CharClass, ...], fold: bool) -> str:
    counts = any(atom is Wildcard.ONE or isinstance(atom, CharClass) for atom in atoms)
    some = f"(?:{ONE})*" if counts else f"{NAME}*"
    if all(atom is Wildcard.SOME for atom in atoms):
        return f"{NAME}+"
    found: list[str] = []
    for atom in atoms:
        if isinstance(atom, CharClass):
            found.append(_class(atom, fold))
        elif atom is Wildcard.ONE:
            found.append(ONE)
        elif isinstance(atom, str):
            found.append(_both_cases(atom) if fold else literal(atom))
        else:
            found.append(some)
    return "".join(found)


@lru_cache(maxsize=8192)
def literal(text: str) -> str:
    """A name as a regular expression that matches its bytes."""
    if PLAIN.issuperset(text):
        return text
    return "".join(_byte(byte) for byte in text.encode("utf-8", "surrogateescape"))


def _byte(byte: int) -> str:
    char = chr(byte)
    if char in PLAIN:
        return char
    return f"\\{char}" if char in META else f"\\x{byte:02x}"


def _both_cases(char: str) -> str:
    """As `casefold` compares: with the two letters outside ASCII that fold into it."""
    forms = dict.fromkeys(form for form in (char, char.lower(), char.upper(), char.casefold()))
    folded = char.casefold()
    if folded == "k":
        forms["\u212a"] = None
    elif folded == "s":
        forms["\u017f"] = None
    if len(forms) == 1:
        return literal(char)
    return f"(?:{'|'.join(literal(form) for form in forms)})"


def _class(klass: CharClass, fold: bool) -> str:
    members: list[str] = []
    for low, high in klass.ranges:
        if ord(high) < 0x80:
            members.append(f"[{_member(low)}-{_member(high)}]" if low != high else f"[{_member(low)}]")
            continue
        if ord(high) - ord(low) > MAX_RANGE:
            raise Unsayable
        members.extend(literal(chr(code)) for code in range(ord(low), ord(high) + 1))
    if not members:
        return ONE if klass.negated else "(?!)"
    inside = "|".join(members)
    if fold:
        inside = f"(?i:{inside})"
    return f"(?!{inside}){ONE}" if klass.negated else f"(?:(?!/)(?:{inside}))"


def _member(char: str) -> str:
    return char if char.isalnum() else f"\\x{ord(char):02x}"
