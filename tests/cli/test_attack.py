"""`avakill attack` as a user runs it: what it prints, how it ends, and that Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from avakill.cli.main import group
from avakill.lab import attack as attacks
from avakill.lab.apart import apart
from tests.cli.command import AVAKILL, Place
from tests.conftest import need, need_validator

POLICY = Path("fixtures/policies/coding-agent/policy.yaml")
CACHE = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")}


@pytest.fixture
def user(place: Place) -> Place:
    need(os.geteuid() == 0, "overlays over everything are root's")
    need_validator("gcc")
    for name in ("../.ssh/id_rsa", ".env", "src/main.py"):
        place.write(name, f"the content of {name}")
    (place.home / "policy.yaml").write_text(POLICY.read_text())
    return place


def test_it_says_what_held_and_what_the_report_had_promised(user: Place) -> None:
    done = user.run("attack", "../policy.yaml", "--limit", "200", "--", "sh", **CACHE)
    assert done.status == 0, done.out + done.err
    for text in (
        "attacked landlock + seccomp",
        "no-ssh-keys (line 6): stricter",
        " held: ",
        "leaked, as told: attr",
        "no contradiction",
    ):
        assert text in done.out
    assert f"home {user.home}, workspace {user.project}" in done.out
    assert "`/usr/bin/avakill-prober`, an entry point" in done.out


def test_its_json_has_every_rule_with_its_groups(user: Place) -> None:
    words = ("attack", "--policy", "../policy.yaml", "--layers", "landlock", "--limit", "100", "--format", "json")
    done = user.run(*words, SHELL="/bin/sh", **CACHE)
    told = json.loads(done.out)
    assert (done.status, told["layers"], told["contradictions"], told["trials"]) == (0, ["landlock"], 0, 100)
    assert [rule["rule"] for rule in told["rules"]][::3] == [
        "<self-protection>",
        "no-cloud-credentials",
        "system-is-read-only",
        "<no rule>",
    ]
    assert sum(told["counts"].values()) == 100
    assert done.out == user.run(*words, SHELL="/bin/sh", **CACHE).out


def test_a_contradiction_is_status_1(user: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = attacks.attack
    monkeypatch.setattr(attacks, "attack", lambda asked: whole(asked, lambda expansion, profile: lambda: None))
    monkeypatch.chdir(user.project)
    monkeypatch.setenv("HOME", str(user.home))
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE["XDG_CACHE_HOME"])
    done = CliRunner().invoke(group, ["attack", "../policy.yaml", "--limit", "100"])
    assert done.exit_code == 1
    assert "leaked, CONTRADICTION" in done.stdout
    assert "promised: `no-ssh-keys` is stricter" in done.stdout


def test_without_namespaces_it_ends_with_a_line_and_status_1(user: Place) -> None:
    words = ("attack", "../policy.yaml", "--diagnostics", "short")

    def work() -> tuple[int, str, str]:
        done = subprocess.run(
            ["setpriv", "--bounding-set", "-sys_admin", *AVAKILL, *words],
            cwd=user.project,
            env={**CACHE, "HOME": str(user.home), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    need_validator("setpriv")
    got = apart(work)
    assert got is not None
    status, out, err = got
    assert (status, out) == (1, "")
    assert "no attack was made: no namespace" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("policy.yaml", "--policy", "policy.yaml"), "give the policy once"),
        (("--layers", "apparmor", "../policy.yaml"), "`apparmor` cannot be attacked here"),
        (("missing.yaml",), "missing.yaml"),
        (("one.yaml", "two.yaml"), "two.yaml"),
    ],
)
def test_a_wrong_word_is_refused(user: Place, words: tuple[str, ...], said: str) -> None:
    done = user.run("attack", *words, **CACHE)
    assert done.status in (1, 2)
    assert said in done.err


def children(pid: int) -> list[int]:
    found = [int(word) for task in Path(f"/proc/{pid}/task").glob("*/children") for word in task.read_text().split()]
    return found + [inner for child in found for inner in children(child)]


def test_ctrl_c_leaves_no_process_no_mount_and_no_change(user: Place) -> None:
    def looks() -> dict[str, tuple[int, int, bytes]]:
        files = [path for path in sorted(user.home.rglob("*")) if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) for path in files}

    user.run("attack", "../policy.yaml", "--limit", "10", **CACHE)
    before, mounts = looks(), Path("/proc/self/mountinfo").read_text()
    kept = {"PATH": os.environ["PATH"], "HOME": str(user.home), **CACHE}
    process = subprocess.Popen(
        [*AVAKILL, "attack", "../policy.yaml", "--limit", "0"],
        cwd=user.project,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while len(family := children(process.pid)) < 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        family = children(process.pid) or family
        assert len(family) >= 3
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in family if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    assert process.returncode != 0
    assert looks() == before
    assert Path("/proc/self/mountinfo").read_text() == mounts
