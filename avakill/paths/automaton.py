"""Automata of path sets: emptiness, inclusion and witnesses, exact, with bounded work."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard
from avakill.paths.substring import Substring

Pattern = Glob | Substring

LAST = 0x10FFFF
WORK_LIMIT = 20_000


class Undecided(Exception):
    """The question took more than WORK_LIMIT states: the caller answers the cautious way."""


# A set of characters is a sorted tuple of inclusive ranges of code points.
Chars = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Automaton:
    """A nondeterministic automaton over characters: `steps[state]` are (characters, next); `skips` take none."""

    steps: tuple[tuple[tuple[Chars, int], ...], ...]
    skips: tuple[tuple[int, ...], ...]
    final: int

    def start(self) -> frozenset[int]:
        return self.closure((0,))

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        todo = list(states)
        seen = set(todo)
        while todo:
            for after in self.skips[todo.pop()]:
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        return frozenset(seen)

    def after(self, states: frozenset[int], char: int) -> frozenset[int]:
        known = self._moves.get((states, char))
        if known is None:
            known = self.closure([to for state in states for chars, to in self.steps[state] if _has(chars, char)])
            self._moves[states, char] = known
        return known

    def cuts(self, states: frozenset[int]) -> frozenset[int]:
        """The code points at which the steps out of `states` begin, or have just ended."""
        known = self._cuts.get(states)
        if known is None:
            ranges = [r for state in states for chars, _ in self.steps[state] for r in chars]
            known = frozenset(edge for low, high in ranges for edge in (low, high + 1))
            self._cuts[states] = known
        return known

    @cached_property
    def _moves(self) -> dict[tuple[frozenset[int], int], frozenset[int]]:
        return {}

    @cached_property
    def _cuts(self) -> dict[frozenset[int], frozenset[int]]:
        return {}


def _has(chars: Chars, char: int) -> bool:
    return any(low <= char <= high for low, high in chars)


class _Builder:
    def __init__(self) -> None:
        self.steps: list[list[tuple[Chars, int]]] = [[]]
        self.skips: list[list[int]] = [[]]
        self.here = 0

    def state(self) -> int:
        self.steps.append([])
        self.skips.append([])
        return len(self.steps) - 1

    def one(self, chars: Chars) -> None:
        after = self.state()
        self.steps[self.here].append((chars, after))
        self.here = after

    def loop(self, chars: Chars) -> None:
        """Zero or more of `chars`."""
        self.steps[self.here].append((chars, self.here))

    def components(self) -> None:
        """Zero or more of `/name`."""
        begin = self.state()
        self.skips[self.here].append(begin)
        inside = self.state()
        self.steps[begin].append((_SLASH, inside))
        self.steps[inside].append((_NAME, inside))
        end = self.state()
        self.skips[begin].append(end)
        self.skips[inside].append(begin)
        self.here = end

    def built(self) -> Automaton:
        return Automaton(tuple(map(tuple, self.steps)), tuple(map(tuple, self.skips)), self.here)


_SLASH: Chars = ((47, 47),)
_NAME: Chars = ((1, 46), (48, LAST))
_ANY: Chars = ((1, LAST),)


@lru_cache(maxsize=65536)
def automaton(pattern: Pattern) -> Automaton:
    """The automaton of a bound glob or a substring, over path texts in which the root is the empty text."""
    builder = _Builder()
    if isinstance(pattern, Substring):
        builder.loop(_ANY)
        for char in pattern.needle:
            builder.one(_both_cases(char))
        builder.skips[builder.here].append(builder.state())
        builder.here = len(builder.steps) - 1
        builder.loop(_ANY)
        return builder.built()
    for part in pattern.parts:
        _add_part(builder, part, pattern.fold)
    if pattern.below:
        builder.components()
    return builder.built()


def _add_part(builder: _Builder, part: Part, fold: bool) -> None:
    if part is Wildcard.DEEP:
        builder.components()
        return
    builder.one(_SLASH)
    atoms = part.atoms if isinstance(part, Wild) else tuple(str(part))
    for atom in atoms:
        if isinstance(atom, str):
            builder.one(_both_cases(atom) if fold else ((ord(atom), ord(atom)),))
        elif isinstance(atom, CharClass):
            builder.one(class_chars(atom))
        elif atom is Wildcard.ONE:
            builder.one(_NAME)
        else:
            after = builder.state()
            builder.skips[builder.here].append(after)
            builder.here = after
            builder.loop(_NAME)
    # a loop must not be shared with what follows
    after = builder.state()
    builder.skips[builder.here].append(after)
    builder.here = after


def _both_cases(char: str) -> Chars:
    return tuple(sorted({(ord(c), ord(c)) for c in (char, char.lower(), char.upper(), char.casefold()) if len(c) == 1}))


def class_chars(klass: CharClass) -> Chars:
    """The characters of a class, its negation resolved, the slash and NUL left out."""
    ranges = sorted((ord(low), ord(high)) for low, high in klass.ranges)
    if klass.negated:
        inverse: list[tuple[int, int]] = []
        begin = 1
        for low, high in ranges:
            if low > begin:
                inverse.append((begin, low - 1))
            begin = max(begin, high + 1)
        if begin <= LAST:
            inverse.append((begin, LAST))
        ranges = inverse
    result: list[tuple[int, int]] = []
    for low, high in ranges:
        if low <= 47 <= high:
            result.extend(r for r in ((low, 46), (48, high)) if r[0] <= r[1])
        else:
            result.append((low, high))
    return tuple((max(low, 1), high) for low, high in result if high >= 1)


# -- questions --

# Where a path text stands inside a component: only names that are not empty, `.` or `..` are paths.
_AT_END, _AT_SLASH, _AT_DOT, _AT_DOTS = range(4)


def _shape(where: int, char: int) -> int | None:
    if char == 47:
        return _AT_SLASH if where == _AT_END else None
    if where == _AT_SLASH and char == 46:
        return _AT_DOT
    if where == _AT_DOT and char == 46:
        return _AT_DOTS
    return _AT_END


def witness(within: Iterable[Pattern], without: Iterable[Pattern] = (), avoid: frozenset[str] = frozenset()) -> str | None:
    """A shortest path that is in all of `within` and in none of `without`; None when there is none. Raises Undecided."""
    machines = [automaton(p) for p in within]
    wanted = len(machines)
    machines += [automaton(p) for p in without]
    start = (_AT_END, tuple(m.start() for m in machines))
    queue: deque[tuple[tuple[int, tuple[frozenset[int], ...]], str]] = deque([(start, "")])
    seen = {start}
    while queue:
        (where, states), text = queue.popleft()
        if (
            where == _AT_END
            and all((m.final in s) == (i < wanted) for i, (m, s) in enumerate(zip(machines, states, strict=True)))
            and (text or "/") not in avoid
        ):
            return text or "/"
        if len(seen) > WORK_LIMIT:
            raise Undecided
        begun = where != _AT_END or bool(text)
        for char in _representatives(machines, states):
            after = _shape(where if begun else _AT_END, char)
            if after is None or (not begun and char != 47):
                continue
            moved = tuple(m.after(s, char) for m, s in zip(machines, states, strict=True))
            if not all(moved[:wanted]):
                continue
            node = (after, moved)
            if node not in seen:
                seen.add(node)
                queue.append((node, text + chr(char)))
    return None


_NICE = [ord(c) for c in "xyzabcdefghijklmnopqrstuvw0123456789_-"]


def _representatives(machines: list[Automaton], states: tuple[frozenset[int], ...]) -> tuple[int, ...]:
    """One character of each class that the machines can tell apart here, pleasant ones first."""
    edges = frozenset((1, 46, 47, 48)).union(*(m.cuts(s) for m, s in zip(machines, states, strict=True)))
    return _classes(edges)


@lru_cache(maxsize=65536)
def _classes(edges: frozenset[int]) -> tuple[int, ...]:
    cuts = sorted(edge for edge in edges if edge <= LAST)
    result: list[int] = []
    for index, low in enumerate(cuts):
        high = (cuts[index + 1] if index + 1 < len(cuts) else LAST + 1) - 1
        nice = next((c for c in _NICE if low <= c <= high), None)
        result.append(nice if nice is not None else _printable(low, high))
    return tuple(sorted(result, key=lambda c: (_NICE.index(c) if c in _NICE else len(_NICE), c)))


def _printable(low: int, high: int) -> int:
    if low <= 0x7E and high >= 0x20:
        return max(low, 0x20)
    if low <= 0xDFFF and high >= 0xD800 and not (low < 0xD800 or high > 0xDFFF):
        return low
    return low if not 0xD800 <= low <= 0xDFFF else min(high, 0xE000)


def is_empty(within: Iterable[Pattern], without: Iterable[Pattern] = ()) -> bool:
    """Whether no path is in all of `within` and none of `without`. Raises Undecided."""
    return witness(within, without) is None


@lru_cache(maxsize=65536)
def covers(big: Pattern, small: Pattern) -> bool:
    """Whether every path of `small` is surely in `big`; False also where it could not be decided."""
    if isinstance(big, Glob) and isinstance(small, Glob):
        if big.is_everything:
            return True
        prefix = big.literal_prefix
        if not big.fold and not small.fold:
            if big.is_tree:
                if small.parts[: len(prefix)] == prefix:
                    return True
                if small.is_literal:
                    return False
            if small.is_literal and not small.below:
                return big.holds("/" + "/".join(small.literal_prefix))
            if _apart(prefix, small.literal_prefix):
                return False
    try:
        return is_empty((small,), (big,))
    except Undecided:
        return False


@lru_cache(maxsize=65536)
def disjoint(one: Pattern, other: Pattern) -> bool:
    """Whether no path is surely in both; False also where it could not be decided."""
    if isinstance(one, Glob) and isinstance(other, Glob) and not one.fold and not other.fold:
        if _apart(one.literal_prefix, other.literal_prefix):
            return True
        if one.is_tree and other.is_tree:
            return False
    try:
        return is_empty((one, other))
    except Undecided:
        return False


def _apart(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two literal prefixes part ways: no path can begin with both."""
    shared = min(len(one), len(other))
    return one[:shared] != other[:shared]
