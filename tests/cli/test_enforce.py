"""`avakill enforce` on the kernel that runs the tests: what a user sees and gets."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from avakill.enforce import kernel
from tests.cli.command import Place
from tests.cli.test_commands import CODING, FIXTURES
from tests.conftest import need


@pytest.fixture
def confined(place: Place) -> Place:
    need(kernel.missing() is None, "needs a kernel with Landlock")
    config = place.home / ".config" / "avakill"
    config.mkdir(parents=True)
    (config / "avakill.yaml").write_text(CODING)
    (place.home / ".ssh").mkdir()
    (place.home / ".ssh" / "id").write_text("key")
    return place


def test_what_is_denied_is_refused_and_the_rest_works(confined: Place) -> None:
    ended = confined.run("enforce", "landlock", "--", "sh", "-c", "cat ~/.ssh/id; echo made > file; cat file")
    assert ended.out == "made\n"
    assert "Permission denied" in ended.err


@pytest.mark.parametrize("status", [0, 1, 3, 77])
def test_the_exit_status_is_passed_through(confined: Place, status: int) -> None:
    assert confined.run("enforce", "landlock", "--quiet", "--", "sh", "-c", f"exit {status}").status == status


def test_options_of_the_command_are_its_own(confined: Place) -> None:
    assert confined.run("enforce", "landlock", "--", "echo", "--policy", "x", "-n").out == "--policy x -n\n"


def test_a_command_that_is_not_there_is_127(confined: Place) -> None:
    ended = confined.run("enforce", "landlock", "--", "no-such-program-here")
    assert ended.status == 127
    assert "AVK5010" in ended.err


def test_no_command_is_a_wrong_use(confined: Place) -> None:
    assert confined.run("enforce", "landlock").status == 2


def test_the_dry_run_restricts_nothing_and_reports_in_the_public_format(confined: Place) -> None:
    ended = confined.run("enforce", "landlock", "--dry-run", "--format", "json")
    assert ended.status == 0, ended
    report = json.loads(ended.out)
    schema = json.loads((Path(__file__).parents[2] / "docs" / "coverage.schema.json").read_text())
    jsonschema.validate(report, schema)
    row = next(row for row in report["targets"]["landlock"]["rules"] if row["rule"] == "no-ssh-keys")
    assert row["verdict"] == "stricter"
    places = {lost["place"] for finding in row["findings"] for lost in finding["lost"]}
    assert str(confined.home) in places


def test_the_dry_run_says_it_for_people_too(confined: Place) -> None:
    out = confined.run("enforce", "landlock", "--dry-run").out
    assert "Landlock ABI" in out
    assert "no-ssh-keys" in out


def test_a_second_name_of_a_denied_file_is_reported_before_the_start(confined: Place) -> None:
    (confined.project / "second-name").hardlink_to(confined.home / ".ssh" / "id")
    assert "hard-link" in confined.run("enforce", "landlock", "--", "true").err


def test_auto_stacks_seccomp_and_refuses_the_network_whole(confined: Place) -> None:
    policy = str(FIXTURES / "shape-web-fetch" / "policy.yaml")
    code = """if True:
        import socket
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                socket.socket(socket.AF_INET, kind)
                print("open")
            except PermissionError:
                print("refused")
    """
    ended = confined.run("enforce", "auto", "--policy", policy, "--", sys.executable, "-c", code)
    assert ended.out == "refused\nrefused\n"
    assert "confined by landlock + seccomp" in ended.err


def test_auto_says_what_stays_open(confined: Place) -> None:
    ended = confined.run("enforce", "auto", "--", "true")
    assert ended.status == 0, ended
    assert "`no-recursive-delete`" in ended.err
