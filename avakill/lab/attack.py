"""A user's own policy attacked on the user's own machine, inside the sandbox that `avakill enforce` would put on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from avakill.backends.contract import Backend, Lowering
from avakill.backends.landlock.expand import Expansion
from avakill.backends.plan import Options
from avakill.enforce import landlock as landlock_layer
from avakill.enforce import seccomp
from avakill.enforce.kernel import Refusal
from avakill.enforce.landlock import DryRun, dry_run
from avakill.ir.policy import Policy
from avakill.ir.target import Target
from avakill.lab.apart import apart
from avakill.lab.build import build as build_prober
from avakill.lab.compare import Claims, claims_of
from avakill.lab.confine import import_before_the_root_is_gone
from avakill.lab.footing import world_here
from avakill.lab.overlay import Overlay, lay, over_this_machine
from avakill.lab.stage import PROBER, enter_namespaces
from avakill.lab.supervise import try_on
from avakill.lab.tiny import tiny_program
from avakill.lab.together import compare_together
from avakill.lab.trials import make_trials
from avakill.lab.words import CONTRADICTIONS, Confine, LabFault, Outcome, Result, Trial, World
from avakill.lab.world import make_world
from avakill.pipeline import Build, StackVerdict, build, row_verdicts, stacks

LANDLOCK, SECCOMP = "landlock", "seccomp"
LAYERS = (LANDLOCK, SECCOMP)
SYSTEM = "linux-apparmor"
"""The stack that Landlock and seccomp stand in, as every Linux stack."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`target` is this machine as `enforce` sees it for the command that is to run."""

    policy: Policy
    target: Target
    backends: tuple[Backend[Any], ...]
    options: Options = Options()
    seed: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Attacked:
    """What came of it. `dry` is Landlock on the machine as it is, with the ways around it; None without Landlock."""

    made: Build
    layers: tuple[str, ...]
    world: World
    results: tuple[Result, ...]
    dry: DryRun | None

    @property
    def contradictions(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.mark in CONTRADICTIONS)

    @property
    def rows(self) -> tuple[StackVerdict, ...]:
        """What all layers together promise of each rule."""
        return stacks(self.made)[SYSTEM][1]


PutOn = Callable[[Expansion | None, bytes | None], Confine]


def put_on(expansion: Expansion | None, profile: bytes | None) -> Confine:
    """Landlock, then seccomp, as `enforce auto` does."""

    def confine() -> None:
        refused = landlock_layer.apply(expansion) if expansion is not None else None
        if refused is not None:
            raise LabFault(refused.reason, refused.help)
        fault = seccomp.load(json.loads(profile)) if profile is not None else None
        if fault is not None:
            raise LabFault(f"the seccomp filter was not loaded: {fault}", "--layers landlock does without it")

    return confine


def attack(asked: Asked, layers_on: PutOn = put_on) -> Attacked:
    """Raises LabFault where this machine does not let it be done; nothing was changed then."""
    import_before_the_root_is_gone()
    seccomp.missing()  # imports its library, which looks for files that Landlock may deny by then
    asked = replace(asked, target=replace(asked.target, entry=(*asked.target.entry, PROBER)))
    made = _build(asked, ())
    dry = _dry_run(made)
    world = make_world(made.plan, _findings(made))
    world = world_here(world, asked.target, [match.path for match in dry.expansion.matches] if dry is not None else ())
    prober = build_prober()
    base = prober.parent / "stage"
    base.mkdir(exist_ok=True)
    overlay = over_this_machine(base, world, prober.read_bytes(), tiny_program())
    done = _in_namespaces(lambda: _attack_on(overlay, asked, layers_on))
    made = _expanded(_build(asked, done.world.paths), done.lowering)
    claims = _claims(made)
    results = compare_together(claims, done.world, done.trials, done.outcomes)
    return Attacked(made, tuple(e.backend.name for e in made.emissions), done.world, results, dry)


def _build(asked: Asked, existing: tuple[str, ...]) -> Build:
    known = dict.fromkeys((*(asked.target.existing or ()), *existing))
    made = build(asked.policy, replace(asked.target, existing=tuple(known)), asked.backends, asked.options)
    if len(made.emissions) != len(asked.backends):
        raise LabFault("a backend failed on this policy", "`avakill compile` says which")
    return made


def _lowering(made: Build, name: str) -> Lowering[Any] | None:
    return next((emission.lowering for emission in made.emissions if emission.backend.name == name), None)


def _findings(made: Build) -> tuple[Any, ...]:
    return (*made.plan.findings, *(finding for emission in made.emissions for finding in emission.lowering.findings))


def _dry_run(made: Build) -> DryRun | None:
    abstract = _lowering(made, LANDLOCK)
    if abstract is None:
        return None
    dry = dry_run(made.plan, abstract)
    if isinstance(dry, Refusal):
        raise LabFault(dry.reason, dry.help)
    return dry


def _expanded(made: Build, lowering: Lowering[Any] | None) -> Build:
    """With Landlock's findings as they were where the trials were made."""
    if lowering is None:
        return made
    emissions = tuple(
        replace(e, lowering=lowering, rows=row_verdicts(made.plan, lowering)) if e.backend.name == LANDLOCK else e
        for e in made.emissions
    )
    return replace(made, emissions=emissions)


def _claims(made: Build) -> tuple[Claims, ...]:
    return tuple(claims_of(made.plan, emission.lowering) for emission in made.emissions)


# -- in the namespaces --


@dataclass(frozen=True, slots=True)
class Done:
    world: World
    lowering: Lowering[Any] | None
    trials: tuple[Trial, ...]
    outcomes: tuple[Outcome, ...]


def _in_namespaces(work: Callable[[], Done]) -> Done:
    def inside() -> Done | None:
        enter_namespaces(network=True)
        return apart(work)

    done = apart(inside)
    if done is None:
        raise LabFault("the process that attacked has died", "there may be too little memory for a tmpfs")
    return done


def _attack_on(overlay: Overlay, asked: Asked, layers_on: PutOn) -> Done:
    """In the overlay, which is the root of this process: the sandbox is made for what is there."""
    lay(overlay)
    world = overlay.world
    made = _build(asked, world.paths)
    dry = _dry_run(made)
    made = _expanded(made, dry.lowering if dry is not None else None)
    trials = make_trials(made.plan, world, asked.seed, asked.limit, _findings(made))
    confine = layers_on(dry.expansion if dry is not None else None, _profile(made))
    outcomes = try_on(overlay, confine, dry is not None, trials)
    return Done(world, dry.lowering if dry is not None else None, trials, outcomes)


def _profile(made: Build) -> bytes | None:
    emission = next((e for e in made.emissions if e.backend.name == SECCOMP), None)
    return None if emission is None else emission.artifacts[0].text.encode("utf-8", "surrogateescape")
