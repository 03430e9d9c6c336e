"""What f says and what the selectors do, asked about single operations: witnesses are checked before they are claimed."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from ipaddress import ip_address, ip_network
from operator import or_
from typing import NamedTuple

from avakill.backends.judge import ALLOWED, Judgement, Probe, judgements
from avakill.backends.plan import Layer, Plan
from avakill.backends.tetragon.model import Selector, Test
from avakill.ir.effect import EFFECT_OF, FILE_EFFECTS, Effect, Operation
from avakill.ir.endpoint import read_destination
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, Wild, holds_parts, join, split

Names = tuple[str, ...]
Seen = str | int
Key = tuple[int, str]
"""An argument that a selector reads."""
Call = tuple[str, Mapping[Key, Seen]]

_NAME_HOOKS = {
    Operation.CREATE: "path_mknod",
    Operation.MKDIR: "path_mkdir",
    Operation.SYMLINK: "path_symlink",
    Operation.UNLINK: "path_unlink",
    Operation.RMDIR: "path_rmdir",
}
_PATH_HOOKS = {Operation.TRUNCATE: "path_truncate", Operation.ATTR: "path_chmod"}


_FREE = (ALLOWED,)


class Ask:
    """One plan and the selectors of one lowering."""

    def __init__(self, plan: Plan, selectors: Mapping[str, tuple[Selector, ...]]) -> None:
        self.plan = plan
        self.selectors = selectors
        self.ready: dict[str, _Ready] = {}
        self.layers = Layers(plan)
        self.bare = replace(plan, layers=dict.fromkeys(Effect, ()))

    # -- f --

    def is_free(self, path: str) -> bool:
        """Whether no layer of any file effect holds the path, nor denies a name below it: f allows everything with it."""
        return self.layers.at(path) == UNTOUCHED

    def denies_below(self, path: str) -> bool:
        """Whether a literal path is denied somewhere below."""
        return self.layers.denies_below(path)

    def takes_along(self, probe: Probe) -> bool:
        """Whether a directory goes that has a denied literal path somewhere below: of an exchange, either one."""
        if not probe.directory:
            return False
        return self.denies_below(probe.object) or (probe.exchange and probe.to is not None and self.denies_below(probe.to))

    def judge(self, probe: Probe) -> tuple[Judgement, ...]:
        """f's answers; of a move or a link that is refused for one of its names, just that."""
        if probe.operation is Operation.CONNECT or self.takes_along(probe):
            return judgements(self.plan, probe)
        if not self.layers.holding(probe.object) and (probe.to is None or not self.layers.holding(probe.to)):
            return _FREE
        effect = EFFECT_OF[probe.operation]
        if probe.to is None:
            return (Judgement(*self.layers.answer(effect, probe.object), effect),)
        refused = self._refused_name(probe, probe.to)
        if refused is not None:
            return (refused,)
        answers = self.bare.answers
        for path in (probe.object, probe.to):
            if path is not None and (Effect.READ, path) not in answers:
                for effect in FILE_EFFECTS:
                    answers[effect, path] = self.layers.answer(effect, path)
        return judgements(self.bare, probe)

    def _refused_name(self, probe: Probe, to: str) -> Judgement | None:
        """The old name that may not go, or the new one that may not come."""
        allowed, row = self.layers.answer(Effect.CREATE, to)
        if not allowed:
            return Judgement(False, row, Effect.CREATE)
        if probe.operation is Operation.RENAME:
            allowed, row = self.layers.answer(Effect.DELETE, probe.object)
            if not allowed:
                return Judgement(False, row, Effect.DELETE)
        return None

    def row_of(self, effect: Effect, path: str) -> int | None:
        """The row that denies it."""
        allowed, row = self.layers.answer(effect, path)
        return None if allowed else row

    # -- the selectors --

    def denied(self, probe: Probe) -> bool:
        if probe.operation is Operation.CONNECT:
            return all(self._refuses(hook, call) for hook, call in _calls(probe))
        return any(self._refuses(hook, call) for hook, call in _calls(probe))

    def _refuses(self, hook: str, call: Mapping[Key, Seen]) -> bool:
        ready = self.ready.get(hook)
        if ready is None:
            ready = self.ready[hook] = _Ready(self.selectors.get(hook, ()))
        return ready.refuses(call)

    def meets(self, hook: str, tests: tuple[Test, ...], probe: Probe) -> bool:
        """Whether all of the tests hold on a call of the hook."""
        return any(all(_holds(test, call[_key(test)]) for test in tests) for name, call in _calls(probe) if name == hook)


class _Ready:
    """The selectors of one hook: a test that several of them have is asked once a call."""

    def __init__(self, selectors: tuple[Selector, ...]) -> None:
        self.numbers: dict[tuple[Key, str, int], int] = {}
        self.tests: list[tuple[Key, Holds]] = []
        self.selectors = [[self._ready(test) for test in sorted(selector.tests, key=_slowness)] for selector in selectors]

    def _ready(self, test: Test) -> tuple[int, bool]:
        """The number of the test without its `Not`, and the answer with which it holds."""
        word = test.operator.removeprefix("Not")
        key = (_key(test), word, id(test.values))
        if key not in self.numbers:
            self.numbers[key] = len(self.tests)
            self.tests.append((key[0], _asks(word, frozenset([text for text, _ in test.values]))))
        return self.numbers[key], word == test.operator

    def refuses(self, call: Mapping[Key, Seen]) -> bool:
        answers: list[bool | None] = [None] * len(self.tests)
        for selector in self.selectors:
            for number, wanted in selector:
                answer = answers[number]
                if answer is None:
                    key, holds = self.tests[number]
                    answer = answers[number] = holds(call[key])
                if answer is not wanted:
                    break
            else:
                return True
        return False


Holds = Callable[[Seen], bool]


def _asks(word: str, texts: frozenset[str]) -> Holds:
    match word:
        case "Mask":
            bits = reduce(or_, map(int, texts))
            return lambda seen: bool(int(seen) & bits)
        case "Equal":
            return texts.__contains__
        case "Prefix":
            return _begins(texts)
        case "Postfix":
            return _ends(texts)
        case _:
            return lambda seen: any(_address(word, value, str(seen)) for value in texts)


def _begins(texts: frozenset[str]) -> Holds:
    sizes = set(map(len, texts))

    def holds(seen: Seen) -> bool:
        text = str(seen)
        return any(text[:size] in texts for size in sizes)

    return holds


def _ends(texts: frozenset[str]) -> Holds:
    sizes = set(map(len, texts))

    def holds(seen: Seen) -> bool:
        text = str(seen)
        return any(text[max(0, len(text) - size) :] in texts for size in sizes)

    return holds


def _key(test: Test) -> Key:
    return (test.arg.index, test.arg.resolve)


def _holds(test: Test, seen: Seen) -> bool:
    word = test.operator.removeprefix("Not")
    return _asks(word, frozenset([text for text, _ in test.values]))(seen) == (word == test.operator)


def _slowness(test: Test) -> int:
    word = test.operator.removeprefix("Not")
    return ("Mask", "Equal").index(word) if word in ("Mask", "Equal") else 2


class _Entry(NamedTuple):
    """A piece of a rule's region: where it stands in the list, and a name that all of its paths have, or how the last ends."""

    rank: int
    effects: dict[Effect, Layer]
    piece: Piece[Pattern] | None = None
    tail: str = ""
    need: str = ""

    def holds(self, path: str, names: Names, last: str) -> bool:
        if self.piece is None:
            return True
        if (self.need and self.need not in names) or not last.endswith(self.tail):
            return False
        within = self.piece.within
        if len(within) == 1 and not self.piece.without and isinstance(within[0], Glob):
            return holds_parts(within[0], names)
        return self.piece.holds(path)


class _Place:
    """The pieces that begin in one directory: of everything below, of just it, and of names below that end alike.
    `denies_below`: a literal path is denied somewhere below."""

    __slots__ = ("below", "denies_below", "ends", "exact", "here")

    def __init__(self) -> None:
        self.here: list[_Entry] = []
        self.exact: list[_Entry] = []
        self.ends: _Ends | None = None
        self.below: dict[str, _Place] = {}
        self.denies_below = False


class _Ends:
    """Pieces by how the last name of their paths ends."""

    __slots__ = ("entries", "sizes")

    def __init__(self) -> None:
        self.entries: dict[str, list[_Entry]] = {}
        self.sizes: set[int] = set()

    def add(self, tail: str, entry: _Entry) -> None:
        self.entries.setdefault(tail, []).append(entry)
        self.sizes.add(len(tail))

    def of(self, last: str) -> list[_Entry]:
        ends = [last[-size:] for size in self.sizes if size <= len(last)]
        return [entry for end in ends if end in self.entries for entry in self.entries[end]]


Held = tuple[dict[Effect, Layer], ...]
Spot = tuple[Held, bool]
"""The layers that hold a path, in order, and whether a literal path is denied somewhere below."""

UNTOUCHED: Spot = ((), False)


class Layers:
    """The layers of all file effects by where their patterns begin, or how they end: what could hold a path."""

    def __init__(self, plan: Plan) -> None:
        self.root = _Place()
        self.known: dict[str, Spot] = {}
        ranks = {row.index: at for at, row in enumerate(plan.rows)}
        merged: dict[tuple[int, int], dict[Effect, Layer]] = {}
        for effect in FILE_EFFECTS:
            for layer in plan.layers[effect]:
                merged.setdefault((layer.index, id(layer.region)), {})[effect] = layer
        for (index, _), effects in merged.items():
            layer = next(iter(effects.values()))
            for piece in layer.region.pieces:
                self._add(ranks[index], piece, effects, layer.denies)

    def _add(self, rank: int, piece: Piece[Pattern], effects: dict[Effect, Layer], denies: bool) -> None:
        if len(piece.within) == 1 and not piece.without:
            only = piece.within[0]
            if isinstance(only, Glob) and only.is_literal and not only.fold:
                names = only.literal_prefix
                place = self._place(names, denies)
                (place.here if only.below else place.exact).append(_Entry(rank, effects))
                return
        globs = [atom for atom in piece.within if isinstance(atom, Glob)]
        plain = [glob for glob in globs if not glob.fold]
        start = max((glob.literal_prefix for glob in plain), key=len, default=())
        tail = _tail(plain[0]) if plain else ""
        need = next((part for glob in plain for part in glob.parts[len(start) :] if isinstance(part, str)), "")
        entry = _Entry(rank, effects, piece, tail, need)
        place = self._place(start)
        if tail:
            place.ends = place.ends or _Ends()
            place.ends.add(tail, entry)
        else:
            place.here.append(entry)
        for glob in globs if denies else ():
            if glob.is_literal:
                self._place(glob.literal_prefix, True)

    def _place(self, names: Names, denies_below: bool = False) -> _Place:
        place = self.root
        for name in names:
            if denies_below:
                place.denies_below = True
            inner = place.below.get(name)
            if inner is None:
                inner = place.below[name] = _Place()
            place = inner
        return place

    def at(self, path: str) -> Spot:
        return self.known.get(path) or self._ask(path)

    def holding(self, path: str) -> Held:
        """The layers that hold a path, in order."""
        return (self.known.get(path) or self._ask(path))[0]

    def denies_below(self, path: str) -> bool:
        """Whether a literal path is denied somewhere below."""
        return (self.known.get(path) or self._ask(path))[1]

    def _ask(self, path: str) -> Spot:
        names = tuple(filter(None, path.split("/")))
        last = names[-1] if names else ""
        near, place = self._near(names, last)
        found = [entry for entry in near if entry.piece is None or entry.holds(path, names, last)]
        if len(found) > 1:
            found.sort(key=_rank)
        answer = tuple([entry.effects for entry in found]), place is not None and place.denies_below
        self.known[path] = answer
        return answer

    def _near(self, names: Names, last: str) -> tuple[list[_Entry], _Place | None]:
        """The pieces that begin at the path or above it, and its place where some begin at or below it."""
        place = self.root
        near = [*place.here, *(place.ends.of(last) if place.ends else ())]
        for name in names:
            inner = place.below.get(name)
            if inner is None:
                return near, None
            place = inner
            if place.here:
                near += place.here
            if place.ends:
                near += place.ends.of(last)
        return near + place.exact, place

    def answer(self, effect: Effect, path: str) -> tuple[bool, int | None]:
        for effects in self.holding(path):
            layer = effects.get(effect)
            if layer is not None:
                return not layer.denies, layer.index
        return True, None


def _rank(entry: _Entry) -> int:
    return entry.rank


def _tail(glob: Glob) -> str:
    """How the last name of every path of the pattern ends, as far as that is plain."""
    if glob.below or not glob.parts:
        return ""
    last = glob.parts[-1]
    if isinstance(last, str):
        return last
    tail: list[str] = []
    for atom in reversed(last.atoms if isinstance(last, Wild) else ()):
        if not isinstance(atom, str):
            break
        tail.append(atom)
    return "".join(reversed(tail))


def _calls(probe: Probe) -> Iterator[Call]:
    """The hook calls of an operation, with the arguments that selectors read."""
    names = split(probe.object)
    last, parent = (names[-1] if names else "/"), join(names[:-1])
    whole = {(0, ""): join(names), (0, "f_path.dentry.d_name.name"): last, (0, "dentry.d_name.name"): last}
    match probe.operation:
        case Operation.READ | Operation.LIST:
            yield "file_open", {**whole, (0, "f_mode"): 1}
        case Operation.WRITE:
            yield "file_open", {**whole, (0, "f_mode"): 2}
        case Operation.TRUNCATE | Operation.ATTR:
            yield _PATH_HOOKS[probe.operation], whole
        case Operation.EXEC:
            yield "file_open", {**whole, (0, "f_mode"): 33}
            yield "bprm_check_security", {(0, ""): join(names), (0, "file.f_path.dentry.d_name.name"): last}
        case Operation.RENAME | Operation.LINK:
            yield _move(probe, parent, last)
        case Operation.CONNECT:
            yield "socket_connect", {(1, ""): probe.object}
            yield "socket_sendmsg", {(1, "msg_name"): probe.object}
        case operation:
            yield _NAME_HOOKS[operation], {(0, ""): parent, (1, "d_name.name"): last}


def _move(probe: Probe, parent: str, last: str) -> Call:
    goal = split(probe.to or "/")
    there = (join(goal[:-1]), goal[-1] if goal else "/")
    if probe.operation is Operation.LINK:
        return "path_link", {(0, ""): probe.object, (0, "d_name.name"): last, (1, ""): there[0], (2, "d_name.name"): there[1]}
    kind = 0x4000 if probe.directory else 0x8000
    return "path_rename", {
        (0, ""): parent,
        (1, "d_name.name"): last,
        (1, "d_inode.i_mode"): kind,
        (2, ""): there[0],
        (3, "d_name.name"): there[1],
        (3, "d_inode.i_mode"): kind if probe.replaces or probe.exchange else 0,
        (4, ""): 2 if probe.exchange else 0,
    }


def _address(operator: str, text: str, thing: str) -> bool:
    destination = read_destination(thing)
    if destination is None:
        return False
    if operator.endswith("SPort"):
        first, _, last = text.partition(":")
        return int(first) <= destination.port <= int(last or first)
    if operator == "Family":
        version = destination.address.version if destination.address is not None else 4
        return text == ("AF_INET6" if version == 6 else "AF_INET")
    address = destination.address or ip_address("203.0.113.253")
    network = ip_network(text, strict=False)
    return address.version == network.version and address in network

