"""What the tests of this backend share: a plan put through it, and the oracle's answer by the law."""

from __future__ import annotations

from collections.abc import Callable

from avakill.backends.contract import Lowering, Settings
from avakill.backends.judge import Probe, judge
from avakill.backends.plan import Plan
from avakill.backends.sbpl import BACKEND
from avakill.backends.sbpl.model import Model
from avakill.ir.effect import Operation
from tests.contract.probes import probes
from tests.oracles.sbpl import Profile, load

MOVES = (Operation.RENAME, Operation.LINK)


def compiled(plan: Plan) -> tuple[Lowering[Model], str]:
    lowering = BACKEND.lower(plan, Settings())
    (artifact,) = BACKEND.emit(lowering.model)
    return lowering, artifact.text


def loaded(plan: Plan, text: str) -> Profile:
    return load(text, {"HOME": plan.target.home, "WORKSPACE": plan.target.workspace})


def by_the_law(plan: Plan, profile: Profile) -> Callable[[Probe], bool]:
    """The kernel's answer; but a move that f denies for what is inside, and that leaves all of it as closed as it was,
    has let nothing through (semantics §2)."""

    def allows(probe: Probe) -> bool:
        if not profile.allows(probe):
            return False
        if probe.operation is not Operation.RENAME or not probe.directory or judge(plan, probe).allowed:
            return True
        alone = Probe(probe.operation, probe.object, probe.to, replaces=probe.replaces, exchange=probe.exchange)
        return not (judge(plan, alone).allowed and profile.keeps_closed(probe))

    return allows


def asked(plan: Plan) -> tuple[Probe, ...]:
    """The probes; without moves in or out of /dev, which is a file system of its own: no kernel makes them."""
    return tuple(probe for probe in probes(plan) if probe.operation not in MOVES or _in_dev(probe.object) == _in_dev(probe.to))


def _in_dev(path: str | None) -> bool:
    return path is not None and (path == "/dev" or path.startswith("/dev/"))
