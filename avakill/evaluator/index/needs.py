"""What a condition needs of a call: leaves of which at least one must hold, or may hold, for it to hold or maybe hold."""
from __future__ import annotations

from avakill.ir.condition import And, Condition, Contains, Equals, Field, FieldKind, HostIn, Or, PathIn, StartsWith

Needed = PathIn | Contains | StartsWith | HostIn | Equals

_TABLED = frozenset({"path", "cwd", "command", "host"})
"""Arguments of which `==` asks something else than whether a value is the same."""


def needs(condition: Condition) -> tuple[Needed, ...] | None:
    """Leaves such that the condition is surely NO where each of them is NO; None where no such leaves are known."""
    match condition:
        case PathIn(Field("command")):
            return None
        case PathIn(Field(_, FieldKind.CALL)):
            return ()
        case PathIn():
            return (condition,)
        case Contains(Field(_, FieldKind.ARGUMENT), needles) if all(needles):
            return (condition,)
        case StartsWith(Field(_, FieldKind.ARGUMENT)) | HostIn(Field(_, FieldKind.ARGUMENT)):
            return (condition,)
        case Equals(Field(name, FieldKind.ARGUMENT)) if name not in _TABLED and name != "port":
            return (condition,)
        case And(parts):
            return min((found for part in parts if (found := needs(part)) is not None), key=_cost, default=None)
        case Or(parts):
            return _all_needs(parts)
        case _:
            return None


def _cost(needed: tuple[Needed, ...]) -> tuple[int, int]:
    """Fewer leaves first; of as many, paths, since those are looked up fastest."""
    return (len(needed), sum(not isinstance(leaf, PathIn) for leaf in needed))


def _all_needs(parts: tuple[Condition, ...]) -> tuple[Needed, ...] | None:
    found: list[Needed] = []
    for part in parts:
        more = needs(part)
        if more is None:
            return None
        found.extend(more)
    return tuple(found)
