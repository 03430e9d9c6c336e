"""Words for the tests of signing: a policy in a folder, signed, loaded, tampered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avakill.compiler.compile import compile_policy, read_source
from avakill.signing import ed25519
from avakill.signing.files import sidecar_of
from avakill.signing.keys import Keys
from avakill.signing.load import Loaded, load_verified
from avakill.signing.sidecar import write_sidecar
from avakill.signing.sign import Terms, sign_ed25519, sign_mac
from avakill.signing.words import Signature
from avakill.source.diagnostic import Diagnostic

MAC = bytes(range(32))
OTHER_MAC = bytes(range(1, 33))
SEED = bytes(range(2, 34))
PUBLIC = ed25519.public_of(SEED)
assert isinstance(PUBLIC, bytes)
WITH_MAC, WITH_PUBLIC = Keys(mac=MAC), Keys(public=PUBLIC)
SALT = "00" * 16


def policy(name: str, action: str = "deny") -> bytes:
    return f'version: "1.0"\npolicies:\n  - {{name: {name}, tools: ["file_write"], action: {action}}}\n'.encode()


OLD, NEW = policy("old"), policy("new")


NOTHING: Mapping[str, str] = {}


def terms(counter: int, values: Mapping[str, str] = NOTHING) -> Terms:
    return Terms(counter, "2026-11-22T22:00:00Z", SALT, values)


def signed(data: bytes, counter: int = 1, mac: bytes = MAC, values: Mapping[str, str] = NOTHING) -> Signature:
    return sign_mac(data, mac, terms(counter, values))


def signed_by_seed(data: bytes, counter: int = 1) -> Signature:
    made = sign_ed25519(data, SEED, terms(counter))
    assert isinstance(made, Signature), made
    return made


def compiles(data: bytes) -> str | None:
    source = read_source(data, "policy.yaml")
    if isinstance(source, Diagnostic):
        return source.message
    found = compile_policy(source, {"HOME_OF": "/srv"})
    return None if found.policy is not None else found.diagnostics[0].message


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with a policy, and another with what the guard remembers."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "avakill.yaml"

    @property
    def sidecar(self) -> Path:
        return sidecar_of(self.path)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def put(self, data: bytes, signature: Signature) -> None:
        self.path.write_bytes(data)
        self.sidecar.write_bytes(write_sidecar(signature))

    def load(self, keys: Keys = WITH_MAC, environ: Mapping[str, str] | None = None, at_least: int = 0) -> Loaded:
        return load_verified(self.path, keys, self.state, compiles, environ or {}, at_least)

    def remembered(self, name: str) -> Path:
        (found,) = self.state.glob(f"*/{name}")
        return found
