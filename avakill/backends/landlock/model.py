"""The symbolic plan: which rights are handled, and for each the ordered denied and allowed patterns."""

from __future__ import annotations

from dataclasses import dataclass, field

from avakill.ir.effect import Effect
from avakill.ir.endpoint import PortRange
from avakill.ir.region import Piece, Region
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, Wildcard
from avakill.source.span import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Entry:
    """On `region`, row `index` decides, for the effects whose order names this entry."""

    index: int
    name: str
    denies: bool
    region: Region[Pattern]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """For one effect, the entries (by number) that are tried in turn; an object in none of them is allowed."""

    effect: Effect
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """TCP ports that may be connected to; every other one is denied. `entries` are the rows behind it."""

    allowed: tuple[PortRange, ...]
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that a file system and an ABI do not decide."""

    policy_path: str
    policy_sha256: str
    scope: str
    strict: bool
    floor: bool
    entries: tuple[Entry, ...] = ()
    orders: tuple[Order, ...] = ()
    network: Network | None = None

    @property
    def is_nothing(self) -> bool:
        return not self.orders and self.network is None


def is_loose(piece: Piece[Pattern]) -> bool:
    """Whether its objects may stand at any depth, so that only those that exist at launch can be covered.

    Splitting every directory in which one could appear would leave nothing granted; a pattern of fixed depth is covered.
    """
    return any(not isinstance(atom, Glob) or (Wildcard.DEEP in atom.parts and not atom.is_everything) for atom in piece.within)
