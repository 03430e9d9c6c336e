"""An attack over this machine's own files: the sandbox does what its report says, and nothing of the user's changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from ctypes import CDLL
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from avakill.backends.landlock.expand import Expansion
from avakill.backends.registry import find
from avakill.compiler.compile import compile_policy, read_source
from avakill.enforce.probe import probe_target
from avakill.lab import calls
from avakill.lab.apart import apart
from avakill.lab.attack import LAYERS, Asked, Attacked, attack, put_on
from avakill.lab.attack_report import Came, came, sections, to_json
from avakill.lab.build import build
from avakill.lab.footing import world_here
from avakill.lab.overlay import lay, mount_points, over_this_machine
from avakill.lab.stage import PROBER, enter_namespaces
from avakill.lab.together import compare_together
from avakill.lab.words import Answer, Confine, LabFault, Mark, World
from avakill.source.file import SourceFile
from tests.conftest import need, need_validator

POLICY = Path("fixtures/policies/coding-agent/policy.yaml")
NOBODY = 65534
PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class Home:
    """A user's files, outside of any temporary directory that only root may enter."""

    path: Path

    @property
    def project(self) -> Path:
        return self.path / "project"

    def asked(self, text: str | None = None, layers: tuple[str, ...] = LAYERS, limit: int = 300) -> Asked:
        place = self.path / "policy.yaml"
        place.write_text(POLICY.read_text() if text is None else text)
        environ = {"HOME": str(self.path), "PATH": os.environ["PATH"]}
        source = read_source(place.read_bytes(), str(place))
        assert isinstance(source, SourceFile)
        policy = compile_policy(source, environ).policy
        assert policy is not None
        target = probe_target(policy, str(place), ("sh",), environ, str(self.project))
        return Asked(policy, target, find(layers).backends, limit=limit)

    def looks(self) -> dict[str, tuple[object, ...]]:
        """Everything below it, with what a change would change."""
        found: dict[str, tuple[object, ...]] = {}
        for path in sorted(self.path.rglob("*")):
            seen = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = (seen.st_mode, seen.st_uid, seen.st_ino, seen.st_nlink, seen.st_mtime_ns, content)
        return found


@pytest.fixture
def home() -> Iterator[Home]:
    need(os.geteuid() == 0, "overlays over everything are root's")
    need_validator("gcc")
    path = Path(tempfile.mkdtemp(prefix="avakill-home-"))
    home = Home(path)
    for name in (".ssh/id_rsa", ".aws/credentials", "project/.env", "project/.env.example", "project/sub/.env", "project/a.py"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(f"the content of {name}")
    (home.project / ".git").mkdir()
    (home.project / "link").symlink_to(path / ".ssh" / "id_rsa")
    path.chmod(0o755)
    yield home
    shutil.rmtree(path)


def words(attacked: Attacked) -> list[str]:
    return [f"{result.mark} {result.trial.asks[0]} {result.trial.door} {result.sentence}" for result in attacked.contradictions]


def test_the_sandbox_of_a_coding_agent_does_what_its_report_says(home: Home) -> None:
    attacked = attack(home.asked(limit=600))
    assert words(attacked) == []
    counted = {what: sum(came(result) is what for result in attacked.results) for what in Came}
    assert counted[Came.HELD] > 100
    assert counted[Came.OPEN] > 100
    assert all(result.mark is not Mark.NONE for result in attacked.results)
    objects = {result.trial.asks[0].object for result in attacked.results}
    for denied in (home.path / ".ssh", home.path / "project/.env"):
        assert any(Path(seen).is_relative_to(denied) for seen in objects), denied


def test_nothing_of_the_user_changes_and_nothing_is_left(home: Home) -> None:
    asked = home.asked()
    build()
    before, mounts = home.looks(), Path("/proc/self/mountinfo").read_text()
    attack(asked)
    assert home.looks() == before
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert not os.path.lexists(PROBER)


def weakened(expansion: Expansion | None, profile: bytes | None) -> Confine:
    """A sandbox with a hole that no report tells of: all may be done below the home."""
    assert expansion is not None
    whole = next(grant for grant in expansion.grants if grant.directory)
    home = min((split.path for split in expansion.splits if "avakill-home-" in split.path), key=len)
    return put_on(replace(expansion, grants=(*expansion.grants, replace(whole, path=home, rights=expansion.handled))), profile)


def test_a_hole_in_the_sandbox_is_a_leak(home: Home) -> None:
    attacked = attack(home.asked(), weakened)
    leaks = [result for result in attacked.contradictions if result.mark is Mark.LEAK]
    assert leaks
    assert all(result.outcome.answer is Answer.DONE and result.sentence for result in leaks)
    assert {"no-ssh-keys", "no-cloud-credentials"} <= {
        section.name for section in sections(attacked) if any(group.told == "CONTRADICTION" for group in section.groups)
    }
    assert to_json(attacked)["contradictions"] == len(attacked.contradictions)


def nothing_at_all(expansion: Expansion | None, profile: bytes | None) -> Confine:
    return lambda: None


def test_no_sandbox_at_all_leaks_everything_that_was_promised(home: Home) -> None:
    attacked = attack(home.asked(limit=200), nothing_at_all)
    assert len([result for result in attacked.results if result.mark is Mark.LEAK]) > 20
    assert not [result for result in attacked.results if came(result) is Came.OVER_DENIED]


def test_mounts_of_the_policy_get_overlays_of_their_own(home: Home) -> None:
    """A home on a tmpfs with a second one in it: each has its files replaced, none changes."""

    def work() -> tuple[int, list[str], bool]:
        calls.unshare(calls.CLONE_NEWNS)
        calls.mount(b"none", b"/", b"", calls.MS_REC | calls.MS_PRIVATE)
        calls.mount(b"own", os.fsencode(home.path), b"tmpfs", 0, b"mode=0755")
        (home.path / ".ssh").mkdir()
        calls.mount(b"keys", os.fsencode(home.path / ".ssh"), b"tmpfs", 0, b"mode=0700")
        key = home.path / ".ssh" / "id_rsa"
        key.write_text("the key")
        home.project.mkdir()
        asked = home.asked(limit=600)
        before = home.looks()
        attacked = attack(asked)
        shut = str(home.path / ".ssh")
        held = [r for r in attacked.results if came(r) is Came.HELD and r.trial.asks[0].object.startswith(shut)]
        return len(held), words(attacked), home.looks() == before

    got = apart(work)
    assert got is not None
    held, wrong, unchanged = got
    assert held > 10
    assert wrong == []
    assert unchanged


def test_an_ordinary_user_can_attack_where_users_may_make_namespaces(home: Home) -> None:
    asked = home.asked()
    cache = home.path / "cache"
    cache.mkdir()
    attack(home.asked(limit=10))  # everything is imported while it can be read
    for path in (home.path, *home.path.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def work() -> tuple[list[str], dict[str, int]]:
        os.environ["XDG_CACHE_HOME"] = str(cache)
        os.setgroups(())
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after an exec: its files in /proc are its own
        before = {name: seen for name, seen in home.looks().items() if "/cache" not in name}
        attacked = attack(asked)
        assert {name: seen for name, seen in home.looks().items() if "/cache" not in name} == before
        return words(attacked), to_json(attacked)["counts"]

    try:
        got = apart(work)
    except LabFault as fault:
        need("namespace" not in fault.reason, "users may make namespaces")
        raise
    assert got is not None
    wrong, counted = got
    assert wrong == []
    assert counted["held"] > 50
    assert counted["open"] > 50


def test_where_nothing_can_be_laid_over_it_says_so_and_changes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, real = home.asked(), calls.mount
    before = home.looks()

    def refuse(source: bytes, target: bytes, kind: bytes, flags: int = 0, data: bytes = b"") -> None:
        if kind == b"overlay":
            raise OSError(19, "No such device")
        real(source, target, kind, flags, data)

    monkeypatch.setattr(calls, "mount", refuse)
    with pytest.raises(LabFault, match="cannot be laid over: No such device"):
        attack(asked)
    assert home.looks() == before


def test_what_a_trial_spoiled_is_laid_again(home: Home) -> None:
    key = f"{home.path}/.ssh/id_rsa"
    world = World(frozenset({"/", f"{home.path}/.ssh"}), frozenset({key}))
    base = Path(tempfile.mkdtemp(prefix="avakill-base-"))

    def work() -> tuple[bytes, bytes, bool]:
        enter_namespaces(network=False)
        overlay = over_this_machine(base, world, b"prober", b"tiny")
        lay(overlay)
        planted = Path(key).read_bytes()
        shutil.rmtree(Path(key).parent)
        overlay.lay_again()
        return planted, Path(key).read_bytes(), overlay.world == world

    try:
        assert apart(work) == (b"tiny", b"tiny", True)
    finally:
        base.rmdir()
    assert Path(key).read_text() == "the content of .ssh/id_rsa"


def test_mount_points_are_read_with_their_odd_names(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text("1 0 8:1 / / rw - ext4 d rw\n2 1 8:2 / /a\\040b rw - ext4 d rw\n3 2 8:3 / /a\\040b/c\\134d rw - ext4 d rw\n")
    assert list(mount_points(str(table))) == [b"a b", b"a b/c\\d"]


def test_a_world_is_tried_by_the_real_names_of_its_paths(home: Home) -> None:
    (home.path / "elsewhere").mkdir()
    (home.path / "short").symlink_to(home.path / "elsewhere")
    fifo = home.path / "fifo"
    os.mkfifo(fifo)
    paths = frozenset({f"{home.path}/short/in", str(fifo), f"{home.path}/.ssh", "/home/agent/notes.txt", "/dev/sda"})
    world = world_here(World(frozenset({"/"}), paths), home.asked().target, ())
    assert f"{home.path}/elsewhere/in" in world.files
    assert f"{home.path}/.ssh" in world.directories
    assert not {str(fifo), f"{home.path}/short/in", "/home/agent/notes.txt", "/dev/sda"} & {*world.files, *world.directories}


def test_layers_together_leak_only_what_each_has_told_and_lose_what_any_has(home: Home) -> None:
    alone = attack(home.asked(layers=("seccomp",), limit=200))
    both = attack(home.asked(limit=200))
    assert words(alone) == words(both) == []
    leaked = {what: sum(came(r) is Came.LEAKED for r in one.results) for what, one in (("alone", alone), ("both", both))}
    assert leaked["alone"] > leaked["both"] > 0
    assert compare_together((), World(frozenset(), frozenset()), (), ()) == ()
