"""Each command does what its help says, with the exit status that scripts rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.cli.command import Place

FIXTURES = Path(__file__).parents[2] / "fixtures" / "policies"
CODING = (FIXTURES / "coding-agent" / "policy.yaml").read_text()
FILES = ["landlock.json", "avakill.sb", "tetragon.yaml", "avakill.te", "avakill.fc", "avakill.apparmor", "seccomp.json"]


@pytest.fixture
def coding(place: Place) -> Place:
    config = place.home / ".config" / "avakill"
    config.mkdir(parents=True)
    (config / "avakill.yaml").write_text(CODING)
    return place


def test_the_version_imports_no_yaml_no_lark_no_jinja2() -> None:
    code = (
        "import sys\nfrom avakill.cli.main import group\n"
        "try:\n    group(['--version'], prog_name='avakill')\nexcept SystemExit:\n    pass\n"
        "print(sorted({'yaml', 'lark', 'jinja2', 're2', 'tree_sitter', 'landlock'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("avakill, version ")
    assert done.stdout.endswith("[]\n")


def test_the_policy_is_found_in_the_users_configuration(coding: Place) -> None:
    ended = coding.run("validate")
    assert ended.status == 0, ended
    assert "Policy is valid: 7 rule(s)" in ended.out


def test_the_policy_of_the_folder_comes_first(coding: Place) -> None:
    coding.write("avakill.yml", 'version: "1.0"\npolicies: []\n')
    assert "Policy is valid: 0 rule(s)" in coding.run("validate").out
    coding.write("avakill.yaml", "nonsense")
    assert coding.run("validate").status == 1


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ({"tool": "Read", "args": {"file_path": "~/.ssh/id_rsa"}}, 2),
        ({"tool": "Read", "args": {"file_path": "src/main.py"}}, 0),
        ({"tool": "Write", "args": {"file_path": "deep/.env.local", "content": "x"}}, 2),
        ({"tool": "Read", "args": {"file_path": ".env.example"}}, 0),
        ({"tool": "Bash", "args": {"command": "git push origin main"}}, 2),
        ({"tool": "Bash", "args": {"command": "ls; rm -rf /"}}, 2),
        ({"tool": "Edit", "args": {"file_path": "/etc/hosts"}}, 2),
        ({"tool": "Edit", "args": {"edits": [{"path": "x"}, {"path": "/usr/../etc/hosts"}]}}, 2),
    ],
)
def test_evaluate_ends_with_the_decision(coding: Place, call: dict[str, object], status: int) -> None:
    ended = coding.run("evaluate", told=json.dumps(call))
    assert ended.status == status, ended


def test_the_answer_names_the_rule_and_its_line(coding: Place) -> None:
    call = json.dumps({"tool": "Read", "args": {"file_path": "~/.ssh/id_rsa"}})
    answer = json.loads(coding.run("evaluate", "--json", told=call).out)
    assert (answer["decision"], answer["rule"], answer["line"]) == ("deny", "no-ssh-keys", 6)
    assert answer["reason"] == "SSH keys are not yours"


def test_explain_says_why_each_earlier_rule_did_not_match(coding: Place) -> None:
    call = json.dumps({"tool": "Read", "args": {"file_path": ".env"}})
    out = coding.run("evaluate", "--explain", told=call).out
    assert "not `no-ssh-keys`" in out
    assert "not `env-example-is-fine`" in out


def test_compile_writes_every_artifact_with_its_map_and_the_report(coding: Place) -> None:
    ended = coding.run("compile", "-o", "out")
    assert ended.status == 0, ended
    out = coding.project / "out"
    assert sorted(p.name for p in out.iterdir()) == sorted([*FILES, *(f"{f}.map.json" for f in FILES), "coverage.json"])
    schema = json.loads((Path(__file__).parents[2] / "docs" / "coverage.schema.json").read_text())
    report = json.loads((out / "coverage.json").read_text())
    jsonschema.validate(report, schema)
    assert "no-recursive-delete" in ended.out
    assert "\x1b[" not in ended.out


def test_the_source_map_leads_back_to_the_rule(coding: Place) -> None:
    coding.run("compile", "-b", "sbpl,apparmor", "-o", "out")
    for name in ("avakill.sb", "avakill.apparmor"):
        lines = (coding.project / "out" / name).read_text().splitlines()
        mapped = json.loads((coding.project / "out" / f"{name}.map.json").read_text())["lines"]
        ssh = [entry for entry in mapped if ".ssh" in lines[entry["line"] - 1]]
        assert ssh
        assert {entry["policy_line"] for entry in ssh} <= {6, 9, 10, 11}


def test_the_same_policy_gives_the_same_bytes(coding: Place) -> None:
    coding.run("compile", "-o", "one")
    coding.run("compile", "-o", "two")
    for path in (coding.project / "one").iterdir():
        assert path.read_bytes() == (coding.project / "two" / path.name).read_bytes()


def test_the_report_is_also_printed_as_json(coding: Place) -> None:
    ended = coding.run("compile", "-b", "seccomp", "-o", "out", "--format", "json")
    assert json.loads(ended.out) == json.loads((coding.project / "out" / "coverage.json").read_text())


def test_colour_is_for_terminals_and_those_who_ask(coding: Place) -> None:
    assert "\x1b[" in coding.run("compile", "-b", "sbpl", "-o", "out", FORCE_COLOR="1").out


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("read", "~/.ssh/id_rsa"), 2, "`no-ssh-keys`"),
        (("read", "README"), 0, "no rule denies it"),
        (("write", "/etc/hosts"), 2, "`system-is-read-only`"),
        (("connect", "example.org:443"), 0, "no rule denies it"),
    ],
)
def test_check_says_what_the_policy_says_and_what_each_target_does(
    coding: Place, words: tuple[str, ...], status: int, told: str
) -> None:
    ended = coding.run("check", *words)
    assert ended.status == status, ended
    assert told in ended.out
    assert all(name in ended.out for name in ("landlock", "apparmor", "selinux", "sbpl", "tetragon", "seccomp"))


def test_check_names_a_wrong_object(coding: Place) -> None:
    assert "AVK5011" in coding.run("check", "connect", "nonsense").err


@pytest.mark.parametrize(
    ("words", "name", "begins"),
    [
        (("enforce", "sandbox", "--output", "p.sb"), "p.sb", "(version 1)"),
        (("enforce", "tetragon", "--output", "t.yaml", "--pod-selector", "app=agent"), "t.yaml", "TracingPolicy"),
        (("harden", "--apparmor", "-o", "p.aa"), "p.aa", "profile"),
        (("harden", "--seccomp", "-o", "s.json"), "s.json", "defaultAction"),
        (("harden", "--selinux", "-o", "m.te"), "m.te", "module avakill"),
    ],
)
def test_one_artifact_can_be_written_alone(coding: Place, words: tuple[str, ...], name: str, begins: str) -> None:
    ended = coding.run(*words)
    assert ended.status == 0, ended
    assert begins in (coding.project / name).read_text()


def test_a_tetragon_policy_for_everybody_is_a_warning(coding: Place) -> None:
    assert "warning[AVK3005]" in coding.run("enforce", "tetragon", "--output", "t.yaml").err
    assert "AVK3005" not in coding.run("enforce", "tetragon", "--output", "t.yaml", "--namespace", "agents").err
    assert "TracingPolicyNamespaced" in (coding.project / "t.yaml").read_text()


def test_the_selinux_module_brings_its_file_contexts(coding: Place) -> None:
    coding.run("harden", "--selinux", "-o", "m.te")
    assert (coding.project / "m.fc").is_file()


def test_init_writes_outside_of_the_project_and_never_over_a_file(place: Place) -> None:
    place.write("requirements.txt", "langchain==1.0\n")
    first = place.run("init")
    assert first.status == 0, first
    assert "found: langchain" in first.out
    assert place.run("validate").status == 0
    second = place.run("init")
    assert second.status == 1
    assert "exists" in second.err


@pytest.mark.parametrize("template", ["default", "strict", "permissive", "hooks", "coding-agent", "data-pipeline", "research-agent"])
def test_every_starter_is_valid_and_compiles(place: Place, template: str) -> None:
    assert place.run("init", "--template", template, "--output", "avakill.yaml").status == 0
    assert place.run("compile", "-o", "out").status == 0


def test_check_hardening_fails_for_a_file_that_anyone_may_write(coding: Place) -> None:
    policy = coding.write("avakill.yaml", CODING)
    policy.chmod(0o666)
    ended = coding.run("check-hardening")
    assert ended.status == 1
    assert "FAIL" in ended.out
    policy.chmod(0o600)
    assert coding.run("check-hardening").status == 0
    assert coding.run("check-hardening", "missing.yaml").status == 1


def test_the_schema_accepts_the_fixtures_and_refuses_nonsense(place: Place) -> None:
    import yaml

    schema = json.loads(place.run("schema").out)
    for path in sorted(FIXTURES.glob("*/policy.yaml")):
        if not path.parent.name.startswith("generated"):
            jsonschema.validate(yaml.safe_load(path.read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"polices": []}, schema)


def test_the_schema_is_also_a_prompt(place: Place) -> None:
    ended = place.run("schema", "--format", "prompt")
    assert ended.status == 0, ended
    assert "default_action" in ended.out


def test_explain_tells_more_of_a_code(place: Place) -> None:
    assert "AVK1002" in place.run("explain", "avk1002").out
    assert place.run("explain", "AVK9999").status == 1


def test_diagnostics_are_also_json_sarif_and_annotations(place: Place) -> None:
    place.write("avakill.yaml", "version: 1.0\npolicies: []\n")
    assert json.loads(place.run("validate", "--diagnostics", "json").out)
    sarif = json.loads(place.run("validate", "--diagnostics", "sarif").out)
    assert sarif["version"] == "2.1.0"
    assert place.run("validate", "--diagnostics", "github").out.startswith("::error file=")
    assert "AVK1102" in place.run("validate", "--diagnostics", "short").err


def test_harden_makes_a_policy_immutable_and_undo_gives_it_back(coding: Place) -> None:
    policy = coding.write("avakill.yaml", CODING)
    hardened = coding.run("harden")
    if hardened.status == 1:
        assert "AVK5010" in hardened.err
        pytest.skip("needs root and a file system with the immutable flag")
    try:
        with pytest.raises(PermissionError):
            policy.write_text("x")
        assert "ok" in coding.run("check-hardening").out.splitlines()[2]
    finally:
        assert coding.run("harden", "--undo").status == 0
    policy.write_text(CODING)


def test_a_flag_of_another_system_is_refused(coding: Place) -> None:
    other = "--schg" if sys.platform.startswith("linux") else "--chattr"
    assert "AVK5008" in coding.run("harden", other).err
