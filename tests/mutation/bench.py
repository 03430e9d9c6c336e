"""One fixture's artifact under one backend: who notices when its text is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib import import_module
from typing import Any

import yaml

from avakill.backends.contract import Lowering, Settings
from avakill.backends.judge import Probe
from avakill.backends.plan import Plan, make_plan
from avakill.backends.registry import find
from avakill.ir.effect import Effect
from avakill.lab.words import World
from tests.backends.landlock import bench as landlock_bench
from tests.backends.selinux import harness as selinux_harness
from tests.contract.laws import contradictions
from tests.contract.probes import all_probes
from tests.contract.world import make_world
from tests.golden.fixtures import TARGET, options_of, policy_of
from tests.mutation.frame_seccomp import calls_about
from tests.mutation.frames import complaints
from tests.mutation.mutant import Mutant, Texts
from tests.mutation.places import LITTLE, MAX_PLACES, destinations, new_names, paths_of, questions
from tests.oracles import apparmor, sbpl, seccomp, selinux, tetragon

REFUSALS = (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, re.error, yaml.YAMLError, seccomp.Conflict)
"""How a reader, an oracle or a library says that it will not take a text."""

Answer = Callable[[Probe], bool]
Asked = tuple[World, tuple[Probe, ...]]


class Noticed(StrEnum):
    REFUSED = "refused by the reader"
    LAW = "against f or a claim"
    FRAME = "the frame is not whole"
    CALL = "a system call is answered otherwise, which no claim is about"
    FORGIVEN = "an answer differs, which a claim of WEAKER forgives"


@dataclass
class Bench:
    """`known` keeps what the law says of the text as emitted, which must be nothing."""

    fixture: str
    backend: str
    plan: Plan
    lowering: Lowering[Any]
    texts: Texts
    parameters: dict[str, str]
    standard: tuple[Asked, ...]
    refused: frozenset[Effect]
    own: set[str] = field(default_factory=set)
    kept: dict[bool, tuple[tuple[Texts, World | None] | None, tuple[Answer, ...]]] = field(default_factory=dict)
    """The last readings made of the text as emitted, and of another."""

    def mutants(self) -> Iterator[Mutant]:
        found: Iterator[Mutant] = import_module(f"tests.mutation.languages.{self.backend}").mutants(self.texts)
        yield from found

    def notices(self, mutant: Mutant) -> Noticed | None:
        """The first to notice; who is cheap is asked first."""
        texts = mutant.make()
        try:
            if complaints(self.backend, texts, self.refused):
                return Noticed.FRAME
            asked = [*self._directed(mutant), *self.standard]
            for world, probes in asked:
                if self._against_law(texts, world, probes):
                    return Noticed.LAW
            if self._unreal(texts):
                return Noticed.LAW
            if any(self._differs(texts, world, probes) for world, probes in asked):
                return Noticed.FORGIVEN
            if self.backend == "seccomp" and self._calls_differ(mutant, texts):
                return Noticed.CALL
        except REFUSALS:
            return Noticed.REFUSED
        return None

    def _directed(self, mutant: Mutant) -> Iterator[Asked]:
        paths = dict.fromkeys(p for line in (mutant.old, mutant.new, mutant.about) if line for p in self._paths(line))
        connects = destinations(f"{mutant.old} {mutant.new} {mutant.about}")
        for world, probes in questions(self.plan, tuple(paths)[:MAX_PLACES]):
            yield world, (*probes, *connects)
        if connects and not paths:
            yield self.standard[0][0], connects

    def _paths(self, line: str) -> tuple[str, ...]:
        try:
            return paths_of(self.backend, line, self.parameters)
        except REFUSALS:
            return ()

    def _against_law(self, texts: Texts, world: World, probes: tuple[Probe, ...]) -> bool:
        found = self.law(texts, world, probes)
        if found:
            ours = self.law(self.texts, world, probes)
            self.own |= ours
            found -= ours
        return bool(found)

    def law(self, texts: Texts, world: World, probes: tuple[Probe, ...]) -> set[str]:
        """Contradictions over the probes alone."""
        if self.backend == "selinux":
            probes = tuple(probe for probe in probes if not selinux_harness.in_device(probe))
        return {c for allows in self._readings(texts, world) for c in self._disagreements(allows, probes)}

    def _disagreements(self, allows: Answer, probes: tuple[Probe, ...]) -> set[str]:
        bare = replace(self.lowering, findings=tuple(replace(finding, witness=None) for finding in self.lowering.findings))
        found = contradictions(self.plan, bare, allows, probes)
        return {c for c in found if "without a witness" not in c and not (self.backend == "selinux" and selinux_harness.is_kept(c))}

    def _unreal(self, texts: Texts) -> bool:
        """Witnesses that the text does not bear out."""
        plan, lowering = self.plan, self.lowering
        match self.backend:
            case "landlock":
                return bool(landlock_bench.check(plan, lowering, texts[0]))
            case "selinux":
                return bool(selinux_harness.problems(plan, lowering, *texts))
            case _:
                return bool(contradictions(plan, lowering, self._readings(texts, self.standard[0][0])[0], ()))

    def _calls_differ(self, mutant: Mutant, texts: Texts) -> bool:
        """Whether a call passes that did not, or the other way round, at the numbers that the change is about."""
        ours, theirs = seccomp.Profile(self.texts[0]), seccomp.Profile(texts[0])
        return any(ours.passes(call) != theirs.passes(call) for call in calls_about(self.texts[0], f"{mutant.old} {mutant.new}"))

    def _differs(self, texts: Texts, world: World, probes: tuple[Probe, ...]) -> bool:
        pairs = zip(self._readings(self.texts, world), self._readings(texts, world), strict=True)
        return any(ours(probe) != theirs(probe) for ours, theirs in pairs for probe in probes)

    def _readings(self, texts: Texts, world: World) -> tuple[Answer, ...]:
        """The oracle's answers; of a language in which an operation may be done in several ways, the first one left counts too."""
        key = (texts, world if self.backend == "landlock" else None)
        if self.kept.get(texts is self.texts, (None, ()))[0] != key:
            if self.backend == "sbpl":
                profile = sbpl.load(texts[0], self.parameters)
                made: tuple[Answer, ...] = (profile.allows, profile.admits)
            else:
                made = (self.answers(texts, world),)
            self.kept[texts is self.texts] = (key, made)
        return self.kept[texts is self.texts][1]

    def answers(self, texts: Texts, world: World) -> Answer:
        match self.backend:
            case "landlock":
                return landlock_bench.Machine(self.plan, texts[0], world).allows
            case "selinux":
                return selinux_harness.answers(self.plan, selinux.kernel(texts[0], texts[1]))
            case "apparmor":
                return apparmor.read(texts[0]).allows
            case "sbpl":
                return sbpl.load(texts[0], self.parameters).allows
            case "tetragon":
                return tetragon.Tetragon.read(texts[0]).allows
            case _:
                return seccomp.Profile(texts[0]).allows


def bench(fixture: str, backend: str) -> Bench:
    plan = make_plan(policy_of(fixture), TARGET, options_of(fixture))
    (found,) = find((backend,)).backends
    lowering = found.lower(plan, Settings(pod_labels=(("app", "agent"),)))
    world = make_world(plan)
    free = World(world.directories, frozenset(LITTLE))
    return Bench(
        fixture,
        backend,
        plan,
        lowering,
        tuple(artifact.text for artifact in found.emit(lowering.model)),
        {"HOME": TARGET.home, "WORKSPACE": TARGET.workspace},
        ((world, all_probes(plan, world)), (free, tuple(new_names(free, sorted(world.files))))),
        frozenset(effect for effect, layers in plan.layers.items() if any(la.denies and la.index >= 0 for la in layers)),
    )
