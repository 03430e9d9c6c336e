"""The words of signing: an algorithm, what a signature says, what became of checking one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from avakill.source.codes import Code


class Algorithm(StrEnum):
    HMAC = "hmac-sha256"
    ED25519 = "ed25519"


SPOKEN = {Algorithm.HMAC: "HMAC-SHA256", Algorithm.ED25519: "Ed25519"}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a sidecar in our format says.

    `sha256` is the digest of the file. `values` are the environment values that are signed with it, each name with a
    digest of its value under `salt`; `unsigned` are the variables that it reads and whose values are not signed.
    """

    algorithm: Algorithm
    key: str
    sha256: str
    counter: int
    created: str
    salt: str = ""
    values: tuple[tuple[str, str], ...] = ()
    unsigned: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True, slots=True)
class PlainSignature:
    """A signature of the file's bytes and nothing else: no counter, so an older one cannot be told from a newer one."""

    algorithm: Algorithm
    value: str


AnySignature = Signature | PlainSignature


def counter_of(signature: AnySignature) -> int | None:
    return signature.counter if isinstance(signature, Signature) else None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a signature, or a policy, is not accepted."""

    code: Code
    why: str
    help: str = ""
