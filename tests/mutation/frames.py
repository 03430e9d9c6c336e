"""What an artifact must say whatever the policy: its frame, held against what is known of each language, not against our emitters."""

from __future__ import annotations

import json
from typing import Any

from avakill.ir.effect import Effect
from avakill.lab.tracing import complaints_of
from tests.mutation import frame_seccomp, frame_selinux
from tests.mutation.mutant import Texts
from tests.oracles import apparmor

LANDLOCK_RIGHTS = {
    "read": {"read_file", "read_dir"},
    "write": {"write_file", "truncate"},
    "exec": {"execute"},
    "create": {"make_char", "make_dir", "make_reg", "make_sock", "make_fifo", "make_block", "make_sym"},
    "delete": {"remove_dir", "remove_file"},
}
"""linux/landlock.h, by effect of semantics §2; the plan tells them, the launcher knows them."""

ORDINARY_WORDS = frozenset(
    {
        *("file,", "capability,", "network,", "unix,", "dbus,", "signal,", "umount,"),
        *("ptrace (read, readby, tracedby),", "ptrace (trace) peer=avakill-agent,"),
    }
)
"""What any program needs: AppArmor refuses what no rule grants."""

DEFENCE = frozenset(
    {
        *("deny mount,", "deny pivot_root,", "deny capability mac_admin,", "deny capability mac_override,"),
        *("deny capability sys_admin,", "deny capability sys_module,", "deny capability sys_rawio,"),
        "deny capability dac_read_search,",
    }
)
"""Each a way around names: other mounts, another policy, another kernel, raw disks, handles (open_by_handle_at)."""


INTERNET = frozenset({"inet", "inet6", "packet", "rds", "rxrpc", "smc", "xdp"})
"""Families that reach another machine: all or none."""


def complaints(backend: str, texts: Texts, refused: frozenset[Effect]) -> list[str]:
    """Empty for every artifact as emitted. `refused` are the effects that some rule of the policy denies."""
    match backend:
        case "landlock":
            return _landlock(json.loads(texts[0]))
        case "apparmor":
            return _apparmor(texts[0])
        case "selinux":
            return frame_selinux.complaints(*texts)
        case "tetragon":
            return _tetragon(texts[0])
        case "seccomp":
            return frame_seccomp.complaints(texts[0], refused)
        case _:
            return []


def _landlock(tree: Any) -> list[str]:
    orders = tree["orders"]
    return [f"{o['effect']}: {o['rights']}" for o in orders if set(o["rights"]) != LANDLOCK_RIGHTS[o["effect"]]]


def _apparmor(text: str) -> list[str]:
    profile = apparmor.read(text)
    wrong = sorted((ORDINARY_WORDS | DEFENCE) ^ profile.words)
    if profile.families:
        wrong += sorted(INTERNET ^ profile.families)
    return [*wrong, *([] if "abi <abi/3.0>," in text else ["no abi: the parser would choose one by itself"])]


def _tetragon(text: str) -> list[str]:
    """The schema of Tetragon's objects; that each has a subject, and that each refusal refuses."""
    found = list(complaints_of(text))
    for document in text.split("\n---\n")[1:]:
        if '  podSelector:\n    matchLabels:\n      "app": "agent"\n' not in document:
            found.append("it selects another subject than it was made for")
        if f"{document}\n".count('action: "Override"\n        argError: -1\n') != document.count("matchActions:"):
            found.append("a selector that does not refuse")
    return found
