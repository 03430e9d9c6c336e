"""A policy file gets its signature: the key that is there, the next counter, the values that are bound."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from avakill.signing.files import read_once, replace_file, sidecar_of, told
from avakill.signing.keys import POLICY_KEY, SIGNING_KEY, Keys, with_public
from avakill.signing.sidecar import MAX_BYTES, MAX_COUNTER, write_sidecar
from avakill.signing.sign import Terms, sign_ed25519, sign_mac
from avakill.signing.state import folder_of, recall
from avakill.signing.verify import read_signed
from avakill.signing.words import Algorithm, Refused, Signature
from avakill.source import codes


@dataclass(frozen=True, slots=True)
class Bound:
    """The environment values that a policy reads: those whose values are signed, and those only named."""

    signed: Mapping[str, str]
    unsigned: tuple[str, ...] = ()


def bind(asked: Iterable[str], environ: Mapping[str, str]) -> Bound:
    return Bound({name: environ[name] for name in asked if name in environ})


def bind_nothing(asked: Iterable[str]) -> Bound:
    return Bound({}, tuple(asked))


def choose(keys: Keys) -> Algorithm | None:
    """What the keys can sign with; HMAC where they can do both."""
    if keys.mac is not None:
        return Algorithm.HMAC
    return Algorithm.ED25519 if keys.seed is not None else None


def sign_file(
    path: Path, data: bytes, keys: Keys, algorithm: Algorithm, bound: Bound, state_dir: Path, counter: int | None = None
) -> Signature | Refused:
    """Write the sidecar of the policy at `path`, whose bytes are `data`. The counter follows the last one that is known here."""
    ready = with_public(keys)
    if isinstance(ready, Refused):
        return ready
    number = last_counter(path, ready, state_dir) + 1 if counter is None else counter
    if number > MAX_COUNTER:
        return Refused(codes.BAD_VALUE, "the counter is at its end")
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    made = _sign(data, ready, algorithm, Terms(number, created, secrets.token_hex(16), bound.signed, bound.unsigned))
    if isinstance(made, Refused):
        return made
    sidecar = sidecar_of(path)
    try:
        replace_file(sidecar, write_sidecar(made), 0o644)
    except OSError as fault:
        return Refused(codes.UNWRITABLE, f"cannot write `{sidecar}`: {told(fault)}")
    return made


def _sign(data: bytes, keys: Keys, algorithm: Algorithm, terms: Terms) -> Signature | Refused:
    key = keys.mac if algorithm is Algorithm.HMAC else keys.seed
    if key is None:
        name = POLICY_KEY if algorithm is Algorithm.HMAC else SIGNING_KEY
        return Refused(codes.NO_KEY, "there is no key to sign with", f"set `{name}` or give --key; `avakill keygen` makes keys")
    return sign_mac(data, key, terms) if algorithm is Algorithm.HMAC else sign_ed25519(data, key, terms)


def last_counter(path: Path, keys: Keys, state_dir: Path) -> int:
    """The highest that the sidecar, if it was made with these keys, or this user's memory of the policy knows."""
    counters = [0]
    try:
        before = read_signed(read_once(sidecar_of(path), MAX_BYTES), keys)
        if before is not None:
            counters.append(before.counter)
    except OSError:
        pass
    memory = recall(folder_of(state_dir, path, keys), keys)
    if not isinstance(memory, Refused) and memory.counter is not None:
        counters.append(memory.counter)
    return max(counters)
