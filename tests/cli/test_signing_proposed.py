"""Agents propose, people approve: review shows, approve replaces, and a kill in between breaks nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from avakill.signing.keys import Keys
from avakill.signing.load import Status, load_verified
from tests.cli.command import Place
from tests.cli.test_signing import KEY, code_of
from tests.signing.signing import MAC, NEW, OLD, compiles

ACTIVE = """version: "1.0"
default_action: deny
policies:
  - name: reads
    tools: ["file_read"]
    action: allow
  - name: keys
    tools: ["file_write"]
    action: deny
    conditions: {path_match: {path: ["~/.ssh/**"]}}
  - name: gone
    tools: ["web_fetch"]
    action: allow
"""
PROPOSED = """version: "1.0"
default_action: deny
policies:
  - name: keys
    tools: ["file_write"]
    action: allow
    conditions: {path_match: {path: ["~/.ssh/**"]}}
  - name: reads
    tools: ["file_read"]
    action: allow
  - name: git
    tools: ["shell_execute"]
    action: allow
    conditions: {command_allowlist: ["git"]}
"""


def proposed(place: Place) -> Place:
    place.write("avakill.yaml", ACTIVE)
    place.write("avakill.proposed.yaml", PROPOSED)
    return place


def active(place: Place) -> str:
    return (place.project / "avakill.yaml").read_text()


def test_review_shows_what_changes_and_writes_nothing(place: Place) -> None:
    ended = proposed(place).run("review", "avakill.proposed.yaml")
    assert ended.status == 0, ended
    for line in (
        "+ `git` (line 11): allow shell_execute",
        "- `gone` (line 11): allow web_fetch",
        "~ `keys`: deny → allow (line 4): action differs",
        "tried in another order: `keys`, `reads`",
        'shell_execute {"command": "git"}: deny → allow',
        'file_write {"path": "~/.ssh"}: deny → allow',
        'web_fetch {"url": "https://example.org/"}: allow → deny',
        "avakill approve avakill.proposed.yaml",
    ):
        assert line in ended.out, ended.out
    assert active(place) == ACTIVE
    assert sorted(path.name for path in place.project.iterdir()) == [".git", "avakill.proposed.yaml", "avakill.yaml"]


def test_review_of_a_policy_with_errors_fails(place: Place) -> None:
    proposed(place).write("avakill.proposed.yaml", "policies: 3\n")
    ended = place.run("review", "avakill.proposed.yaml")
    assert (ended.status, code_of(ended)) == (1, "AVK1102")


def test_review_of_a_first_policy(place: Place) -> None:
    place.write("avakill.proposed.yaml", PROPOSED)
    ended = place.run("review", "avakill.proposed.yaml")
    assert ended.status == 0
    assert "every rule is new" in ended.out


def test_review_of_the_same_rules(place: Place) -> None:
    proposed(place).write("avakill.proposed.yaml", "# a comment\n" + ACTIVE)
    assert "no rule changes" in place.run("review", "avakill.proposed.yaml").out


def test_approve_asks_first(place: Place) -> None:
    ended = proposed(place).run("approve", "avakill.proposed.yaml", told="n\n")
    assert (ended.status, active(place)) == (0, ACTIVE)
    assert "~ `keys`: deny → allow" in ended.out
    assert proposed(place).run("approve", "avakill.proposed.yaml").status == 1  # nobody answers
    assert active(place) == ACTIVE
    ended = place.run("approve", "avakill.proposed.yaml", told="y\n")
    assert (ended.status, active(place)) == (0, PROPOSED)


def test_approve_keeps_the_old_policy(place: Place) -> None:
    proposed(place)
    (place.project / "avakill.yaml").chmod(0o640)
    ended = place.run("approve", "avakill.proposed.yaml", "--yes")
    assert ended.status == 0, ended
    assert active(place) == PROPOSED
    assert (place.project / "avakill.yaml.bak").read_text() == ACTIVE
    assert (place.project / "avakill.yaml").stat().st_mode & 0o777 == 0o640
    assert place.run("approve", "avakill.proposed.yaml", "--yes").status == 0
    assert (place.project / "avakill.yaml.bak").read_text() == ACTIVE


def test_approve_signs_where_there_is_a_key(place: Place) -> None:
    ended = proposed(place).run("approve", "avakill.proposed.yaml", "-y", AVAKILL_POLICY_KEY=KEY)
    assert "Signed with HMAC-SHA256, counter 1" in ended.out
    assert place.run("verify", "avakill.yaml", AVAKILL_POLICY_KEY=KEY).status == 0


def test_approve_says_when_nobody_can_sign(place: Place) -> None:
    proposed(place).write("avakill.yaml.sig", "x")
    ended = place.run("approve", "avakill.proposed.yaml", "-y")
    assert (ended.status, code_of(ended)) == (0, "AVK6004")


def test_approve_refuses_a_link_a_folder_and_itself(place: Place) -> None:
    proposed(place)
    (place.project / "link.yaml").symlink_to("avakill.yaml")
    (place.project / "folder.yaml").mkdir()
    for target in ("link.yaml", "folder.yaml", "avakill.proposed.yaml"):
        ended = place.run("approve", "avakill.proposed.yaml", "-y", "--target", target)
        assert (ended.status, code_of(ended)) == (1, "AVK6009"), ended
    assert active(place) == ACTIVE
    assert (place.project / "link.yaml").is_symlink()


def test_approve_refuses_a_proposed_link(place: Place) -> None:
    proposed(place)
    (place.project / "l.proposed.yaml").symlink_to("avakill.proposed.yaml")
    assert place.run("approve", "l.proposed.yaml", "-y").status == 1
    assert active(place) == ACTIVE


def test_approve_with_errors_or_a_bad_key_leaves_all_as_it_was(place: Place) -> None:
    proposed(place)
    assert place.run("approve", "avakill.proposed.yaml", "-y", AVAKILL_POLICY_KEY="zz").status == 1
    place.write("avakill.proposed.yaml", "policies: 3\n")
    assert place.run("approve", "avakill.proposed.yaml", "-y").status == 1
    assert active(place) == ACTIVE
    assert not (place.project / "avakill.yaml.bak").exists()


LOOP = """
import sys
from pathlib import Path
from avakill.cli.main import group
home = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for name in ("a.proposed.yaml", "b.proposed.yaml"):
        try:
            group(["approve", str(home / name), "--target", str(home / "avakill.yaml"), "-y", "--state", str(home / "signer")])
        except SystemExit as end:
            assert not end.code
"""


def test_killed_anywhere_the_policy_is_whole_and_the_guard_has_one(tmp_path: Path) -> None:
    (tmp_path / "a.proposed.yaml").write_bytes(OLD)
    (tmp_path / "b.proposed.yaml").write_bytes(NEW)
    policy, state = tmp_path / "avakill.yaml", tmp_path / "state"
    drawn = random.Random(7)
    seen = set()
    for turn in range(12):
        words = [sys.executable, "-c", LOOP, str(tmp_path)]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), "HOME": str(tmp_path), "AVAKILL_POLICY_KEY": KEY}
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, cwd=tmp_path) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            pause = 0.3 if turn == 0 else drawn.random() * 0.2
            until = time.monotonic() + pause
            while time.monotonic() < until or not policy.with_name("avakill.yaml.sig").exists():
                os.read(child.stdout.fileno(), 65536)
            child.send_signal(signal.SIGKILL)
        assert policy.read_bytes() in (OLD, NEW)
        backup = policy.with_name("avakill.yaml.bak")
        assert not backup.exists() or backup.read_bytes() in (OLD, NEW)
        loaded = load_verified(policy, Keys(mac=MAC), state, compiles)
        seen.add(loaded.status)
        assert loaded.data in (OLD, NEW) or turn == 0, loaded
    assert Status.VERIFIED in seen
