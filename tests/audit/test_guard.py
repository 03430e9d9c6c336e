"""The guard with a trail: each decision is on record, and what cannot be recorded is denied."""

from __future__ import annotations

from pathlib import Path

from avakill.audit.trail import Trail
from avakill.guard.guard import Guard
from tests.audit.help import stored

POLICY = {
    "version": "1.0",
    "default_action": "deny",
    "policies": [{"name": "reads", "tools": ["file_read"], "action": "allow", "conditions": {"path_match": {"path": ["/srv"]}}}],
}


def test_each_decision_is_on_record(tmp_path: Path) -> None:
    with Trail(tmp_path) as trail:
        guard = Guard(policy=POLICY, logger=trail)
        first = guard.evaluate("file_read", {"path": "/srv/a"}, agent_id="claude", session_id="s")
        second = guard.evaluate("file_read", {"path": "/etc/a", "token": "Zq7xV9pLk2mW8rTn"}, agent_id="claude")
    one, two = stored(tmp_path)
    assert [one.id, two.id] == [first.event_id, second.event_id]
    assert (one.allowed, one.rule_name, one.rule, one.session) == (first.allowed, "reads", 0, "s")
    assert (two.allowed, two.action, two.arguments) == (False, "deny", '{"path":"/etc/a","token":"[redacted]"}')
    assert one.policy == guard.policy.sha256
    assert 0 < one.latency_ms < 10_000


def test_what_cannot_be_recorded_is_denied_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    guard = Guard(policy=POLICY, logger=Trail(tmp_path / "file" / "trail"))
    decision = guard.evaluate("file_read", {"path": "/srv/a"})
    assert not decision.allowed
    assert "could not be recorded" in decision.reason
    assert "Not a directory" in decision.reason
