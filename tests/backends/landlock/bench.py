"""A plan, a tree and the kernel's oracle put together: what a policy does on a small machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from functools import lru_cache

from avakill.backends.contract import Lowering, Settings
from avakill.backends.judge import KEPT, Probe, _below, decide, judge
from avakill.backends.landlock import BACKEND
from avakill.backends.landlock.document import read_document
from avakill.backends.landlock.expand import Expansion, expand
from avakill.backends.landlock.model import Model, is_loose
from avakill.backends.landlock.tree import MemoryTree
from avakill.backends.plan import Plan
from avakill.ir.effect import FILE_EFFECTS, Effect, Operation
from avakill.ir.endpoint import Endpoint
from avakill.paths.automaton import Pattern, witness
from avakill.paths.glob import join, split, tree
from tests.contract.laws import contradictions, probes
from tests.contract.world import World, make_world
from tests.oracles.landlock import Kernel, parent

RIGHTS = {Effect.READ: ("read_file", "read_dir"), Effect.WRITE: ("write_file", "truncate"), Effect.EXEC: ("execute",)}


def kernel_of(expansion: Expansion) -> Kernel:
    ports = None if expansion.ports is None else tuple((p.first, p.last) for p in expansion.ports)
    grants = {grant.path: grant.rights for grant in expansion.grants}
    return Kernel({"abi": expansion.abi, "handled": expansion.handled, "grants": grants, "ports": ports})


class When(Enum):
    """`NOW`: a probe's objects are in the world. `LATER`: they are made after launch, in directories that were there.
    `BESIDE`: so, and where they stand, something stood at launch that each pattern at any depth denies."""

    NOW = "now"
    LATER = "later"
    BESIDE = "beside"


class Machine:
    """Answers probes for the emitted text, applied on a world."""

    def __init__(self, plan: Plan, text: str, world: World, when: When = When.NOW) -> None:
        self.plan = plan
        self.model: Model = read_document(text)
        self.world = world
        self.when = when
        self._kernels: dict[World, Kernel] = {}
        self._stood: dict[tuple[str, str], tuple[str, ...]] = {}

    def kernel(self, world: World) -> Kernel:
        if world not in self._kernels:
            tree = MemoryTree(world.files, world.directories)
            self._kernels[world] = kernel_of(expand(self.model, tree, self.plan.target.landlock_abi))
        return self._kernels[world]

    def allows(self, probe: Probe) -> bool:
        kernel = self.kernel(self._world(probe))
        if not kernel.allows(probe):
            return False
        if probe.operation in (Operation.RENAME, Operation.LINK) and not judge(self.plan, probe).allowed:
            return self._lets_something_through(kernel, probe)
        return True

    def _world(self, probe: Probe) -> World:
        """At launch: for an operation on what comes later, the directories that it stands in, but not itself."""
        if self.when is When.NOW or probe.operation is Operation.CONNECT:
            return self.world
        directories = set(self.world.directories)
        for path in (probe.object, probe.to):
            if path is not None:
                names = split(path)
                directories.update(join(names[:n]) for n in range(len(names)))
        stood = self._matches(probe) if self.when is When.BESIDE else ()
        gone = {probe.object, probe.to} - {"/"}
        keep = [p for p in self.world.files | directories if not any(g and (p == g or p.startswith(g + "/")) for g in gone)]
        for path in stood:
            names = split(path)
            keep += [path, *(join(names[:n]) for n in range(len(names)))]
            directories.update(keep[-len(names) :])
        return World(frozenset(p for p in keep if p in directories), frozenset(p for p in keep if p not in directories))

    def _matches(self, probe: Probe) -> tuple[str, ...]:
        where = probe.object if probe.operation is Operation.LIST else parent(probe.object)
        if (where, probe.object) in self._stood:
            return self._stood[where, probe.object]
        found: list[str] = []
        allowed = tuple(self._allowed())
        for layers in self.plan.layers.values():
            for layer in layers:
                for piece in layer.region.pieces if layer.denies else ():
                    if not any(isinstance(atom, Endpoint) for atom in piece.within) and is_loose(piece):
                        avoid = frozenset({where, probe.object})
                        within = (*piece.within, tree(where))
                        for without in (piece.without, (*piece.without, *allowed)):
                            path = searched(within, without, avoid)
                            found.extend([path] if path else [])
        self._stood[where, probe.object] = tuple(dict.fromkeys(found))
        return self._stood[where, probe.object]

    def _allowed(self) -> Iterator[Pattern]:
        for effect in FILE_EFFECTS:
            for layer in self.plan.layers[effect]:
                if not layer.denies:
                    yield from (piece.within[0] for piece in layer.region.pieces if len(piece.within) == 1)

    def _lets_something_through(self, kernel: Kernel, probe: Probe) -> bool:
        """Semantics §2: a move that passes but keeps the object as closed as it was has let nothing through."""
        assert probe.to is not None
        moves = probe.operation is Operation.RENAME
        below = ("", *(_below(self.plan, probe.object, probe.contents) if probe.directory and moves else ()))
        pairs = [(probe.object, probe.to, b) for b in below]
        if probe.exchange:
            pairs.append((probe.to, probe.object, ""))
        for old, new, inner in pairs:
            here, there = _join(old, inner), _join(new, inner)
            if moves and not decide(self.plan, Effect.DELETE, here).allowed:
                return True
            if not decide(self.plan, Effect.CREATE, there).allowed:
                return True
            for effect in KEPT:
                gained = not decide(self.plan, effect, here).allowed and decide(self.plan, effect, there).allowed
                if gained and any(kernel.holds_after_move(right, old, inner, new) for right in RIGHTS[effect]):
                    return True
        return bool(probe.replaces and moves and not decide(self.plan, Effect.DELETE, probe.to).allowed)


@lru_cache(maxsize=1 << 15)
def searched(within: tuple[Pattern, ...], without: tuple[Pattern, ...], avoid: frozenset[str]) -> str | None:
    return witness(within, without, avoid)


def _join(path: str, below: str) -> str:
    return join((*split(path), *split(below)))


def check(plan: Plan, lowering: Lowering[Model], text: str, world: World | None = None) -> list[str]:
    """Every contradiction: of probes on what exists, and of witnesses, which may be about what comes later."""
    world = world or make_world(plan)
    now = Machine(plan, text, world)
    bare = replace(lowering, findings=tuple(replace(f, witness=None) for f in lowering.findings))
    found = [c for c in contradictions(plan, bare, now.allows, probes(plan, world)) if "without a witness" not in c]
    unreal = contradictions(plan, lowering, Machine(plan, text, world, When.LATER).allows, ())
    if unreal:
        doubted = tuple(f for f in lowering.findings if any(str(f.witness) in c for c in unreal))
        beside = contradictions(plan, replace(lowering, findings=doubted), Machine(plan, text, world, When.BESIDE).allows, ())
        unreal = [c for c in unreal if c in beside]
    return [*found, *unreal]


def lowered(plan: Plan) -> tuple[Lowering[Model], str]:
    lowering = BACKEND.lower(plan, Settings())
    return lowering, BACKEND.emit(lowering.model)[0].text


__all__ = ["Machine", "check", "kernel_of", "lowered", "parent"]
