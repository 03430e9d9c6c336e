"""A nameless file (O_TMPFILE) is WRITE on its directory, whose type it takes."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given, settings

from avakill.backends.judge import Probe, judge
from avakill.backends.plan import Plan
from avakill.ir.effect import Operation
from tests.backends.selinux.harness import answers, in_device, lowered
from tests.backends.selinux.shapes import ALLOW, DENY, plan, rule
from tests.contract.laws import contradictions, make_world, plans
from tests.oracles.selinux import kernel

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))


def nameless(path: str) -> Probe:
    return Probe(Operation.WRITE, path, directory=True)


def agreed(made: Plan, path: str) -> bool:
    _, te, fc = lowered(made)
    passes = kernel(te, fc).allows(nameless(path))
    assert passes == judge(made, nameless(path)).allowed
    return passes


def test_a_write_deny_on_a_tree_holds_nameless_files_in_it() -> None:
    made = plan(rule(("file_edit",), ALLOW, "/srv/app/open"), rule(("file_edit",), DENY, "/srv/app"))
    assert [agreed(made, path) for path in ("/srv/app", "/srv/app/in", "/srv/app/open", "/srv")] == [False, False, True, True]


def test_a_nameless_file_asks_no_create() -> None:
    """The kernel asks `write` of the directory and `open` and `write` of the file, never `create` nor `add_name`."""
    made = plan(rule(("file_delete",), DENY, "/srv/app"))
    assert agreed(made, "/srv/app")
    _, te, _ = lowered(made)
    assert "avakill_no_delete_t:file { getattr ioctl lock map execute link open read write append" in te


def test_claims_hold_for_nameless_files_on_generated_policies() -> None:
    @settings(max_examples=min(EXAMPLES, 300), deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(plans())
    def law(made: Plan) -> None:
        lowering, te, fc = lowered(made)
        # devpts has no nameless files
        places = (path for path in sorted(make_world(made).directories) if not f"{path}/".startswith("/dev/pts/"))
        asked = tuple(probe for path in places if not in_device(probe := nameless(path)))
        found = contradictions(made, lowering, answers(made, kernel(te, fc)), asked)
        assert [text for text in found if "witness" not in text] == []

    law()
