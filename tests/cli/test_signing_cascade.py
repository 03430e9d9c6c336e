"""Policies of several levels, found and shown; and how well a signed policy is protected."""

from __future__ import annotations

import os
from pathlib import Path

from avakill.compiler.cascade import LevelName
from avakill.enforce.cascade import MAX_UP, Place, discover, read_cascade
from avakill.signing.sidecar import write_sidecar
from tests.cli.command import Place as Desk
from tests.cli.test_signing import KEY, SEED, code_of, public_of
from tests.signing.signing import OLD, signed, signed_by_seed

ALLOW = 'version: "1.0"\ndefault_action: allow\npolicies:\n  - {name: NAME, tools: ["file_read"], action: ACTION}\n'


def policy(name: str, action: str = "allow") -> str:
    return ALLOW.replace("NAME", name).replace("ACTION", action)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_every_level_is_found_from_where_we_stand(tmp_path: Path) -> None:
    system = write(tmp_path / "etc" / "policy.yaml", policy("s"))
    users = write(tmp_path / "home" / ".config" / "avakill" / "policy.yaml", policy("g"))
    write(tmp_path / "home" / ".config" / "avakill" / "avakill.yaml", policy("unused"))
    project = write(tmp_path / "home" / "p" / "avakill.yml", policy("p"))
    cwd = tmp_path / "home" / "p" / "a" / "b"
    local = write(cwd / ".avakill" / "policy.local.yaml", policy("l"))
    assert discover(cwd, tmp_path / "home", system) == (
        Place(LevelName.SYSTEM, system),
        Place(LevelName.GLOBAL, users),
        Place(LevelName.PROJECT, project),
        Place(LevelName.LOCAL, local),
    )


def test_the_nearest_project_counts_and_its_folder_first(tmp_path: Path) -> None:
    write(tmp_path / "avakill.yaml", policy("far"))
    near = tmp_path / "a"
    places = []
    for name in ("avakill.yml", "avakill.yaml", ".avakill/policy.yaml"):
        places.append(write(near / name, policy("near")))
        assert discover(near / "b", tmp_path / "none", tmp_path / "none") == (Place(LevelName.PROJECT, places[-1]),)
    deep = tmp_path.joinpath(*["d"] * (MAX_UP + 1))
    assert discover(deep, tmp_path / "none", tmp_path / "none") == ()


def test_where_init_writes_is_the_global_level(tmp_path: Path) -> None:
    users = write(tmp_path / ".config" / "avakill" / "avakill.yaml", policy("g"))
    assert discover(tmp_path, tmp_path, tmp_path / "none") == (Place(LevelName.GLOBAL, users),)


def test_one_file_stands_once(tmp_path: Path) -> None:
    users = write(tmp_path / ".config" / "avakill" / "policy.yaml", policy("g"))
    (tmp_path / "avakill.yaml").symlink_to(users)
    assert discover(tmp_path, tmp_path, tmp_path / "none") == (Place(LevelName.GLOBAL, users),)


def test_a_level_that_cannot_be_read_is_not_left_out(tmp_path: Path) -> None:
    good = Place(LevelName.SYSTEM, write(tmp_path / "good.yaml", policy("g")))
    broken = Place(LevelName.PROJECT, write(tmp_path / "broken.yaml", "policies: 3\n"))
    link = tmp_path / "link.yaml"
    link.symlink_to("nowhere")
    for bad in (broken, Place(LevelName.LOCAL, link), Place(LevelName.LOCAL, tmp_path)):
        read = read_cascade((good, bad), {})
        assert read.cascade is None
        assert "AVK6102" in [str(one.code) for one in read.diagnostics]
    assert discover(tmp_path, tmp_path, link) == (Place(LevelName.SYSTEM, link),)
    assert [str(one.code) for one in read_cascade((), {}).diagnostics] == ["AVK5007"]


def cascade(desk: Desk) -> Desk:
    write(desk.home / ".config" / "avakill" / "policy.yaml", policy("reads"))
    desk.write("avakill.yaml", policy("no-reads", "deny"))
    desk.write(".avakill/policy.local.yaml", policy("asks", "require_approval"))
    return desk


def test_validate_shows_where_each_rule_stands_and_which_never_decides(place: Desk) -> None:
    ended = cascade(place).run("validate", "--cascade", COLUMNS="200")
    assert ended.status == 0, ended
    shown = [line for line in ended.out.split("\n") if line.startswith(("global ", "project ", "local "))]
    rows = {line.split()[2]: line for line in shown}
    assert rows["reads"].endswith(f"never (project denies)  {place.home}/.config/avakill/policy.yaml:4")
    assert rows["no-reads"].endswith(f"{place.project}/avakill.yaml:4")
    assert "never" not in rows["no-reads"]
    assert "never (project denies)" in rows["asks"]
    assert ended.err.count("AVK6101") == 2
    assert "the strictest answer holds" in ended.out
    assert "for each level" in ended.out


def test_validate_fails_when_one_level_is_broken(place: Desk) -> None:
    cascade(place).write(".avakill/policy.local.yaml", "policies: 3\n")
    ended = place.run("validate", "--cascade")
    assert ended.status == 1
    assert "AVK6102" in ended.err
    assert "local" in ended.err


def test_validate_cascade_takes_no_file_and_needs_one_level(place: Desk) -> None:
    assert place.run("validate", "--cascade", "x.yaml").status == 2
    if not os.path.lexists("/etc/avakill/policy.yaml"):
        ended = place.run("validate", "--cascade")
        assert (ended.status, code_of(ended)) == (1, "AVK5007")


def test_validate_says_whether_the_signature_holds(place: Desk) -> None:
    place.write("avakill.yaml", OLD)
    assert "signature" not in place.run("validate").out
    assert "signature: there is no" in place.run("validate", AVAKILL_POLICY_KEY=KEY).out
    place.write("avakill.yaml.sig", write_sidecar(signed(OLD, 4)))
    assert "signature: valid (HMAC-SHA256, counter 4)" in place.run("validate", AVAKILL_POLICY_KEY=KEY).out
    place.write("avakill.yaml", OLD + b"# x\n")
    ended = place.run("validate", AVAKILL_POLICY_KEY=KEY)
    assert "signature: the file is not the one that was signed" in ended.out
    assert ended.status == 0  # the policy itself is valid


def test_hardening_tells_whether_the_signature_holds(place: Desk) -> None:
    def row(**environment: str) -> tuple[int, str]:
        ended = place.run("check-hardening", "avakill.yaml", **environment)
        (line,) = (line for line in ended.out.split("\n") if line.startswith("signature"))
        return ended.status, " ".join(line.split())

    place.write("avakill.yaml", OLD).chmod(0o644)
    assert row() == (0, "signature weak no .sig beside it")
    assert row(AVAKILL_POLICY_KEY=KEY) == (1, "signature FAIL no .sig beside it")
    place.write("avakill.yaml.sig", write_sidecar(signed(OLD, 4)))
    assert row() == (0, "signature weak a .sig is there, and no key to verify it")
    assert row(AVAKILL_POLICY_KEY=KEY) == (0, "signature ok HMAC-SHA256 holds, counter 4")
    assert row(AVAKILL_POLICY_KEY="zz")[0] == 1
    place.write("avakill.yaml.sig", write_sidecar(signed(OLD + b"x", 4)))
    assert row(AVAKILL_POLICY_KEY=KEY)[0] == 1


def test_hardening_tells_when_the_key_that_signs_is_in_reach(place: Desk) -> None:
    place.write("avakill.yaml", OLD)
    place.write("avakill.yaml.sig", write_sidecar(signed_by_seed(OLD, 4)))
    weak = place.run("check-hardening", AVAKILL_SIGNING_KEY=SEED).out
    fine = place.run("check-hardening", AVAKILL_VERIFY_KEY=public_of(SEED)).out
    assert "signing key        weak" in weak
    assert "signing key        ok" in fine
