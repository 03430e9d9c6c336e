"""What the SELinux module says: labels as sets of what they refuse, the paths that bear them, and the domain's base."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from avakill.ir.effect import Effect
from avakill.paths.automaton import Pattern
from avakill.source.span import NOWHERE, Span


class Closed(IntFlag):
    """What a label refuses to the agent. CREATE is about new names in a directory of the label, the rest the object."""

    NOTHING = 0
    READ = 1
    WRITE = 2
    ATTR = 4
    DELETE = 8
    EXEC = 16
    CREATE = 32


BIT = {
    Effect.READ: Closed.READ,
    Effect.WRITE: Closed.WRITE,
    Effect.ATTR: Closed.ATTR,
    Effect.DELETE: Closed.DELETE,
    Effect.EXEC: Closed.EXEC,
    Effect.CREATE: Closed.CREATE,
}


@dataclass(frozen=True, slots=True)
class Context:
    """One line of file contexts: the paths in all of `within` and none of `without` bear the label `closed`.

    None gives the type `type` of the distribution, or leaves the label that is there.
    """

    within: tuple[Pattern, ...]
    without: tuple[Pattern, ...]
    closed: Closed | None
    directories_only: bool = False
    origin: Span = NOWHERE
    type: str = ""


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """A device of the runtime floor, by the type that the distribution gives it."""

    type: str
    closed: Closed


@dataclass(frozen=True, slots=True)
class Transition:
    """Files and directories that the agent makes under the exact name `name` get the label `closed`."""

    name: str
    closed: Closed
    origin: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Model:
    """`contexts` are from the least to the most telling: the last that matches a path labels it.

    `base` is what the agent is refused on every object without a label of ours.
    """

    contexts: tuple[Context, ...] = ()
    base: Closed = Closed.NOTHING
    network: bool = True
    devices: tuple[DeviceGrant, ...] = ()
    transitions: tuple[Transition, ...] = ()
    policy_path: str = ""
    policy_sha256: str = ""
    options: str = ""
    network_origin: Span = NOWHERE

    @property
    def labels(self) -> tuple[Closed, ...]:
        used = {context.closed for context in self.contexts if context.closed is not None} | {t.closed for t in self.transitions}
        return tuple(sorted(used, key=int))
