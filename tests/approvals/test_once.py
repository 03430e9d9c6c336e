"""An approval is for one call with exactly these arguments, once, in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avakill.approvals.store import HISTORY, ApprovalStore
from avakill.approvals.words import ApprovalsUnavailable, Settled, Status

SECOND = 10**9
NOW = 1_790_000_000 * SECOND
CALL: dict[str, Any] = {
    "tool": "shell_execute",
    "arguments_json": '{"command": "rm -rf build", "timeout": 5}',
    "agent": "coder",
    "session": "s1",
    "rule": "ask-first",
    "reason": "Matched rule 'ask-first'",
    "policy": "p1",
    "cwd": "/home/u/app",
}


class Store:
    """A store whose clock stands still."""

    def __init__(self, path: Path, **more: Any) -> None:
        self.now = NOW
        self.real = ApprovalStore(path, clock=lambda: self.now, **more)

    def ask(self, **other: Any) -> tuple[str, str]:
        asked = self.real.ask(**{**CALL, **other})
        return asked.id, str(asked.status)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "approvals.db")


def test_a_call_waits_is_granted_and_runs_once(store: Store) -> None:
    id, status = store.ask()
    assert status == "pending"
    assert store.ask() == (id, "pending")
    told = store.real.grant(id, "maria")
    assert (told.status, told.by) == (Status.APPROVED, "maria")
    assert store.ask() == (id, "approved")
    again, status = store.ask()
    assert (again != id, status) == (True, "pending")


@pytest.mark.parametrize(
    "other",
    [
        {"tool": "shell"},
        {"arguments_json": '{"command": "rm -rf /", "timeout": 5}'},
        {"arguments_json": '{"command": "rm -rf build", "timeout": 5.0}'},
        {"arguments_json": '{"command": "rm -rf build", "timeout": "5"}'},
        {"arguments_json": '{"command": "rm -rf build"}'},
        {"arguments_json": '{"command": "rm -rf build", "timeout": 5, "x": null}'},
        {"agent": "other"},
        {"agent": None},
        {"agent": ""},
        {"policy": "p2"},
        {"rule": "other"},
        {"cwd": "/home/u"},
        {"cwd": None},
    ],
)
def test_another_call_is_not_approved_by_it(store: Store, other: dict[str, Any]) -> None:
    id, _ = store.ask()
    store.real.grant(id, "maria")
    assert store.ask(**other)[1] == "pending"
    assert store.ask() == (id, "approved")


@pytest.mark.parametrize(
    "same", [{"arguments_json": ' {"timeout":5,\n"command":"rm -rf \\u0062uild"}'}, {"session": "s2"}, {"reason": "another text"}]
)
def test_the_same_call_written_otherwise_is_the_same(store: Store, same: dict[str, Any]) -> None:
    id, _ = store.ask()
    store.real.grant(id, "maria")
    assert store.ask(**same) == (id, "approved")


def test_parts_that_run_into_each_other_are_apart(store: Store) -> None:
    one, _ = store.ask(agent="a", cwd="b")
    assert store.ask(agent="a1:b", cwd=None)[0] != one
    assert store.ask(agent="-", cwd="b")[0] != store.ask(agent=None, cwd="b")[0]
    assert store.ask(agent="b", cwd=None)[0] != store.ask(agent=None, cwd="b")[0]
    assert store.ask(agent="a:", cwd="b")[0] != store.ask(agent="a", cwd=":b")[0]


def test_a_no_holds_until_it_expires(store: Store) -> None:
    id, _ = store.ask(ttl_s=60)
    assert store.real.reject(id, "maria").status is Status.DENIED
    assert store.ask() == (id, "denied")
    store.now += 60 * SECOND
    assert store.ask()[1] == "pending"


def test_what_is_decided_is_not_decided_again(store: Store) -> None:
    id, _ = store.ask()
    store.real.reject(id, "maria")
    with pytest.raises(Settled, match="denied"):
        store.real.grant(id, "the agent")
    assert store.ask() == (id, "denied")


@pytest.mark.parametrize("is_granted", [True, False])
def test_an_approval_expires_to_the_nanosecond(store: Store, is_granted: bool) -> None:
    id, _ = store.ask(ttl_s=60)
    if is_granted:
        store.real.grant(id, "maria")
    store.now += 60 * SECOND - 1
    assert [one.id for one in store.real.pending()] == ([] if is_granted else [id])
    store.now += 1
    assert store.real.pending() == ()
    told = store.real.get(id)
    assert told is not None
    assert told.status is Status.EXPIRED
    with pytest.raises(Settled, match="expired"):
        store.real.grant(id, "maria")
    assert store.ask()[0] != id


def test_a_clock_set_back_by_a_lifetime_ends_an_approval(store: Store) -> None:
    id, _ = store.ask(ttl_s=60)
    store.real.grant(id, "maria")
    store.now -= 60 * SECOND - 1
    assert store.real.cleanup_expired() == 0
    store.now -= 1
    assert store.real.cleanup_expired() == 1
    store.now = NOW
    assert store.ask()[1] == "pending"


def test_expired_ones_are_counted_once(store: Store) -> None:
    for n in range(3):
        store.ask(agent=str(n), ttl_s=60)
    store.ask(ttl_s=600)
    store.now += 60 * SECOND
    assert (store.real.cleanup_expired(), store.real.cleanup_expired()) == (3, 0)


def test_only_so_many_calls_wait(tmp_path: Path) -> None:
    store = Store(tmp_path / "approvals.db", max_pending=3)
    ids = [store.ask(agent=str(n), ttl_s=60)[0] for n in range(3)]
    with pytest.raises(ApprovalsUnavailable, match="3 calls wait"):
        store.ask(agent="one more")
    assert store.ask(agent="1") == (ids[1], "pending")
    store.now += 60 * SECOND
    assert store.ask(agent="one more")[1] == "pending"


def test_the_store_keeps_so_much_of_what_is_over_and_all_that_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path / "approvals.db", max_pending=10**6)
    granted, _ = store.ask(agent="first", ttl_s=10**6)
    store.real.grant(granted, "maria")
    for n in range(HISTORY + 20):
        store.ask(agent=str(n), ttl_s=1)
        store.now += SECOND
    with store.real._database.transaction() as connection:
        (rows,) = connection.execute("SELECT count(*) FROM asked").fetchone()
    assert rows <= HISTORY + 3
    assert store.ask(agent="first") == (granted, "approved")


def test_arguments_are_kept_no_longer_than_they_are_needed(store: Store) -> None:
    secret = "hunter2-" * 20
    for end in ("use", "reject", "expire"):
        id, _ = store.ask(arguments_json=f'{{"password": "{secret}"}}', agent=end)
        match end:
            case "use":
                store.real.grant(id, "maria")
                store.ask(arguments_json=f'{{"password": "{secret}"}}', agent=end)
            case "reject":
                store.real.reject(id, "maria")
            case _:
                store.now += 3600 * SECOND
                store.real.cleanup_expired()
        told = store.real.get(id)
        assert told is not None
        assert told.arguments == ""
    path = Path(store.real._database._given)
    store.real.close()
    assert secret[:16].encode() not in path.read_bytes()


def test_an_id_is_found_by_its_beginning(store: Store) -> None:
    id, _ = store.ask()
    assert store.real.resolve_id(id) == store.real.resolve_id(id[:4]) == id


@pytest.mark.parametrize(
    "prefix", ["", "%", "____", "0", "abc", "zzzz", "' OR 1=1", "0123 ", "\x00\x00\x00\x00", "\udc80" * 4, "abcdé"]
)
def test_what_is_no_beginning_of_an_id_grants_nothing(store: Store, prefix: str) -> None:
    id, _ = store.ask()
    with pytest.raises(KeyError):
        store.real.grant(prefix, "maria")
    assert store.ask() == (id, "pending")


def test_a_beginning_of_three_characters_grants_nothing(store: Store) -> None:
    id, _ = store.ask()
    with pytest.raises(KeyError, match="too short"):
        store.real.grant(id[:3], "maria")
    assert store.ask() == (id, "pending")


def test_a_beginning_of_two_ids_grants_neither(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(("abcdef0000000001", "abcdef0000000002"))
    monkeypatch.setattr("avakill.approvals.store._new_id", lambda: next(ids))
    store.ask(agent="a")
    store.ask(agent="b")
    with pytest.raises(KeyError, match="several"):
        store.real.grant("abcdef", "maria")
    assert store.real.grant("abcdef0000000002", "maria").agent == "b"


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "[]",
        "3",
        "null",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": "\\ud800"}',
        '{"a": "\ud800"}',
        '{"a": ' + "1" * 5000 + "}",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a": "' + "x" * 2_000_000 + '"}',
        '{"a": "' + "é" * 600_000 + '"}',
    ],
    ids=lambda text: text[:20].encode("ascii", "replace").decode(),
)
def test_arguments_that_are_no_plain_json_object_cannot_be_approved(store: Store, arguments: str) -> None:
    with pytest.raises(ApprovalsUnavailable):
        store.ask(arguments_json=arguments)
    assert store.real.pending() == ()


@pytest.mark.parametrize(
    "other",
    [{"tool": "t" * 5000}, {"agent": "\ud800"}, {"ttl_s": 0}, {"ttl_s": -5}, {"ttl_s": 10**12}, {"now_ns": -1}, {"now_ns": 2**63}],
)
def test_other_odd_questions_are_refused(store: Store, other: dict[str, Any]) -> None:
    with pytest.raises(ApprovalsUnavailable):
        store.ask(**other)


def test_an_unknown_id_is_nothing(store: Store) -> None:
    store.ask()
    assert store.real.get("0123456789abcdef") is None
