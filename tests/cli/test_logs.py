"""`avakill logs`, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from avakill.audit.trail import Trail
from tests.audit.help import START, change, python, record, recorded
from tests.cli.command import AVAKILL, Place

KEY = "6b" * 32


@pytest.fixture
def folder(place: Place) -> Path:
    """A store of four events at its default place."""
    folder = place.home / ".avakill"
    old = record(0)
    new = record(0, at=time.time_ns(), tool="shell_execute", agent="codex", session="s-2", allowed=True, action="allow")
    recorded(folder, old, old._replace(at=START + 5_000_000_000), new, new._replace(allowed=False, action="deny"))
    return folder


def test_a_table_of_the_newest_first(place: Place, folder: Path) -> None:
    ended = place.run("logs", COLUMNS="120")
    assert ended.status == 0
    lines = ended.out.splitlines()
    assert lines[0].split() == ["time", "(UTC)", "tool", "action", "rule", "agent", "arguments"]
    assert [line.split()[2:6] for line in lines[2:]] == [
        ["shell_execute", "deny", "no-writes", "codex"],
        ["shell_execute", "allow", "no-writes", "codex"],
        ["file_write", "deny", "no-writes", "claude"],
        ["file_write", "deny", "no-writes", "claude"],
    ]
    assert "\x1b[" not in ended.out
    assert "\x1b[31mdeny" in place.run("logs", FORCE_COLOR="1").out


def test_json_has_the_keys_of_the_interface(place: Place, folder: Path) -> None:
    told = json.loads(place.run("logs", "--json", "--limit", "1").out)
    assert len(told) == 1
    keys = {"id", "timestamp", "tool", "arguments", "action", "allowed", "policy", "reason", "agent_id", "session_id", "latency_ms"}
    assert keys <= set(told[0])
    assert told[0]["arguments"] == {"path": "/srv/0"}


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--tool", "file_*"), 2),
        (("--tool", "shell_execute"), 2),
        (("--denied-only",), 3),
        (("--agent", "codex"), 2),
        (("--session", "s-1"), 2),
        (("--since", "1h"), 2),
        (("--since", "30m", "--denied-only"), 1),
        (("--since", "2023-11-14T22:13:22Z"), 3),
        (("--limit", "3"), 3),
        (("--limit", "0"), 0),
    ],
)
def test_filters(place: Place, folder: Path, words: tuple[str, ...], count: int) -> None:
    assert len(json.loads(place.run("logs", "--json", *words).out)) == count


def test_nothing_in_a_name_reaches_the_terminal(place: Place) -> None:
    recorded(place.home / ".avakill", record(1, tool="a\x1b[2Jb", agent="c\nd", arguments={"x": "\x1b]0;t\x07"}))
    ended = place.run("logs")
    assert "\x1b" not in ended.out
    assert len(ended.out.splitlines()) == 3


def test_no_store_is_one_diagnostic(place: Place) -> None:
    for words in (("logs",), ("logs", "tail"), ("logs", "verify"), ("logs", "export"), ("logs", "prune", "--older-than", "1d")):
        ended = place.run(*words)
        assert ended.status == 1
        assert "error[AVK6301]" in ended.err
        assert "Traceback" not in ended.err
    assert not (place.home / ".avakill").exists()


def test_a_store_that_is_none_is_one_diagnostic(place: Place) -> None:
    place.write("x.db", b"not a database " * 100)
    for words in (("logs",), ("logs", "verify"), ("logs", "export"), ("logs", "prune", "--older-than", "1d")):
        ended = place.run(*words, "--db", "x.db")
        assert (ended.status, "Traceback" in ended.err) == (1, False), words
        assert "error[AVK6302]" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("logs", "--since", "yesterday"),
        ("logs", "--since", "999999999w"),
        ("logs", "prune", "--older-than", "x"),
        ("logs", "verify", "--anchor", "5"),
        ("logs", "verify", "--key-file", "no-such-file"),
    ],
)
def test_an_option_that_cannot_be_read_is_one_diagnostic(place: Place, folder: Path, words: tuple[str, ...]) -> None:
    ended = place.run(*words)
    assert ended.status == 1
    assert "error[AVK6304]" in ended.err
    assert "Traceback" not in ended.err


def test_verify_says_which_row_was_edited(place: Place, folder: Path) -> None:
    sound = place.run("logs", "verify")
    assert sound.status == 0
    anchor = sound.out.split()[-1]
    assert place.run("logs", "verify", "--anchor", anchor).status == 0
    change(folder, "UPDATE events SET decision_allowed = 1 WHERE sequence = 2")
    ended = place.run("logs", "verify")
    assert ended.status == 1
    assert "error[AVK6303]: row 2" in ended.err
    told = json.loads(place.run("logs", "verify", "--json").out)
    assert (told["sound"], told["faults"][0]["row"]) == (False, 2)
    assert "AVK6303" in place.run("logs", "prune", "--older-than", "1d").err


def test_a_keyed_store_needs_its_key(place: Place) -> None:
    recorded(place.home / ".avakill", record(), key=bytes.fromhex(KEY))
    assert "error[AVK6302]" in place.run("logs", "verify").err
    assert "sealed with the key" in place.run("logs", "verify", AVAKILL_AUDIT_KEY=KEY).out
    place.write("key", KEY + "\n")
    assert place.run("logs", "verify", "--key-file", "key").status == 0
    assert "AVK6302" in place.run("logs", "verify", AVAKILL_AUDIT_KEY="00" * 32).err


def test_prune_leaves_a_store_that_verifies(place: Place, folder: Path) -> None:
    assert place.run("logs", "prune", "--older-than", "30d").out == "2 events removed\n"
    assert "2 rows follow from each other, 2 removed by retention" in place.run("logs", "verify").out


def test_exports(place: Place, folder: Path) -> None:
    told = json.loads(place.run("logs", "export").out)
    assert [one["sequence"] for one in told] == [1, 2, 3, 4]
    assert place.run("logs", "export", "-o", "out.json", "--tool", "file_*").status == 0
    assert len(json.loads((place.project / "out.json").read_text())) == 2
    assert (place.project / "out.json").stat().st_mode & 0o777 == 0o600
    pytest.importorskip("opentelemetry.sdk.trace")
    spans = [json.loads(line) for line in place.run("logs", "export", "--format", "otel").out.splitlines()]
    assert [span["attributes"]["avakill.tool"] for span in spans] == ["file_write", "file_write", "shell_execute", "shell_execute"]
    assert "AVK5002" in place.run("logs", "export", "-o", "no/such/folder").err


def test_what_a_killed_process_recorded_is_shown(place: Place) -> None:
    folder = place.home / ".avakill"
    text = """
import os, sys
from avakill.audit.trail import Trail
from tests.audit.help import record
trail = Trail(sys.argv[1])
trail._writer.wake = lambda: None
print(*(trail.record(record(i)) for i in range(7)), flush=True)
os.kill(os.getpid(), 9)
"""
    process = python(text, folder)
    ids = process.communicate(timeout=60)[0].split()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "audit.db").exists()
    assert [one["id"] for one in json.loads(place.run("logs", "--json").out)] == ids[::-1]


def test_tail_shows_what_comes(place: Place, folder: Path) -> None:
    environment = {**os.environ, "HOME": str(place.home)}
    process = subprocess.Popen(
        [*AVAKILL, "logs", "tail", "-n", "1", "--json"], cwd=place.project, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["action"] == "deny"
        with Trail(folder) as trail:
            id_ = trail.record(record(0, at=int(datetime.now(UTC).timestamp()) * 1_000_000_000))
        assert json.loads(process.stdout.readline())["id"] == id_
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert process.returncode in (1, 130)
