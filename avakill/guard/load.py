"""What a guard is given as its policy, to a policy that can be asked. Everything that is wrong is told in one error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from avakill.compiler.compile import read_source
from avakill.guard.errors import ConfigError
from avakill.ir.policy import Action, Policy
from avakill.signing.cache import Cache, compile_cached, own_key
from avakill.signing.keys import Keys, read_keys
from avakill.signing.load import Loaded as Verified
from avakill.signing.load import Status, load_verified
from avakill.signing.snapshot import SignedSnapshot, take_signed
from avakill.signing.state import default_state_dir
from avakill.signing.words import Refused
from avakill.source.diagnostic import Diagnostic
from avakill.source.file import SourceFile
from avakill.source.render import render

NAMES = ("avakill.yaml", "avakill.yml")
USERS = "~/.config/avakill/avakill.yaml"
WORTH_KEEPING = 64 * 1024
"""Bytes of a policy from which on its compiled form is kept in the user's state directory."""

DENY_ALL = Policy((), Action.DENY, path="<no policy>")
"""What stands where no policy can be trusted: nothing is allowed."""


class PolicyStatus(StrEnum):
    """How far the policy in force can be trusted. `hardened`: verified, and the C audit hooks are armed."""

    UNSIGNED = "unsigned"
    VERIFIED = "verified"
    HARDENED = "hardened"
    LAST_KNOWN_GOOD = "last-known-good"
    DENY_ALL = "deny-all"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy in force. `why` says what is wrong where the status is neither `unsigned` nor `verified`; `path` is its file."""

    policy: Policy
    status: PolicyStatus
    why: str = ""
    counter: int = 0
    snapshot: SignedSnapshot | None = None
    path: Path | None = None


def find_policy() -> Path:
    """The policy of the working directory, or the user's. Raises ConfigError."""
    for place in (*map(Path, NAMES), Path(USERS).expanduser()):
        if place.is_file():
            return place.absolute()
    raise ConfigError(f"no policy was given, and there is no {', '.join((*NAMES, USERS))}; `avakill init` writes one")


def keys_of(signing_key: bytes | None, verify_key: bytes | None, environ: Mapping[str, str]) -> Keys | Refused:
    """The keys given, else those of the environment: `signing_key` is the HMAC key, `verify_key` the Ed25519 public key."""
    if signing_key is None and verify_key is None:
        return read_keys(environ)
    for name, key in (("signing_key", signing_key), ("verify_key", verify_key)):
        if key is not None and not isinstance(key, bytes):
            raise ConfigError(f"`{name}` is bytes; of hexadecimal text use bytes.fromhex(…)")
    if verify_key is not None and len(verify_key) != 32:
        raise ConfigError(f"`verify_key` has {len(verify_key)} bytes; an Ed25519 public key has 32")
    return Keys(mac=signing_key, public=verify_key)


def load_file(path: Path, keys: Keys | Refused, environ: Mapping[str, str], at_least: int = 0) -> Loaded:
    """A policy file, its signature checked where there is a key. Raises ConfigError only where there is none."""
    made: dict[bytes, Policy] = {}
    unsigned = isinstance(keys, Keys) and not keys.can_verify and keys.seed is None
    if unsigned:
        given = _read(path)
        return Loaded(_compiled(given, str(path), environ, _cache_for(given, None)), PolicyStatus.UNSIGNED, path=path)
    mac = keys.mac if isinstance(keys, Keys) else None
    kept = mac is not None  # under a user's own key, whoever runs as this user could forge what a signature vouches for

    def check(data: bytes) -> str | None:
        try:
            made[data] = _compiled(data, str(path), environ, _cache_for(data, mac) if kept else None)
        except ConfigError as error:
            return error.message
        return None

    snapshot = _snapshot(path)
    verified: Verified = load_verified(path, keys, default_state_dir(), check, environ, at_least)
    if verified.status is Status.DENY_ALL or verified.data is None:
        return Loaded(DENY_ALL, PolicyStatus.DENY_ALL, verified.why, at_least, snapshot, path)
    policy = made.get(verified.data) or _compiled(verified.data, str(path), environ)
    return Loaded(policy, PolicyStatus(verified.status), verified.why, max(at_least, verified.counter or 0), snapshot, path)


def _snapshot(path: Path) -> SignedSnapshot | None:
    """Of what is there before it is read: a change while it is read is seen afterwards."""
    try:
        return take_signed(path)
    except OSError:
        return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        raise ConfigError(f"cannot read `{path}`: {reason}") from None


def load_data(data: Mapping[str, Any], environ: Mapping[str, str]) -> Loaded:
    """A policy given as data, as its YAML file would be read. Raises ConfigError."""
    try:
        text = json.dumps(data, ensure_ascii=False, indent=1)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"the policy is not plain data: {error}") from None
    return Loaded(_compiled(text.encode("utf-8", "surrogatepass"), "<dict>", environ), PolicyStatus.UNSIGNED)


def _compiled(data: bytes, name: str, environ: Mapping[str, str], cache: Cache | None = None) -> Policy:
    compiled = compile_cached(data, name, environ, cache)
    if isinstance(compiled, Diagnostic):
        raise ConfigError(compiled.message, (compiled,))
    if compiled.policy is None:
        source = read_source(data, name)
        assert isinstance(source, SourceFile)
        raise ConfigError(_told(compiled.diagnostics, source), compiled.diagnostics)
    return compiled.policy


def _cache_for(data: bytes, mac: bytes | None) -> Cache | None:
    """Where the compiled policy is kept, under the policy's key or the user's own; None where compiling is as quick."""
    if len(data) < WORTH_KEEPING:
        return None
    key = mac or own_key(default_state_dir())
    return None if key is None else Cache(default_state_dir() / "compiled", key)


def _told(diagnostics: tuple[Diagnostic, ...], source: SourceFile) -> str:
    return render(diagnostics, {source.path: source}).rstrip()


