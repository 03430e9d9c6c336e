"""Bytes and a key to a signature."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from avakill.signing import ed25519
from avakill.signing.environment import digest
from avakill.signing.keys import mac_id, public_id
from avakill.signing.sidecar import signed_bytes
from avakill.signing.words import Algorithm, PlainSignature, Refused, Signature


@dataclass(frozen=True, slots=True)
class Terms:
    """What is signed beside the bytes. `created` is `2026-11-22T22:00:00Z`; `salt` 16 random bytes in hex."""

    counter: int
    created: str
    salt: str
    signed: Mapping[str, str]
    unsigned: tuple[str, ...] = ()


def sign_mac(data: bytes, mac: bytes, terms: Terms) -> Signature:
    blank = _blank(data, Algorithm.HMAC, mac_id(mac), terms)
    return replace(blank, value=hmac.digest(mac, signed_bytes(blank), "sha256").hex())


def sign_ed25519(data: bytes, seed: bytes, terms: Terms) -> Signature | Refused:
    public = ed25519.public_of(seed)
    if isinstance(public, Refused):
        return public
    blank = _blank(data, Algorithm.ED25519, public_id(public), terms)
    value = ed25519.sign(seed, signed_bytes(blank))
    return value if isinstance(value, Refused) else replace(blank, value=value.hex())


def _blank(data: bytes, algorithm: Algorithm, key: str, terms: Terms) -> Signature:
    values = tuple(sorted((name, digest(name, value, terms.salt)) for name, value in terms.signed.items()))
    whole = hashlib.sha256(data).hexdigest()
    return Signature(algorithm, key, whole, terms.counter, terms.created, terms.salt, values, tuple(sorted(terms.unsigned)))


def sign_plainly(data: bytes, mac: bytes) -> PlainSignature:
    """The HMAC of the bytes alone, as older tools read it."""
    return PlainSignature(Algorithm.HMAC, hmac.digest(mac, data, "sha256").hex())
