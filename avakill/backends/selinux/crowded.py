"""What a crowd's labels lose and add, each shown on an object that is looked at in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from avakill.backends.plan import Plan
from avakill.backends.selinux import claims as say
from avakill.backends.selinux.claims import Claims
from avakill.backends.selinux.ground import parent
from avakill.backends.selinux.judged import GOING, claim_directory, claim_planted, stays
from avakill.backends.selinux.labels import Labels, Seen, refused
from avakill.backends.selinux.model import BIT, Closed
from avakill.backends.selinux.units import INNER, Node, Unit, instance, is_floor_device, made, name_of, owner, settle
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Witness
from avakill.paths.automaton import Pattern, Undecided, witness
from avakill.paths.glob import Glob, Wildcard, join
from avakill.paths.index import PrefixIndex
from avakill.paths.substring import Substring

OTHER = "avakill-other"
LATER = "avakill-later"
NEW = (LATER, "other", "x-other", "0z", "_")
MAX_CLOSE = 40
"""Patterns that are looked at pair by pair."""
MAX_SEARCHES = 200
"""Automata that are run to find an object on which a claim can be shown."""
EFFECT_OF_BIT = {bit: effect for effect, bit in BIT.items()}
OWN_BITS = tuple(bit for bit in EFFECT_OF_BIT if bit != Closed.CREATE)
BITS = tuple(tuple(bit for bit in EFFECT_OF_BIT if bit & bits) for bits in range(Closed.ALL + 1))


@dataclass(slots=True)
class _Looked:
    """Who is asked, and how many searches are left."""

    claims: Claims
    labels: Labels
    searches: int = MAX_SEARCHES
    searched: dict[tuple[tuple[Pattern, ...], tuple[Pattern, ...]], str | None] = field(default_factory=dict)


def claim_crowd(claims: Claims, plan: Plan, labels: Labels) -> None:
    over = labels.over
    look = _Looked(claims, labels)
    existing = None if plan.target.existing is None else frozenset(plan.target.existing)
    for node in over.nodes:
        _claim_node(look, node, None if existing is None else join(node.path) in existing)
    few = len(over.patterns) <= MAX_CLOSE
    holes: PrefixIndex[str] = PrefixIndex()
    for node in over.nodes:
        if any(not unit.denies and not is_floor_device(unit) for unit in node.enter):
            holes.add(node.path, join(node.path))
    for unit in over.patterns:
        if not unit.denies and few:
            holes.add(unit.prefix, _sample(unit))
    for unit in over.patterns:
        _claim_pattern(look, unit, holes, few)
    if not labels.ordered:
        _claim_holes(look)
        _claim_shared(look, few)


# -- one path --


def _claim_at(look: _Looked, path: str, place: str, unit: Unit | None, later: bool) -> None:
    """All that differs at one path: on what is there, on its name, and (`later`) on what takes the name after labelling."""
    at, around = look.labels.of_object(path), look.labels.of_directory(parent(path))
    wanted = settle(at.here)
    now = at.closed & ~wanted & ~Closed.CREATE
    if now:
        _claim_now(look.claims, unit, at, now, place, path)
    if around.closed & ~wanted & Closed.CREATE:
        reason = say.NAMES_CLOSED if unit is not None else say.HOLE_NAME
        _claim_bits(look.claims, unit, at, around, Closed.CREATE, reason, place, path)
    if not later:
        return
    more = around.closed & ~wanted & ~Closed.CREATE
    if more:
        _claim_bits(look.claims, unit, at, around, more, say.LATER_HOLE if unit is not None else say.ABSENT_HOLE, place, path)
    open_ = wanted & ~around.closed
    if open_:
        _claim_leaks(look.claims, at.here, open_, say.LATER_DENY if unit is not None else say.LATER_ABSENT, path)


def _claim_now(claims: Claims, unit: Unit | None, at: Seen, now: int, place: str, path: str) -> None:
    reader = at.blamed(Closed.READ) if now & Closed.EXEC and at.closed & Closed.READ else None
    if reader is not None and reader.denies and owner(at.makers, Closed.READ) is reader and not reader.effects & Closed.EXEC:
        _claim_bits(claims, unit, at, at, Closed.EXEC, say.READ_STOPS_EXEC, place, path)
        now &= ~Closed.EXEC
    if now:
        _claim_bits(claims, unit, at, at, now, say.TOO_MANY, place, path)


def _claim_bits(claims: Claims, unit: Unit | None, at: Seen, by: Seen, bits: int, reason: str, place: str, path: str) -> None:
    """Charged to the unit at hand, to what made the label, and to the row that allows it."""
    own = unit.index if unit is not None and unit.denies else None
    if by.crossing is not None:
        ruled = 0
        for one in at.here:
            ruled |= one.effects
        if bits & ~ruled:  # no row allows these
            crossing = by.crossing.index
            both = (crossing,) if own is None or own == crossing else (crossing, own)
            claims.stricter_below(both, reason, bits & ~ruled, place, path)
            bits &= ruled
    for bit in BITS[bits]:
        mine, blamed = owner(at.here, bit), by.blamed(bit)
        charged = (blamed.index if blamed is not None else None, mine.index if mine is not None else None, own)
        rows = tuple(dict.fromkeys([index for index in charged if index is not None]))
        claims.stricter_below(rows, reason, bit, place, path)


def _claim_leaks(claims: Claims, here: tuple[Unit, ...], bits: int, reason: str, path: str) -> None:
    """What takes the name later is not refused: of each effect, by the first unit that decides it."""
    for mine in here:
        leaks = bits & mine.effects
        bits &= ~leaks
        if not leaks or claims.is_shown(mine.index, reason, leaks):
            continue
        effect = EFFECT_OF_BIT[leaks & -leaks]
        if effect is Effect.CREATE:
            shown = Witness(Operation.RENAME, f"/tmp/{OTHER}", policy=False, target=True, to=path)
        else:
            operation = Operation.UNLINK if effect is Effect.DELETE else OPERATIONS_OF[effect][0]
            shown = Witness(operation, path, policy=False, target=True)
        claims.weaker(mine.index, reason, leaks, shown)


# -- literal paths --


def _claim_node(look: _Looked, node: Node, exists: bool | None) -> None:
    path = join(node.path)
    if not node.path:
        _claim_at(look, f"/{OTHER}", "/", None, False)
    elif not any(is_floor_device(unit) for unit in node.enter_alone):
        _claim_at(look, path, path, None, exists is False)
        if exists is None:
            around = look.labels.of_directory(parent(path))
            claim_planted(look.claims, look.labels.of_object(path).here, around.closed, path)
        if node.path in look.labels.alone:
            _claim_stays(look, node, path)
    if not node.path:
        return
    around = look.labels.of_directory(path)
    if node.below is not node.here or around.closed != refused(node.closed_below):
        _claim_at(look, _new_name(look, path), path, around.crossing, around.crossing is not None)
    if node.path in look.labels.alone and not any(is_floor_device(unit) for unit in node.enter_alone):
        claim_directory(look.claims, look.labels.over, node, look.labels.alone[node.path])


def _new_name(look: _Looked, directory: str) -> str:
    """A name in a directory that no pattern holds, where some name of ours is such."""
    paths = [f"{directory}/{name}" for name in NEW]
    return next((path for path in paths if all(unit.literal for unit in look.labels.of_object(path).here)), paths[0])


def _claim_stays(look: _Looked, node: Node, path: str) -> None:
    at = look.labels.of_object(path)
    wanted = settle(at.here)
    if not at.closed & ~wanted & Closed.DELETE or not stays(wanted, node.around):
        return
    maker, remover = owner(at.here, Closed.CREATE), owner(at.here, Closed.DELETE)
    for mine, effect in ((maker, Effect.CREATE), (remover, Effect.DELETE)):
        if mine is not None:
            look.claims.stricter((mine.index,), say.ROOT_STAYS, effect, GOING, path, False, path)


# -- patterns --


def _claim_pattern(look: _Looked, unit: Unit, holes: PrefixIndex[str], few: bool) -> None:
    place = join(unit.prefix)
    sample = _sample(unit)
    _claim_at(look, sample, place, unit, True)
    if unit.denies:
        _claim_later(look, unit)
        if few or not unit.reaches_below:
            _claim_at(look, f"{sample}/{LATER}" if unit.reaches_below else _new_name(look, sample), place, unit, True)
        for hole in islice(holes.related(unit.prefix), 8 if few else 1):
            inside = _inside(unit, hole)
            if inside is not None:
                _claim_at(look, inside, place, unit, True)


def _claim_later(look: _Looked, unit: Unit) -> None:
    """Where another pattern's line closes the directory of the first example, another may still show the leak."""
    pattern = unit.piece.within[0] if unit.piece.within else None
    if pattern is None or (isinstance(pattern, Glob) and Wildcard.DEEP not in pattern.parts):
        return  # it has but one example
    for inner in INNER:
        if look.claims.is_shown(unit.index, say.LATER_DENY, unit.effects):
            return
        path = made(pattern, inner)
        if unit.holds(path):
            _claim_at(look, path, join(unit.prefix), unit, True)


def _sample(unit: Unit) -> str:
    first = instance(unit.piece.within[0]) if unit.piece.within else None
    is_simple = len(unit.piece.within) == 1 and not unit.piece.without
    return first if first is not None and (is_simple or unit.holds(first)) else join(unit.prefix)


def _inside(unit: Unit, hole: str) -> str | None:
    """An object of a pattern in a hole: for patterns that hold a name at any depth."""
    pattern = unit.piece.within[0] if unit.piece.within else None
    if isinstance(pattern, Substring):
        at = f"{hole.rstrip('/')}/{OTHER}{pattern.needle}x"
        return at if "//" not in at and unit.holds(at) else None
    if not isinstance(pattern, Glob) or Wildcard.DEEP not in pattern.parts:
        return None
    at = f"{hole.rstrip('/')}/{OTHER}/{name_of(pattern.parts[-1])}"
    return at if unit.holds(at) else None


def _claim_holes(look: _Looked) -> None:
    """Holes of literal paths in which a pattern's line refuses too much."""
    crossed: PrefixIndex[Unit] = PrefixIndex()
    for unit in look.labels.over.patterns:
        if unit.denies:
            crossed.add(unit.prefix, unit)
    for node in look.labels.over.nodes:
        for hole in node.enter:
            if hole.denies or is_floor_device(hole):
                continue
            for unit in islice(crossed.above(node.path), 3):
                inside = _inside(unit, join(node.path))
                if inside is not None:
                    _claim_at(look, inside, join(node.path), unit, False)
                if look.claims.has(hole.index, say.TOO_MANY):
                    break


# -- labels that refuse more than their rule says --


def _claim_shared(look: _Looked, few: bool) -> None:
    """Every pattern's line, and every hole that it may close, at all places where that can be."""
    over = look.labels.over
    everywhere = refused(look.labels.denied)
    own = (unit for node in over.nodes for unit in (*node.enter, *node.enter_alone) if not is_floor_device(unit))
    units = (*over.patterns, *own)
    opened: PrefixIndex[Unit] = PrefixIndex()
    for hole in units:
        if not hole.denies:
            opened.add(hole.prefix, hole)
    for unit in over.patterns:
        if not unit.denies:
            continue
        if few and not look.claims.has(unit.index, say.TOO_MANY):
            _search_denied(look, unit, units, everywhere)
        near = tuple(islice(opened.related(unit.prefix), MAX_CLOSE + 1))
        more = everywhere & ~unit.effects if len(near) <= MAX_CLOSE else everywhere
        for hole in near[:MAX_CLOSE]:
            if few:
                _search_hole(look, hole, unit, units)
            more |= hole.effects if hole.rank < unit.rank else 0
        look.claims.more_below(unit.index, say.TOO_MANY, more, join(unit.prefix))
    if few:
        _search_trees(look, opened, units)


def _search_trees(look: _Looked, opened: PrefixIndex[Unit], units: tuple[Unit, ...]) -> None:
    """A pattern that allows opens nothing in a tree that is denied."""
    for unit in units:
        if unit.literal and unit.denies:
            for hole in opened.related(unit.prefix):
                if not hole.literal:
                    _search_hole(look, hole, unit, units)


def _search_denied(look: _Looked, unit: Unit, units: tuple[Unit, ...], everywhere: int) -> None:
    """An object of the pattern which only its own line closes, for an effect that its rule does not deny."""
    for bit in BITS[everywhere & ~unit.effects & ~Closed.CREATE]:
        deniers = tuple(other for other in units if other.denies and other.effects & bit)
        found = _searched(look, unit.piece.within, (*unit.piece.without, *_simple(deniers, unit.prefix)))
        if found is not None:
            _claim_at(look, found, join(unit.prefix), unit, False)
            return


def _search_hole(look: _Looked, hole: Unit, unit: Unit, units: tuple[Unit, ...]) -> None:
    """An object of a hole on which a denying unit's line lies, and a name in it."""
    if look.claims.has(hole.index, say.TOO_MANY) and look.claims.has(unit.index, say.TOO_MANY):
        return
    place = join(max(hole.prefix, unit.prefix, key=len))
    for bit in BITS[hole.effects & ~Closed.CREATE]:
        first = tuple(other for other in units if other.rank < hole.rank and other.effects & bit)
        within = tuple(dict.fromkeys((*hole.piece.within, *unit.piece.within)))
        without = dict.fromkeys((*hole.piece.without, *unit.piece.without, *_simple(first, max(hole.prefix, unit.prefix, key=len))))
        found = _searched(look, within, tuple(without))
        if found is not None:
            _claim_at(look, found, place, unit, False)
            _claim_at(look, f"{found.rstrip('/')}/{LATER}", place, unit, False)
            return


def _simple(units: tuple[Unit, ...], prefix: tuple[str, ...]) -> Iterator[Pattern]:
    """Their patterns, of those that can meet what begins with `prefix`."""
    for unit in units:
        shared = min(len(unit.prefix), len(prefix))
        if len(unit.piece.within) == 1 and not unit.piece.without and unit.prefix[:shared] == prefix[:shared]:
            yield unit.piece.within[0]


def _searched(look: _Looked, within: tuple[Pattern, ...], without: tuple[Pattern, ...]) -> str | None:
    key = (within, without)
    if key not in look.searched:
        if look.searches <= 0:
            return None
        look.searches -= 1 + len(without)
        try:
            look.searched[key] = witness(within, without, frozenset({"/"}))
        except Undecided:
            look.searched[key] = None
    return look.searched[key]
