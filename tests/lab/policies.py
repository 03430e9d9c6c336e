"""Policy texts compiled for the lab's scratch root."""

from __future__ import annotations

from avakill.backends.plan import Options, Plan, make_plan
from avakill.compiler.compile import compile_policy, read_source
from avakill.ir.policy import Policy
from avakill.lab.cases import HOME, WORKSPACE, lab_target
from avakill.source.file import SourceFile


def policy_of(text: str) -> Policy:
    source = read_source(text.encode(), "policy.yaml")
    assert isinstance(source, SourceFile)
    compiled = compile_policy(source, {"HOME": HOME, "AVAKILL_WORKSPACE": WORKSPACE})
    assert compiled.policy is not None, compiled.diagnostics
    return compiled.policy


def planned(text: str, options: Options = Options(), abi: int = 7) -> Plan:
    policy = policy_of(text)
    return make_plan(policy, lab_target(policy, "", abi), options)
