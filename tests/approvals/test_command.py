"""`avakill approvals` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avakill.approvals.store import ApprovalStore
from avakill.approvals.words import Asked
from tests.cli.command import Ended, Place, new_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return new_place(tmp_path)


@pytest.fixture
def store(place: Place) -> ApprovalStore:
    return ApprovalStore(place.home / ".avakill" / "approvals.db")


def ask(store: ApprovalStore, command: str = "make deploy", agent: str = "coder") -> Asked:
    return store.ask(
        "shell_execute", json.dumps({"command": command}), agent, "s1", "ask-first", "Matched rule 'ask-first'", cwd="/srv"
    )


def assert_complaint(ended: Ended, code: str) -> None:
    assert ended.status == 1, ended
    assert f"error[{code}]" in ended.err
    assert "Traceback" not in ended.err


def test_a_person_sees_a_call_and_lets_it_run_once(place: Place, store: ApprovalStore) -> None:
    id = ask(store).id
    listed = place.run("approvals", "list")
    assert listed.status == 0
    for text in (id, "shell_execute", "coder", "ask-first", '{"command":"make deploy"}', "/srv", "59 min"):
        assert text in listed.out
    granted = place.run("approvals", "grant", id[:6], "--approver", "maria")
    assert (granted.status, granted.out) == (0, f"approved: {id} (shell_execute, by maria)\n")
    assert [str(ask(store).status) for _ in range(2)] == ["approved", "pending"]


def test_a_person_says_no(place: Place, store: ApprovalStore) -> None:
    id = ask(store).id
    assert place.run("approvals", "reject", id).out == f"denied: {id} (shell_execute, by cli-user)\n"
    assert ask(store).status == "denied"


def test_nothing_waits(place: Place, store: ApprovalStore) -> None:
    store.reject(ask(store).id, "maria")
    assert place.run("approvals", "list").out == "no call waits for approval\n"


def test_all_of_it_is_told_as_json(place: Place, store: ApprovalStore) -> None:
    id = ask(store, "x" * 5000).id
    (told,) = json.loads(place.run("approvals", "list", "--json").out)
    assert (told["id"], told["status"], told["arguments"]) == (id, "pending", {"command": "x" * 5000})
    told = json.loads(place.run("approvals", "grant", id, "--json").out)
    assert (told["status"], told["approved_by"], told["policy"]) == ("approved", "cli-user", "ask-first")


def test_arguments_cannot_draw_on_the_terminal(place: Place, store: ApprovalStore) -> None:
    ask(store, "rm -rf /\x1b[2K\x1b[1Amake test\r\u202e", agent="c\x1b]0;x\x07\nfake  1 min")
    for words in (("list",), ("list", "--json")):
        listed = place.run("approvals", *words)
        assert not any(char in listed.out for char in "\x1b\x07\r\u202e\x9b")
        assert "rm -rf /" in listed.out
    assert "\nfake" not in place.run("approvals", "list").out


def test_a_long_call_is_shown_by_both_ends(place: Place, store: ApprovalStore) -> None:
    ask(store, "echo " + "a" * 50_000 + "; rm -rf /")
    listed = place.run("approvals", "list").out
    assert "; rm -rf /" in listed
    assert "characters are not shown" in listed
    assert len(listed) < 5000


def test_without_a_store_there_is_a_complaint_and_none_is_made(place: Place) -> None:
    for words in (("list",), ("grant", "abcd"), ("reject", "abcd"), ("list", "--db", "nowhere.db")):
        assert_complaint(place.run("approvals", *words), "AVK6201")
    assert not (place.home / ".avakill").exists()
    assert not (place.project / "nowhere.db").exists()


def test_an_unknown_id_and_one_that_is_settled_are_complaints(place: Place, store: ApprovalStore) -> None:
    id = ask(store).id
    for wrong in ("0000000000000000", "", "%", "ab", "\x1b[2K"):
        assert_complaint(place.run("approvals", "grant", wrong), "AVK6202")
    store.reject(id, "maria")
    assert_complaint(place.run("approvals", "grant", id), "AVK6203")
    assert ask(store).status == "denied"


def test_a_broken_store_is_a_complaint(place: Place) -> None:
    path = place.write("a.db", b"no database " * 1000)
    path.chmod(0o600)
    assert_complaint(place.run("approvals", "list", "--db", "a.db"), "AVK6204")
