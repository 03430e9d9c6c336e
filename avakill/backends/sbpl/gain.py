"""No gain (semantics §2): what must be said about unlink, create and link so that no move or link opens an object.

The kernel asks `file-write-unlink` at an old name, `file-write-create` at a new one, `file-link` for a further one, and
never compares the two names. So a move or link out of a region in which READ, WRITE or EXEC is denied can only be
stopped at its source, which costs deletes there where f allows them; or, of a region without bounds, at the few names
that are open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from avakill.backends.judge import KEPT
from avakill.backends.plan import FLOOR, Layer, Plan
from avakill.backends.sbpl.claims import NEW_NAMES, REMOVALS, RENAMES, Claims
from avakill.backends.sbpl.filters import any_of, piece_filters, region_filters, spellings
from avakill.backends.sbpl.model import CREATE, LINK, UNLINK, All, Clause, Directory, Filter, Not, Paths, Section
from avakill.backends.sbpl.shape import Search, Shape, fill, is_closed, place, shape
from avakill.backends.sbpl.stack import Budget, Entry, PathPiece, Stack, by_effect, denied_also, is_wide, meet
from avakill.ir.effect import Effect, Operation
from avakill.ir.region import Piece
from avakill.ir.verdict import Lost, Verdict, Witness
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Anchor, Glob, join, split
from avakill.paths.substring import Substring
from avakill.source.span import Span

NO_MOVE_OUT = "the kernel asks the same of a rename as of a delete, so what must not be moved out cannot be deleted either"
NO_LINK_OUT = "the kernel does not see where a hard link leads, so links that would gain nothing are denied too"
NO_DELETE_HOLE = "what a deny on reading, writing or running keeps from being moved out cannot be deleted either"
NO_PARENT = "the parents of a pattern cannot be renamed or removed, whether or not anything there matches it"
NO_DIRECTORY = "a directory that an allowed pattern matches cannot be renamed or removed: what is below it is still denied"
NO_NEW_NAME = "a name that is open under a deny of everything else cannot be made anew: a move could put anything there"
PARENT_MOVES = "a directory above it that the pattern does not hold can be renamed, and what is inside leaves the region"


@dataclass(slots=True)
class Guard:
    """`unlinks` and `links`: the stacks whose own clauses say unlink and link too; the other sections come after them."""

    unlinks: Stack | None = None
    links: Stack | None = None
    sections: list[Section] = field(default_factory=list)


@dataclass(slots=True)
class _Work:
    plan: Plan
    stacks: tuple[Stack, ...]
    claims: Claims
    guard: Guard
    of: dict[Effect, Stack]
    search: Search
    budget: Budget
    sources: dict[tuple[object, ...], tuple[Layer, Filter | None, dict[str, None]]] = field(default_factory=dict)
    creates: dict[tuple[Filter, ...], Span] = field(default_factory=dict)
    ancestors: dict[tuple[str, ...], tuple[Glob, Span]] = field(default_factory=dict)
    directories: dict[tuple[Filter, ...], Span] = field(default_factory=dict)
    sourced: list[Stack] = field(default_factory=list)
    done: set[tuple[str, int, int]] = field(default_factory=set)
    kinds: dict[int, Shape] = field(default_factory=dict)

    def shape(self, piece: PathPiece) -> Shape:
        found = self.kinds.get(id(piece))
        if found is None:
            found = self.kinds[id(piece)] = shape(piece)
        return found

    @property
    def removal(self) -> Stack:
        return self.of[Effect.DELETE]

    @property
    def creation(self) -> Stack:
        return self.of[Effect.CREATE]

    def is_removable(self, path: str) -> bool:
        """Whether the clauses let the name go, ancestors apart."""
        return not self.removal.denies(path) and not any(stack.denies(path) for stack in self.sourced)


def guard_moves(plan: Plan, stacks: tuple[Stack, ...], claims: Claims) -> Guard:
    guard = Guard()
    budget = stacks[0].budget
    work = _Work(plan, stacks, claims, guard, by_effect(stacks), Search(budget), budget)
    keeping = [stack for stack in stacks if stack.has_denies and stack.effects & set(KEPT)]
    work.sourced = [stack for stack in keeping if all(_at_source(work, stack, n) for n in _wide(stack))]
    guard.links = next(iter(work.sourced), None)
    if not work.removal.has_denies:
        guard.unlinks = next(iter(work.sourced), None)
    for stack in keeping:
        _keep(work, stack)
    holding = [stack for stack in stacks if stack.has_denies and stack.effects & {*KEPT, Effect.DELETE}]
    for stack in holding:
        _hold_directories(work, stack)
    for stack in holding:
        _hold_parents(work, stack)
    for stack in holding:
        _confess_escapes(work, stack)
    guard.sections = [section for section in _sections(work) if section.clauses]
    return guard


def _sections(work: _Work) -> Iterator[Section]:
    yield Section(
        "what must not be moved or linked out of its region",
        tuple(
            Clause(True, tuple(operations), region_filters(layer.region) if extra is None else (extra,), layer.span)
            for layer, extra, operations in work.sources.values()
        ),
    )
    yield Section(
        "names that are open in a closed whole: nothing can be put there",
        tuple(Clause(True, CREATE, filters, span) for filters, span in work.creates.items()),
    )
    yield Section(
        "directories at the names of an allowed pattern stay where they are",
        tuple(
            Clause(True, UNLINK, tuple(All((found, Directory())) for found in filters), span)
            for filters, span in work.directories.items()
        ),
    )
    yield Section(
        "the parents of what is denied stay where they are",
        tuple(Clause(True, UNLINK, tuple(Paths(found) for found in spellings(glob)), span) for glob, span in work.ancestors.values()),
    )


# -- each deny on what a name keeps --


def _wide(stack: Stack) -> Iterator[int]:
    return (n for n, layer in enumerate(stack.layers) if layer.denies and is_wide(layer))


def _at_source(work: _Work, stack: Stack, position: int) -> bool:
    """Whether moves out of a region without bounds are stopped at the old name rather than at the new one."""
    holes = tuple(stack.holes_above(position, stack.layers[position].region.pieces))
    if denied_also(stack, position, work.removal) and denied_also(stack, position, work.creation):
        return True
    return not all(_is_plain(hole.piece) for hole in holes)


def _is_plain(piece: PathPiece) -> bool:
    return len(piece.within) == 1 and not piece.without and isinstance(piece.within[0], Glob) and bool(place(piece)[1:])


def _keep(work: _Work, stack: Stack) -> None:
    kept = stack.effects & set(KEPT)
    for position, layer in enumerate(stack.layers):
        if not layer.denies:
            continue
        if stack not in work.sourced and is_wide(layer) and not _at_source(work, stack, position):
            _close_names(work, stack, position, kept)
        else:
            _stop_at_source(work, stack, position, kept)


def _stop_at_source(work: _Work, stack: Stack, position: int, kept: frozenset[Effect]) -> None:
    free_delete = denied_also(stack, position, work.removal)
    free_create = denied_also(stack, position, work.creation)
    operations: list[str] = []
    if not free_delete and stack is not work.guard.unlinks:
        operations += UNLINK
    links = work.guard.links
    if stack is not links and not (links is not None and denied_also(stack, position, links)):
        operations += LINK
    if operations:
        _add_source(work, stack, position, operations)
    if not free_delete:
        _claim_removals(work, stack, position, kept)
    if not free_create:
        _claim_links(work, stack, position, kept)


def _add_source(work: _Work, stack: Stack, position: int, operations: list[str]) -> None:
    layer = stack.layers[position]
    above = stack.holes_above(position, layer.region.pieces)
    holes = list(islice(above, 1)) if work.budget.is_spent else list(above)
    if work.budget.is_spent and holes:
        # too much to compare: the holes stay closed to moves, and that is said
        path = next(iter(work.search.examples(holes[0].piece)), "/")
        lost = tuple(Lost(REMOVALS, place(piece), True) for piece in layer.region.pieces)
        work.claims.stricter(layer, stack.effects & set(KEPT), NO_MOVE_OUT, Witness(Operation.UNLINK, path, True, False), lost)
        holes = []
    key = (layer.index, layer.region, tuple((hole.layer.index, hole.piece) for hole in holes))
    known = work.sources.get(key)
    if known is None:
        extra: Filter | None = None
        if holes:
            openings = dict.fromkeys(found for hole in holes for found in piece_filters(hole.piece))
            extra = All((any_of(region_filters(layer.region)), Not(any_of(tuple(openings)))))
        known = work.sources[key] = (layer, extra, {})
    known[2].update(dict.fromkeys(operations))


def _claim_removals(work: _Work, stack: Stack, position: int, kept: frozenset[Effect]) -> None:
    layer = stack.layers[position]
    path = _differing(work, stack, position, work.removal)
    if path is None:
        return
    lost = tuple(dict.fromkeys(Lost(REMOVALS, place(piece), True) for piece in layer.region.pieces))
    work.claims.stricter(layer, kept, NO_MOVE_OUT, Witness(Operation.UNLINK, path, True, False), lost)
    _charge(work, work.removal, Operation.UNLINK, stack, position, REMOVALS)


def _claim_links(work: _Work, stack: Stack, position: int, kept: frozenset[Effect]) -> None:
    layer = stack.layers[position]
    if work.budget.is_spent and (layer.index, Verdict.STRICTER, NO_MOVE_OUT) in work.claims.found:
        return
    found = _link_lost(work, stack, layer) or _link_in_holes(work, stack, position)
    if found is None:
        return
    lost = tuple(dict.fromkeys(Lost((Operation.LINK,), place(piece), True) for piece in layer.region.pieces))
    work.claims.stricter(layer, kept, NO_LINK_OUT, Witness(Operation.LINK, found[0], True, False, found[1]), lost)
    _charge(work, work.creation, Operation.LINK, stack, position, (Operation.LINK,))


def _differing(work: _Work, stack: Stack, position: int, other: Stack) -> str | None:
    """A path that the deny at `position` decides on in `stack` and that `other` allows; None where there is none."""
    layer = stack.layers[position]
    if work.budget.is_spent:
        return next((path for piece in layer.region.pieces for path in work.search.examples(piece)), None)
    for piece in layer.region.pieces:
        for path in work.search.examples(piece):
            if stack.decide(path) is layer and not other.denies(path):
                return path
    for hole in other.holes_above(len(other.layers), layer.region.pieces):
        found = None if work.budget.is_spent else _shared(work, other, hole, stack, layer)
        if found is not None:
            return found
    for piece in layer.region.pieces:
        for path in work.search.exact(piece, _simple_around(stack, position, other, piece)):
            if stack.decide(path) is layer and not other.denies(path):
                return path
    return None


def _simple_around(stack: Stack, position: int, other: Stack, piece: PathPiece) -> tuple[Pattern, ...]:
    """The plain patterns that stand above the deny, and those that `other` denies, as far as they could meet `piece`."""
    prefix = stack.prefix(piece)
    near = [e.piece for e in stack.every.related(prefix) if e.position < position]
    near += [e.piece for e in other.every.related(prefix) if e.layer.denies]
    simple = [p.within[0] for p in near if len(p.within) == 1 and not p.without and not p.within[0].is_everything]
    return tuple(dict.fromkeys(simple[:12]))


def _link_lost(work: _Work, stack: Stack, layer: Layer) -> tuple[str, str] | None:
    """A link inside of the region that f allows: the names have the same effects, and the new one may be made."""
    for piece in layer.region.pieces:
        paths = [p for p in work.search.examples(piece) if stack.decide(p) is layer]
        for old in paths:
            for new in paths:
                if new != old and not new.startswith(old + "/") and _link_gains_nothing(work, old, new):
                    return old, new
    return None


def _link_in_holes(work: _Work, stack: Stack, position: int) -> tuple[str, str] | None:
    """As `_link_lost`, in the holes of CREATE."""
    layer = stack.layers[position]
    for hole in work.creation.holes_above(len(work.creation.layers), layer.region.pieces):
        if work.budget.is_spent:
            return None
        old = _shared(work, work.creation, hole, stack, layer)
        found = None if old is None else _pair_in(work, hole.piece, stack, layer, old)
        if found is not None:
            return found
    return None


def _link_gains_nothing(work: _Work, old: str, new: str) -> bool:
    if work.creation.denies(new):
        return False
    return all(work.of[e].denies(new) for e in KEPT if work.of[e].denies(old))


def _charge(work: _Work, other: Stack, operation: Operation, stack: Stack, position: int, operations: tuple[Operation, ...]) -> None:
    """The allow rules that f names where the profile denies: their holes are not open."""
    layer = stack.layers[position]
    for hole in other.holes_above(len(other.layers), layer.region.pieces):
        if work.budget.is_spent:
            return
        found = _shared(work, other, hole, stack, layer)
        if found is not None:
            to = f"{found}-new" if operation is Operation.LINK else None
            if to is not None:
                pair = _pair_in(work, hole.piece, stack, layer, found)
                if pair is None:
                    continue
                found, to = pair
            lost = (Lost(operations, place(hole.piece), True),)
            seen = Witness(operation, found, True, False, to)
            work.claims.stricter(hole.layer, other.effects, NO_DELETE_HOLE, seen, lost)


def _pair_in(work: _Work, hole: PathPiece, stack: Stack, layer: Layer, old: str) -> tuple[str, str] | None:
    for piece in layer.region.pieces:
        for new in (*work.search.examples(piece), *work.search.examples(hole)):
            if new != old and hole.holds(new) and stack.decide(new) is layer and _link_gains_nothing(work, old, new):
                return old, new
    return None


def _shared(work: _Work, other: Stack, hole: Entry, stack: Stack, layer: Layer) -> str | None:
    """A path on which `hole` decides in `other` and `layer` in `stack`."""
    for piece in layer.region.pieces:
        for path in (*work.search.examples(piece), *work.search.examples(hole.piece)):
            if other.decide(path) is hole.layer and stack.decide(path) is layer:
                return path
    for piece in layer.region.pieces:
        if meet(piece, hole.piece, work.budget):
            both = Piece((*piece.within, *hole.piece.within), (*piece.without, *hole.piece.without))
            for path in work.search.exact(both):
                if other.decide(path) is hole.layer and stack.decide(path) is layer:
                    return path
    return None


# -- a region without bounds: nothing new at the open names --


def _close_names(work: _Work, stack: Stack, position: int, kept: frozenset[Effect]) -> None:
    layer = stack.layers[position]
    for hole in stack.holes_above(position, layer.region.pieces):
        if _is_closed_to_new(work, hole.piece):
            continue
        glob = hole.piece.within[0]
        assert isinstance(glob, Glob)
        wanted = glob if glob.is_literal else Glob(glob.literal_prefix, below=True, fold=glob.fold)
        filters = tuple(Paths(found) for name in (wanted, *_parents(wanted)) for found in spellings(name))
        work.creates.setdefault(filters, hole.layer.span)
        path = next((p for p in work.search.examples(hole.piece) if not work.creation.denies(p)), None)
        if path is not None:
            seen = Witness(Operation.CREATE, path, True, False)
            lost = (
                Lost(NEW_NAMES, join(wanted.literal_prefix), True),
                *(Lost(NEW_NAMES, join(name.literal_prefix)) for name in _parents(wanted)),
            )
            work.claims.stricter(layer, kept, NO_NEW_NAME, seen, lost)
            named = work.creation.decide(path)
            if named is not None:
                work.claims.stricter(named, frozenset({Effect.CREATE}), NO_NEW_NAME, seen, lost)


def _is_closed_to_new(work: _Work, piece: PathPiece) -> bool:
    """Whether CREATE is denied at every name of the piece and at its parents."""
    layers = work.creation.layers
    if not layers or not layers[-1].denies or not layers[-1].region.is_everything:
        return False
    return not any(True for _ in work.creation.allows.related(work.creation.prefix(piece)))


# -- directories --


def _parents(glob: Glob) -> tuple[Glob, ...]:
    """The literal directories above a pattern, without the root; HOME and WORKSPACE stay parameters."""
    names = glob.literal_prefix if not glob.is_literal else glob.literal_prefix[:-1]
    result: list[Glob] = []
    for end in range(len(names), 0, -1):
        anchored = glob.anchor is not Anchor.ROOT and 0 < glob.anchor_length <= end
        anchor, length = (glob.anchor, glob.anchor_length) if anchored else (Anchor.ROOT, 0)
        result.append(Glob(names[:end], anchor=anchor, anchor_length=length, fold=glob.fold))
    return tuple(result)


def _hold_parents(work: _Work, stack: Stack) -> None:
    for layer in stack.layers:
        key = ("parents", layer.index, id(layer.region))
        if not layer.denies or key in work.done:
            continue
        for piece in layer.region.pieces:
            kind = work.shape(piece)
            if kind not in (Shape.ROOTED, Shape.EDGED):
                continue
            glob = next(atom for atom in piece.within if isinstance(atom, Glob) and not atom.is_everything)
            if _is_opened(stack, glob, piece, kind):
                continue
            work.done.add(key)
            parents = _parents(glob)
            for parent in parents:
                if parent.literal_prefix in work.ancestors:
                    break
                work.ancestors[parent.literal_prefix] = (parent, layer.span)
            _claim_parents(work, layer, parents, kind)


def _is_opened(stack: Stack, glob: Glob, piece: PathPiece, kind: Shape) -> bool:
    """Whether a hole above takes the whole piece."""
    if stack.budget.is_spent:
        return False
    path = join(glob.literal_prefix) if kind is Shape.ROOTED else fill(glob, "x")
    decider = stack.decide(path)
    if decider is None or decider.denies:
        return False
    if piece in decider.region.pieces:
        return True
    trees = (p.within[0] for p in decider.region.pieces if len(p.within) == 1 and is_closed(p))
    if kind is Shape.EDGED:
        base = join(glob.literal_prefix)
        return any(isinstance(atom, Glob) and atom.is_tree and atom.holds(base) for atom in trees)
    return any(atom.holds(path) for atom in trees) or not glob.below


def _claim_parents(work: _Work, layer: Layer, parents: tuple[Glob, ...], kind: Shape) -> None:
    known = work.claims.found.get((layer.index, Verdict.STRICTER, NO_MOVE_OUT))
    if kind is Shape.ROOTED:
        if known is not None:
            known.lost.update(dict.fromkeys(Lost((Operation.RENAME,), join(p.literal_prefix)) for p in parents))
        return
    places = tuple(join(parent.literal_prefix) for parent in parents)
    free = next((where for where in places if work.budget.is_spent or not work.removal.denies(where)), None)
    if free is None:
        return
    lost = tuple(Lost(RENAMES, where) for where in places)
    seen = Witness(Operation.RMDIR, free, True, False)
    work.claims.stricter(layer, _effects(work, layer), NO_PARENT, seen, lost)
    named = None if work.budget.is_spent else work.removal.decide(free)
    if named is not None:
        work.claims.stricter(named, frozenset({Effect.DELETE}), NO_PARENT, seen, lost)


def _effects(work: _Work, layer: Layer) -> frozenset[Effect]:
    """Those of the layer's effects that a move is about."""
    return frozenset(effect for effect in (*KEPT, Effect.DELETE) if layer.index in work.of[effect].positions)


def _hold_directories(work: _Work, stack: Stack) -> None:
    """A hole may match a directory without what is below it: moved, it would take out what is still denied."""
    for position, layer in enumerate(stack.layers):
        if layer.denies or layer.index == FLOOR:
            continue
        for piece in layer.region.pieces:
            deny = None if is_closed(piece) else _deny_below(work, stack, position, piece)
            if deny is not None:
                _hold_directory(work, stack, layer, piece, deny)


def _deny_below(work: _Work, stack: Stack, position: int, piece: PathPiece) -> Layer | None:
    """A deny under the hole that could hold what is below its objects."""
    tries = 32 if work.budget.is_spent else None
    for entry in islice(stack.every.related(stack.prefix(piece)), tries):
        work.budget.pairs -= 1
        if entry.position <= position or not entry.layer.denies or entry.piece in stack.layers[position].region.pieces:
            continue
        at_names = is_wide(entry.layer) and stack not in work.sourced and Effect.DELETE not in stack.effects
        if not at_names and (work.budget.is_spent or _could_hold_below(work, piece, entry.piece)):
            return entry.layer
    last = stack.layers[-1]
    return last if work.budget.is_spent and last.denies else None


def _could_hold_below(work: _Work, hole: PathPiece, deny: PathPiece) -> bool:
    return any(isinstance(atom, Substring) for atom in hole.within) or meet(_and_below(hole), deny, work.budget)


def _and_below(piece: PathPiece) -> PathPiece:
    return Piece(tuple(replace(atom, below=True) for atom in piece.within if isinstance(atom, Glob)))


def _hold_directory(work: _Work, stack: Stack, layer: Layer, piece: PathPiece, deny: Layer) -> None:
    work.directories.setdefault(piece_filters(piece), layer.span)
    path = next((p for p in work.search.examples(piece) if work.budget.is_spent or work.is_removable(p)), None)
    if path is None:
        return
    effects = stack.effects & {*KEPT, Effect.DELETE}
    seen = Witness(Operation.RMDIR, path, True, False)
    lost = (Lost(RENAMES, place(piece), True),)
    work.claims.stricter(deny, effects, NO_DIRECTORY, seen, lost)
    work.claims.stricter(layer, effects, NO_DIRECTORY, seen, lost)


# -- escapes that cannot be stopped --


def _confess_escapes(work: _Work, stack: Stack) -> None:
    """Denies on a pattern that a moved parent leaves: WEAKER, with that move."""
    for position, layer in enumerate(stack.layers):
        key = ("escapes", layer.index, id(layer.region))
        if not layer.denies or key in work.done:
            continue
        for piece in layer.region.pieces:
            kind = work.shape(piece)
            if kind is Shape.LOOSE or (kind is Shape.FLOATING and _may_land(work, stack, position, piece)):
                found = _escape(work, stack, position, piece)
                if found is not None:
                    work.done.add(key)
                    work.claims.weaker(layer, _effects(work, layer), PARENT_MOVES, found)
                    break


def _may_land(work: _Work, stack: Stack, position: int, piece: PathPiece) -> bool:
    """Whether a moved parent could bring an object of a floating piece into a hole above it. No move reaches /dev."""
    for hole in stack.holes_above(position, (piece,)):
        if hole.layer.index == FLOOR and place(hole.piece).startswith("/dev/"):
            continue
        if work.budget.is_spent or not meet(hole.piece, piece, work.budget):
            if work.budget.is_spent:
                return True
            continue
        shared = _in_both(work, hole.piece, piece)
        if not shared or not stack.denies(shared[0]):
            return True
    return False


def _escape(work: _Work, stack: Stack, position: int, piece: PathPiece) -> Witness | None:
    """A rename of a directory that lets something of the piece go; None where every such directory is held."""
    first: Witness | None = None
    landings = () if work.budget.is_spent else tuple(_landings(work, stack, position, piece))
    holes = list(islice(work.creation.allows.related(()), 20))
    targets = (*landings, *(f"{place(entry.piece).rstrip('/')}/moved" for entry in holes))
    for path in _candidates(work, stack, position, piece):
        names = split(path)
        for cut in range(len(names) - 1, 0, -1):
            old = join(names[:cut])
            below = names[cut:]
            for to in (*targets, f"{join(names[: cut - 1]).rstrip('/')}/moved", "/moved", "/tmp/moved"):
                found = Witness(Operation.RENAME, old, False, True, to)
                if work.budget.is_spent:
                    return Witness(Operation.RENAME, old, False, True, "/moved")
                first = first or found
                if names[:cut] in work.ancestors or to.startswith(old + "/") or to == old:
                    continue
                if not work.is_removable(old) or work.creation.denies(to) or _blocks_new(work, to):
                    continue
                if any(_goes(stack, effect, path, join((*split(to), *below))) for effect in stack.effects):
                    return found
    if work.shape(piece) is Shape.FLOATING and all(work.creation.denies(to) for to in landings):
        return None
    return None if first is None or _is_held(work, piece) else first


def _goes(stack: Stack, effect: Effect, old: str, new: str) -> bool:
    """Whether the move takes something of `effect`: it was denied at the old name and is not at the new one."""
    return effect in (*KEPT, Effect.DELETE) and stack.denies(old) and not stack.denies(new)


def _candidates(work: _Work, stack: Stack, position: int, piece: PathPiece) -> Iterator[str]:
    """Paths on which the deny at `position` decides; where deletes are denied elsewhere, in the holes of those too."""
    layer = stack.layers[position]
    for path in work.search.examples(piece):
        moved = f"/moving/{split(path)[-1]}"
        yield from (found for found in (path, moved) if work.budget.is_spent or stack.decide(found) is layer)
    if work.budget.is_spent:
        return
    for hole in list(stack.holes_above(position, (piece,)))[:20]:
        for path in _in_both(work, hole.piece, piece):
            moved = f"/moving/{split(path)[-1]}"
            if stack.decide(moved) is layer:
                yield moved
    above = [e.piece for e in stack.every.related(stack.prefix(piece)) if e.position < position]
    simple = tuple(p.within[0] for p in above if len(p.within) == 1 and not p.without)[:12]
    near = [e.piece for e in work.removal.allows.related(work.removal.prefix(piece))][:20]
    for open_piece in (Piece(), *near):
        for path in _in_both(work, open_piece, piece, simple):
            if stack.decide(path) is layer:
                yield path


def _in_both(work: _Work, one: PathPiece, other: PathPiece, without: tuple[Pattern, ...] = ()) -> tuple[str, ...]:
    if not meet(one, other, work.budget):
        return ()
    return work.search.exact(Piece((*one.within, *other.within), (*one.without, *other.without)), without)


def _landings(work: _Work, stack: Stack, position: int, piece: PathPiece) -> Iterator[str]:
    """New names for a moved directory at which what is inside would be open."""
    for hole in list(stack.holes_above(position, (piece,)))[:20]:
        if hole.layer.index == FLOOR:
            continue
        for path in (*work.search.examples(hole.piece), *_in_both(work, hole.piece, piece)):
            if piece.holds(path):
                yield join(split(path)[:-1])


def _blocks_new(work: _Work, path: str) -> bool:
    return any(isinstance(f, Paths) and f.pattern.holds(path) for filters in work.creates for f in filters)


def _is_held(work: _Work, piece: PathPiece) -> bool:
    """Whether no directory around the piece can be moved: removal, or every new name, is denied, with no hole to try."""
    for stack in (work.removal, *work.sourced):
        if _is_closed(stack) and not any(True for _ in stack.allows.related(stack.prefix(piece))):
            return True
        held = _closed_around(work, stack, place(piece))
        if held is not None and not any(is_closed(hole.piece) for hole in stack.holes_above(held, (piece,))):
            return True
    return _is_closed(work.creation) and sum(1 for _ in work.creation.allows.related(())) <= 20


def _is_closed(stack: Stack) -> bool:
    """Whether what no rule opens is denied."""
    return bool(stack.layers) and stack.layers[-1].denies and stack.layers[-1].region.is_everything


def _closed_around(work: _Work, stack: Stack, path: str) -> int | None:
    """The position of a deny that holds `path` and all below it, if the parents of `path` cannot be moved either."""
    decider = stack.decide(path)
    if decider is None or not decider.denies:
        return None
    if not any(is_closed(piece) and piece.holds(path) for piece in decider.region.pieces):
        return None
    if any(is_closed(p) and p.holds(path) and work.shape(p) is Shape.FLOATING for p in decider.region.pieces):
        return stack.positions[decider.index]
    names = split(path)
    parents = (names[:end] for end in range(1, len(names)))
    if any(names not in work.ancestors and work.is_removable(join(names)) for names in parents):
        return None
    return stack.positions[decider.index]
