"""What a lowering keeps, to be told once, is what would be told anew."""
from __future__ import annotations

import pytest

from avakill.backends.plan import Layer, Plan, make_plan
from avakill.backends.tetragon.groups import Group, Room, Shared, group
from avakill.backends.tetragon.terms import Terms, name_terms, path_terms
from avakill.compiler.compile import compile_policy, read_source
from avakill.ir.effect import Effect
from avakill.source.file import SourceFile
from scripts.generate_policy import policy_text
from tests.contract.generate import TARGET


def plan_of(count: int) -> Plan:
    source = read_source(policy_text(count).encode(), "generated.yaml")
    assert isinstance(source, SourceFile)
    policy = compile_policy(source, {}).policy
    assert policy is not None
    return make_plan(policy, TARGET)


def told(groups: list[Group]) -> list[tuple[Terms, Terms]]:
    return [(path_terms(one), name_terms(one)) for one in groups]


def groups_of(layers: tuple[Layer, ...], shared: Shared) -> list[Group]:
    return group(layers, shared).groups


@pytest.mark.parametrize("count", [20, 60, 300])
def test_with_less_room_only_what_took_more_is_told_otherwise(count: int) -> None:
    layers = plan_of(count).layers[Effect.READ]
    shared = Shared()
    groups = groups_of(layers, shared)
    assert told(groups)
    for shared.room.pairs in (12, 4, 1):
        assert told(groups) == told(groups_of(layers, Shared(Room(shared.room.pairs))))


def test_effects_that_share_their_readings_say_what_each_says_alone() -> None:
    layers = plan_of(60).layers
    shared = Shared()
    for effect in (Effect.READ, Effect.WRITE, Effect.DELETE):
        assert told(groups_of(layers[effect], shared)) == told(groups_of(layers[effect], Shared()))
