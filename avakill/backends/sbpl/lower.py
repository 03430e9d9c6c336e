"""A plan to a profile: each effect's layers last first, and after them what holds moves and links to the law."""

from __future__ import annotations

from avakill.backends.contract import Lowering, Settings
from avakill.backends.plan import Plan
from avakill.backends.sbpl.claims import Claims
from avakill.backends.sbpl.filters import region_filters
from avakill.backends.sbpl.gain import Guard, guard_moves
from avakill.backends.sbpl.model import LINK, OPERATIONS, UNLINK, Clause, Filter, Model, Section
from avakill.backends.sbpl.network import connect_clauses
from avakill.backends.sbpl.stack import Stack, make_stacks
from avakill.ir.effect import FILE_EFFECTS


def lower(plan: Plan, settings: Settings) -> Lowering[Model]:
    """Pure and total. Claims are made beside the clauses that they are about."""
    claims = Claims()
    stacks = make_stacks(plan)
    guard = guard_moves(plan, stacks, claims)
    known: dict[int, tuple[Filter, ...]] = {}
    sections = [
        Section("files: " + ", ".join(_words(stack)), _stack_clauses(stack, guard, known)) for stack in stacks if stack.has_denies
    ]
    sections += guard.sections
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


def _words(stack: Stack) -> list[str]:
    return [str(effect) for effect in FILE_EFFECTS if effect in stack.effects]


def _stack_clauses(stack: Stack, guard: Guard, known: dict[int, tuple[Filter, ...]]) -> tuple[Clause, ...]:
    """`known` are the filters of regions that another stack shares, by identity."""
    operations = tuple(op for effect in FILE_EFFECTS if effect in stack.effects for op in OPERATIONS[effect])
    operations += UNLINK if stack is guard.unlinks else ()
    operations += LINK if stack is guard.links else ()
    for layer in stack.layers:
        if id(layer.region) not in known:
            known[id(layer.region)] = region_filters(layer.region)
    return tuple(
        Clause(layer.denies, operations, known[id(layer.region)], layer.span)
        for layer in reversed(stack.layers)
        if not layer.region.is_nothing
    )
