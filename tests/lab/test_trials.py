"""Trials are the same for the same seed, and cover each operation, object and door."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from avakill.backends.judge import Probe
from avakill.backends.plan import Plan
from avakill.ir.effect import Operation
from avakill.ir.verdict import Finding, Verdict, Witness
from avakill.lab.doors import DOOR, DOORS, ROUTE, Needs, Takes
from avakill.lab.trials import make_trials
from avakill.lab.words import World
from avakill.lab.world import make_world
from tests.contract.generate import plans
from tests.lab.policies import planned

EXAMPLES = min(int(os.environ.get("AVAKILL_EXAMPLES", "50")), 200)
TEXT = """
version: "1.0"
default_action: allow
policies:
  - name: no-keys
    tools: ["file_*", "content_search"]
    action: deny
    conditions: {path_match: {path: ["/srv/keys/**"]}}
  - name: no-web
    tools: ["web_fetch"]
    action: deny
"""
PLAN = planned(TEXT)
WORLD = make_world(PLAN)


def test_the_same_seed_gives_the_same_trials_and_another_seed_others() -> None:
    one, same, other = (make_trials(PLAN, WORLD, seed, 300) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert len(one) == len(other) == 300


def test_numbers_count_up() -> None:
    assert [trial.number for trial in make_trials(PLAN, WORLD, 0, 50)] == list(range(50))


def test_without_a_limit_every_operation_is_tried_plainly_and_every_door_and_route_is_used() -> None:
    every = make_trials(PLAN, WORLD, 0)
    assert {trial.door for trial in every} == {door.name for door in DOORS}
    assert {trial.route for trial in every} == set(ROUTE)
    plain = {(trial.asks[0].operation, trial.asks[0].object) for trial in every if trial.route == "plain"}
    assert plain == {(trial.asks[0].operation, trial.asks[0].object) for trial in every}
    assert {operation for operation, _ in plain} == set(Operation)


def test_with_a_limit_each_operation_door_and_route_is_still_met() -> None:
    some = make_trials(PLAN, WORLD, 0, 600)
    assert {trial.asks[0].operation for trial in some} == set(Operation)
    assert {trial.door for trial in some} == {door.name for door in DOORS}
    assert {trial.route for trial in some} == set(ROUTE)
    objects = {trial.asks[0].object for trial in make_trials(PLAN, WORLD, 0) if trial.asks[0].operation is Operation.READ}
    assert len({trial.asks[0].object for trial in some if trial.asks[0].operation is Operation.READ}) > len(objects) / 2


def test_the_final_symlink_is_no_route_to_a_name() -> None:
    followed = {name for name, route in ROUTE.items() if route.only_followed}
    named = {Operation.UNLINK, Operation.RMDIR, Operation.RENAME, Operation.CREATE, Operation.MKDIR, Operation.SYMLINK, Operation.LINK}
    assert not any(trial.route in followed and trial.asks[0].operation in named for trial in make_trials(PLAN, WORLD, 0))


def test_a_trial_asks_what_its_door_asks() -> None:
    by_door = {trial.door: trial for trial in make_trials(PLAN, WORLD, 0) if trial.route == "plain"}
    assert [probe.operation for probe in by_door["rdwr"].asks] == [Operation.WRITE, Operation.READ]
    assert [probe.operation for probe in by_door["open-create"].asks] == [Operation.CREATE, Operation.WRITE]
    assert by_door["tmpfile"].asks[0].object in WORLD.directories
    made = by_door["tmpfile-link"].asks
    assert made[1].operation is Operation.WRITE
    assert made[0].object.startswith(made[1].object.rstrip("/") + "/")
    assert [probe.operation for probe in by_door["script"].asks] == [Operation.EXEC, Operation.EXEC, Operation.READ]


def test_aliases_are_marked_and_ask_for_the_first_name_too() -> None:
    linked = [trial for trial in make_trials(PLAN, WORLD, 0) if trial.asks[0].object in dict(WORLD.aliases)]
    assert linked
    for trial in linked:
        assert trial.alias
        assert trial.asks[1].object == dict(WORLD.aliases)[trial.asks[0].object]


def test_a_moved_file_is_tried_under_its_new_name() -> None:
    moved = Probe(Operation.RENAME, "/srv/keys/in", "/tmp/moved")
    found = next(trial for trial in make_trials(PLAN, WORLD, 0) if trial.asks[0] == moved)
    assert [(probe.operation, probe.object) for probe in found.follow] == [
        (Operation.READ, "/tmp/moved"),
        (Operation.WRITE, "/tmp/moved"),
    ]


def test_a_moved_directory_is_tried_in_all_that_is_below_it_and_removing_comes_last() -> None:
    found = next(
        trial
        for trial in make_trials(PLAN, WORLD, 0)
        if trial.asks[0].operation is Operation.RENAME and trial.asks[0].object == "/srv" and trial.asks[0].to == "/srv-moved"
    )
    tried = [(probe.operation, probe.object) for probe in found.follow]
    assert (Operation.READ, "/srv-moved/keys/in") in tried
    assert (Operation.LIST, "/srv-moved/keys") in tried
    last = [operation for operation, _ in tried]
    assert last == sorted(last, key=lambda operation: operation is Operation.UNLINK)


def test_the_reports_own_witness_is_tried_first() -> None:
    shown = Finding(0, Verdict.WEAKER, "shown", witness=Witness(Operation.READ, "/srv/keys/deep/in", False, True))
    assert make_trials(PLAN, WORLD, 0, 20, (shown,))[0].asks == (Probe(Operation.READ, "/srv/keys/deep/in"),)


def test_doors_that_need_what_is_not_there_are_left_out() -> None:
    assert not any(
        DOOR[trial.door].needs for trial in make_trials(PLAN, WORLD, 0, None, (), frozenset(Needs)) if trial.route != "plain"
    )


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
@given(plans())
def test_each_door_finds_what_it_takes(plan: Plan) -> None:
    world = make_world(plan)
    for trial in make_trials(plan, world, 0, 200):
        if not trial.alias:
            assert _stands_there(world, trial.asks[0], DOOR[trial.door].takes)


def _stands_there(world: World, deed: Probe, takes: Takes) -> bool:
    thing = deed.object
    match takes:
        case Takes.FILE:
            return thing in world.files
        case Takes.DIRECTORY:
            return thing in world.directories
        case Takes.EMPTY:
            return thing in world.directories and world.below(thing) == ()
        case Takes.EITHER:
            return world.exists(thing)
        case Takes.MISSING:
            return not world.exists(thing) and thing.rpartition("/")[0] in world.directories | {""}
        case Takes.TCP | Takes.TCP4:
            return thing.startswith("tcp://")
        case Takes.UDP:
            return thing.startswith("udp://")
