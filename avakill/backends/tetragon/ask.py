"""What f says and what the selectors do, asked about single operations: witnesses are checked before they are claimed."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network

from avakill.backends.judge import Judgement, Probe, judgements
from avakill.backends.plan import Layer, Plan
from avakill.backends.tetragon.model import Selector, Test
from avakill.backends.tetragon.shapes import Kind, shape_of
from avakill.ir.effect import FILE_EFFECTS, Effect, Operation
from avakill.ir.endpoint import read_destination
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, join, split
from avakill.paths.index import PrefixIndex

Names = tuple[str, ...]
Seen = str | int
Call = tuple[str, Mapping[tuple[int, str], Seen]]

_NAME_HOOKS = {
    Operation.CREATE: "path_mknod",
    Operation.MKDIR: "path_mkdir",
    Operation.SYMLINK: "path_symlink",
    Operation.UNLINK: "path_unlink",
    Operation.RMDIR: "path_rmdir",
}
_PATH_HOOKS = {Operation.TRUNCATE: "path_truncate", Operation.ATTR: "path_chmod"}


class Ask:
    """One plan and the selectors of one lowering."""

    def __init__(self, plan: Plan, selectors: Mapping[str, tuple[Selector, ...]]) -> None:
        self.plan = plan
        self.selectors = selectors
        self.sets: dict[int, tuple[frozenset[str], tuple[int, ...]]] = {}
        self.layers: dict[Effect, Layers] = {}
        made: dict[tuple[tuple[int, int], ...], Layers] = {}
        for effect in FILE_EFFECTS:
            key = tuple((layer.index, id(layer.region)) for layer in plan.layers[effect])
            if key not in made:
                made[key] = Layers(plan.layers[effect])
            self.layers[effect] = made[key]
        self.distinct = tuple(made.values())
        self.bare = replace(plan, layers=dict.fromkeys(Effect, ()))
        self.free_paths: dict[str, bool] = {}

    # -- f --

    def is_free(self, path: str) -> bool:
        """Whether no layer of any file effect holds the path, nor names anything below it: f allows everything with it."""
        known = self.free_paths.get(path)
        if known is None:
            names = split(path)
            known = self.free_paths[path] = not any(
                layers.first(names, path) is not None or layers.names_below(names) for layers in self.distinct
            )
        return known

    def names_below(self, path: str) -> bool:
        names = split(path)
        return any(layers.names_below(names) for layers in self.distinct)

    def judge(self, probe: Probe) -> tuple[Judgement, ...]:
        if probe.operation is Operation.CONNECT:
            return judgements(self.plan, probe)
        paths = [(path, split(path)) for path in (probe.object, probe.to) if path is not None]
        if probe.directory and any(layers.names_below(paths[0][1]) for layers in self.distinct):
            near = {effect: self.layers[effect].near([names for _, names in paths]) for effect in FILE_EFFECTS}
            return judgements(replace(self.plan, layers={**self.plan.layers, **near}), probe)
        answers = self.bare.answers
        for path, names in paths:
            for effect in FILE_EFFECTS:
                if (effect, path) not in answers:
                    answers[effect, path] = self.layers[effect].answer(names, path)
        return judgements(self.bare, probe)

    # -- the selectors --

    def denied(self, probe: Probe) -> bool:
        calls = list(_calls(probe))
        answers = [any(self._holds(s, call) for s in self.selectors.get(hook, ())) for hook, call in calls]
        return all(answers) if probe.operation is Operation.CONNECT else any(answers)

    def _holds(self, selector: Selector, call: Mapping[tuple[int, str], Seen]) -> bool:
        return all(self._test(test, call[(test.arg.index, test.arg.resolve)]) for test in selector.tests)

    def _test(self, test: Test, seen: Seen) -> bool:
        operator = test.operator
        if operator == "Mask":
            return any(int(seen) & int(text) for text, _ in test.values)
        if operator.endswith(("SAddr", "SPort", "Family")):
            return operator.startswith("Not") != any(_address(operator, text, str(seen)) for text, _ in test.values)
        return operator.startswith("Not") != self._string(test, str(seen))

    def _string(self, test: Test, seen: str) -> bool:
        if id(test.values) not in self.sets:
            texts = frozenset(text for text, _ in test.values)
            self.sets[id(test.values)] = (texts, tuple(sorted({len(text) for text in texts})))
        texts, sizes = self.sets[id(test.values)]
        if test.operator.endswith("Equal"):
            return seen in texts
        if test.operator.endswith("Prefix"):
            return any(seen[:size] in texts for size in sizes if size <= len(seen))
        return any(seen[len(seen) - size :] in texts for size in sizes if size <= len(seen))


class Layers:
    """The layers of an effect, found by where their patterns begin or how they end."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        self.trees: dict[Names, int] = {}
        self.exact: dict[Names, int] = {}
        self.starts: dict[Names, list[int]] = {}
        self.ends: PrefixIndex[int] = PrefixIndex()
        self.denied: dict[Names, list[int]] = {}
        self.above: set[Names] = set()
        for at, layer in enumerate(layers):
            for piece in layer.region.pieces:
                self._add(at, layer, piece)

    def _add(self, at: int, layer: Layer, piece: Piece[Pattern]) -> None:
        globs = [atom for atom in piece.within if isinstance(atom, Glob)]
        start = max((glob.literal_prefix for glob in globs if not glob.fold), key=len, default=())
        if len(piece.within) == 1 and not piece.without and globs and not globs[0].fold and len(start) == len(globs[0].parts):
            (self.trees if globs[0].below else self.exact).setdefault(start, at)
        else:
            shape = shape_of(globs[0]) if globs and not start and not globs[0].fold else None
            if shape is not None and shape.kind is Kind.NAMED:
                self.ends.add(tuple(reversed(shape.name.equal if shape.name.equal is not None else shape.name.suffix)), at)
            else:
                self.starts.setdefault(start, []).append(at)
        if layer.denies:
            self._note_literals(at, globs)

    def _note_literals(self, at: int, globs: list[Glob]) -> None:
        for glob in globs:
            names = glob.literal_prefix
            if glob.is_literal:
                self.denied.setdefault(names, []).append(at)
                while names and names[:-1] not in self.above:
                    names = names[:-1]
                    self.above.add(names)

    def names_below(self, names: Names) -> bool:
        """Whether a literal path is denied somewhere below."""
        return names in self.above

    def _candidates(self, names: Names) -> set[int]:
        found: set[int] = set()
        if names in self.exact:
            found.add(self.exact[names])
        for size in range(len(names) + 1):
            base = names[:size]
            if base in self.trees:
                found.add(self.trees[base])
            if base in self.starts:
                found.update(self.starts[base])
        if names:
            found.update(self.ends.above(tuple(reversed(names[-1]))))
        return found

    def first(self, names: Names, path: str) -> Layer | None:
        """The layer that decides."""
        for at in sorted(self._candidates(names)):
            if self.layers[at].region.holds(path):
                return self.layers[at]
        return None

    def answer(self, names: Names, path: str) -> tuple[bool, int | None]:
        layer = self.first(names, path)
        return (True, None) if layer is None else (not layer.denies, layer.index)

    def near(self, paths: list[Names]) -> tuple[Layer, ...]:
        """The layers that could hold one of the paths, or something that they name below the first."""
        found: set[int] = set()
        for names in paths:
            found |= self._candidates(names)
        old = paths[0]
        for names, denying in self.denied.items():
            if len(names) > len(old) and names[: len(old)] == old:
                found.update(denying)
                for path in paths:
                    found |= self._candidates((*path, *names[len(old) :]))
        return tuple(self.layers[at] for at in sorted(found))


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
        (3, "d_inode.i_mode"): 0x8000 if probe.replaces or probe.exchange else 0,
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

