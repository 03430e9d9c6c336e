"""What f says and what the selectors do, asked about single operations: witnesses are checked before they are claimed."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network

from avakill.backends.judge import Judgement, Probe, judgements
from avakill.backends.plan import Layer, Plan
from avakill.backends.tetragon.model import Selector, Test
from avakill.backends.tetragon.shapes import Kind, Shape, shape_of
from avakill.ir.effect import Effect, Operation
from avakill.ir.endpoint import read_destination
from avakill.paths.glob import Glob, join, split
from avakill.paths.index import PrefixIndex

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
        self.layers: dict[int, _Layers] = {}

    # -- f --

    def judge(self, probe: Probe) -> tuple[Judgement, ...]:
        paths = [split(path) for path in (probe.object, probe.to) if path is not None and "://" not in path]
        near = {
            effect: self._near(effect, paths, probe.directory) if effect is not Effect.CONNECT else self.plan.layers[effect]
            for effect in Effect
        }
        return judgements(replace(self.plan, layers=near), probe)

    def _near(self, effect: Effect, paths: list[tuple[str, ...]], below: bool) -> tuple[Layer, ...]:
        layers = self.plan.layers[effect]
        if len(layers) < 8:
            return layers
        if id(layers) not in self.layers:
            self.layers[id(layers)] = _Layers(layers)
        return self.layers[id(layers)].near(paths, below)

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


class _Layers:
    """The layers of an effect by where their patterns begin, or by how they end."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        self.starts: PrefixIndex[int] = PrefixIndex()
        self.ends: PrefixIndex[int] = PrefixIndex()
        for at, layer in enumerate(layers):
            for piece in layer.region.pieces:
                globs = [atom for atom in piece.within if isinstance(atom, Glob)]
                start = max((glob.literal_prefix for glob in globs), key=len, default=())
                shape: Shape | None = shape_of(globs[0]) if globs and not start else None
                if shape is not None and shape.kind is Kind.NAMED:
                    name = shape.name.equal if shape.name.equal is not None else shape.name.suffix
                    self.ends.add(tuple(reversed(name)), at)
                else:
                    self.starts.add(start, at)

    def near(self, paths: list[tuple[str, ...]], below: bool) -> tuple[Layer, ...]:
        found: set[int] = set()
        for names in paths:
            found.update(self.starts.related(names) if below else self.starts.above(names))
            found.update(self.ends.above(tuple(reversed(names[-1]))) if names else ())
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

