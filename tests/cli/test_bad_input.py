"""Bad input gets one diagnostic with its place and exit status 1, never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.command import Ended, Place

GOOD = """version: "1.0"
default_action: allow
policies:
  - {name: r, tools: ["file_*"], action: deny, conditions: {path_match: {path: ["/srv"]}}}
"""
LEVELS = "bcdefghij"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]\n" for below, name in zip("a" + LEVELS, LEVELS, strict=False)
)
BAD: dict[str, str | bytes] = {
    "broken YAML": "version: [",
    "NUL bytes": GOOD.replace("/srv", "/s\0rv"),
    "invalid UTF-8": GOOD.encode().replace(b"/srv", b"/s\xffrv"),
    "a YAML bomb": BOMB,
    "10 MB of nesting": "[" * 10_000_000,
    "a deep mapping": "a: " + "{a: " * 5000,
    "duplicate keys": GOOD + 'version: "1.0"\n',
    "unknown keys": GOOD + "polices: []\n",
    "wrong types": GOOD.replace('["file_*"]', "3"),
    "a bad glob": GOOD.replace("/srv", "/srv/[a"),
    "a bad regex": GOOD.replace('conditions: {path_match: {path: ["/srv"]}}', "when: 'path matches \"(\"'"),
    "a bad expression": GOOD.replace('conditions: {path_match: {path: ["/srv"]}}', "when: 'path =='"),
    "an unset variable": GOOD.replace("/srv", "${NO_SUCH_VARIABLE_HERE}"),
    "a tag": GOOD.replace('"/srv"', '!!python/object:os.system "/srv"'),
    "a cyclic alias": "version: &a [*a]\n",
    "an empty file": "",
    "two documents": GOOD + "---\n" + GOOD,
    "a list": "- a\n",
    "a number as version": GOOD.replace('"1.0"', "1.0"),
    "an empty list": GOOD.replace('["/srv"]', "[]"),
    "no policies": 'version: "1.0"\n',
    "a bad window": GOOD.replace("action: deny,", 'action: deny, rate_limit: {max_calls: 0, window: "1x"},'),
}


def assert_one_clear_complaint(ended: Ended, status: int = 1) -> None:
    assert ended.status == status, ended
    assert "Traceback" not in ended.err + ended.out
    assert "error[AVK" in ended.err


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_policy_is_a_diagnostic(place: Place, kind: str) -> None:
    path = place.write("avakill.yaml", BAD[kind])
    ended = place.run("validate")
    assert_one_clear_complaint(ended)
    assert f"--> {path.name}:" in ended.err


@pytest.mark.parametrize("command", [["compile", "-o", "out"], ["check", "read", "/x"], ["enforce", "landlock", "--dry-run"]])
def test_every_command_says_it_alike(place: Place, command: list[str]) -> None:
    place.write("avakill.yaml", BAD["unknown keys"])
    ended = place.run(*command)
    assert_one_clear_complaint(ended)
    assert "did you mean `policies`" in ended.err
    assert not (place.project / "out").exists()


def test_several_mistakes_are_told_in_one_run(place: Place) -> None:
    place.write("avakill.yaml", GOOD.replace("action: deny", "action: dney").replace("file_*", "") + "nonsense: 1\n")
    ended = place.run("validate")
    assert ended.err.count("error[AVK") >= 2


def test_a_missing_policy_is_said(place: Place) -> None:
    assert_one_clear_complaint(place.run("validate"))
    assert_one_clear_complaint(place.run("validate", "nowhere.yaml"))


def test_a_folder_is_no_policy(place: Place) -> None:
    assert_one_clear_complaint(place.run("validate", "."))


def test_an_unknown_backend_is_said_with_the_nearest(place: Place) -> None:
    place.write("avakill.yaml", GOOD)
    ended = place.run("compile", "-b", "landlok", "-o", "out")
    assert_one_clear_complaint(ended)
    assert "did you mean `landlock`" in ended.err


def test_an_output_that_cannot_be_written_leaves_nothing(place: Place) -> None:
    place.write("avakill.yaml", GOOD)
    place.write("file", "x")
    assert_one_clear_complaint(place.run("compile", "-o", "file"))
    (place.project / "out" / "coverage.json").mkdir(parents=True)
    ended = place.run("compile", "-o", "out")
    assert_one_clear_complaint(ended)
    assert sorted(os.listdir(place.project / "out")) == ["coverage.json"]


def test_a_rule_that_is_not_enforced_as_required_writes_nothing(place: Place) -> None:
    place.write("avakill.yaml", GOOD.replace("action: deny,", "action: deny, require: exact,"))
    ended = place.run("compile", "-b", "landlock", "-o", "out")
    assert_one_clear_complaint(ended)
    assert "AVK5003" in ended.err
    assert not (place.project / "out").exists()


@pytest.mark.parametrize("call", ["", "{", "[]", '{"args": {}}', '{"tool": 3}', '{"tool": "x", "args": []}', '{"tool":"a","tool":"b"}'])
def test_a_call_that_cannot_be_read_is_status_1(place: Place, call: str) -> None:
    place.write("avakill.yaml", GOOD)
    assert_one_clear_complaint(place.run("evaluate", told=call))


def test_a_seccomp_base_that_is_no_profile_is_said(place: Place) -> None:
    place.write("avakill.yaml", GOOD)
    base = place.write("base.json", "[1]")
    assert_one_clear_complaint(place.run("compile", "-o", "out", "--base", base.name))
    assert_one_clear_complaint(place.run("compile", "-o", "out", "--base", "missing.json"))
    wrong = place.write("wrong.json", '{"defaultAction": "SCMP_ACT_NOPE"}')
    assert_one_clear_complaint(place.run("compile", "-o", "out", "--base", wrong.name))


def test_a_policy_with_nothing_to_lower_is_no_error(place: Place) -> None:
    place.write("avakill.yaml", 'version: "1.0"\npolicies: []\n')
    ended = place.run("compile", "-o", "out")
    assert ended.status == 0, ended
    assert "warning[AVK3002]" in ended.err
    assert len(list((place.project / "out").glob("*.map.json"))) == 7


def test_a_broken_plug_in_does_not_stop_the_others(place: Place, tmp_path: Path) -> None:
    info = tmp_path / "plug" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[avakill.backends]\nbroken = no_such_module_here:BACKEND\n")
    ended = place.run("backends", PYTHONPATH=str(tmp_path / "plug"))
    assert ended.status == 0, ended
    assert "AVK5005" in ended.err
    assert "landlock" in ended.out


def test_two_backends_of_one_name_are_said(place: Place, tmp_path: Path) -> None:
    info = tmp_path / "plug" / "twice-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: twice\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[avakill.backends]\nlandlock = elsewhere:BACKEND\n")
    assert "AVK5006" in place.run("backends", PYTHONPATH=str(tmp_path / "plug")).err


def test_a_command_that_does_not_exist_suggests_one(place: Place) -> None:
    ended = place.run("complie")
    assert ended.status == 2
    assert "`compile`" in ended.err
