"""What the profile refuses, and what it leaves alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from avakill.backends.plan import make_plan
from avakill.backends.seccomp import BACKEND
from avakill.ir.effect import Effect
from avakill.ir.policy import ToolEffect
from avakill.ir.target import Target
from tests.backends.seccomp.support import WEB, always, lowered, paths, planned, profile, rules, text_of
from tests.oracles.seccomp import X32, X86, X86_64, Call

NOTHING_WRITTEN = profile(planned(always(("file_write", "file_delete"))))
NO_NETWORK = profile(planned(always(WEB)))


@pytest.mark.parametrize("name", ["openat2", "io_uring_setup", "io_uring_enter", "truncate", "creat", "rename", "linkat", "mount"])
def test_a_write_deny_closes(name: str) -> None:
    assert not NOTHING_WRITTEN.passes(Call(X86_64, name))
    assert not NOTHING_WRITTEN.passes(Call(X86, name))
    assert not NOTHING_WRITTEN.passes(Call(X32, name))


def test_an_open_is_judged_by_its_flags() -> None:
    assert NOTHING_WRITTEN.passes(Call(X86_64, "openat", (-100, 0, 0o2000000)))
    for flags in (1, 2, 3, 0x40, 0x200, 0x410002, 0x80002, 0x80041, 0x80401):
        assert not NOTHING_WRITTEN.passes(Call(X86_64, "openat", (-100, 0, flags)))


def test_only_the_flags_of_the_runtime_s_own_start_pass() -> None:
    assert NOTHING_WRITTEN.passes(Call(X86_64, "openat", (-100, 0, 0x80001)))
    assert not NOTHING_WRITTEN.passes(Call(X86_64, "open", (0, 0x80001)))


def test_a_socket_is_judged_by_the_low_half_of_its_family() -> None:
    assert not NO_NETWORK.passes(Call(X86_64, "socket", (2,)))
    assert not NO_NETWORK.passes(Call(X86_64, "socket", (2 | 1 << 32,)))
    assert not NO_NETWORK.passes(Call(X86_64, "socket", (17,)))
    assert NO_NETWORK.passes(Call(X86_64, "socket", (1,)))
    assert NO_NETWORK.passes(Call(X86_64, "socket", (16,)))


def test_the_32_bit_door_is_closed_for_all_sockets() -> None:
    assert not NO_NETWORK.passes(Call(X86, "socketcall", (1,)))
    assert not NO_NETWORK.passes(Call(X86, "socketcall", (3,)))
    assert NO_NETWORK.passes(Call(X86, "socket", (1,)))


def test_files_are_untouched_by_a_network_deny() -> None:
    for name in ("mkdir", "openat2", "unlink", "chmod", "mount", "creat"):
        assert NO_NETWORK.passes(Call(X86_64, name))


def test_deleting_and_creating_refuse_renames_but_writing_does_not() -> None:
    assert not profile(planned(always(("file_delete",)))).passes(Call(X86_64, "renameat2"))
    assert profile(planned(always(("file_edit",)))).passes(Call(X86_64, "renameat2"))


def test_flags_of_a_file_are_attributes() -> None:
    oracle = profile(planned(always(("set_mode",)), own=(ToolEffect("set_mode", frozenset({Effect.ATTR})),)))
    assert not oracle.passes(Call(X86_64, "ioctl", (3, 0x40086602)))
    assert not oracle.passes(Call(X86_64, "ioctl", (3, 0x40086602 | 1 << 32)))
    assert oracle.passes(Call(X86_64, "ioctl", (3, 0x80086601)))
    assert oracle.passes(Call(X86_64, "ioctl", (3, 0x5401)))


def test_a_call_of_a_later_kernel_does_not_exist() -> None:
    assert not NO_NETWORK.passes(Call(X86_64, "of_linux_9"))


def test_the_same_policy_gives_the_same_bytes() -> None:
    plan = planned(always(("*",)))
    assert text_of(lowered(plan)) == text_of(lowered(plan))


def test_every_line_of_a_refusal_comes_from_its_rule() -> None:
    lowering = lowered(planned(always(("file_read",)), always(("file_delete",))))
    (artifact,) = BACKEND.emit(lowering.model)
    refusing = [line for line in artifact.lines if '"unlinkat"' in line.text]
    assert refusing
    assert all(line.origin is not None and line.origin.line == 4 for line in refusing)


@pytest.mark.parametrize("name", ['q"uote', "new\nline", "back\\slash", "b\udcffd", "*/ // #", "ünï", "{}[],:"])
def test_a_name_from_the_policy_stays_a_string(name: str) -> None:
    policy = rules(always(("file_delete",)))
    odd = replace(policy, path=name, rules=(replace(policy.rules[0], name=name),))
    text = text_of(lowered(make_plan(odd, Target())))
    tree = json.loads(text)
    assert tree["x-avakill"]["policy"] == name
    assert any(entry.get("comment") == f"delete: {name}" for entry in tree["syscalls"])
    assert text.isascii()


def test_the_header_says_where_it_comes_from_and_how_to_apply_it() -> None:
    tree = json.loads(text_of(lowered(planned(always(WEB)))))
    header = tree["x-avakill"]
    assert (header["policy"], header["sha256"]) == ("p.yaml", "ab" * 32)
    assert (header["scope"], header["strict"]) == ("deny-rules", False)
    assert "docker run --security-opt seccomp=seccomp.json IMAGE" in header["apply"]
    assert "--base" in header["warning"]


def test_a_policy_without_rules_is_a_no_op_for_every_architecture() -> None:
    tree = json.loads(text_of(lowered(planned())))
    assert tree["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    assert tree["syscalls"] == []
    assert "nothing_to_lower" in tree["x-avakill"]


def test_a_thousand_rules_about_paths_change_nothing_but_the_report() -> None:
    entries = [(("file_write",), always(("x",))[1], paths(f"/srv/d{n}/**")) for n in range(1000)]
    assert '"syscalls": []' in text_of(lowered(planned(*entries)))
