"""What the parts of the no-gain analysis share: the policy's field, and what has been ordered so far."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made

from avakill.backends.judge import KEPT
from avakill.backends.sbpl.claims import Claims
from avakill.backends.sbpl.field import Budget, Field, Level, PathPiece
from avakill.backends.sbpl.model import Filter, Paths
from avakill.backends.sbpl.shape import Search, Shape, shape
from avakill.ir.effect import Effect
from avakill.paths.glob import Glob
from avakill.source.span import Span

MOVABLE = (*KEPT, Effect.DELETE)
"""The effects that a move out of a region could gain."""


@dataclass(slots=True)
class Source:
    """A region, or what of it `extra` holds, that nothing may be unlinked from, or linked out of."""

    level: Level
    extra: Filter | None
    operations: dict[str, None]


@dataclass(slots=True)
class Ground:
    """`sourced` are the effects whose denied objects may not leave their names; the other ones close open names instead.

    `unlinks` and `links`: the effect whose own clauses say unlink, or link, too.
    """

    field: Field
    claims: Claims
    search: Search
    sourced: frozenset[Effect] = frozenset()
    unlinks: Effect | None = None
    links: Effect | None = None
    sources: dict[tuple[object, ...], Source] = made(default_factory=dict)
    creates: dict[tuple[Filter, ...], Span] = made(default_factory=dict)
    ancestors: dict[tuple[str, ...], tuple[Glob, Span]] = made(default_factory=dict)
    directories: dict[tuple[Filter, ...], Span] = made(default_factory=dict)
    first: dict[tuple[Effect, PathPiece], Level] = made(default_factory=dict)
    closings: set[tuple[Glob, int]] = made(default_factory=set)
    names: Budget = made(default_factory=lambda: Budget(1, 20_000, 200))
    """What may still be compared to say who loses new names; apart, so that it takes nothing from other claims."""
    elsewhere: tuple[str, ...] = ()
    free: dict[tuple[frozenset[Effect], Effect], bool] = made(default_factory=dict)
    groups: dict[tuple[frozenset[Effect], tuple[Effect, ...]], tuple[Effect, ...]] = made(default_factory=dict)
    kinds: dict[int, Shape] = made(default_factory=dict)

    @property
    def budget(self) -> Budget:
        return self.field.budget

    def shape(self, piece: PathPiece) -> Shape:
        found = self.kinds.get(id(piece))
        if found is None:
            found = self.kinds[id(piece)] = shape(piece)
        return found

    def is_removable(self, path: str) -> bool:
        """Whether the clauses let the name go, ancestors and directories apart."""
        deciders = self.field.deciders(path)
        for effect in (Effect.DELETE, *self.sourced):
            level = deciders.get(effect)
            if level is not None and level.layer.denies:
                return False
        return True

    def is_creatable(self, path: str) -> bool:
        if self.field.denies(Effect.CREATE, path):
            return False
        return not any(isinstance(f, Paths) and f.pattern.holds(path) for filters in self.creates for f in filters)


def representatives(ground: Ground, level: Level, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Of each group of effects with the same levels, one of `effects` that `level` is about."""
    key = (level.effects, effects)
    found = ground.groups.get(key)
    if found is None:
        wanted = level.effects & frozenset(effects)
        found = tuple(next(e for e in effects if e in group & wanted) for group in ground.field.groups if group & wanted)
        ground.groups[key] = found
    return found
