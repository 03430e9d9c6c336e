"""What the SELinux module says: labels as sets of what they refuse, the paths that bear them, and the domain's base."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from avakill.ir.effect import Effect
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob
from avakill.source.span import NOWHERE, Span


class Closed:
    """What a label refuses to the agent, as bits of an int (an enum's operators are too slow for this).

    CREATE is about new names in a directory of the label, the rest about the object.
    """

    NOTHING: Final = 0
    READ: Final = 1
    WRITE: Final = 2
    ATTR: Final = 4
    DELETE: Final = 8
    EXEC: Final = 16
    CREATE: Final = 32
    ALL: Final = 63


BIT: dict[Effect, int] = {
    Effect.READ: Closed.READ,
    Effect.WRITE: Closed.WRITE,
    Effect.ATTR: Closed.ATTR,
    Effect.DELETE: Closed.DELETE,
    Effect.EXEC: Closed.EXEC,
    Effect.CREATE: Closed.CREATE,
}


@lru_cache(maxsize=64)
def names_of(closed: int) -> tuple[str, ...]:
    return tuple(effect.value for effect, bit in BIT.items() if closed & bit)


@dataclass(frozen=True, slots=True)
class Context:
    """One line of file contexts: the paths in all of `within` and none of `without` bear the label `closed`.

    `kind` is the kind of object as file contexts spell it (`-d`, `-c`); empty is every kind.

    None gives the type `type` of the distribution, or leaves the label that is there. `is_wild` says whether a line without
    wildcards is to go before it; where not told, lines for one kind are such.
    """

    within: tuple[Pattern, ...]
    without: tuple[Pattern, ...]
    closed: int | None
    kind: str = ""
    origin: Span = NOWHERE
    type: str = ""
    is_wild: bool | None = None


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """A device of the runtime floor, by the type that the distribution gives it."""

    type: str
    closed: int


@dataclass(frozen=True, slots=True)
class Transition:
    """Files and directories that the agent makes under the exact name `name` get the label `closed`."""

    name: str
    closed: int
    origin: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Model:
    """`contexts` are from the least to the most telling: the last that matches a path labels it.

    `base` is what the agent is refused on every object without a label of ours.
    """

    contexts: tuple[Context, ...] = ()
    base: int = Closed.NOTHING
    network: bool = True
    devices: tuple[DeviceGrant, ...] = ()
    transitions: tuple[Transition, ...] = ()
    policy_path: str = ""
    policy_sha256: str = ""
    options: str = ""
    network_origin: Span = NOWHERE

    @property
    def on_devices(self) -> frozenset[int]:
        """The labels that something in `/dev` may bear."""
        return frozenset(c.closed for c in self.contexts if c.closed is not None and all(map(_may_hold_device, c.within)))

    @property
    def labels(self) -> tuple[int, ...]:
        used = {context.closed for context in self.contexts if context.closed is not None} | {t.closed for t in self.transitions}
        return tuple(sorted(used))


def _may_hold_device(pattern: Pattern) -> bool:
    return not isinstance(pattern, Glob) or pattern.literal_prefix[:1] in ((), ("dev",)) or pattern.fold
