"""Keys: hexadecimal text, from the environment or given, to bytes of the right length."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from avakill.signing import ed25519
from avakill.signing.words import Algorithm, Refused
from avakill.source import codes

POLICY_KEY, SIGNING_KEY, VERIFY_KEY = "AVAKILL_POLICY_KEY", "AVAKILL_SIGNING_KEY", "AVAKILL_VERIFY_KEY"
LENGTH = 32
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Keys:
    """`mac` makes and checks HMACs; `seed` makes Ed25519 signatures, `public` checks them."""

    mac: bytes | None = field(default=None, repr=False)
    seed: bytes | None = field(default=None, repr=False)
    public: bytes | None = None

    @property
    def can_verify(self) -> bool:
        return self.mac is not None or self.public is not None


NO_KEYS = Keys()


def read_keys(environ: Mapping[str, str]) -> Keys | Refused:
    """The keys of an environment. One that is set and cannot be used is no reason to do without."""
    read = {name: read_key(environ[name], name) for name in (POLICY_KEY, SIGNING_KEY, VERIFY_KEY) if environ.get(name)}
    for key in read.values():
        if isinstance(key, Refused):
            return key
    found = {name: key for name, key in read.items() if isinstance(key, bytes)}
    return Keys(found.get(POLICY_KEY), found.get(SIGNING_KEY), found.get(VERIFY_KEY))


def read_key(text: str, name: str) -> bytes | Refused:
    """`name` is where the text comes from, for the message; the text itself is never shown."""
    text = text.strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        return Refused(codes.BAD_KEY, f"`{name}` is not hexadecimal text", "`avakill keygen` makes keys")
    is_long_enough = LENGTH <= len(key) <= _LONGEST if name == POLICY_KEY else len(key) == LENGTH
    if len(text) != 2 * len(key) or not is_long_enough:
        wanted = f"at least {LENGTH}" if name == POLICY_KEY else str(LENGTH)
        return Refused(codes.BAD_KEY, f"`{name}` has {len(key)} bytes, and needs {wanted}", "`avakill keygen` makes keys")
    return key


def with_public(keys: Keys) -> Keys | Refused:
    """The keys with the public one worked out, where there is only the seed; without Ed25519, an HMAC key still counts."""
    if keys.seed is None or keys.public is not None:
        return keys
    public = ed25519.public_of(keys.seed)
    if isinstance(public, Refused):
        return public if keys.mac is None else Keys(keys.mac)
    return Keys(keys.mac, keys.seed, public)


def mac_id(mac: bytes) -> str:
    """A name for an HMAC key that does not give it away."""
    return hmac.digest(mac, b"\0avakill key id", "sha256")[:8].hex()


def public_id(public: bytes) -> str:
    return hashlib.sha256(b"\0avakill key id" + public).digest()[:8].hex()


def key_ids(keys: Keys) -> tuple[tuple[Algorithm, str], ...]:
    """The keys that check signatures, by name."""
    ids: list[tuple[Algorithm, str]] = []
    if keys.mac is not None:
        ids.append((Algorithm.HMAC, mac_id(keys.mac)))
    if keys.public is not None:
        ids.append((Algorithm.ED25519, public_id(keys.public)))
    return tuple(ids)
