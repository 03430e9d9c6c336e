"""The guard with the real stores: approvals, the audit trail, signed policies, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from avakill import ApprovalStore, Guard, Trail
from avakill.audit.query import Reader

ASK = {"version": "1.0", "policies": [{"name": "ask", "tools": ["deploy"], "action": "require_approval"}]}


# -- approvals --


def test_an_approval_is_for_one_call_with_these_arguments_once(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    guard = Guard(policy=ASK, approval_store=store, agent_id="me")
    first = guard.evaluate("deploy", {"to": "test"})
    assert (first.allowed, str(first.action)) == (False, "require_approval")
    assert first.approval_id is not None
    assert first.approval_id in first.reason
    assert guard.evaluate("deploy", {"to": "test"}).approval_id == first.approval_id, "asking again is the same question"
    store.grant(first.approval_id, "anna")
    assert not guard.evaluate("deploy", {"to": "production"}).allowed
    assert not guard.evaluate("deploy", {"to": "test"}, agent_id="another").allowed
    approved = guard.evaluate("deploy", {"to": "test"})
    assert (approved.allowed, approved.reason.startswith("[approved] ")) == (True, True)
    assert not guard.evaluate("deploy", {"to": "test"}).allowed


def test_a_refused_call_is_denied(tmp_path: Path) -> None:
    store = ApprovalStore(tmp_path / "approvals.db")
    guard = Guard(policy=ASK, approval_store=store)
    asked = guard.evaluate("deploy", {}).approval_id
    assert asked is not None
    store.reject(asked, "anna")
    assert str(guard.evaluate("deploy", {}).action) == "deny"


def test_without_a_store_nobody_can_approve() -> None:
    decision = Guard(policy=ASK).evaluate("deploy", {})
    assert (decision.allowed, decision.approval_id) == (False, None)


# -- the trail --


def test_a_killed_process_loses_no_decision_that_was_told(tmp_path: Path) -> None:
    program = f"""
        import os
        from avakill import Guard, Trail
        guard = Guard(policy={{"version": "1.0", "default_action": "allow", "policies": []}}, logger=Trail({str(tmp_path)!r}))
        for number in range(1_000_000):
            decision = guard.evaluate("file_read", {{"path": "/a", "limit": number}})
            os.write(1, (decision.event_id + "\\n").encode())
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [child.stdout.readline().strip() for _ in range(5_000)]
    os.kill(child.pid, signal.SIGKILL)
    told += child.stdout.read().split()
    child.wait()
    trail = Trail(tmp_path)
    assert trail.flush(30)
    trail.close()
    reader = Reader(tmp_path / "audit.db")
    found = {event.id for event in reader.all()}
    reader.close()
    assert len(told) >= 5_000
    assert set(told) <= found


def test_secrets_are_not_on_record(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    guard = Guard(policy={"version": "1.0", "default_action": "allow", "policies": []}, logger=trail)
    guard.evaluate("web_fetch", {"url": "https://example.org", "token": "hunter2hunter2", "note": "AKIAABCDEFGHIJKLMNOP"})
    trail.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"example.org" in stored
    assert b"hunter2" not in stored
    assert b"AKIAABCDEFGHIJKLMNOP" not in stored


def test_the_stores_are_protected_wherever_they_are(tmp_path: Path) -> None:
    allow = {"version": "1.0", "default_action": "allow", "policies": []}
    trail = Trail(tmp_path / "trail")
    guard = Guard(policy=allow, logger=trail, approval_store=ApprovalStore(tmp_path / "approvals.db"))
    for name in ("trail/audit.db", "trail/journal/x", "approvals.db", "approvals.db-wal"):
        assert guard.evaluate("file_write", {"path": f"{tmp_path}/{name}"}).policy_name == "self-protection"
    assert guard.evaluate("file_write", {"path": f"{tmp_path}/other.db"}).allowed
    trail.close()


def test_two_policies_have_budgets_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    rule = '{name: one, tools: ["*"], action: allow, rate_limit: {max_calls: 1, window: 1h}}'
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(f'version: "1.0"\npolicies:\n  - {rule}\n')
        assert Guard(policy=tmp_path / name).evaluate("x").allowed
        assert not Guard(policy=tmp_path / name).decide("x").allowed


# -- signed policies --

ALLOW = 'version: "1.0"\ndefault_action: allow\npolicies: []\n'
KEY = bytes(range(32))


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    place = tmp_path / "avakill.yaml"
    place.write_text(ALLOW)
    sign(place)
    return place


def sign(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "avakill", "sign", str(place), "--key", KEY.hex()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_signed_policy_is_verified(signed: Path) -> None:
    guard = Guard(policy=signed, signing_key=KEY)
    assert guard.policy_status == "verified"
    assert guard.evaluate("x").allowed


def test_a_policy_that_is_changed_while_it_is_in_force_is_not(signed: Path) -> None:
    guard = Guard(policy=signed, signing_key=KEY)
    assert guard.evaluate("x").allowed
    seen = signed.stat()
    signed.write_text(ALLOW.replace("allow", "deny "))
    os.utime(signed, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert guard.evaluate("x").allowed, "the last known good policy is in force, not the file's"
    assert guard.policy_status == "last-known-good"
    assert guard.policy_problem


def test_without_any_good_policy_everything_is_denied(signed: Path) -> None:
    guard = Guard(policy=signed, signing_key=bytes(32))
    assert guard.policy_status == "deny-all"
    assert not guard.evaluate("x").allowed


def test_a_signature_that_goes_missing_is_noticed(signed: Path) -> None:
    guard = Guard(policy=signed, signing_key=KEY)
    signed.with_name("avakill.yaml.sig").unlink()
    guard.reload_policy()
    assert guard.policy_status == "last-known-good"


def test_an_older_signed_policy_is_refused(signed: Path) -> None:
    old = signed.read_bytes(), signed.with_name("avakill.yaml.sig").read_bytes()
    signed.write_text(ALLOW + "# newer\n")
    sign(signed)
    guard = Guard(policy=signed, signing_key=KEY)
    assert guard.policy_status == "verified"
    signed.write_bytes(old[0])
    signed.with_name("avakill.yaml.sig").write_bytes(old[1])
    guard.reload_policy()
    assert guard.policy_status == "last-known-good"


def test_a_working_directory_that_is_gone_is_no_way_out(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    guard = Guard(policy=signed, signing_key=KEY)
    gone.rmdir()
    signed.write_text(ALLOW.replace("allow", "deny"))
    assert guard.evaluate("x").allowed, "the last known good policy"
    assert guard.policy_status == "last-known-good"
    assert Guard(policy=signed, signing_key=KEY).policy_status == "last-known-good"
