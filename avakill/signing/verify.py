"""Bytes, a sidecar and keys to a signature that holds, or to why none does."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from avakill.signing import ed25519
from avakill.signing.environment import changed_variable
from avakill.signing.keys import POLICY_KEY, VERIFY_KEY, Keys, key_ids, with_public
from avakill.signing.sidecar import BadSidecar, read_sidecar, signed_bytes
from avakill.signing.words import SPOKEN, Algorithm, AnySignature, PlainSignature, Refused, Signature
from avakill.source import codes


def verify(data: bytes, sidecar: bytes, keys: Keys, environ: Mapping[str, str]) -> AnySignature | Refused:
    """The signature, if it holds for these bytes under one of the keys and for the environment's values."""
    found = authenticate(data, sidecar, keys)
    if isinstance(found, Signature):
        return changed_variable(found, environ) or found
    return found


def authenticate(data: bytes, sidecar: bytes, keys: Keys) -> AnySignature | Refused:
    """As `verify`, whatever the environment: whether it was signed at all."""
    try:
        signature = read_sidecar(sidecar)
    except BadSidecar as why:
        return Refused(codes.BAD_SIGNATURE, f"the `.sig` file cannot be read: {why}")
    if isinstance(signature, PlainSignature):
        return _check(signature, data, keys) or signature
    faulty = _check(signature, signed_bytes(signature), keys)
    if faulty is not None:
        return faulty
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), signature.sha256):
        return Refused(codes.BAD_SIGNATURE, "the file is not the one that was signed", "look at it, then `avakill sign` it anew")
    return signature


def read_signed(sidecar: bytes, keys: Keys) -> Signature | None:
    """What a sidecar of ours says, if it was made with one of the keys, whichever file it is of."""
    try:
        signature = read_sidecar(sidecar)
    except BadSidecar:
        return None
    if not isinstance(signature, Signature) or _check(signature, signed_bytes(signature), keys) is not None:
        return None
    return signature


def _check(signature: AnySignature, told: bytes, keys: Keys) -> Refused | None:
    """Why the signature's value is not one over `told`; None where it is."""
    whole = with_public(keys)
    if isinstance(whole, Refused):
        return whole
    key = whole.mac if signature.algorithm is Algorithm.HMAC else whole.public
    spoken = SPOKEN[signature.algorithm]
    if key is None:
        name = POLICY_KEY if signature.algorithm is Algorithm.HMAC else VERIFY_KEY
        return Refused(codes.NO_KEY, f"the signature is {spoken}, and there is no key for it", f"set `{name}`, or give --key")
    holds = _holds(signature, key, told)
    if isinstance(holds, Refused):
        return holds
    if holds:
        return None
    if isinstance(signature, Signature) and (signature.algorithm, signature.key) not in key_ids(whole):
        return Refused(codes.BAD_SIGNATURE, f"the {spoken} signature was made with another key ({signature.key})")
    return Refused(codes.BAD_SIGNATURE, f"the {spoken} signature does not hold")


def _holds(signature: AnySignature, key: bytes, told: bytes) -> bool | Refused:
    value = bytes.fromhex(signature.value)
    if signature.algorithm is Algorithm.HMAC:
        return hmac.compare_digest(hmac.digest(key, told, "sha256"), value)
    return ed25519.holds(key, value, told)
