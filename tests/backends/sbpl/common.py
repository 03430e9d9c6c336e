"""What the tests of this backend share: a plan put through it, and the oracle's answer by the law."""

from __future__ import annotations

from avakill.backends.contract import Lowering, Settings
from avakill.backends.plan import Plan
from avakill.backends.sbpl import BACKEND
from avakill.backends.sbpl.model import Model
from tests.contract.laws import contradictions
from tests.oracles.sbpl import Profile, load


def compiled(plan: Plan) -> tuple[Lowering[Model], str]:
    lowering = BACKEND.lower(plan, Settings())
    (artifact,) = BACKEND.emit(lowering.model)
    return lowering, artifact.text


def loaded(plan: Plan, text: str) -> Profile:
    return load(text, {"HOME": plan.target.home, "WORKSPACE": plan.target.workspace})


def disagreements(plan: Plan, lowering: Lowering[Model], profile: Profile) -> list[str]:
    return contradictions(plan, lowering, profile.allows)
