"""A plan to a profile: the layers last first, and after them what holds moves and links to the law."""

from __future__ import annotations

from avakill.backends.contract import Lowering, Settings
from avakill.backends.plan import Plan
from avakill.backends.sbpl.claims import Claims
from avakill.backends.sbpl.field import Field, make_field
from avakill.backends.sbpl.filters import region_filters
from avakill.backends.sbpl.gain import Guard, guard_moves
from avakill.backends.sbpl.model import LINK, OPERATIONS, UNLINK, Clause, Model, Section
from avakill.backends.sbpl.network import connect_clauses
from avakill.ir.effect import FILE_EFFECTS, Effect


def lower(plan: Plan, settings: Settings) -> Lowering[Model]:
    """Pure and total. Claims are made beside the clauses that they are about."""
    claims = Claims()
    field = make_field(plan)
    guard = guard_moves(field, claims)
    sections = [Section("files", _clauses(field, guard)), *guard.sections]
    network = connect_clauses(plan, claims)
    if any(clause.denies for clause in network):
        sections.append(Section("network: connect", network))
    model = Model(
        policy=plan.policy.path,
        sha256=plan.policy.sha256,
        scope=str(plan.options.scope),
        strict=plan.options.strict,
        home=plan.target.home,
        workspace=plan.target.workspace,
        sections=tuple(section for section in sections if section.clauses),
    )
    facts = {"os": plan.target.os, "home": plan.target.home, "workspace": plan.target.workspace}
    # blind to nothing: every operation of the law has one of the language
    return Lowering(model, claims.findings(), facts=facts)


def _clauses(field: Field, guard: Guard) -> tuple[Clause, ...]:
    """Each level once, for all of its effects: the last clause that matches decides for each operation apart.

    An effect that nothing denies needs no clause.
    """
    spoken: dict[frozenset[Effect], tuple[str, ...]] = {}
    for level in field.levels:
        if level.effects not in spoken:
            spoken[level.effects] = _operations(level.effects & field.denied, guard)
    return tuple(
        Clause(level.layer.denies, spoken[level.effects], region_filters(level.layer.region), level.layer.span)
        for level in reversed(field.levels)
        if spoken[level.effects] and not level.layer.region.is_nothing
    )


def _operations(effects: frozenset[Effect], guard: Guard) -> tuple[str, ...]:
    said = [operation for effect in FILE_EFFECTS if effect in effects for operation in OPERATIONS[effect]]
    said += UNLINK if guard.unlinks in effects else ()
    said += LINK if guard.links in effects else ()
    return tuple(said)
