"""What the policy denies is refused by the real kernel on every route tried."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from avakill.enforce.residue import hard_links
from tests.kernel.landlock.jail import DENIED, Jail, do, inside
from tests.kernel.landlock.setup import ALL_FILES, Applied, deny, here, policy


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "project" / "src").mkdir(parents=True)
    (home / "other").mkdir()
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id").write_text("key")
    (home / "project" / "src" / "a.txt").write_text("a")
    (home / "notes.txt").write_text("n")
    return home


@pytest.fixture
def confined(home: Path) -> Applied:
    return here(policy(deny(ALL_FILES, "~/.ssh/**")), home, home / "project")


def test_a_denied_file_is_refused_for_every_operation(home: Path, confined: Applied) -> None:
    key, out = str(home / ".ssh" / "id"), str(home / "project" / "id")
    with Jail(confined.expansion) as jail:
        assert all(jail.refuses(op, key) for op in ("read", "write", "truncate", "read-trunc", "unlink"))
        assert all(jail.refuses(op, str(home / ".ssh")) for op in ("list", "tmpfile", "rmdir"))
        assert all(jail.refuses(op, str(home / ".ssh" / "new")) for op in ("create", "mkdir", "symlink"))
        assert jail.refuses("rename", key, out)
        assert jail.refuses("link", key, out)
    assert (home / ".ssh" / "id").read_text() == "key"


def test_renaming_in_over_and_the_parent_is_refused(home: Path, confined: Applied) -> None:
    a, key = str(home / "project" / "src" / "a.txt"), str(home / ".ssh" / "id")
    with Jail(confined.expansion) as jail:
        assert jail.refuses("rename", a, key)
        assert jail.refuses("rename", a, str(home / ".ssh" / "a"))
        assert jail.refuses("rename", str(home / ".ssh"), str(home / "project" / "ssh"))
        assert jail.refuses("rename", str(home / ".ssh"), str(home / "ssh2"))
        assert jail.refuses("rename", str(home), str(home) + "2")
        assert jail.refuses("link", a, str(home / ".ssh" / "a"))


def test_other_spellings_lead_to_the_same_refusal(home: Path, confined: Applied) -> None:
    key = home / ".ssh" / "id"
    (home / "project" / "lnk").symlink_to(home / ".ssh")
    (home / "project" / "keylnk").symlink_to(key)

    def tries() -> list[int]:
        os.chdir(home / "project")
        found = [do("read", name) for name in ("../.ssh/id", "lnk/id", "keylnk", f"/proc/self/root{key}", "/proc/self/cwd/../.ssh/id")]
        folder = os.open("..", os.O_PATH)
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDONLY | os.O_TRUNC):
            try:
                os.open(".ssh/id", flags, dir_fd=folder)
                found.append(0)
            except OSError as error:
                found.append(error.errno or -1)
        handle = os.open(key, os.O_PATH)
        return [*found, do("read", f"/proc/self/fd/{handle}"), do("write", f"/proc/self/fd/{handle}")]

    assert all(number in DENIED for number in inside(confined.expansion, tries))


def test_a_symlinked_dotfile_directory_is_denied_by_both_names(home: Path) -> None:
    real = home / "dotfiles" / "aws"
    real.mkdir(parents=True)
    (real / "credentials").write_text("secret")
    (home / ".aws").symlink_to(real)
    applied = here(policy(deny(ALL_FILES, "~/.aws/**")), home, home / "project")
    with Jail(applied.expansion) as jail:
        assert jail.refuses("read", str(home / ".aws" / "credentials"))
        assert jail.refuses("read", str(real / "credentials"))
        assert jail.refuses("unlink", str(home / ".aws"))


def test_a_path_that_does_not_exist_yet_cannot_be_made(home: Path) -> None:
    applied = here(policy(deny(ALL_FILES, "~/.gnupg/**")), home, home / "project")
    with Jail(applied.expansion) as jail:
        assert jail.refuses("mkdir", str(home / ".gnupg"))
        assert jail.refuses("rename", str(home / "other"), str(home / ".gnupg"))
        assert jail("create", str(home / "project" / "x")) == 0


def test_children_and_grandchildren_are_held(home: Path, confined: Applied) -> None:
    key = home / ".ssh" / "id"

    def tries() -> list[int]:
        child = subprocess.run(["cat", key], capture_output=True).returncode
        grandchild = subprocess.run(["sh", "-c", f"sh -c 'cat {key}'; sh -c 'echo x > {key}'"], capture_output=True).returncode
        daemon = subprocess.run(["setsid", "sh", "-c", f"cat {key}"], capture_output=True).returncode
        return [child, grandchild, daemon]

    assert all(inside(confined.expansion, tries))


def test_what_is_not_denied_works_and_moves_across_directories_pass(home: Path, confined: Applied) -> None:
    a = str(home / "project" / "src" / "a.txt")
    with Jail(confined.expansion) as jail:
        assert jail("rename", a, str(home / "other" / "b.txt")) == 0
        assert jail("rename", str(home / "other" / "b.txt"), a) == 0
        assert jail("rename", str(home / "project" / "src"), str(home / "other" / "src")) == 0
        assert jail("link", str(home / "other" / "src" / "a.txt"), str(home / "project" / "l")) == 0
        assert jail("write", str(home / "notes.txt")) == 0
        assert jail("tmpfile", str(home / "project")) == 0


def test_what_is_lost_in_a_split_directory_is_lost(home: Path, confined: Applied) -> None:
    with Jail(confined.expansion) as jail:
        assert jail.refuses("create", str(home / "new"))
        assert jail.refuses("unlink", str(home / "notes.txt"))
        assert jail.refuses("list", str(home))


def test_with_only_reading_denied_names_stay_free_and_moves_gain_nothing(home: Path) -> None:
    applied = here(policy(deny(("file_read",), "~/.ssh/**")), home, home / "project")
    with Jail(applied.expansion) as jail:
        assert jail("create", str(home / "new")) == 0
        assert jail("unlink", str(home / "new")) == 0
        assert jail("write", str(home / ".ssh" / "id")) == 0
        assert jail.refuses("rename", str(home / ".ssh"), str(home / "project" / "ssh"))
        assert jail("rename", str(home / "notes.txt"), str(home / "project" / "notes.txt")) == 0
        assert jail("rename", str(home / ".ssh"), str(home / "ssh2")) == 0
        assert jail.refuses("read", str(home / "ssh2" / "id"))


def test_a_file_at_any_depth_is_covered_if_it_exists_and_open_if_it_comes_later(home: Path) -> None:
    (home / "project" / "src" / ".env").write_text("s")
    applied = here(policy(deny(ALL_FILES, "**/.env")), home, home / "project")
    with Jail(applied.expansion) as jail:
        assert jail.refuses("read", str(home / "project" / "src" / ".env"))
        assert jail.refuses("unlink", str(home / "project" / "src" / ".env"))
        assert jail("mkdir", str(home / "other" / "x")) == 0
    fresh = home / "project" / "lib"
    fresh.mkdir()
    applied = here(policy(deny(ALL_FILES, "**/.env")), home, home / "project")
    with Jail(applied.expansion) as jail:
        assert jail("create", str(fresh / ".env")) == 0  # WEAKER, with this witness


def test_a_hole_is_open_and_a_deny_in_it_closed(home: Path) -> None:
    made = policy(deny(ALL_FILES, "~/.ssh/pub/secret/**"), (ALL_FILES, *_allow("~/.ssh/pub/**")), deny(ALL_FILES, "~/.ssh/**"))
    (home / ".ssh" / "pub" / "secret").mkdir(parents=True)
    (home / ".ssh" / "pub" / "free").mkdir()
    (home / ".ssh" / "pub" / "secret" / "s").write_text("s")
    (home / ".ssh" / "pub" / "p").write_text("p")
    applied = here(made, home, home / "project")
    with Jail(applied.expansion) as jail:
        assert jail("read", str(home / ".ssh" / "pub" / "p")) == 0
        assert jail("create", str(home / ".ssh" / "pub" / "free" / "n")) == 0
        assert jail.refuses("read", str(home / ".ssh" / "pub" / "secret" / "s"))
        assert jail.refuses("read", str(home / ".ssh" / "id"))


def _allow(text: str):  # type: ignore[no-untyped-def]
    from tests.kernel.landlock.setup import allow

    return allow(ALL_FILES, text)[1:]


def test_tcp_is_held_by_port_and_udp_is_not(home: Path) -> None:
    applied = here(policy(deny(("web_fetch",))), home, home / "project")
    with Jail(applied.expansion) as jail:
        assert jail.refuses("tcp", "9")
        assert jail("udp", "9") == 0
        assert not jail.refuses("fast-open", "9")  # WEAKER says so: connect() alone is mediated


def test_a_denied_file_with_a_second_link_is_reported(home: Path, confined: Applied) -> None:
    assert list(hard_links(confined.plan, confined.expansion)) == []
    os.link(home / ".ssh" / "id", home / "other" / "leak")
    (found,) = hard_links(confined.plan, confined.expansion)
    assert (found.kind, found.place) == ("hard-link", str(home / ".ssh" / "id"))


def test_mounting_is_refused_inside(home: Path, confined: Applied) -> None:
    def tries() -> int:
        return subprocess.run(["mount", "--bind", home / ".ssh", home / "other"], capture_output=True).returncode

    assert inside(confined.expansion, tries) != 0
