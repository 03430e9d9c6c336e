"""Ed25519 by the package `cryptography`, imported when it is first needed (extra `signed-policies`)."""

from __future__ import annotations

from avakill.signing.words import Refused
from avakill.source import codes

MISSING = Refused(
    codes.NO_ED25519,
    "Ed25519 needs the package `cryptography`, which is not installed",
    "pip install 'avakill[signed-policies]'",
)


def public_of(seed: bytes) -> bytes | Refused:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        return MISSING
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, data: bytes) -> bytes | Refused:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        return MISSING
    return Ed25519PrivateKey.from_private_bytes(seed).sign(data)


def holds(public: bytes, signature: bytes, data: bytes) -> bool | Refused:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return MISSING
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
