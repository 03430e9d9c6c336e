"""What is remembered of a signed policy: its last good text with its signature, and the highest counter seen.

Everything here is signed by whoever signed the policy, so it cannot be made up; it can be deleted by whoever may write
the folder, and then the counter is forgotten (docs/signing.md).
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from avakill.signing.files import MAX_POLICY, distrust, read_once, replace_file, sync_folder, told
from avakill.signing.keys import Keys, key_ids
from avakill.signing.sidecar import MAX_BYTES, read_sidecar, write_sidecar
from avakill.signing.verify import authenticate, read_signed
from avakill.signing.words import AnySignature, Refused, counter_of
from avakill.source import codes

MAX_WAIT = 5.0
"""How many seconds a load waits for others; one takes milliseconds."""

KEPT, HIGHEST, LOCK = "last-known-good", "highest.sig", "lock"


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy that was good, with its signature, verified again."""

    data: bytes
    signature: AnySignature
    sidecar: bytes


@dataclass(frozen=True, slots=True)
class Memory:
    kept: Kept | None = None
    counter: int | None = None


def default_state_dir() -> Path:
    return Path("~/.avakill/signing").expanduser()


def folder_of(state_dir: Path, path: Path, keys: Keys) -> Path:
    """The folder of one policy under these keys; with other keys, what was remembered does not count."""
    place = os.path.join(os.path.realpath(path.parent), path.name)
    ids = " ".join(f"{algorithm}:{key}" for algorithm, key in key_ids(keys))
    return state_dir / hashlib.sha256(f"{ids}\0{place}".encode("utf-8", "surrogateescape")).hexdigest()[:32]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone among processes; the folder is made when missing. Raises OSError, also where others hold on to the lock."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    with suppress(ImportError):
        import fcntl

        until = time.monotonic() + MAX_WAIT
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise OSError(errno.EWOULDBLOCK, "another process holds its lock") from None
            time.sleep(0.005)


def recall(folder: Path, keys: Keys) -> Memory | Refused:
    """What is remembered; Refused where something is there that cannot be trusted."""
    try:
        if not os.path.lexists(folder):
            return Memory()
        why = distrust(folder.parent) or distrust(folder)
        if why:
            return _broken(why)
        kept = _recall_kept(folder / KEPT, keys)
        highest = _recall_highest(folder / HIGHEST, keys)
    except OSError as fault:
        return _broken(f"`{folder}`: {told(fault)}")
    if isinstance(kept, Refused):
        return kept
    if isinstance(highest, Refused):
        return highest
    counters = [counter for counter in (highest, counter_of(kept.signature) if kept else None) if counter is not None]
    return Memory(kept, max(counters, default=None))


def _recall_kept(path: Path, keys: Keys) -> Kept | Refused | None:
    data = _read_ours(path, MAX_POLICY + MAX_BYTES)
    if data is None or isinstance(data, Refused):
        return data
    sidecar, _, policy = data.partition(b"\0")
    signature = authenticate(policy, sidecar, keys)
    if isinstance(signature, Refused):
        return _broken(f"`{path}`: {signature.why}")
    return Kept(policy, signature, sidecar)


def _recall_highest(path: Path, keys: Keys) -> int | Refused | None:
    data = _read_ours(path, MAX_BYTES)
    if data is None or isinstance(data, Refused):
        return data
    signature = read_signed(data, keys)
    return _broken(f"`{path}` is not signed with this key") if signature is None else signature.counter


def _read_ours(path: Path, limit: int) -> bytes | Refused | None:
    try:
        why = distrust(path)
        return _broken(why) if why else read_once(path, limit)
    except FileNotFoundError:
        return None


def _broken(why: str) -> Refused:
    return Refused(codes.BAD_STATE, f"what was remembered of the policy was tampered with: {why}", "look at it, then remove the folder")


def remember(folder: Path, kept: Kept, before: Memory) -> None:
    """Keep a verified policy as the last known good. Raises OSError."""
    has_counter = counter_of(kept.signature) is not None
    is_kept = before.kept is not None and (before.kept.data, before.kept.sidecar) == (kept.data, kept.sidecar)
    if is_kept and ((folder / HIGHEST).exists() or not has_counter):
        return
    sidecar = write_sidecar(kept.signature)
    if has_counter:
        replace_file(folder / HIGHEST, sidecar, 0o600)
    replace_file(folder / KEPT, sidecar + b"\0" + kept.data, 0o600)
    sync_folder(folder.parent)


def keep(data: bytes, sidecar: bytes) -> Kept:
    """A verified policy as it is remembered: the signature in our own spelling."""
    signature = read_sidecar(sidecar)
    return Kept(data, signature, write_sidecar(signature))
