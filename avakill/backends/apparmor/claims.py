"""What the lines of a denial add to f or miss of it, with witnesses (semantics §5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

from avakill.backends.apparmor.cutting import CROWD, Denial, Hole
from avakill.backends.apparmor.field import ALL_OPEN, Field, effects_in, mask_of
from avakill.backends.apparmor.ledger import Ledger
from avakill.backends.apparmor.nameless import example_parents, inside, is_closable, number_in, parents, spares_inside
from avakill.backends.apparmor.samples import bearer, parents_pattern, samples, two_bytes_as_two
from avakill.backends.judge import KEPT
from avakill.backends.plan import FLOOR
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Lost, Verdict, Witness
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, join, split, tree
from avakill.paths.index import PrefixIndex

W_EFFECTS = (Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE)
"""What AppArmor's one permission `w` is."""

_W = frozenset(W_EFFECTS)
_WRITING = mask_of(W_EFFECTS)
_MOVING = mask_of((Effect.READ, *W_EFFECTS))
"""What a rename asks of a directory."""

FIRST = {effect: operations[0] for effect, operations in OPERATIONS_OF.items()} | {Effect.DELETE: Operation.UNLINK}
WITH_W = {
    Effect.WRITE: (Operation.WRITE, Operation.TRUNCATE, Operation.LINK),
    Effect.ATTR: (Operation.ATTR,),
    Effect.CREATE: (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK, Operation.LINK, Operation.RENAME),
    Effect.DELETE: (Operation.UNLINK, Operation.RMDIR, Operation.RENAME),
}
"""What is lost with `w` where f allows the effect; a link asks that the new name grants no more than the old one."""
ON_DIRECTORY = {
    Effect.ATTR: (Operation.ATTR,),
    Effect.DELETE: (Operation.RMDIR, Operation.RENAME),
    Effect.CREATE: (Operation.MKDIR, Operation.RENAME),
}
"""The same for a directory alone."""
_ON_ANY_DIRECTORY = tuple(dict.fromkeys(operation for operations in ON_DIRECTORY.values() for operation in operations))


def place_of(pattern: Pattern, operations: Iterable[Operation]) -> Lost:
    """The place that holds all of a pattern."""
    if not isinstance(pattern, Glob):
        return Lost(tuple(operations), "/", True)
    below = pattern.below or len(pattern.parts) > len(pattern.literal_prefix) + 1 or not isinstance(pattern.parts[-1:], tuple)
    return Lost(tuple(operations), join(pattern.literal_prefix), below)


def _deepest(one: Pattern, other: Pattern, operations: tuple[Operation, ...]) -> Lost:
    return max((place_of(one, operations), place_of(other, operations)), key=lambda lost: (len(split(lost.place)), not lost.below))


def _shared(one: Pattern, other: Pattern) -> tuple[str, ...]:
    """Some objects of both, quickly found."""
    tries = [*samples(one), *samples(other)]
    for pattern, folder in ((one, other), (other, one)):
        if isinstance(folder, Glob):
            path = bearer(pattern, join(folder.literal_prefix).rstrip("/"))
            tries += [path] if path is not None else []
    return tuple(path for path in dict.fromkeys(tries) if one.holds(path) and other.holds(path))


def _operations(effects: tuple[Effect, ...]) -> tuple[Operation, ...]:
    moves = () if effects == (Effect.EXEC,) else (Operation.RENAME, Operation.LINK)
    return tuple(dict.fromkeys((*(op for effect in effects for op in OPERATIONS_OF[effect]), *moves)))


class Claims:
    """Weighs denials against f and writes what differs into a ledger."""

    def __init__(self, field: Field, ledger: Ledger) -> None:
        self.field = field
        self.ledger = ledger
        self.wider: PrefixIndex[Denial] = PrefixIndex()
        """The denials whose lines deny more than f."""
        self.numbered: PrefixIndex[Glob] = PrefixIndex()
        """The names `#N` that are closed for the sake of files without a name."""
        self._swept = False
        self._above: dict[str, tuple[Witness | None, tuple[Lost, ...]]] = {}

    def weigh(self, denial: Denial) -> None:
        """All of one denial's lines."""
        if denial.wide:
            self._wide(denial)
        if denial.narrow:
            self._narrow(denial)
        if len(denial.closed) > CROWD:
            self._crowd(denial)
        else:
            for hole in denial.closed:
                self._closed(denial, hole)
        if denial.nameless:
            self._nameless(denial)
        if Effect.WRITE in denial.effects and spares_inside(denial.pattern) and not is_closable(denial.pattern):
            self._leaks_nameless(denial)
        if not _W.isdisjoint(denial.effects):
            self._lumped(denial)
            self._beside(denial)
        elif Effect.READ in denial.effects:
            self._read_only(denial)
        if denial.cuts and any(not cut.takes_directories for cut in denial.cuts) and denial.effects != (Effect.EXEC,):
            self._directories_in_holes(denial)

    # -- over-denials --

    def _charge(
        self,
        denial: Denial,
        reason: str,
        asked: Effect,
        operation: Operation,
        found: tuple[tuple[tuple[str, int | None], ...], bool],
        *lost: Lost,
    ) -> None:
        """STRICTER for the deny, and for each allow that f names."""
        objects, sure = found
        if not objects and sure:
            return
        example = objects[0][0] if objects else next(iter(samples(denial.pattern)), lost[0].place)
        witness = Witness(operation, example, policy=True, target=False)
        self.ledger.note(denial.layer.index, Verdict.STRICTER, reason, denial.effects, witness, lost)
        for path, index in objects:
            if index is not None and index != denial.layer.index:
                named = Witness(operation, path, policy=True, target=False)
                self.ledger.note(index, Verdict.STRICTER, f"{_HOLE}: {reason}", (asked,), named, lost)

    def _wide(self, denial: Denial) -> None:
        for effect in denial.effects:
            extra = two_bytes_as_two(denial.pattern)
            objects = self.field.allowed_in(effect, (denial.pattern,), (), tuple(hole.pattern for hole in denial.open))
            for path in extra:
                answer = self.field.ask(effect, path)
                if answer is not None and answer.allowed:
                    objects = ((*objects[0], (path, answer.index)), objects[1])
            lost = place_of(denial.pattern, (*OPERATIONS_OF[effect], Operation.RENAME, Operation.LINK))
            if extra or objects[0]:
                self._charge(denial, _WIDE, effect, FIRST[effect], (objects[0], objects[1] and not extra), lost)

    def _narrow(self, denial: Denial) -> None:
        path = next(iter(samples(denial.pattern)), "/")
        witness = Witness(FIRST[denial.effects[0]], path, policy=False, target=True)
        self.ledger.note(denial.layer.index, Verdict.WEAKER, _NARROW, denial.effects, witness)

    def _closed(self, denial: Denial, hole: Hole) -> None:
        outside = tuple(one.pattern for one in denial.open)
        tries = _shared(denial.pattern, hole.pattern)
        for effect in denial.effects:
            found = self.field.allowed_in(effect, (denial.pattern, hole.pattern), tries, outside)
            operations = (*OPERATIONS_OF[effect], *((Operation.RENAME, Operation.LINK) if effect is not Effect.EXEC else ()))
            lost = _deepest(denial.pattern, hole.pattern, operations)
            self._charge(denial, _UNDER if hole.is_ending else _CLOSED, effect, FIRST[effect], found, lost)

    def _crowd(self, denial: Denial) -> None:
        """Many holes at once: the deny says it of all its pattern, and each allow once of all its own."""
        operations = _operations(denial.effects)
        shared = (path for hole in denial.closed[:CROWD] for path in _shared(denial.pattern, hole.pattern))
        allowed = (path for path in shared if self._says(denial.effects[0], path))
        example = next(allowed, next(iter(samples(denial.pattern)), "/"))
        witness = Witness(FIRST[denial.effects[0]], example, policy=True, target=False)
        lost = place_of(denial.pattern, operations)
        self.ledger.note(denial.layer.index, Verdict.STRICTER, _CLOSED, denial.effects, witness, (lost,))
        if denial.crowded and not self._swept:
            self._swept = True
            for entry in self.field.allows():
                for pattern in entry.piece.within[:1]:
                    self._sweep(denial, Hole(pattern, entry.layer.index), effects_in(entry.mask))
        for hole in denial.closed:
            self._sweep(denial, hole, denial.effects)

    def _sweep(self, denial: Denial, hole: Hole, effects: tuple[Effect, ...]) -> None:
        if hole.index is not None and self.ledger.has(hole.index, _CLOSED_HOLE, effects):
            return
        example = next(iter((*_shared(denial.pattern, hole.pattern), *samples(hole.pattern))), "/")
        witness = Witness(FIRST[effects[0]], example, policy=True, target=False)
        if hole.index is not None:
            lost = place_of(hole.pattern, _operations(effects))
            self.ledger.note(hole.index, Verdict.STRICTER, _CLOSED_HOLE, effects, witness, (lost,))

    def _lumped(self, denial: Denial) -> None:
        if not denial.lumped and _takes_all_of_w(denial.effects):
            return
        outside = tuple(hole.pattern for hole in denial.open)
        for effect in W_EFFECTS:
            if effect not in denial.effects:
                found = self.field.allowed_in(effect, (denial.pattern,), samples(denial.pattern), outside)
                self._charge(denial, _LUMPED, effect, FIRST[effect], found, *self._lost(denial, effect, found[0]))

        for hole, effects in denial.lumped:
            tries = _shared(denial.pattern, hole.pattern)
            for effect in effects:
                found = self.field.allowed_in(effect, (denial.pattern, hole.pattern), tries, outside)
                self._charge(denial, _LUMPED, effect, FIRST[effect], found, _deepest(denial.pattern, hole.pattern, WITH_W[effect]))

    def _lost(self, denial: Denial, effect: Effect, objects: tuple[tuple[str, int | None], ...]) -> tuple[Lost, ...]:
        """Where `w` takes what f allows: where the allows are that f names, or all of the pattern."""
        named = frozenset(index for _, index in objects if index is not None)
        if not objects or len(named) < len(objects):
            return (place_of(denial.pattern, WITH_W[effect]),)
        allowed = self.field.patterns_of(effect, denial.pattern, named)
        return tuple(dict.fromkeys(_deepest(denial.pattern, pattern, WITH_W[effect]) for pattern in allowed))

    def _read_only(self, denial: Denial) -> None:
        """A rename asks reading of the old name, so what may not be read may not be renamed to where it stays unreadable."""
        outside = tuple(hole.pattern for hole in denial.open)
        objects, sure = self.field.allowed_in(Effect.DELETE, (denial.pattern,), samples(denial.pattern), outside)
        if not objects and sure:
            return
        lost = place_of(denial.pattern, (Operation.RENAME,))
        inner = ((f"{path}/inside", index) for path, index in objects if denial.pattern.holds(f"{path}/inside"))
        inner = ((path, index) for path, index in inner if self._says(Effect.DELETE, path))
        olds = (*inner, *objects, *((path, None) for path in samples(denial.pattern) if self._says(Effect.DELETE, path)))
        inside = ((old, index) for old, index in olds if not any(one.holds(old) for one in outside))
        pairs: list[tuple[str, str, int | None]] = []
        for old, index in inside:
            if not any(other == index for _, _, other in pairs):
                new = self._unreadable_beside(denial, old)
                pairs += [(old, new, index)] if new is not None else []
        if not pairs and not sure:
            pairs = [(f"{lost.place.rstrip('/')}/x", f"{lost.place.rstrip('/')}/moved", None)]
        for place, (old, new, index) in enumerate(pairs):
            witness = Witness(Operation.RENAME, old, True, False, to=new)
            if place == 0:
                self.ledger.note(denial.layer.index, Verdict.STRICTER, _READ_ONLY, denial.effects, witness, (lost,))
            if index is not None:
                self.ledger.note(index, Verdict.STRICTER, f"{_HOLE}: {_READ_ONLY}", (Effect.DELETE,), witness, (lost,))

    def _unreadable_beside(self, denial: Denial, old: str) -> str | None:
        """A new name that f denies to read and allows to create."""
        folder, _, name = old.rpartition("/")
        near = (f"{folder}/x{name}", f"{old}x", f"{folder}/moved", *samples(denial.pattern))
        tries = chain(near, _elsewhere(old), self.unreadable, self._creatable(denial))
        for path in tries:
            apart = path != old and not path.startswith(f"{old}/") and not old.startswith(f"{path}/")
            free = self._says(Effect.DELETE, path) is not False and not self._refused(old, path, old)
            if apart and free and self._says(Effect.READ, path) is False:
                return path
        return None

    unreadable: tuple[str, ...] = ()
    """Some objects that the policy denies to read."""

    def _creatable(self, denial: Denial) -> Iterator[str]:
        """Objects of the pattern that f allows to create, looked for where no quick guess was one."""
        objects, _ = self.field.allowed_in(Effect.CREATE, (denial.pattern,), (), tuple(hole.pattern for hole in denial.open))
        for path, _ in objects:
            yield path
            yield f"{path}x"

    def _says(self, effect: Effect, path: str) -> bool | None:
        answer = self.field.ask(effect, path)
        return None if answer is None else answer.allowed

    def _nameless(self, denial: Denial) -> None:
        """The names `#N` in a denied directory are closed, so that no file without a name is made there."""
        outside = tuple(_with_below(hole.pattern) for hole in denial.open if _is_whole(hole, denial))
        for names in denial.numbered:
            tries = tuple(path for place in samples(parents(names)) if names.holds(path := f"{place.rstrip('/')}/#1"))
            lost_at = {effect: place_of(names, WITH_W[effect]) for effect in W_EFFECTS}
            for effect in W_EFFECTS:
                found = self.field.allowed_at(effect, names, tries, outside)
                self._charge(denial, _NUMBERED, effect, FIRST[effect], found, lost_at[effect])

    def _beside(self, denial: Denial) -> None:
        """A pattern that holds names `#N` in a directory that it does not hold keeps files without a name out of it."""
        pattern, number = denial.pattern, number_in(denial.pattern)
        if number is None or (isinstance(pattern, Glob) and pattern.is_everything):
            return
        if isinstance(pattern, Glob):
            above = parents(pattern)
            objects, sure = self.field.allowed_in(Effect.WRITE, (above,), samples(above))
            lost = Lost((Operation.WRITE,), join(above.literal_prefix), not above.is_literal)
        else:
            answers = ((path, self.field.ask(Effect.WRITE, path)) for path in example_parents(pattern))
            objects = tuple((path, answer.index) for path, answer in answers if answer is not None and answer.allowed)
            sure, lost = False, Lost((Operation.WRITE,), "/", True)
        taken = ((path, index) for path, index in objects if pattern.holds(inner := f"{path.rstrip('/')}/{number}") and inner)
        closed = tuple((path, index) for path, index in taken if not self._is_open(denial, f"{path.rstrip('/')}/{number}"))
        self._charge(denial, _BESIDE, Effect.WRITE, Operation.WRITE, (closed, sure), lost)

    def _is_open(self, denial: Denial, path: str) -> bool:
        return any(hole.pattern.holds(path) for hole in denial.open)

    def _directories_in_holes(self, denial: Denial) -> None:
        outside = tuple(_with_below(hole.pattern) for hole in denial.open if _is_whole(hole, denial))
        for hole, cut in zip(denial.open, denial.cuts, strict=True):
            if cut.takes_directories:
                continue
            if any(effect in W_EFFECTS for effect in denial.effects) and hole.index != FLOOR:  # the floor's are devices
                found = self.field.allowed_in(Effect.WRITE, (denial.pattern, hole.pattern), (), outside)
                lost = _deepest(denial.pattern, hole.pattern, (Operation.WRITE,))
                self._charge(denial, _IN_HOLE, Effect.WRITE, Operation.WRITE, found, lost)
            for effect, operations in ON_DIRECTORY.items():
                found = self.field.allowed_in(effect, (denial.pattern, hole.pattern), (), outside)
                lost = _deepest(denial.pattern, hole.pattern, operations)
                self._charge(denial, _DIRECTORY, effect, operations[0], found, lost)

    def above(self, denial: Denial, ancestors: tuple[str, ...]) -> None:
        """The ancestors of a denied pattern, which may not be renamed: nor can they be changed otherwise."""
        if not ancestors:
            return
        known = self._above.get(ancestors[-1])
        if known is None:
            known = self._above[ancestors[-1]] = self._weigh_above(ancestors)
        witness, lost = known
        if witness is not None:
            self.ledger.note(denial.layer.index, Verdict.STRICTER, _ABOVE, denial.effects, witness, lost)

    def _weigh_above(self, ancestors: tuple[str, ...]) -> tuple[Witness | None, tuple[Lost, ...]]:
        """What is lost on a directory and all above it, with a first witness; the allows among it are charged at once."""
        *upper, path = ancestors
        if upper and upper[-1] not in self._above:
            self._above[upper[-1]] = self._weigh_above(tuple(upper))
        first, before = self._above[upper[-1]] if upper else (None, ())
        said = self.field.said(path)
        if said is None or said.answers is ALL_OPEN:
            return first or Witness(Operation.ATTR, path, policy=True, target=False), (*before, Lost(_ON_ANY_DIRECTORY, path))
        found: dict[Operation, None] = {}
        for effect, operations in ON_DIRECTORY.items():
            answer = self.field.ask(effect, path)
            if answer is not None and not answer.allowed:
                continue
            found.update(dict.fromkeys(operations))
            witness = Witness(operations[0], path, policy=True, target=False)
            first = first or witness
            if answer is not None and answer.index is not None:
                self.ledger.note(answer.index, Verdict.STRICTER, _ABOVE_HOLE, (effect,), witness, (Lost(operations, path),))
        return first, (*before, Lost(tuple(found), path)) if found else before

    def guarded_name(self, denial: Denial) -> None:
        """A name that may not be written, only so that no other file takes it."""
        for effect in W_EFFECTS:
            found = self.field.allowed_in(effect, (denial.pattern,), samples(denial.pattern))
            operations = tuple(dict.fromkeys((*WITH_W[effect], Operation.RENAME)))
            self._charge(denial, _GUARDED, effect, FIRST[effect], found, place_of(denial.pattern, operations))
        self._beside(denial)

    # -- leaks --

    def examples(self, hole: Hole) -> tuple[str, ...]:
        return samples(hole.pattern)

    def gains_exec(self, old: str, new: str) -> bool:
        """Whether a rename gains EXEC and nothing else refuses it."""
        return (
            self._says(Effect.EXEC, old) is False
            and self._says(Effect.EXEC, new) is not False
            and self._is_free(old)
            and self._is_free(new)
        )

    def moved_parent(self, denial: Denial, kept: frozenset[str]) -> None:
        """A directory between the literal prefix and the last component can be renamed, and its content leaves the pattern."""
        parents = parents_pattern(denial.pattern)
        if parents is None or self.ledger.has(denial.layer.index, _PARENT, denial.effects):
            return
        base = join(parents.literal_prefix).rstrip("/")
        if self._parent_leaks(denial, (f"{base}/d", f"{base}/d/e"), kept):
            return
        objects, sure = self.field.allowed_in(Effect.DELETE, (parents,))
        if not self._parent_leaks(denial, tuple(path for path, _ in objects), kept) and not sure:
            witness = Witness(Operation.RENAME, f"{base}/d", False, True, to="/moved")
            self.ledger.note(denial.layer.index, Verdict.WEAKER, _PARENT, denial.effects, witness)

    def _parent_leaks(self, denial: Denial, places: tuple[str, ...], kept: frozenset[str]) -> bool:
        """Whether the rename of one of these directories is let through though f refuses it: then it is noted."""
        for parent in places:
            bearer_ = self._bearer(denial, parent)
            if bearer_ is None or parent in kept or not self._is_free(parent):
                continue
            beside = (f"{join(hole.pattern.literal_prefix)}/moved" for hole in denial.open)
            for goal in chain((f"{parent}-moved", "/moved", "/tmp/moved"), beside):
                if goal not in kept and self._is_free(goal) and self._refused(parent, goal, bearer_):
                    witness = Witness(Operation.RENAME, parent, False, True, to=goal)
                    self.ledger.note(denial.layer.index, Verdict.WEAKER, _PARENT, denial.effects, witness)
                    return True
        return False

    def _bearer(self, denial: Denial, parent: str) -> str | None:
        """A denied object of the pattern below a directory."""
        path = bearer(denial.pattern, parent)
        if path is None or not any(hole.is_ending and hole.pattern.holds(path) for hole in denial.open):
            return path
        return self.field.example((denial.pattern, tree(parent)), tuple(hole.pattern for hole in denial.open))

    def _leaks_nameless(self, denial: Denial) -> None:
        """In a directory that the pattern names, at any depth, a file without a name can be made."""
        assert isinstance(denial.pattern, Glob)
        if self.ledger.has(denial.layer.index, _UNNAMED, (Effect.WRITE,)) or self._notes_unnamed(denial, samples(denial.pattern)):
            return
        deeper = bearer(denial.pattern, f"{join(denial.pattern.literal_prefix).rstrip('/')}/d")
        if deeper is not None and self._notes_unnamed(denial, (deeper,)):
            return
        outside = self.field.example((denial.pattern,), tuple(hole.pattern for hole in (*denial.open, *denial.closed)))
        if outside is not None and self._notes_unnamed(denial, (outside,)):
            return
        objects, sure = self.field.allowed_in(Effect.WRITE, (inside(denial.pattern),))
        if not self._notes_unnamed(denial, tuple(path.rpartition("/")[0] for path, _ in objects)) and not sure:
            self._note_unnamed(denial, outside or next(iter(samples(denial.pattern)), "/"))

    def _notes_unnamed(self, denial: Denial, directories: tuple[str, ...]) -> bool:
        for path in directories:
            inner = f"{path.rstrip('/')}/#"
            if self._says(Effect.WRITE, path) is False and (self._is_writable(f"{inner}1") or self._is_writable(f"{inner}7")):
                self._note_unnamed(denial, path)
                return True
        return False

    def _note_unnamed(self, denial: Denial, path: str) -> None:
        witness = Witness(Operation.WRITE, path, policy=False, target=True)
        self.ledger.note(denial.layer.index, Verdict.WEAKER, _UNNAMED, (Effect.WRITE,), witness)

    def _is_writable(self, path: str) -> bool:
        """Whether f lets all be done with `path` but reading and running, and no line that is wider than f holds it."""
        closed = any(names.holds(path) for names in self.numbered.above(split(path)))
        return not closed and not self._is_wider(path) and not self.field.denied(path) & _WRITING

    def _is_free(self, path: str) -> bool:
        """Whether f lets all be done with the directory `path`, and no line that is wider than f holds it."""
        return not self._is_wider(path) and not self.field.denied(path) & _MOVING

    def _is_wider(self, path: str) -> bool:
        """Whether a line that is wider than f holds a directory."""
        for denial in self.wider.above(split(path)):
            trees = (hole.pattern for hole, cut in zip(denial.open, denial.cuts, strict=True) if cut.takes_directories)
            if denial.pattern.holds(path) and not any(tree.holds(path) for tree in trees):
                return True
        return False

    def _refused(self, parent: str, goal: str, old: str) -> bool:
        """Whether f refuses the rename of `parent` to `goal` for the sake of what stands at `old`."""
        new = goal + old[len(parent) :]
        if self._says(Effect.DELETE, old) is False or self._says(Effect.CREATE, new) is False:
            return True
        return any(self._says(effect, old) is False and self._says(effect, new) is not False for effect in KEPT)


@lru_cache(maxsize=64)
def _takes_all_of_w(effects: tuple[Effect, ...]) -> bool:
    return _W.issubset(effects)


def _with_below(pattern: Pattern) -> Pattern:
    return Glob(pattern.parts, below=True) if isinstance(pattern, Glob) else pattern


def _is_whole(hole: Hole, denial: Denial) -> bool:
    """Whether a hole takes all that stands below its names too."""
    return denial.cuts[denial.open.index(hole)].takes_directories


def _elsewhere(path: str) -> Iterator[str]:
    """The path with one of its directories called otherwise, where a wildcard may hold that too."""
    names = split(path)
    for place in reversed(range(len(names) - 1)):
        for other in (f"{names[place]}x", f"x{names[place]}", "x", "y"):
            yield join((*names[:place], other, *names[place + 1 :]))


_HOLE = "the hole is not whole"
_WIDE = "AppArmor's patterns count bytes and cannot intersect, so the line matches more than the rule"
_NARROW = "AppArmor's patterns cannot spell every case variant of the name"
_CLOSED = "AppArmor's deny always wins and this hole cannot be cut out of the pattern, so it stays closed"
_CLOSED_HOLE = f"{_HOLE}: {_CLOSED}"
_UNDER = "AppArmor cannot leave out what stands below a directory of the hole's name, so it stays closed"
_NUMBERED = "AppArmor judges a file without a name as `#NUMBER` in its directory, so these names in a denied directory are closed too"
_UNNAMED = "AppArmor judges a file without a name (O_TMPFILE) as `#NUMBER` in its directory, which the pattern does not hold"
_BESIDE = "AppArmor judges a file without a name (O_TMPFILE) as `#NUMBER` in its directory, and the pattern holds that name"
_IN_HOLE = "AppArmor judges a file without a name (O_TMPFILE) as `#NUMBER` in its directory, where the deny still holds"
_LUMPED = "AppArmor's one permission `w` is write, create, delete, chmod and chown together"
_READ_ONLY = "AppArmor asks reading of the old name of a rename"
_DIRECTORY = "a directory that bears a name of the hole stays denied, or it would carry denied content away"
_GUARDED = "AppArmor does not ask `x` in a rename, so nothing may be written where a program may run"
_ABOVE = "the directories above the denied path may not be renamed, and `w` on them is also chmod, chown, mkdir and rmdir"
_ABOVE_HOLE = f"{_HOLE}: {_ABOVE}"
_PARENT = "a directory above a matching name can be renamed, and its content leaves the pattern"
