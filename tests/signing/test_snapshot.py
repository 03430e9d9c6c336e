"""A file that changed is seen to have changed, whatever was set back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from avakill.signing.snapshot import SETTLED, FileSnapshot, take, take_read, take_signed

Change = Callable[[Path], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"deny ")
    return file


def _restored(path: Path) -> None:
    seen = path.stat()
    path.write_bytes(b"allow")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


def _linked(path: Path) -> None:
    aside = path.rename(path.with_name("aside"))
    path.symlink_to(aside)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[str, Change] = {
    "another content of the same size, its time restored": _restored,
    "another file of the same content": _replaced,
    "a link to it": _linked,
    "deleted": lambda path: path.unlink(),
    "longer": lambda path: path.write_bytes(b"deny and more"),
    "writable by all": lambda path: path.chmod(0o666),
    "a folder": _a_folder,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_right_after_is_seen(path: Path, change: Change) -> None:
    seen = take(path)
    assert not seen.changed()
    change(path)
    assert seen.changed()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_a_file_that_had_settled_is_seen(path: Path, change: Change) -> None:
    seen = _settled(take(path))
    assert seen.again() is seen
    change(path)
    assert seen.changed()


def _settled(seen: FileSnapshot) -> FileSnapshot:
    """As if it had been taken long after the file changed."""
    return replace(seen, at=seen.ctime_ns + SETTLED + 1)


def test_a_change_within_one_tick_of_the_clock_is_seen(path: Path) -> None:
    """Equal facts, another content: what a coarse clock shows of two writes in one tick."""
    seen = take(path)
    path.write_bytes(b"allow")
    now = path.stat()
    blind = replace(seen, mtime_ns=now.st_mtime_ns, ctime_ns=now.st_ctime_ns)
    assert blind.changed()


def test_a_file_that_has_settled_is_not_read_again(path: Path) -> None:
    seen = _settled(take(path))
    started = time.perf_counter()
    for _ in range(1000):
        assert not seen.changed()
    assert time.perf_counter() - started < 1


def test_a_snapshot_of_a_young_file_is_renewed(path: Path) -> None:
    seen = take(path)
    renewed = seen.again()
    assert renewed is not None
    assert renewed.at > seen.at


def test_a_file_that_appears_has_changed(tmp_path: Path) -> None:
    missing = take(tmp_path / "x")
    assert not missing.changed()
    (tmp_path / "x").write_bytes(b"")
    assert missing.changed()


def test_what_was_read_before_the_snapshot_counts(path: Path) -> None:
    data = path.read_bytes()
    assert not take_read(path, data).changed()
    path.write_bytes(b"allow")
    assert take_read(path, data).changed()
    assert _settled(take_read(path, data)).changed()


def test_what_changed_is_said(path: Path) -> None:
    seen = FileSnapshot.from_path(path)
    assert seen.verify() == (True, "")
    path.chmod(0o600)
    assert seen.verify() == (False, f"`{path}` is another one than before: ctime_ns, mode differs")
    path.unlink()
    assert seen.verify() == (False, f"`{path}` is gone")


def test_a_copy_with_another_time_of_looking_is_worked_out_anew(path: Path) -> None:
    seen = _settled(take(path))
    assert replace(seen, at=seen.ctime_ns).again() is not seen
    assert replace(seen, size=seen.size + 1).changed()


def test_a_young_file_is_read_until_it_has_settled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = take(path)
    later = seen.ctime_ns + SETTLED + 1
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert seen.again() is not seen
    assert seen.again() is seen
    _restored(path)
    assert seen.changed()


def test_a_new_sidecar_is_a_change_of_the_signed_policy(path: Path) -> None:
    seen = take_signed(path)
    assert not seen.changed()
    path.with_name("policy.yaml.sig").write_text("x")
    assert seen.changed()
