"""A world is made of a policy's own edges, and of what its report shows."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from avakill.backends.judge import decide
from avakill.backends.plan import FLOOR_DEVICES, Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Verdict, Witness
from avakill.lab.stage import PROBER
from avakill.lab.world import ALIASES, HOLLOW, make_world
from avakill.paths.glob import join, split
from tests.contract.generate import plans
from tests.lab.policies import planned

EXAMPLES = min(int(os.environ.get("AVAKILL_EXAMPLES", "100")), 300)
SSH = """
version: "1.0"
default_action: allow
policies:
  - name: no-keys
    tools: ["file_*"]
    action: deny
    conditions: {path_match: {path: ["~/.ssh/**"]}}
"""


def test_there_is_something_just_inside_and_just_outside_of_each_region() -> None:
    world = make_world(planned(SSH))
    assert {"/home/agent/.ssh/in", "/home/agent/.ssh/deep/in", "/home/agent/.sshx", "/home/agent/beside"} <= world.files


def test_a_denied_file_has_a_second_link_in_a_folder_of_its_own() -> None:
    plan = planned(SSH)
    world = make_world(plan)
    assert world.aliases
    for new, existing in world.aliases:
        assert new.startswith(f"{ALIASES}/")
        assert not decide(plan, Effect.READ, existing).allowed or not decide(plan, Effect.WRITE, existing).allowed


def test_there_are_empty_directories_to_remove() -> None:
    world = make_world(planned(SSH))
    assert f"/home/agent/{HOLLOW}" in world.directories
    assert world.below(f"/home/agent/.ssh/{HOLLOW}") == ()


def test_what_a_witness_is_about_exists() -> None:
    shown = (
        Witness(Operation.READ, "/somewhere/else/file", False, True),
        Witness(Operation.LIST, "/somewhere/folder", False, True),
        Witness(Operation.CREATE, "/somewhere/not-there", False, True),
        Witness(Operation.CONNECT, "tcp://192.0.2.1:1", False, True),
    )
    world = make_world(planned(SSH), (Finding(0, Verdict.WEAKER, "shown", witness=witness) for witness in shown))
    assert "/somewhere/else/file" in world.files
    assert "/somewhere/folder" in world.directories
    assert not world.exists("/somewhere/not-there")
    assert not any("192.0.2.1" in path for path in world.paths)


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
@given(plans())
def test_every_world_can_be_laid_down(plan: Plan) -> None:
    world = make_world(plan)
    assert not world.files & world.directories
    for path in world.paths:
        names = split(path)
        assert all(join(names[:n]) in world.directories for n in range(len(names)))
        assert all(len(name.encode("utf-8", "surrogateescape")) <= 255 for name in names)
        assert not path.startswith(("/proc/", "/sys/", *(f"{device}/" for device in FLOOR_DEVICES)))
        assert path != PROBER
    assert world == make_world(plan)
