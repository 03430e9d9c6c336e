"""The agent's domain is no `domain` of the base policy: a dynamic program still starts in it, and lists only what the policy opens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import avakill
from avakill.backends.contract import Settings
from avakill.backends.plan import Options, Scope, make_plan
from avakill.backends.selinux import BACKEND
from avakill.ir.policy import Action, Enforcement, Policy
from avakill.ir.target import Target
from avakill.lab import kernels, machine, selinux
from avakill.lab.labels import labels_of
from avakill.lab.words import LabFault, World
from tests.backends.selinux.shapes import ALLOW, READS, rule
from tests.conftest import need
from tests.lab.kept import made_rule

LS = "/usr/bin/ls"
INSIDE = """
import json, os, shutil, subprocess, sys, traceback
sys.path[:0] = [sys.argv[1]]
from pathlib import Path
from avakill.lab import calls, confine, selinux
shared = Path("/avakill-lab")
told = json.loads((shared / "told").read_text())
root = Path("/run/small")

def lay():
    root.mkdir()
    calls.mount(b"tmpfs", os.fsencode(root), b"tmpfs", 0)
    for path in told["files"]:
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path[1:])
    for path in told["directories"]:
        (root / path[1:] / "inside").mkdir(parents=True)

def label():
    for folder, directories, files in os.walk(root):
        for name in ("", *directories, *files):
            here = os.path.join(folder, name).rstrip("/")
            context = told["labels"].get(here.removeprefix(str(root)) or "/", "system_u:object_r:usr_t:s0")
            os.setxattr(here, "security.selinux", context.encode() + b"\\0", follow_symlinks=False)

def enter():
    confine.selinux("unconfined_u:unconfined_r:avakill_agent_t:s0")()
    os.chroot(root)
    os.chdir("/")

def run(path):
    done = subprocess.run((told["program"], path), preexec_fn=enter, capture_output=True, text=True)
    return [path, done.returncode, done.stdout, done.stderr]

with open(shared / "facts", "w") as facts:  # before anything is enforced
    try:
        lay()
        selinux.enter((shared / "policy").read_bytes())
        label()
        answers = [run(path) for path in told["directories"]]
    except BaseException:
        answers = [["", 1, "", traceback.format_exc()]]
    facts.write(json.dumps(answers))
"""


@pytest.fixture
def libraries() -> tuple[str, ...]:
    """What `ls` loads, by the paths that its loader takes."""
    try:
        machine.find_programs()
        kernels.find("6.12")
    except LabFault as fault:
        need(False, f"{fault.reason}: {fault.help}")
    need(shutil.which(LS) is not None, "no `ls`")
    told = subprocess.run(("ldd", LS), capture_output=True, text=True, check=True).stdout.split()
    return tuple(word for word in told if word.startswith("/"))


def _parents(paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        yield from (str(parent) for parent in Path(path).parents)


def test_a_dynamic_program_starts_where_everything_is_closed_and_lists_only_what_is_open(libraries: tuple[str, ...]) -> None:
    tools, action, condition = rule(READS, ALLOW, "/srv/open")
    policy = Policy((made_rule(0, tools, action, condition, Enforcement.HARD),), Action.DENY, path="policy.yaml", sha256="0" * 64)
    target = Target(entry=(LS, *libraries), libraries=libraries)
    lowering = BACKEND.lower(make_plan(policy, target, Options(Scope.CLOSED)), Settings())
    te, fc = (one.text.encode() for one in BACKEND.emit(lowering.model))
    asked = ("/srv/open", "/srv/other", "/etc", "/", "/usr/lib")
    world = World(frozenset((*_parents((LS, *libraries)), *asked)), frozenset((LS, *libraries)))
    found = kernels.find("6.12")
    start = (sys.executable, "-I", "-B", "-c", INSIDE, str(Path(avakill.__file__).parents[1]))
    told = {"program": LS, "files": [LS, *libraries], "directories": asked, "labels": labels_of(fc, world)}
    with machine.scratch() as folder:
        (folder / "shared" / "told").write_text(json.dumps(told))
        (folder / "shared" / "policy").write_bytes(selinux.link({"avakill": te}))
        with machine.boot(found, "selinux", folder, start) as booted:
            end = time.monotonic() + 200
            while booted.runs and time.monotonic() < end:
                time.sleep(0.05)
            answers = json.loads((booted.folder / "facts").read_text())
    said = {path: (status, listed) for path, status, listed, _ in answers}
    assert said.pop("/srv/open", None) == (0, "inside\n"), answers
    assert all(status and not listed for status, listed in said.values()), answers
    assert all(os.strerror(13) in wrong for path, _, _, wrong in answers if path != "/srv/open"), answers
