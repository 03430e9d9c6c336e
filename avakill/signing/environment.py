"""The environment values that a policy reads: which they are, and whether they are still the ones that were signed."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping

from avakill.signing.words import Refused, Signature
from avakill.source import codes


class Recorder(Mapping[str, str]):
    """An environment that remembers which of its names were asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.asked: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        self.asked[name] = None
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


def digest(name: str, value: str, salt: str) -> str:
    """Of a value, under a salt. Whoever may read the signature can try short values: it binds them, it does not hide them."""
    told = f"{name}\0{value}".encode("utf-8", "surrogateescape")
    return hmac.digest(bytes.fromhex(salt), told, "sha256").hex()


def changed_variable(signature: Signature, environ: Mapping[str, str]) -> Refused | None:
    """The first signed value that is another one now."""
    for name, wanted in signature.values:
        value = environ.get(name)
        if value is None:
            return Refused(codes.CHANGED_VARIABLE, f"`{name}` is not set, and its value is signed")
        if not hmac.compare_digest(digest(name, value, signature.salt), wanted):
            return Refused(codes.CHANGED_VARIABLE, f"the value of `{name}` is not the one that was signed")
    return None
