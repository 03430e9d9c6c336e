"""A policy that was tampered with is never used: the last good one is, or none."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from avakill.signing import state
from avakill.signing.keys import NO_KEYS, Keys
from avakill.signing.load import Loaded, Status, load_verified
from avakill.signing.sidecar import write_sidecar
from avakill.signing.sign import sign_plainly
from avakill.signing.state import HIGHEST, KEPT, LOCK
from avakill.signing.words import Refused
from avakill.source import codes
from tests.signing.signing import (
    MAC,
    NEW,
    OLD,
    OTHER_MAC,
    WITH_MAC,
    WITH_PUBLIC,
    Desk,
    compiles,
    policy,
    signed,
    signed_by_seed,
)

Tamper = Callable[[Desk], object]


def test_without_a_key_the_file_is_used_as_it_is(desk: Desk) -> None:
    desk.path.write_bytes(OLD)
    assert desk.load(NO_KEYS) == Loaded(OLD, Status.UNSIGNED)
    assert not desk.state.exists()


def test_a_signed_policy_is_used(desk: Desk) -> None:
    desk.put(OLD, signed(OLD, 7))
    assert desk.load() == Loaded(OLD, Status.VERIFIED, 7)


def test_an_ed25519_signature_needs_the_public_key_only(desk: Desk) -> None:
    desk.put(OLD, signed_by_seed(OLD, 3))
    assert desk.load(WITH_PUBLIC) == Loaded(OLD, Status.VERIFIED, 3)
    assert desk.load(WITH_MAC).status is Status.DENY_ALL


def test_what_was_not_signed_is_not_used_even_at_first(desk: Desk) -> None:
    desk.path.write_bytes(OLD)
    loaded = desk.load()
    assert (loaded.data, loaded.status) == (None, Status.DENY_ALL)
    assert "no `.sig`" in loaded.why


def test_a_key_that_cannot_be_read_denies(desk: Desk) -> None:
    desk.put(OLD, signed(OLD))
    loaded = load_verified(desk.path, Refused(codes.BAD_KEY, "`AVAKILL_POLICY_KEY` is not hexadecimal text"), desk.state, compiles)
    assert loaded.status is Status.DENY_ALL


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _link(path: Path, aside: Path) -> None:
    """The very same bytes, behind a link."""
    path.rename(aside)
    path.symlink_to(aside)


def _a_folder(desk: Desk) -> None:
    desk.path.unlink()
    desk.path.mkdir()


def _a_pipe(desk: Desk) -> None:
    desk.path.unlink()
    os.mkfifo(desk.path)


def _same_size_and_time(desk: Desk) -> None:
    seen = desk.path.stat()
    desk.path.write_bytes(desk.path.read_bytes().replace(b"deny", b"soft"))
    os.utime(desk.path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


FILE_TAMPERS: dict[str, Tamper] = {
    "one bit of the policy": lambda desk: _flip(desk.path),
    "one bit of the signature": lambda desk: _flip(desk.sidecar),
    "same size and time": _same_size_and_time,
    "the policy deleted": lambda desk: desk.path.unlink(),
    "the signature deleted": lambda desk: desk.sidecar.unlink(),
    "the signature empty": lambda desk: desk.sidecar.write_bytes(b""),
    "the signature of another key": lambda desk: desk.put(NEW, signed(NEW, 9, OTHER_MAC)),
    "the signature of another policy": lambda desk: desk.path.write_bytes(NEW),
    "a link swapped in": lambda desk: _link(desk.path, desk.folder / "aside"),
    "a link instead of the signature": lambda desk: _link(desk.sidecar, desk.folder / "aside"),
    "a folder": _a_folder,
    "a pipe": _a_pipe,
    "unreadable text, validly signed": lambda desk: desk.put(b"\xff", signed(b"\xff", 9)),
    "no policy, validly signed": lambda desk: desk.put(b"policies: 3", signed(b"policies: 3", 9)),
    "a huge file": lambda desk: os.truncate(desk.path, 1 << 40),
    "a huge signature": lambda desk: os.truncate(desk.sidecar, 1 << 30),
}


@pytest.mark.parametrize("tamper", FILE_TAMPERS.values(), ids=FILE_TAMPERS.keys())
def test_a_policy_that_was_tampered_with_gives_the_last_good_one(desk: Desk, tamper: Tamper) -> None:
    desk.put(OLD, signed(OLD, 7))
    desk.load()
    tamper(desk)
    loaded = desk.load()
    assert (loaded.data, loaded.status, loaded.counter) == (OLD, Status.LAST_KNOWN_GOOD, 7)
    assert loaded.why


@pytest.mark.parametrize("tamper", FILE_TAMPERS.values(), ids=FILE_TAMPERS.keys())
def test_and_where_none_is_remembered_nothing_is_allowed(desk: Desk, tamper: Tamper) -> None:
    desk.put(OLD, signed(OLD, 7))
    desk.load()
    shutil.rmtree(desk.state)
    tamper(desk)
    assert desk.load().status is Status.DENY_ALL


def _forge_kept(desk: Desk) -> None:
    kept = desk.remembered(KEPT)
    kept.write_bytes(kept.read_bytes().replace(b"deny", b"allow"))


def _older_kept(desk: Desk) -> None:
    """What the attacker saved of the state when an older policy was in use."""
    desk.remembered(KEPT).write_bytes(write_sidecar(signed(OLD, 3)) + b"\0" + OLD)
    desk.path.unlink()


STATE_TAMPERS: dict[str, Tamper] = {
    "the remembered policy changed": _forge_kept,
    "the remembered policy cut": lambda desk: os.truncate(desk.remembered(KEPT), 40),
    "the remembered policy empty": lambda desk: os.truncate(desk.remembered(KEPT), 0),
    "the counter changed": lambda desk: desk.remembered(HIGHEST).write_bytes(write_sidecar(signed(OLD, 1, OTHER_MAC))),
    "the counter broken": lambda desk: desk.remembered(HIGHEST).write_bytes(b"1"),
    "the remembered policy an older one": _older_kept,
    "the remembered policy writable by all": lambda desk: desk.remembered(KEPT).chmod(0o666),
    "the folder writable by all": lambda desk: desk.remembered(KEPT).parent.chmod(0o777),
    "the remembered policy a link": lambda desk: _link(desk.remembered(KEPT), desk.folder / "aside"),
}


@pytest.mark.parametrize("tamper", STATE_TAMPERS.values(), ids=STATE_TAMPERS.keys())
def test_a_memory_that_was_tampered_with_is_not_trusted(desk: Desk, tamper: Tamper) -> None:
    desk.put(OLD, signed(OLD, 7))
    desk.load()
    tamper(desk)
    loaded = desk.load()
    assert (loaded.data, loaded.status) == (None, Status.DENY_ALL)
    assert loaded.why


def test_an_older_signed_policy_is_refused(desk: Desk) -> None:
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    desk.put(OLD, signed(OLD, 7))
    loaded = desk.load()
    assert (loaded.data, loaded.status, loaded.counter) == (NEW, Status.LAST_KNOWN_GOOD, 8)
    assert "counter is 7" in loaded.why


def test_the_counter_survives_the_loss_of_the_remembered_policy(desk: Desk) -> None:
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    desk.remembered(KEPT).unlink()
    desk.put(OLD, signed(OLD, 7))
    assert desk.load().status is Status.DENY_ALL


def test_the_caller_remembers_a_counter_when_the_folder_is_gone(desk: Desk) -> None:
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    shutil.rmtree(desk.state)
    desk.put(OLD, signed(OLD, 7))
    assert desk.load(at_least=8).status is Status.DENY_ALL
    assert desk.load().status is Status.VERIFIED  # which docs/signing.md says


def test_two_policies_with_one_counter_are_not_both_right(desk: Desk) -> None:
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    desk.put(OLD, signed(OLD, 8))
    assert desk.load().data == NEW
    desk.put(NEW, signed(NEW, 8))
    assert desk.load().status is Status.VERIFIED


def test_a_newer_one_is_used_and_becomes_the_last_good_one(desk: Desk) -> None:
    desk.put(OLD, signed(OLD, 7))
    desk.load()
    desk.put(NEW, signed(NEW, 8))
    assert desk.load() == Loaded(NEW, Status.VERIFIED, 8)
    desk.path.unlink()
    assert desk.load().data == NEW


def test_a_plain_signature_says_that_it_has_no_counter(desk: Desk) -> None:
    desk.path.write_bytes(OLD)
    desk.sidecar.write_bytes(write_sidecar(sign_plainly(OLD, MAC)))
    loaded = desk.load()
    assert (loaded.status, loaded.counter) == (Status.VERIFIED, None)
    assert "no counter" in loaded.why


def test_a_plain_signature_is_refused_once_a_counter_was_seen(desk: Desk) -> None:
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    desk.path.write_bytes(OLD)
    desk.sidecar.write_bytes(write_sidecar(sign_plainly(OLD, MAC)))
    loaded = desk.load()
    assert (loaded.data, loaded.status) == (NEW, Status.LAST_KNOWN_GOOD)


def test_a_signed_value_binds_the_policy_to_it(desk: Desk) -> None:
    text = OLD.replace(b"}", b', conditions: {path_match: {path: ["${HOME_OF}/x"]}}}')
    desk.put(text, signed(text, 1, values={"HOME_OF": "/srv"}))
    assert desk.load(environ={"HOME_OF": "/srv"}).status is Status.VERIFIED
    assert "HOME_OF" in desk.load(environ={"HOME_OF": "/tmp"}).why
    assert desk.load(environ={"HOME_OF": "/tmp"}).status is Status.DENY_ALL
    assert desk.load(environ={}).status is Status.DENY_ALL
    assert desk.load(environ={"HOME_OF": "/srv"}).status is Status.VERIFIED


def test_another_key_starts_anew(desk: Desk) -> None:
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    desk.put(OLD, signed(OLD, 1, OTHER_MAC))
    assert desk.load(Keys(mac=OTHER_MAC)) == Loaded(OLD, Status.VERIFIED, 1)
    assert desk.load(WITH_MAC).data == NEW


def test_a_folder_that_cannot_be_made_is_said(desk: Desk) -> None:
    desk.put(OLD, signed(OLD))
    desk.state.write_text("a file in the way")
    loaded = desk.load()
    assert (loaded.data, loaded.status) == (OLD, Status.VERIFIED)
    assert "cannot be remembered" in loaded.why
    desk.sidecar.unlink()
    assert desk.load().status is Status.DENY_ALL


@pytest.mark.parametrize("how", ["the lock is held", "the folder cannot be written"])
def test_a_memory_that_cannot_be_written_still_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(state, "MAX_WAIT", 0.05)
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    folder = desk.remembered(KEPT).parent
    desk.put(OLD, signed(OLD, 7))
    with (folder / LOCK).open("r+b") as held:
        if how == "the lock is held":
            fcntl.flock(held, fcntl.LOCK_EX)
        else:
            (folder / LOCK).unlink()
            (folder / LOCK).mkdir()
        assert (desk.load().data, desk.load().status) == (NEW, Status.LAST_KNOWN_GOOD)
        desk.put(policy("newer"), signed(policy("newer"), 9))
        loaded = desk.load()
        assert (loaded.data, loaded.status, loaded.counter) == (policy("newer"), Status.VERIFIED, 9)
        assert "cannot be remembered" in loaded.why


def test_a_folder_above_that_all_can_write_is_not_trusted(desk: Desk) -> None:
    desk.put(NEW, signed(NEW, 8))
    desk.load()
    desk.state.chmod(0o777)
    assert desk.load().status is Status.DENY_ALL


def test_what_is_remembered_is_for_nobody_else_to_read(desk: Desk) -> None:
    desk.put(policy("x"), signed(policy("x")))
    desk.load()
    assert desk.remembered(KEPT).stat().st_mode & 0o777 == 0o600
    assert desk.remembered(KEPT).parent.stat().st_mode & 0o777 == 0o700
