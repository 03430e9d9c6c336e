"""A guard over the policies of every level: a lower one tightens and never loosens."""

from __future__ import annotations

from pathlib import Path

import pytest

from avakill import ConfigError, Guard, RateLimitExceeded
from avakill.ratelimit.memory import MemoryLimiter

HEAD = 'version: "1.0"\ndefault_action: allow\npolicies:\n'
USERS = """\
  - {name: no-etc, tools: ["*"], action: deny, conditions: {path_match: {path: ["/etc/**"]}}}
  - {name: soft, tools: [deploy], action: deny, enforcement: soft}
  - {name: few, tools: [search], action: allow, rate_limit: {max_calls: 2, window: 1h}}
"""
PROJECTS = """\
  - {name: open-etc, tools: ["*"], action: allow, conditions: {path_match: {path: ["/etc/**"]}}}
  - {name: no-tmp, tools: ["*"], action: deny, conditions: {path_match: {path: ["/tmp/**"]}}}
  - {name: ask, tools: [deploy], action: require_approval}
"""


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guard:
    home, project = tmp_path / "home", tmp_path / "home/project"
    (home / ".config/avakill").mkdir(parents=True)
    project.mkdir()
    (home / ".config/avakill/policy.yaml").write_text(HEAD + USERS)
    (project / "avakill.yaml").write_text(HEAD + PROJECTS)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(project)
    return Guard(cascade=True, rate_limit_backend=MemoryLimiter())


def test_a_lower_level_tightens_and_never_loosens(guard: Guard) -> None:
    assert len(guard.policies) == 2
    denied = guard.evaluate("file_read", {"path": "/etc/x"})
    assert (denied.allowed, denied.policy_name) == (False, "no-etc")
    assert denied.file is not None
    assert denied.file.endswith(".config/avakill/policy.yaml")
    assert guard.evaluate("file_read", {"path": "/tmp/x"}).policy_name == "no-tmp"
    assert guard.evaluate("file_read", {"path": "/x"}).allowed


def test_the_policies_of_every_level_are_protected(guard: Guard) -> None:
    for policy in guard.policies:
        assert guard.evaluate("file_write", {"path": policy.path}).policy_name == "self-protection"


def test_budgets_of_a_higher_level_count(guard: Guard) -> None:
    guard.evaluate("search")
    guard.evaluate("search")
    with pytest.raises(RateLimitExceeded):
        guard.evaluate("search")


def test_an_override_of_one_level_leaves_what_another_asks_for(guard: Guard) -> None:
    assert guard.evaluate("deploy").overridable
    overridden = guard.evaluate("deploy", override=True)
    assert (overridden.allowed, str(overridden.action), overridden.policy_name) == (False, "require_approval", "ask")


def test_a_policy_and_a_cascade_are_not_both(guard: Guard) -> None:
    with pytest.raises(ConfigError, match="not both"):
        Guard(policy={"version": "1.0", "policies": []}, cascade=True)


def test_a_level_that_does_not_compile_is_told(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "home/project/avakill.yaml").write_text("version: [")
    with pytest.raises(ConfigError):
        guard.reload_policy()
    assert not guard.evaluate("file_read", {"path": "/tmp/x"}).allowed, "what was in force stays"
