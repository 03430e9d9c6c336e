"""Some byte strings that a regular expression matches: where to look at a pattern of an artifact."""

from __future__ import annotations

import re

Samples = list[bytes]
LIMIT = 8
OTHERS = (b"x", b"q", b"d", b"7", b"a", b"m", b"s")


def samples(regex: bytes) -> tuple[bytes, ...]:
    """A few matches, the same each time; none where the expression says more than is read here."""
    try:
        found, at = _alternatives(regex, 0)
    except (IndexError, ValueError):
        return ()
    if at != len(regex):
        return ()
    compiled = re.compile(b"(?:" + regex + rb")\Z", re.S)
    return tuple(dict.fromkeys(one for one in found if compiled.match(one)))


def _alternatives(regex: bytes, at: int) -> tuple[Samples, int]:
    found, at = _sequence(regex, at)
    while regex[at : at + 1] == b"|":
        more, at = _sequence(regex, at + 1)
        found = [*found[: LIMIT - 1], *more[:LIMIT]]
    return found, at


def _sequence(regex: bytes, at: int) -> tuple[Samples, int]:
    found: Samples = [b""]
    while at < len(regex) and regex[at : at + 1] not in (b"|", b")"):
        unit, at = _unit(regex, at)
        unit, at = _repeated(unit, regex, at)
        found = _joined(found, unit)
    return found, at


def _joined(left: Samples, right: Samples) -> Samples:
    """Each of either with one of the other, then the rest, up to the limit."""
    size = max(len(left), len(right))
    pairs = [(n % len(left), n % len(right)) for n in range(size)]
    pairs += [(a, b) for a in range(len(left)) for b in range(len(right))]
    return [left[a] + right[b] for a, b in list(dict.fromkeys(pairs))[:LIMIT]]


def _repeated(unit: Samples, regex: bytes, at: int) -> tuple[Samples, int]:
    match regex[at : at + 1]:
        case b"*":
            return [b"", *unit, unit[0] + unit[-1]], at + 1
        case b"+":
            return [*unit, unit[0] + unit[-1]], at + 1
        case b"?":
            return [b"", *unit], at + 1
        case _:
            return unit, at


def _unit(regex: bytes, at: int) -> tuple[Samples, int]:
    char = regex[at : at + 1]
    if regex[at : at + 3] == b"(?=":
        _, at = _alternatives(regex, at + 3)
        return [b""], at + 1
    if char == b"(":
        found, at = _alternatives(regex, at + (3 if regex[at : at + 3] == b"(?:" else 1))
        if regex[at : at + 1] != b")":
            raise ValueError("a group that is not closed")
        return found, at + 1
    if char == b"[":
        return _class(regex, at)
    if char == b".":
        return [b"x", b"x/y"], at + 1
    if char in (b"^", b"$") or regex[at : at + 2] == rb"\Z":
        return [b""], at + (2 if char == b"\\" else 1)
    if char == b"\\":
        if regex[at + 1 : at + 2] == b"x":
            return [bytes((int(regex[at + 2 : at + 4], 16),))], at + 4
        return [regex[at + 1 : at + 2]], at + 2
    return [char], at + 1


def _class(regex: bytes, at: int) -> tuple[Samples, int]:
    end = at + 2 + (regex[at + 1 : at + 2] == b"^")
    while regex[end : end + 1] != b"]":
        end += 2 if regex[end : end + 1] == b"\\" else 1
    compiled = re.compile(regex[at : end + 1], re.S)
    candidates = [*OTHERS, *(bytes((byte,)) for byte in range(33, 127))]
    found = [one for one in candidates if one != b"/" and compiled.match(one)]
    found = found[:2] or [bytes((b,)) for b in range(256) if b and compiled.match(bytes((b,)))][:1]
    return ([*found, b"x/y"] if compiled.match(b"/") else found), end + 1
