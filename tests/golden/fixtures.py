"""The fixture policies and the one target that their goldens are for."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from avakill.backends.contract import Settings
from avakill.backends.plan import Options, Scope
from avakill.backends.registry import find
from avakill.compiler.compile import compile_policy, read_source
from avakill.ir.policy import Policy
from avakill.ir.target import Program, Target
from avakill.pipeline import Build, build
from avakill.source.file import SourceFile

ROOT = Path(__file__).parents[2] / "fixtures" / "policies"
NAMES = tuple(sorted(path.parent.name for path in ROOT.glob("*/policy.yaml")))
BACKENDS = ("landlock", "apparmor", "selinux", "sbpl", "tetragon", "seccomp")

LOADER = "/lib64/ld-linux-x86-64.so.2"
COMMANDS = ("git", "ls", "cat", "make", "python3", "grep", "pdftotext")
TARGET = Target(
    home="/home/agent",
    workspace="/home/agent/project",
    kernel="6.12",
    protected=(
        "/home/agent/.config/avakill/avakill.yaml",
        "/home/agent/.config/avakill/avakill.yaml.sig",
        "/opt/avakill/",
    ),
    programs=tuple(Program(name, (f"/usr/bin/{name}", LOADER)) for name in COMMANDS),
    entry=("/usr/bin/bash", LOADER),
    libraries=("/usr/lib", "/lib", "/lib64"),
)


def policy_of(name: str) -> Policy:
    """The compiled policy of a fixture, under its path as seen from the repository's root."""
    data = (ROOT / name / "policy.yaml").read_bytes()
    source = read_source(data, f"fixtures/policies/{name}/policy.yaml")
    assert isinstance(source, SourceFile)
    compiled = compile_policy(source, {})
    assert compiled.policy is not None, compiled.diagnostics
    return compiled.policy


def options_of(name: str) -> Options:
    file = ROOT / name / "options.json"
    told = json.loads(file.read_text()) if file.exists() else {}
    return Options(Scope(told.get("scope", "deny-rules")), bool(told.get("strict", False)))


@lru_cache(maxsize=64)
def made(name: str) -> Build:
    """The build of a fixture by every backend; Tetragon's with a pod selector."""
    found = find(BACKENDS)
    assert not found.diagnostics, found.diagnostics
    settings = Settings(pod_labels=(("app", "agent"),))
    target = replace(TARGET, existing=TARGET.protected) if name == "shape-missing-tree" else TARGET
    return build(policy_of(name), target, found.backends, options_of(name), settings)
