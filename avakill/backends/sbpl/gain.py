"""No gain (semantics §2): what is said of unlink, create and link so that no move or link opens an object.

The kernel never compares the two names of a move. So one out of a region in which READ, WRITE or EXEC is denied can
only be stopped at its source, which costs deletes there where f allows them; or, of a region without bounds, at the few
names that are open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avakill.backends.judge import KEPT
from avakill.backends.sbpl.claims import Claims
from avakill.backends.sbpl.escapes import confess_escapes
from avakill.backends.sbpl.field import Field, is_wide
from avakill.backends.sbpl.filters import region_filters, spellings
from avakill.backends.sbpl.ground import MOVABLE, Ground, representatives
from avakill.backends.sbpl.landings import hold_directories
from avakill.backends.sbpl.model import CREATE, UNLINK, All, Clause, Directory, Paths, Section
from avakill.backends.sbpl.openings import close_names, is_sourced, stops_at_source
from avakill.backends.sbpl.parents import hold_parents
from avakill.backends.sbpl.shape import Search
from avakill.backends.sbpl.sources import is_free, stop_at_source
from avakill.ir.effect import Effect


@dataclass(frozen=True, slots=True)
class Guard:
    """The effects whose own clauses say unlink or link too, and the sections that come after those clauses."""

    unlinks: Effect | None
    links: Effect | None
    sections: tuple[Section, ...]


def guard_moves(field: Field, claims: Claims) -> Guard:
    ground = Ground(field, claims, Search(field.budget))
    kept = tuple(effect for effect in KEPT if effect in field.denied)
    ground.sourced = frozenset(effect for effect in kept if is_sourced(ground, effect))
    ground.links = next((effect for effect in kept if effect in ground.sourced), None)
    ground.unlinks = None if Effect.DELETE in field.denied else ground.links
    denies = [level for level in field.levels if level.layer.denies and level.effects & frozenset(MOVABLE)]
    for level in denies:
        for effect in representatives(ground, level, KEPT):
            if effect not in ground.sourced and is_wide(level) and not stops_at_source(ground, level, effect):
                close_names(ground, level, effect)
            elif not is_free(ground, level, effect):
                stop_at_source(ground, level, effect)
    for level in field.levels:
        if not level.layer.denies:
            hold_directories(ground, level)
    for level in denies:
        hold_parents(ground, level)
    for level in denies:
        confess_escapes(ground, level)
    return Guard(ground.unlinks, ground.links, tuple(section for section in _sections(ground) if section.clauses))


def _sections(ground: Ground) -> Iterator[Section]:
    yield Section(
        "what must not be moved or linked out of its region",
        tuple(
            Clause(
                True,
                tuple(source.operations),
                region_filters(source.level.layer.region) if source.extra is None else (source.extra,),
                source.level.layer.span,
            )
            for source in ground.sources.values()
        ),
    )
    yield Section(
        "names that are open in a closed whole: nothing can be put there",
        tuple(Clause(True, CREATE, filters, span) for filters, span in ground.creates.items()),
    )
    yield Section(
        "directories at the names of an allowed pattern stay where they are",
        tuple(
            Clause(True, UNLINK, tuple(All((found, Directory())) for found in filters), span)
            for filters, span in ground.directories.items()
        ),
    )
    yield Section(
        "the parents of what is denied stay where they are",
        tuple(Clause(True, UNLINK, tuple(Paths(found) for found in spellings(glob)), span) for glob, span in ground.ancestors.values()),
    )
