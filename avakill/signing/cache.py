"""Compiled policies, kept under a MAC: what does not verify is compiled again, and nothing of it is read."""

from __future__ import annotations

import hashlib
import hmac
import marshal
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from avakill.compiler.compile import Compiled, compile_policy, read_source
from avakill.ir.policy import Policy
from avakill.signing.environment import Recorder
from avakill.signing.files import distrust, read_once, replace_file
from avakill.signing.packing import LAYOUT, pack, unpack
from avakill.source.diagnostic import Diagnostic
from avakill.version import __version__

_MAGIC = b"avakill compiled policy 1\n"
_MAC = 32
_MAX_BYTES = 256 * 1024 * 1024
_SUFFIX = ".compiled"
MAX_ENTRIES = 32


@dataclass(frozen=True, slots=True)
class Cache:
    """`key` is the policy key, or a user's own (`own_key`): whoever has it can say what a policy means."""

    folder: Path
    key: bytes = field(repr=False)

    def find(self, data: bytes, path: str, environ: Mapping[str, str]) -> Policy | None:
        """The policy that compiling `data` under the name `path` gave; None where nothing can be trusted to say so."""
        identity = _identity(data, path)
        entry = self.folder / _name(identity)
        try:
            if distrust(self.folder) or distrust(entry):
                return None
            told = read_once(entry, _MAX_BYTES)
        except OSError:
            return None
        given, payload = told[:_MAC], memoryview(told)[_MAC:]
        if not hmac.compare_digest(given, self._mac(identity, payload)):
            return None
        length = int.from_bytes(payload[:8])
        values = marshal.loads(payload[8 : 8 + length])
        if not all(_is_same(environ.get(name), digest, self.key) for name, digest in values):
            return None
        return unpack(payload[8 + length :])

    def store(self, data: bytes, path: str, policy: Policy, values: Mapping[str, str]) -> bool:
        """Keep what was compiled, with the environment `values` that it read. False where it cannot be kept."""
        identity = _identity(data, path)
        head = marshal.dumps([(name, _digest(value, self.key)) for name, value in values.items()])
        payload = len(head).to_bytes(8) + head + pack(policy)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if distrust(self.folder):
                return False
            replace_file(self.folder / _name(identity), self._mac(identity, payload) + payload, 0o600)
            _drop_oldest(self.folder)
        except OSError:
            return False
        return True

    def _mac(self, identity: bytes, payload: bytes | memoryview) -> bytes:
        made = hmac.new(self.key, _MAGIC + hashlib.sha256(identity).digest(), "sha256")
        made.update(payload)
        return made.digest()


def compile_cached(data: bytes, path: str, environ: Mapping[str, str], cache: Cache | None) -> Compiled | Diagnostic:
    """As reading and compiling; a policy from the cache, where there is one, comes without its warnings."""
    found = cache.find(data, path, environ) if cache is not None else None
    if found is not None:
        return Compiled(found, ())
    source = read_source(data, path)
    if isinstance(source, Diagnostic):
        return source
    recorder = Recorder(environ)
    compiled = compile_policy(source, recorder)
    if cache is not None and compiled.policy is not None:
        cache.store(data, path, compiled.policy, {name: environ[name] for name in recorder.asked})
    return compiled


def own_key(state_dir: Path) -> bytes | None:
    """The user's random key, made when there is none; None where there is no place that is the user's alone."""
    path = state_dir / "cache.key"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if distrust(state_dir):
            return None
        if not os.path.lexists(path):
            _make_key(path)
        is_open = bool(os.lstat(path).st_mode & 0o077)
        key = b"" if is_open or distrust(path) else read_once(path, 64)
    except OSError:
        return None
    return key if len(key) == 32 else None


def _make_key(path: Path) -> None:
    """By a link, which fails where another process was first, so that all have one key."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    replace_file(temporary, secrets.token_bytes(32), 0o600)
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()


def _identity(data: bytes, path: str) -> bytes:
    """All that a compiled policy depends on, but the environment: text, name, this version, this Python."""
    parts = (hashlib.sha256(data).hexdigest(), path, __version__, sys.version, LAYOUT)
    return "\0".join(parts).encode("utf-8", "surrogateescape")


def _name(identity: bytes) -> str:
    return hashlib.sha256(identity).hexdigest()[:40] + _SUFFIX


def _digest(value: str, key: bytes) -> bytes:
    return hmac.digest(key, b"\0value\0" + value.encode("utf-8", "surrogateescape"), "sha256")


def _is_same(value: str | None, digest: bytes, key: bytes) -> bool:
    return value is not None and hmac.compare_digest(_digest(value, key), digest)


def _drop_oldest(folder: Path) -> None:
    entries: Iterable[tuple[float, Path]] = ((path.stat().st_mtime, path) for path in folder.glob(f"*{_SUFFIX}"))
    for _, path in sorted(entries)[:-MAX_ENTRIES]:
        path.unlink(missing_ok=True)
