"""The guard: what a caller is told, limits, approvals, records, and what happens when one of them fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import avakill
from avakill import ConfigError, Guard, PolicyViolation, RateLimitExceeded
from avakill.events.record import Record
from avakill.guard.decision import Decision
from avakill.ratelimit.memory import MemoryLimiter

RULES: list[dict[str, Any]] = [
    {"name": "no-ssh", "tools": ["file_*"], "action": "deny", "conditions": {"path_match": {"path": ["~/.ssh/**"]}}},
    {"name": "soft", "tools": ["file_delete"], "action": "deny", "enforcement": "soft", "message": "think twice"},
    {"name": "ask", "tools": ["deploy"], "action": "require_approval"},
    {"name": "few", "tools": ["web_search"], "action": "allow", "rate_limit": {"max_calls": 2, "window": "1h"}},
    {"name": "rest", "tools": ["file_read", "file_write"], "action": "allow"},
]


def policy(*rules: Mapping[str, Any], default: str = "deny") -> dict[str, Any]:
    return {"version": "1.0", "default_action": default, "policies": list(rules or RULES)}


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard(policy=policy(), home=str(tmp_path), rate_limit_backend=MemoryLimiter())


class Listed:
    """A trail that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def record(self, record: Record) -> str:
        self.records.append(record)
        return f"event-{len(self.records)}"


class Broken:
    """A store of which every question fails."""

    def record(self, record: Record) -> str:
        raise OSError(28, "No space left on device")

    def take(self, key: str, max_calls: int, window_ns: int, now_ns: int) -> Any:
        raise TimeoutError("locked")

    def ask(self, tool: str, arguments_json: str, **more: Any) -> Any:
        raise RuntimeError("gone")


# -- decisions --


def test_a_decision_names_the_rule_and_its_place(guard: Guard, tmp_path: Path) -> None:
    decision = guard.evaluate("file_read", {"path": f"{tmp_path}/.ssh/id"})
    assert (decision.allowed, str(decision.action), decision.policy_name, decision.rule) == (False, "deny", "no-ssh", 0)
    assert decision.file == "<dict>"
    assert decision.line is not None
    assert decision.event_id is None
    allowed = guard.evaluate("file_read", {"path": "/a"})
    assert (allowed.allowed, allowed.policy_name) == (True, "rest")


def test_time_and_latency_are_of_the_call(guard: Guard) -> None:
    before = datetime.now(UTC)
    decision = guard.evaluate("file_read", {"path": "/a"})
    after = datetime.now(UTC)
    slack = timedelta(milliseconds=5)  # of the wall clock's own steps
    assert before - slack <= decision.timestamp <= after + slack
    assert 0 < decision.latency_ms < 1_000
    assert decision.to_dict()["action"] == "allow"


def test_the_default_decides_where_no_rule_does(guard: Guard) -> None:
    decision = guard.evaluate("unknown_tool")
    assert (decision.allowed, decision.policy_name, decision.rule) == (False, None, None)


def test_a_soft_denial_gives_way_to_a_person_only(guard: Guard) -> None:
    assert guard.evaluate("file_delete", {"path": "/a"}).overridable
    overridden = guard.evaluate("file_delete", {"path": "/a"}, override=True)
    assert (overridden.allowed, overridden.overridable) == (True, False)
    assert overridden.reason.startswith("[override] ")


def test_a_hard_denial_does_not_give_way(guard: Guard, tmp_path: Path) -> None:
    assert not guard.evaluate("file_read", {"path": f"{tmp_path}/.ssh/id"}, override=True).allowed


def test_an_advisory_rule_adds_its_note_and_decides_nothing() -> None:
    advisory = {"name": "tip", "tools": ["*"], "action": "deny", "enforcement": "advisory", "message": "careful"}
    decision = Guard(policy=policy(advisory, {"name": "yes", "tools": ["*"], "action": "allow"})).evaluate("x", {})
    assert (decision.allowed, decision.notes) == (True, ("careful",))


def test_evaluate_or_raise(guard: Guard, tmp_path: Path) -> None:
    assert guard.evaluate_or_raise("file_read", {"path": "/a"}).allowed
    with pytest.raises(PolicyViolation) as caught:
        guard.evaluate_or_raise("file_read", {"path": f"{tmp_path}/.ssh/id"})
    assert caught.value.tool_name == "file_read"
    assert str(caught.value) == f"AvaKill blocked 'file_read': {caught.value.decision.reason} [policy: no-ssh]"


def test_explain_says_why_no_earlier_rule_decided(guard: Guard) -> None:
    decision = guard.explain("file_read", {"path": "/a"})
    assert [step.name for step in decision.trace] == ["no-ssh", "soft", "ask", "few"]


HOSTILE: list[Any] = [
    5, "text", ["list"], {1: 2}, {"path": "\0"}, {"path": "\udc80"}, {"n": float("nan")}, {"n": 10**5_000}, {"x": object()},
    {"x": b"bytes"},
]  # fmt: skip


@pytest.mark.parametrize("arguments", HOSTILE, ids=[str(at) for at in range(len(HOSTILE))])
def test_what_cannot_be_judged_is_denied(arguments: Any) -> None:
    guard = Guard(policy=policy({"name": "yes", "tools": ["*"], "action": "allow"}))
    decision = guard.evaluate("file_read", arguments)
    assert not decision.allowed
    assert decision.reason


def test_cyclic_deep_and_huge_arguments_are_denied() -> None:
    guard = Guard(policy=policy({"name": "yes", "tools": ["*"], "action": "allow"}))
    cyclic: dict[str, Any] = {}
    cyclic["again"] = cyclic
    deep: dict[str, Any] = {}
    for _ in range(1_000_000):
        deep = {"in": deep}
    for arguments in (cyclic, deep, {"text": "x" * 100_000_000}):
        assert not guard.evaluate("file_read", arguments).allowed
    while deep:  # or its end takes a recursion
        deep = deep.pop("in")


# -- limits --


def test_a_budget_that_is_used_up_raises_with_the_decision(guard: Guard) -> None:
    assert guard.evaluate("web_search", {}).allowed
    assert guard.evaluate("web_search", {}).allowed
    with pytest.raises(RateLimitExceeded) as caught:
        guard.evaluate("web_search", {})
    decision = caught.value.decision
    assert (decision.allowed, str(decision.action), decision.policy_name) == (False, "deny", "few")
    assert decision.reason.startswith("Rate limit exceeded: 2 calls per 1h")
    assert 3_590 < caught.value.retry_after <= 3_600
    assert guard.decide("web_search", {}).retry_after is not None


def test_another_name_of_the_agent_gets_no_budget_of_its_own(guard: Guard) -> None:
    for agent in ("one", "two"):
        guard.evaluate("web_search", {}, agent_id=agent)
    with pytest.raises(RateLimitExceeded):
        guard.evaluate("web_search", {}, agent_id="three")


def test_threads_share_a_budget() -> None:
    rule = {"name": "ten", "tools": ["*"], "action": "allow", "rate_limit": {"max_calls": 10, "window": "1h"}}
    guard = Guard(policy=policy(rule), rate_limit_backend=MemoryLimiter())
    allowed: list[bool] = []
    threads = [threading.Thread(target=lambda: allowed.append(guard.decide("x", {}).allowed)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (allowed.count(True), len(allowed)) == (10, 40)


def test_budgets_are_shared_through_the_users_store_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    first, second = Guard(policy=policy()), Guard(policy=policy())
    assert first.evaluate("web_search", {}).allowed
    assert second.evaluate("web_search", {}).allowed
    assert not first.decide("web_search", {}).allowed
    assert (tmp_path / ".avakill/ratelimits.db").stat().st_mode & 0o777 == 0o600


# -- what fails, denies --


@pytest.mark.parametrize(
    ("tool", "options", "told"),
    [
        ("file_read", {"logger": Broken()}, "could not be recorded: [Errno 28] No space left on device"),
        ("web_search", {"rate_limit_backend": Broken()}, "cannot be kept: locked"),
        ("deploy", {"approval_store": Broken()}, "cannot be asked for: gone"),
    ],
)
def test_a_store_that_fails_denies_and_says_why(tool: str, options: dict[str, Any], told: str) -> None:
    decision = Guard(policy=policy(), **options).evaluate(tool, {"path": "/a"})
    assert not decision.allowed
    assert str(decision.action) == "deny"
    assert told in decision.reason


def test_failures_of_the_trail_are_counted() -> None:
    guard = Guard(policy=policy(), logger=Broken())
    guard.evaluate("file_read", {"path": "/a"})
    assert guard.log_failures == 1


# -- records --


def test_every_decision_is_on_record(tmp_path: Path) -> None:
    trail = Listed()
    guard = Guard(policy=policy(), logger=trail, agent_id="me", rate_limit_backend=MemoryLimiter(), home=str(tmp_path))
    assert guard.evaluate("file_read", {"path": "/a"}, session_id="s").event_id == "event-1"
    guard.evaluate("file_read", {"path": f"{tmp_path}/.ssh/id"})
    guard.evaluate("unknown", {"n": 1})
    for _ in range(3):
        guard.decide("web_search", {})
    assert [(record.tool, record.allowed, record.rule_name) for record in trail.records] == [
        ("file_read", True, "rest"), ("file_read", False, "no-ssh"), ("unknown", False, None),
        ("web_search", True, "few"), ("web_search", True, "few"), ("web_search", False, "few"),
    ]  # fmt: skip
    assert (trail.records[0].agent, trail.records[0].session, trail.records[0].arguments) == ("me", "s", {"path": "/a"})


# -- sessions --


def test_a_session_gives_its_names_to_each_call() -> None:
    trail = Listed()
    guard = Guard(policy=policy(), logger=trail)
    with guard.session(agent_id="me") as session:
        session.evaluate("file_read", {"path": "/a"})
        session.evaluate_or_raise("file_read", {"path": "/b"})
    assert session.call_count == 2
    assert {(record.agent, record.session) for record in trail.records} == {("me", session.session_id)}


# -- the policy --


def test_a_policy_is_found_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no policy was given"):
        Guard()
    (tmp_path / "avakill.yml").write_text('version: "1.0"\npolicies: []\n')
    assert Guard().policy_path == tmp_path / "avakill.yml"
    (tmp_path / "avakill.yaml").write_text('version: "1.0"\npolicies: []\n')
    assert Guard().policy_path == tmp_path / "avakill.yaml"


def test_a_policy_that_does_not_compile_is_told_with_its_place(tmp_path: Path) -> None:
    place = tmp_path / "avakill.yaml"
    place.write_text('version: "1.0"\npolicies:\n  - {name: x, tools: ["*"], action: forbid}\n')
    with pytest.raises(ConfigError) as caught:
        Guard(policy=place)
    assert f"{place}:3:" in str(caught.value)
    assert caught.value.diagnostics


@pytest.mark.parametrize("given", [5, b"x", ["list"], {"policies": object()}], ids=["number", "bytes", "list", "object"])
def test_what_is_no_policy_is_refused(given: Any) -> None:
    with pytest.raises((ConfigError, TypeError)):
        Guard(policy=given)


def test_a_reload_takes_what_is_good_and_keeps_what_is_in_force_otherwise(tmp_path: Path) -> None:
    place = tmp_path / "avakill.yaml"
    place.write_text('version: "1.0"\ndefault_action: deny\npolicies: []\n')
    guard = Guard(policy=place)
    assert not guard.evaluate("x").allowed
    place.write_text('version: "1.0"\ndefault_action: allow\npolicies: []\n')
    guard.reload_policy()
    assert guard.evaluate("x").allowed
    place.write_text("version: [")
    with pytest.raises(ConfigError):
        guard.reload_policy()
    assert guard.evaluate("x").allowed
    with pytest.raises(ConfigError):
        guard.reload_policy(tmp_path / "missing.yaml")
    assert guard.policy_path == place


def test_the_policy_protects_itself_by_whatever_tool(tmp_path: Path) -> None:
    place = tmp_path / "avakill.yaml"
    place.write_text('version: "1.0"\ndefault_action: allow\npolicies: []\n')
    guard = Guard(policy=place)
    for tool in ("file_write", "whatever", "mcp__x__put"):
        decision = guard.evaluate(tool, {"path": str(place)})
        assert (decision.allowed, decision.policy_name) == (False, "self-protection")
    assert guard.evaluate("file_read", {"path": str(place)}).allowed
    assert guard.evaluate("file_write", {"path": f"{tmp_path}/avakill.proposed.yaml"}).allowed
    assert Guard(policy=place, self_protection=False).evaluate("file_write", {"path": str(place)}).allowed


def test_paths_of_another_machine_are_taken_as_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    rule = {"name": "etc", "tools": ["*"], "action": "deny", "conditions": {"path_match": {"path": ["/etc/**"]}}}
    rules = policy(rule, default="allow")
    asked = {"path": f"{tmp_path}/link/passwd"}
    assert not Guard(policy=rules).evaluate("file_read", asked).allowed
    assert Guard(policy=rules, resolve_paths=False).evaluate("file_read", asked).allowed


def test_tasks_may_share_a_guard(guard: Guard) -> None:
    async def ask(number: int) -> Decision:
        await asyncio.sleep(0)
        return guard.evaluate("file_read", {"path": f"/a{number}"})

    async def ask_all() -> list[Decision]:
        return await asyncio.gather(*(ask(number) for number in range(50)))

    assert all(decision.allowed for decision in asyncio.run(ask_all()))


def test_the_public_names_are_there_and_no_others() -> None:
    for name in avakill.__all__:
        assert getattr(avakill, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = avakill.Nothing
