"""The nineteen cases of "allow W, deny W/secret and W/.env" on real kernels: held, or told before the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from avakill.backends.contract import Settings
from avakill.backends.plan import make_plan
from avakill.backends.registry import find
from avakill.enforce import kernel as here
from avakill.enforce.landlock import DryRun, dry_run
from avakill.ir.target import Target
from avakill.lab import kernels, machine
from avakill.lab.campaign import HOST
from avakill.lab.words import LabFault
from tests.conftest import need
from tests.lab.bench import host
from tests.lab.nineteen import CASES, W, table, tried
from tests.lab.policies import policy_of

HELD = {("landlock", HOST): 14, ("apparmor", "6.12"): 18, ("selinux", "6.12"): 18}


@pytest.mark.parametrize(("layer", "kernel"), HELD)
def test_each_is_held_or_was_told_before(layer: str, kernel: str) -> None:
    _can_run(kernel)
    told = tried(layer, kernel)
    print("\n".join(table({f"{layer}@{kernel}": told})))
    assert [each.name for each in told if not each.held and not each.announced] == []
    assert len(told) == len(CASES) == 19
    assert sum(each.held for each in told) >= HELD[layer, kernel]


TEXT = """
version: "1.0"
default_action: allow
policies:
  - name: secrets
    tools: ["file_*", "content_search"]
    action: deny
    conditions: {{path_match: {{path: ["{0}/secret/**", "{0}/.env"]}}}}
"""


def test_the_old_hard_link_is_told_before_start(tmp_path: Path) -> None:
    """What no path decides: `enforce` finds it on the disk and prints it."""
    need(here.missing() is None, "this kernel has no Landlock")
    for folder in ("secret", "src"):
        (tmp_path / folder).mkdir()
    (tmp_path / "secret" / "key").write_text("key")
    os.link(tmp_path / "secret" / "key", tmp_path / "src" / "old")
    plan = make_plan(policy_of(TEXT.format(tmp_path)), Target("/home/agent", W, kernel="", landlock_abi=here.abi()))
    dry = dry_run(plan, find(("landlock",)).backends[0].lower(plan, Settings()), {})
    assert isinstance(dry, DryRun)
    assert [(each.kind, each.place) for each in dry.residues if each.kind == "hard-link"] == [("hard-link", f"{tmp_path}/secret/key")]


def _can_run(kernel: str) -> None:
    """Where this machine can have no guest the test is skipped, or fails where CI is set."""
    if kernel == HOST:
        host()
        return
    try:
        machine.find_programs()
        kernels.find(kernel)
    except LabFault as fault:
        need(False, f"{fault.reason}: {fault.help}")
