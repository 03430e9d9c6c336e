"""A trial's effect is looked at, and then nothing of it is left, whatever the trial was."""

from __future__ import annotations

import os
import resource
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation as Op
from avakill.lab import subject
from avakill.lab.confine import nothing
from avakill.lab.stage import Stage, is_below, lay_again
from avakill.lab.supervise import Seen, Side, on_stage, run_case
from avakill.lab.tiny import tiny_program
from avakill.lab.words import Answer, Case, Confine, LabFault, Trial, World
from tests.lab.bench import DIRECTORIES, FILES, WORLD, host, numbered, prober, run, trial, trials_in, under_landlock, unlayered


def stage(world: World = WORLD) -> Stage:
    base = prober().parent / "stage"
    base.mkdir(exist_ok=True)
    return Stage(base, world, prober().read_bytes(), tiny_program(), special)


def special(root: Path) -> None:
    """An object of each kind with an owner, a mode, labels and times that nobody gets by chance."""
    for number, path in enumerate(sorted((*DIRECTORIES, *FILES))):
        place = root / path[1:]
        os.chown(place, 1000 + number, 2000 + number)
        os.chmod(place, 0o4755)
        os.setxattr(place, "security.avakill", str(number).encode())
        os.setxattr(place, "trusted.label", b"kept")
        os.utime(place, ns=(5, number))


Picture = dict[str, tuple[object, ...]]


def picture() -> Picture:
    """All that stands in the root: kind, mode, owner, labels, content, second links, inode, and times of files."""
    return dict(_seen("."))


def _seen(folder: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    for entry in os.scandir(folder):
        info = entry.stat(follow_symlinks=False)
        labels = tuple((name, os.getxattr(entry.path, name)) for name in sorted(os.listxattr(entry.path, follow_symlinks=False)))
        if stat.S_ISDIR(info.st_mode):
            yield entry.path, (info.st_mode, info.st_uid, info.st_gid, labels)
            yield from _seen(entry.path)
        else:
            content = Path(entry.path).read_bytes() if stat.S_ISREG(info.st_mode) else b""
            yield entry.path, (info.st_mode, info.st_uid, info.st_gid, labels, info.st_ino, info.st_nlink, info.st_mtime_ns, content)


def after_each(trials: tuple[Trial, ...]) -> list[tuple[Trial, Seen, Picture, Picture]]:
    """Each trial with what came of it and the root before and after it."""

    def work() -> list[tuple[Trial, Seen, Picture, Picture]]:
        pictures = [picture()]
        found = []
        for one, (_, seen) in zip(trials, Side(stage(), nothing, False).run(trials, {}), strict=True):
            pictures.append(picture())
            found.append((one, seen, pictures[-2], pictures[-1]))
        return found

    got = on_stage(stage(), True, work)
    assert got is not None
    return got


def test_the_world_is_as_it_was_after_every_door() -> None:
    trials = tuple(one for one in trials_in("/srv/open") if not one.door.startswith(("inherited", "loader")))
    results = after_each(trials)
    assert [(each.door, each.route) for each, seen, _, _ in results if not seen.is_done] == []
    assert [(each.door, each.route) for each, _, before, after in results if before != after] == []


def test_what_is_replaced_comes_back_with_its_labels_and_links() -> None:
    trials = numbered(
        trial("rename", Op.RENAME, "/srv/open/a", "/srv/open/c", replaces=True),
        trial("rename", Op.RENAME, "/srv/open/d", "/srv/open/e", directory=True, replaces=True),
        trial("exchange", Op.RENAME, "/srv/open/a", "/srv/open/d"),
        trial("rename", Op.RENAME, "/srv/open/d", "/srv/secret/d2", directory=True),
    )
    for each, seen, before, after in after_each(trials):
        assert seen.is_done, each
        assert after == before, each


def test_second_links_are_kept() -> None:
    world = World(frozenset({"/w"}), frozenset({"/w/a"}), (("/w/b", "/w/a"),))
    trials = numbered(
        trial("unlink", Op.UNLINK, "/w/a"),
        trial("open-write", Op.WRITE, "/w/b"),
        trial("rename", Op.RENAME, "/w/b", "/w/c"),
        trial("open-read", Op.READ, "/w/b"),
    )
    assert [outcome.answer for outcome in run(under_landlock(trials, "/srv/secret", world=world))] == [Answer.DONE] * 4


def test_a_spoiled_world_is_laid_again() -> None:
    def work() -> tuple[Picture, Picture]:
        place = stage()
        before = picture()
        for path in (Path("srv/open/a"), Path("dev/null"), Path("usr/bin/avakill-prober")):
            path.unlink()
        Path("proc/left").write_text("over")
        Path("new").mkdir()
        lay_again(place)
        return before, picture()

    got = on_stage(stage(), False, work)
    assert got is not None
    before, after = got
    assert {path: node[:4] for path, node in after.items()} == {path: node[:4] for path, node in before.items()}


def test_what_fails_without_a_layer_is_moot() -> None:
    trials = numbered(
        trial("open-read", Op.READ, "/srv/open/not-there"),
        trial("mkdir", Op.MKDIR, "/srv/open/d"),
        trial("rmdir", Op.RMDIR, "/srv/open", directory=True),
    )
    outcomes = run(under_landlock(trials, "/srv/open"))
    assert [(outcome.answer, outcome.errno) for outcome in outcomes] == [
        (Answer.MOOT, "ENOENT"),
        (Answer.MOOT, "EEXIST"),
        (Answer.MOOT, "ENOTEMPTY"),
    ]


def test_a_moved_directory_is_looked_into_before_it_is_moved_back() -> None:
    inside = (Probe(Op.READ, "/srv/moved/f"), Probe(Op.UNLINK, "/srv/moved/f"), Probe(Op.READ, "/srv/moved/none"))
    world = World(frozenset({"/srv/d"}), frozenset({"/srv/d/f"}))
    move = trial("rename", Op.RENAME, "/srv/d", "/srv/moved", directory=True, follow=inside)
    read = trial("open-read", Op.READ, "/srv/d/f")
    moved, kept = run(unlayered(numbered(move, read), world))
    assert (moved.answer, moved.follow) == (Answer.DONE, (True, True, False))
    assert kept.answer is Answer.DONE


def test_a_grant_by_inode_survives_what_the_trials_do() -> None:
    """Landlock grants the files and directories beside a denied one one by one: they must stay the same objects."""
    trials = numbered(
        trial("open-read", Op.READ, "/srv/open/a"),
        trial("rename", Op.RENAME, "/srv/open/d/f", "/srv/open/e/f"),
        trial("unlink", Op.UNLINK, "/srv/open/d/f"),
        trial("rmdir", Op.RMDIR, "/srv/open/e/sub", directory=True),
        trial("open-create", Op.CREATE, "/srv/open/e/new"),
        trial("open-read", Op.READ, "/srv/open/d/f"),
        trial("open-read", Op.READ, "/srv/open/a"),
    )
    world = World(DIRECTORIES | {"/srv/open/e/sub"}, FILES | {"/srv/open/d/f"})
    outcomes = run(under_landlock(trials, "/srv/open/c", world=world))
    assert {outcome.answer for outcome in outcomes} == {Answer.DONE}


def test_below_is_by_whole_names() -> None:
    assert is_below(b"a/b", b"a")
    assert is_below(b"a", b"a")
    assert is_below(b"a", b".")
    assert not is_below(b"ab", b"a")


def test_what_is_removed_while_its_parent_is_moved_away_is_known_again() -> None:
    world = World(DIRECTORIES | {"/srv/open/d/sub"}, FILES)
    inside = (Probe(Op.RMDIR, "/srv/open/e/moved/sub", directory=True),)
    trials = numbered(
        trial("rename", Op.RENAME, "/srv/open/d", "/srv/open/e/moved", directory=True, follow=inside),
        trial("mknod", Op.CREATE, "/srv/open/d/sub/new"),
    )
    moved, made = run(under_landlock(trials, "/srv/open/d/x", "/srv/secret", world=world))
    assert moved.answer is Answer.REFUSED  # /srv/open/d is split, so it cannot be moved
    assert made.answer is Answer.DONE
    moved, made = run(under_landlock(trials, "/srv/secret", world=world))
    assert (moved.answer, moved.follow, made.answer) == (Answer.DONE, (True,), Answer.DONE)


def test_without_the_layer_put_on_afresh_a_remade_directory_would_be_lost_to_it() -> None:
    """Why `BY_INODE` is there: the removed directory has its grant by inode."""
    trials = numbered(
        trial("mknod", Op.CREATE, "/srv/open/e/new"),
        trial("rename", Op.RENAME, "/srv/open/d/sub", "/srv/open/e", directory=True, replaces=True),
        trial("mknod", Op.CREATE, "/srv/open/e/new"),
    )
    world = World(DIRECTORIES | {"/srv/open/d/sub"}, FILES)
    first, _, last = run(under_landlock(trials, "/srv/open/c", world=world))
    assert (first.answer, last.answer) == (Answer.DONE, Answer.DONE)


# -- layers that kill, lie or hang --


def filtered(name: str) -> Case:
    """A case whose layer a test brings itself."""
    return Case(name, "test", WORLD, numbered(trial("unlink", Op.UNLINK, "/srv/open/a"), trial("chmod", Op.ATTR, "/srv/open/a")))


def seccomp(action: str, *names: str) -> Confine:
    import pyseccomp

    def put_on() -> None:
        filter_ = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        kinds = {"kill": pyseccomp.KILL_PROCESS, "lie": pyseccomp.ERRNO(0), "refuse": pyseccomp.ERRNO(1)}
        for name in names:
            filter_.add_rule(kinds[action], name)
        filter_.load()

    return put_on


def test_a_killed_process_is_told_by_its_signal() -> None:
    first, second = run_case(filtered("kill"), seccomp("kill", "unlinkat"), prober())
    assert (first.answer, first.errno) == (Answer.KILLED, "SIGSYS")
    assert second.answer is Answer.DONE


def test_a_killed_process_leaves_no_core() -> None:
    def work() -> tuple[Picture, Picture, list[Seen]]:
        resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        before = picture()
        seen = dict(Side(stage(), seccomp("kill", "unlinkat"), False).run(filtered("kill").trials[:1], {}))
        return before, picture(), list(seen.values())

    got = on_stage(stage(), False, work)
    assert got is not None
    before, after, (seen,) = got
    assert seen.said is not None
    assert (seen.said.name, after.keys()) == ("SIGSYS", before.keys())


def test_what_succeeds_and_has_no_effect_is_silent() -> None:
    first, second = run_case(filtered("lie"), seccomp("lie", "unlinkat", "fchmodat"), prober())
    assert (first.answer, second.answer) == (Answer.SILENT, Answer.SILENT)


def test_a_prober_that_the_layer_does_not_start_gives_no_answer() -> None:
    outcomes = run_case(filtered("refuse"), seccomp("refuse", "execve"), prober())
    assert [(each.answer, each.errno) for each in outcomes] == [(Answer.NONE, "the prober could not start: EPERM")] * 2


def test_a_prober_that_stays_silent_is_ended_and_the_next_trial_gets_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "PATIENCE", 0.5)
    import pyseccomp

    def put_on() -> None:
        filter_ = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        filter_.add_rule(pyseccomp.KILL_PROCESS, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, 0xFF, 17))
        filter_.load()

    assert {each.answer for each in run_case(filtered("kill"), put_on, prober())} == {Answer.NONE}


def test_a_trial_without_an_answer_is_made_once_more() -> None:
    """The first prober under the layer dies at its first fork, the second one does not."""
    import pyseccomp

    with tempfile.TemporaryFile() as seen:

        def put_on() -> None:
            if os.fstat(seen.fileno()).st_size == 0:
                os.write(seen.fileno(), b"once")
                filter_ = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
                filter_.add_rule(pyseccomp.KILL_PROCESS, "clone")
                filter_.load()

        assert [each.answer for each in run_case(filtered("once"), put_on, prober())] == [Answer.DONE] * 2


def test_a_supervisor_that_dies_gives_no_answer() -> None:
    def die(root: Path) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
        os._exit(9)  # the first process of a namespace does not hear its own signals

    outcomes = run_case(filtered("dies"), nothing, prober(), die)
    assert [(each.answer, each.errno) for each in outcomes] == [(Answer.NONE, "the supervisor died twice")] * 2


def test_a_layer_that_cannot_be_put_on_is_a_fault() -> None:
    def put_on() -> None:
        raise LabFault("there is none", "bring one")

    with pytest.raises(LabFault, match="there is none") as caught:
        run_case(filtered("none"), put_on, prober())
    assert caught.value.help == "bring one"


def test_a_bug_of_ours_is_a_fault_and_not_an_answer() -> None:
    def put_on() -> None:
        raise ValueError("a bug")

    with pytest.raises(LabFault, match="ValueError"):
        run_case(filtered("none"), put_on, prober())


def test_descriptors_from_before_stay_open_as_the_facts_say() -> None:
    trials = numbered(
        trial("inherited-read", Op.READ, "/srv/secret/a"),
        trial("inherited-write", Op.WRITE, "/srv/secret/a"),
        trial("inherited-reopen", Op.READ, "/srv/secret/a"),
        trial("exec", Op.EXEC, "/srv/open/a"),
    )
    outcomes = run(under_landlock(trials, "/srv/secret"))
    assert [each.answer for each in outcomes] == [Answer.DONE, Answer.DONE, Answer.REFUSED, Answer.DONE]


def test_a_case_that_denies_everything_still_answers() -> None:
    trials = numbered(trial("open-read", Op.READ, "/srv/open/a"), trial("chmod", Op.ATTR, "/srv/open/a"))
    outcomes = run(under_landlock(trials, "/"))
    assert len(outcomes) == 2
    assert outcomes[0].answer in (Answer.REFUSED, Answer.NONE)
    assert host().prober.exists()
