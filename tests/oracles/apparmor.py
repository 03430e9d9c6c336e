"""An AppArmor profile, read back from its text and asked what the kernel's hooks ask (apparmor.d(5); Linux 6.1 security/apparmor).

Written from the rules of the parser (3.0.8: escapes, globs) and of the kernel; knows nothing of how profiles are made here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation

WRITES = frozenset((Operation.WRITE, Operation.TRUNCATE, Operation.ATTR, Operation.UNLINK, Operation.RMDIR)) | frozenset(
    (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK)
)
READS = frozenset({Operation.READ, Operation.LIST})
DIRECTORIES = frozenset({Operation.LIST, Operation.MKDIR, Operation.RMDIR})

NUMBERS = (1, 7, 12, 21, 236, 1041, 98230)
_DENY_PATH = re.compile(r'deny ("(?:[^"\\]|\\.)*") ([rwalkmx]+),', re.S)
_WORD = re.compile(r"[a-z0-9_]+")


class Unreadable(ValueError):
    """Text that is no profile of the few forms that are known here."""


@dataclass(frozen=True)
class Profile:
    """What a profile says, as far as an agent's operations are concerned."""

    denies: tuple[tuple[bytes, re.Pattern[bytes], frozenset[str]], ...]
    """What a name begins with that the pattern matches, the pattern, and the permissions that it takes."""
    families: frozenset[str]
    file: bool
    network: bool
    words: frozenset[str] = frozenset()
    """The rules that name no path."""
    known: dict[bytes, frozenset[str]] = field(default_factory=dict)

    def denied(self, name: bytes) -> frozenset[str]:
        """The permissions that some deny takes from a name; deny always wins."""
        found = self.known.get(name)
        if found is None:
            near = [(pattern, taken) for start, pattern, taken in self.denies if name.startswith(start)]
            found = frozenset(p for pattern, permissions in near if pattern.fullmatch(name) for p in permissions)
            self.known[name] = found
        return found

    def permits(self, name: bytes, permissions: str) -> bool:
        return self.file and not self.denied(name) & set(permissions)

    def allows(self, probe: Probe) -> bool:
        """As the kernel's hook for the operation."""
        if probe.operation is Operation.CONNECT:
            family = "inet6" if "[" in probe.object else "inet"
            return self.network and family not in self.families
        name = shown(probe.object, probe.directory or probe.operation in DIRECTORIES)
        if probe.operation is Operation.EXEC:
            return self.permits(name, "x")
        if probe.operation in READS:
            return self.permits(name, "r")
        if probe.operation is Operation.WRITE and probe.directory:
            return all(self.nameless(probe.object))
        if probe.operation in WRITES:
            return self.permits(name, "w")
        assert probe.to is not None
        new = shown(probe.to, probe.directory)
        if probe.operation is Operation.RENAME:
            # apparmor_path_rename: MAY_READ | MAY_WRITE | AA_MAY_DELETE on the old name, MAY_WRITE | AA_MAY_CREATE on the new
            return self.permits(name, "rw") and self.permits(new, "rw" if probe.exchange else "w")
        return self.links(name, new)

    def nameless(self, directory: str) -> tuple[bool, ...]:
        """O_TMPFILE in a directory, for some numbers of the new inode: the hook is shown `D/#N` (d_mark_tmpfile)."""
        start = shown(directory, True)
        return tuple(self.permits(start + b"#%d" % number, "w") for number in NUMBERS)

    def links(self, target: bytes, new: bytes) -> bool:
        """profile_path_link: `l` at the new name, and nothing there that the target has not."""
        return self.permits(new, "l") and self.denied(target) - {"l"} <= self.denied(new)


def shown(path: str, directory: bool) -> bytes:
    """The name that the kernel compares: a directory's ends in a slash."""
    name = path.encode("utf-8", "surrogateescape")
    return name + b"/" if directory and name != b"/" else name


def read(text: str) -> Profile:
    """The profile of an artifact's text."""
    body = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
    match = re.fullmatch(
        r"\s*(?:abi <abi/3\.0>,)?\s*profile [\w-]+ flags=\(attach_disconnected,mediate_deleted\) \{(.*)\}\s*", body, re.S
    )
    if match is None:
        raise Unreadable("no single profile without attachment")
    denies: list[tuple[bytes, re.Pattern[bytes], frozenset[str]]] = []
    families: set[str] = set()
    words: set[str] = set()
    for rule in _rules(match[1]):
        path = _DENY_PATH.fullmatch(rule)
        if path is not None:
            permissions = frozenset(path[2]) | ({"a"} if "w" in path[2] else set())
            denies.append((*compiled(path[1]), permissions))
        elif rule.startswith("deny network "):
            families.add(rule.removeprefix("deny network ").removesuffix(","))
        elif '"' in rule:
            raise Unreadable(rule)
        else:
            words.add(rule)
    for family in families:
        if not _WORD.fullmatch(family):
            raise Unreadable(family)
    return Profile(tuple(denies), frozenset(families), "file," in words, "network," in words, frozenset(words))


def _rules(body: str) -> Iterator[str]:
    """Each rule with its comma; commas in quotes and parentheses do not count."""
    for line in re.findall(r'\s*((?:"(?:[^"\\]|\\.)*"|\([^)]*\)|[^",(])*,)', body, re.S):
        yield line.strip()
    rest = re.sub(r'\s*((?:"(?:[^"\\]|\\.)*"|\([^)]*\)|[^",(])*,)', "", body, flags=re.S)
    if rest.strip():
        raise Unreadable(rest.strip())


# -- pattern text: escapes first (the lexer), then globs --

_SPECIAL = b"*?[]{}^,\\"
_ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "f": 12, "v": 11, "0": 0, '"': 34, "\\": 92}

Unit = tuple[int, bool]
"""A byte, and whether it stands for itself."""


@lru_cache(maxsize=100_000)
def compiled(quoted: str) -> tuple[bytes, re.Pattern[bytes]]:
    """What the names begin with that a pattern in quotes matches, and the pattern."""
    units = list(_without_double_slashes(_units(quoted[1:-1])))
    regex, at = _sequence(units, 0, 0)
    if at != len(units):
        raise Unreadable(quoted)
    plain = itertools.takewhile(lambda unit: unit[1] or chr(unit[0]) not in "*?[{},", units)
    return bytes(byte for byte, _ in plain), re.compile(regex, re.S)


def _without_double_slashes(units: Iterator[Unit]) -> Iterator[Unit]:
    """The parser takes slashes in a row for one (`filter_slashes`); two in front, which POSIX lets be, stay two."""
    found = list(units)
    kept = [byte for byte, _ in found[:3]] != [0x2F] * 3 and [byte for byte, _ in found[:2]] == [0x2F] * 2
    for at, unit in enumerate(found):
        if unit[0] != 0x2F or at == 0 or found[at - 1][0] != 0x2F or (at == 1 and kept):
            yield unit


def _units(text: str) -> Iterator[Unit]:
    raw = text.encode("utf-8", "surrogateescape")
    at = 0
    while at < len(raw):
        byte = raw[at]
        if byte != 0x5C:
            yield byte, False
            at += 1
            continue
        octal = re.match(rb"[0-7]{1,3}", raw[at + 1 : at + 4])
        if octal is not None:
            yield int(octal[0], 8), True
            at += 1 + len(octal[0])
        elif chr(raw[at + 1]) in _ESCAPES:
            yield _ESCAPES[chr(raw[at + 1])], True
            at += 2
        elif raw[at + 1] in _SPECIAL:
            yield raw[at + 1], True
            at += 2
        else:
            raise Unreadable(f"an escape that means nothing: {text[at:]}")


def _sequence(units: list[Unit], at: int, depth: int) -> tuple[bytes, int]:
    regex = b""
    while at < len(units):
        byte, quoted = units[at]
        char = chr(byte)
        if quoted or char not in "*?[{},":
            if not quoted and char in "]^":
                raise Unreadable(f"a bare `{char}`")
            regex += re.escape(bytes((byte,)))
            at += 1
        elif char == "*":
            deep = at + 1 < len(units) and units[at + 1] == (0x2A, False)
            after = at + 2 if deep else at + 1
            alone = at > 0 and units[at - 1][0] == 0x2F and (after == len(units) or units[after][0] == 0x2F)
            regex += (rb"[^/\x00]" if alone else b"") + (rb"[^\x00]*" if deep else rb"[^/\x00]*")
            at = after
        elif char == "?":
            regex += rb"[^/\x00]"
            at += 1
        elif char == "[":
            part, at = _class(units, at + 1)
            regex += part
        elif char == "{":
            part, at = _alternatives(units, at + 1, depth + 1)
            regex += part
        elif depth:
            return regex, at
        else:
            raise Unreadable(f"a bare `{char}`")
    return regex, at


def _alternatives(units: list[Unit], at: int, depth: int) -> tuple[bytes, int]:
    if depth > 50:
        raise Unreadable("over 50 braces deep")
    options: list[bytes] = []
    while True:
        option, at = _sequence(units, at, depth)
        if at >= len(units):
            raise Unreadable("a brace that is not closed")
        options.append(option)
        at += 1
        if units[at - 1] == (0x7D, False):
            break
    if len(options) < 2:
        raise Unreadable("Invalid number of items between {}")
    return b"(?:" + b"|".join(options) + b")", at


def _class(units: list[Unit], at: int) -> tuple[bytes, int]:
    """Bytes and ranges; the lexer has already replaced octal escapes, so a `-` between two is a range however it is written."""
    negated = at < len(units) and units[at] == (0x5E, False)
    at += negated
    members: list[int] = []
    while True:
        if at >= len(units):
            raise Unreadable("a class that is not closed")
        if units[at] == (0x5D, False):
            break
        if units[at][0] == 0x2D and members and units[at + 1 : at + 2] not in ([], [(0x5D, False)]):
            members.extend(range(members[-1], units[at + 1][0] + 1))
            at += 2
        else:
            members.append(units[at][0])
            at += 1
    if not members:
        raise Unreadable("an empty class")
    inside = b"".join(b"\\x%02x" % member for member in sorted(set(members)))
    return (b"[^" if negated else b"[") + inside + b"]", at + 1
