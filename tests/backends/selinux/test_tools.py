"""The real compiler, packager, linker and matcher on what the backend emits."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from avakill.backends.plan import Plan
from avakill.backends.selinux.permissions import CAPABILITIES, WITHHELD
from tests.backends.selinux import checker
from tests.backends.selinux.harness import lowered
from tests.backends.selinux.shapes import EVERY_SHAPE, EVERYTHING
from tests.contract.laws import make_world, plans
from tests.oracles.selinux import kernel, own_type

POLICY = Path("/etc/selinux/default/policy/policy.33")
pytestmark = pytest.mark.skipif(bool(checker.missing()), reason=f"missing: {', '.join(checker.missing())}")


def test_generated_modules_compile_and_pack() -> None:
    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(plans())
    def packs(plan: Plan) -> None:
        _, te, fc = lowered(plan)
        assert checker.check_module(te, fc) == ""

    packs()


def test_libselinux_labels_as_the_oracle_reads(tmp_path: Path) -> None:
    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(plans())
    def agree(plan: Plan) -> None:
        _, te, fc = lowered(plan)
        machine = kernel(te, fc)
        world = make_world(plan)
        for kind, paths, directory in (("file", world.files, False), ("dir", world.directories, True)):
            asked = tuple(sorted(path for path in paths if not path.startswith("/dev")))
            if asked:
                real = checker.labels(tmp_path, fc, kind, asked)
                ours = tuple(machine.label(path, directory) for path in asked)
                plain = tuple(
                    own_type(path, directory) if type_ == "<<none>>" else type_ for path, type_ in zip(asked, real, strict=True)
                )
                assert plain == ours

    agree()


def test_a_module_of_all_shapes_links_and_opens_nothing_by_the_back_door(tmp_path: Path) -> None:
    """Debian's own rules on `domain` and `file_type` must not give the agent back what its labels refuse."""
    lowering, te, fc = lowered(EVERY_SHAPE)
    assert checker.build(tmp_path, te, fc) == ""
    assert checker.link_into(tmp_path) == ""
    merged = checker.linked_contexts(tmp_path).read_text().splitlines()
    assert [line for line in fc.splitlines() if line.startswith("/") and line not in merged] == []
    policy = checker.linked_policy(tmp_path)
    for label, permission in (
        ("avakill_no_read_t", "read"),
        ("avakill_no_delete_t", "unlink"),
        ("avakill_no_exec_t", "execute_no_trans"),
    ):
        if f"type {label};" in te:
            assert allowed(policy, label, "file", permission) == []
    assert allowed(policy, "avakill_agent_t", "tcp_socket", "create") == []
    assert allowed(policy, "port_t", "tcp_socket", "name_connect") == []
    assert allowed(policy, "memory_device_t", "chr_file", "read") == []
    for permission in ("dyntransition", "transition", "setexec", "setfscreate", "ptrace"):
        assert allowed(policy, "domain", "process", permission) == []
    assert lowering.model.base
    assert allowed(policy, "usr_t", "chr_file", "create")
    assert allowed(policy, "usr_t", "chr_file", "open") == []


def test_root_s_privileges_are_those_of_an_unconfined_domain_but_for_ways_past_the_policy() -> None:
    command = ["sesearch", "-A", "-s", "unconfined_t", "-t", "unconfined_t", "-c", "capability", str(POLICY)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {word for words in re.findall(r":capability (?:\{ ([^}]*) \}|\w+)", text) for word in words.split()}
    assert {*CAPABILITIES, *WITHHELD} == theirs | {"sys_module"}
    assert not set(CAPABILITIES) & set(WITHHELD)


def test_a_module_that_refuses_everything_but_holes_links_and_the_base_policy_gives_nothing_back(tmp_path: Path) -> None:
    """Its smallest case: `/etc` could be listed, because Debian's policy lets every `domain`."""
    _, te, fc = lowered(EVERYTHING)
    assert checker.build(tmp_path, te, fc) == ""
    assert checker.link_into(tmp_path) == ""
    policy = checker.linked_policy(tmp_path)
    for target, kind, permission in (
        ("root_t", "dir", "read"),
        ("etc_t", "dir", "read"),
        ("device_t", "dir", "read"),
        ("var_run_t", "dir", "read"),
        ("lib_t", "dir", "read"),
        ("lib_t", "file", "read"),
        ("ld_so_cache_t", "file", "read"),
        ("init_t", "file", "read"),
        ("fixed_disk_device_t", "blk_file", "read"),
    ):
        assert allowed(policy, target, kind, permission) == [], target
    assert allowed(policy, "avakill_agent_t", "anon_inode", "create")


def test_the_checker_notices_a_wrong_permission_and_a_wrong_line() -> None:
    _, te, fc = lowered(EVERYTHING)
    assert "checkmodule" in checker.check_module(
        te.replace("allow avakill_agent_t self:process", "allow avakill_agent_t nobody:process"), fc
    )
    bad = (
        te.replace("class fd { use };", "class fd { use_it };")
        .replace("class fd use;", "class fd use_it;")
        .replace(":fd use;", ":fd use_it;")
    )
    assert bad != te
    assert "semodule" in checker.check_module(bad, fc, link=True)


def allowed(policy: Path, target: str, kind: str, permission: str) -> list[str]:
    command = ["sesearch", "-A", "-s", "avakill_agent_t", "-t", target, "-c", kind, "-p", permission, str(policy)]
    return [line for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines() if line.strip()]
