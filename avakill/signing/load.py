"""A signed policy's file to the bytes that may be used: its own, the last known good ones, or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from avakill.signing.environment import changed_variable
from avakill.signing.files import read_followed, read_once, sidecar_of, told
from avakill.signing.keys import Keys, with_public
from avakill.signing.sidecar import MAX_BYTES
from avakill.signing.state import Kept, Memory, folder_of, keep, locked, recall, remember
from avakill.signing.verify import verify
from avakill.signing.words import AnySignature, Refused, Signature, counter_of
from avakill.source import codes

Check = Callable[[bytes], str | None]
"""Why the bytes are no policy that can be used; None where they are one."""


class Status(StrEnum):
    UNSIGNED = "unsigned"
    VERIFIED = "verified"
    LAST_KNOWN_GOOD = "last-known-good"
    DENY_ALL = "deny-all"


@dataclass(frozen=True, slots=True)
class Loaded:
    """`data` is None if and only if the status is DENY_ALL. `why` is empty where all is well."""

    data: bytes | None
    status: Status
    counter: int | None = None
    why: str = ""


def load_verified(
    path: Path,
    keys: Keys | Refused,
    state_dir: Path,
    check: Check,
    environ: Mapping[str, str] = os.environ,
    at_least: int = 0,
) -> Loaded:
    """Without any key the file as it is. `at_least` is the highest counter that the caller itself has seen."""
    ready = keys if isinstance(keys, Refused) else with_public(keys)
    if isinstance(ready, Refused):
        return deny_all(ready.why)
    if not ready.can_verify:
        return load_unsigned(path, check)
    folder = folder_of(state_dir, path, ready)
    try:
        with locked(folder):
            return _load(path, ready, folder, check, environ, at_least)
    except OSError as fault:
        return _load_unlocked(path, ready, folder, check, environ, at_least, told(fault))


def load_unsigned(path: Path, check: Check) -> Loaded:
    try:
        data = read_followed(path)
    except OSError as fault:
        return deny_all(f"the policy cannot be read: {told(fault)}")
    why = check(data)
    return deny_all(f"the policy cannot be used: {why}") if why else Loaded(data, Status.UNSIGNED)


def deny_all(why: str) -> Loaded:
    return Loaded(None, Status.DENY_ALL, None, why)


def _load(path: Path, keys: Keys, folder: Path, check: Check, environ: Mapping[str, str], at_least: int) -> Loaded:
    memory = recall(folder, keys)
    if isinstance(memory, Refused):
        return deny_all(memory.why)
    found = _chosen(path, keys, memory, check, environ, at_least)
    if isinstance(found, Loaded):
        return found
    try:
        remember(folder, found, memory)
    except OSError as fault:
        return _verified(found, f"it could not be kept as the last known good: {told(fault)}")
    return _verified(found, "")


def _load_unlocked(
    path: Path, keys: Keys, folder: Path, check: Check, environ: Mapping[str, str], at_least: int, fault: str
) -> Loaded:
    """What is remembered still counts: a lock that somebody holds on to must not open the way for an older policy."""
    memory = recall(folder, keys)
    if isinstance(memory, Refused):
        return deny_all(memory.why)
    found = _chosen(path, keys, memory, check, environ, at_least)
    if isinstance(found, Loaded):
        return found
    return _verified(found, f"it cannot be remembered, so an older policy may go unnoticed: {fault}")


def _chosen(path: Path, keys: Keys, memory: Memory, check: Check, environ: Mapping[str, str], at_least: int) -> Kept | Loaded:
    """The file's own policy, or what stands in for it."""
    least = max(at_least, memory.counter or 0)
    found = _given(path, keys, environ, least, memory.kept, check)
    return _last_known_good(memory, environ, least, check, found.why) if isinstance(found, Refused) else found


def _given(path: Path, keys: Keys, environ: Mapping[str, str], least: int, kept: Kept | None, check: Check) -> Kept | Refused:
    """The file with its sidecar, if it may be used."""
    try:
        data = read_once(path)
    except OSError as fault:
        return Refused(codes.UNREADABLE, f"the policy cannot be read: {told(fault)}")
    try:
        sidecar = read_once(sidecar_of(path), MAX_BYTES)
    except FileNotFoundError:
        return Refused(codes.NO_SIGNATURE, "the policy has no `.sig` beside it")
    except OSError as fault:
        return Refused(codes.BAD_SIGNATURE, f"the `.sig` file cannot be read: {told(fault)}")
    signature = verify(data, sidecar, keys, environ)
    if isinstance(signature, Refused):
        return signature
    why = rollback(signature, least, kept)
    if why is not None:
        return why
    fault_of = check(data)
    return Refused(codes.BAD_VALUE, f"the signed policy cannot be used: {fault_of}") if fault_of else keep(data, sidecar)


def rollback(signature: AnySignature, least: int, kept: Kept | None) -> Refused | None:
    """Why the signature is an older one than one that was seen. Two policies with one counter: which is newer is unknown."""
    counter = counter_of(signature)
    if least == 0 or (counter is not None and counter > least):
        return None
    if counter is None:
        return Refused(codes.ROLLED_BACK, f"its signature has no counter, and one with counter {least} was seen")
    is_same = counter == least and isinstance(signature, Signature) and (
        kept is None or not isinstance(kept.signature, Signature) or kept.signature.sha256 == signature.sha256
    )
    if is_same:
        return None
    return Refused(codes.ROLLED_BACK, f"its counter is {counter}, and another policy with counter {least} was seen")


def _last_known_good(memory: Memory, environ: Mapping[str, str], least: int, check: Check, why: str) -> Loaded:
    kept = memory.kept
    if kept is None:
        return deny_all(f"{why}; and no good one is remembered")
    counter = counter_of(kept.signature)
    if least and (counter or 0) < least:
        return deny_all(f"{why}; and the remembered one is older than counter {least}")
    changed = changed_variable(kept.signature, environ) if isinstance(kept.signature, Signature) else None
    fault = changed.why if changed is not None else check(kept.data)
    if fault:
        return deny_all(f"{why}; and the remembered one cannot be used: {fault}")
    return Loaded(kept.data, Status.LAST_KNOWN_GOOD, counter, why)


def _verified(found: Kept, why: str) -> Loaded:
    return Loaded(found.data, Status.VERIFIED, counter_of(found.signature), "; ".join(filter(None, (why, *_gaps(found.signature)))))


def _gaps(signature: AnySignature) -> tuple[str, ...]:
    """What a valid signature does not say."""
    if not isinstance(signature, Signature):
        return ("its signature has no counter: an older policy would not be noticed",)
    names = ", ".join(f"`{name}`" for name in signature.unsigned)
    return (f"the value of {names} is not signed",) if names else ()
