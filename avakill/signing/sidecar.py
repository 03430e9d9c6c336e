"""The text of a `.sig` file to a signature and back."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from avakill.signing.words import Algorithm, AnySignature, PlainSignature, Signature

FORMAT = "avakill-signature-1"
MAX_BYTES = 256 * 1024
MAX_COUNTER = 2**63 - 1
_PREFIX = b"\0avakill signature 1\n"
"""In front of what is signed; with its NUL, no policy file begins so, and a plain signature of a file is never one of these."""

_HEX = {length: re.compile(rf"[0-9a-f]{{{length}}}") for length in (16, 32, 64, 128)}
_LENGTHS = {Algorithm.HMAC: 64, Algorithm.ED25519: 128}
_CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NAME = re.compile(r"\w+")
_PLAIN_ED25519 = "ed25519:"


class BadSidecar(ValueError):
    """The text is no signature; the message says why."""


def signed_bytes(signature: Signature) -> bytes:
    """What the signature's value is made over: everything else that it says, in one spelling."""
    return _PREFIX + _json({key: value for key, value in _members(signature).items() if key != "signature"}, None)


def write_sidecar(signature: AnySignature) -> bytes:
    match signature:
        case Signature():
            return _json(_members(signature), 1) + b"\n"
        case PlainSignature(algorithm, value):
            return (_PLAIN_ED25519 * (algorithm is Algorithm.ED25519) + value).encode()


def read_sidecar(data: bytes) -> AnySignature:
    """Our format, or a plain one: hex for HMAC-SHA256, `ed25519:` and hex. Raises BadSidecar."""
    if len(data) > MAX_BYTES:
        raise BadSidecar(f"it has over {MAX_BYTES} bytes")
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError:
        raise BadSidecar("it is no text") from None
    return _read_document(text) if text.startswith("{") else _read_plain(text)


def _read_plain(text: str) -> PlainSignature:
    algorithm = Algorithm.ED25519 if text.startswith(_PLAIN_ED25519) else Algorithm.HMAC
    value = text.removeprefix(_PLAIN_ED25519).lower()
    if not _HEX[_LENGTHS[algorithm]].fullmatch(value):
        raise BadSidecar("it is neither a JSON document nor a signature in hexadecimal text")
    return PlainSignature(algorithm, value)


def _read_document(text: str) -> Signature:
    try:
        raw = json.loads(text, object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse)
    except BadSidecar:
        raise
    except (ValueError, RecursionError):
        raise BadSidecar("it is not JSON") from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise BadSidecar(f"its format is not `{FORMAT}`")
    if raw.keys() != _KEYS:
        raise BadSidecar("its members are not those of the format")
    environment = raw["environment"]
    if not isinstance(environment, dict) or environment.keys() != {"salt", "signed", "unsigned"}:
        raise BadSidecar("`environment` is not `salt`, `signed` and `unsigned`")
    algorithm = _algorithm(raw["algorithm"])
    return Signature(
        algorithm,
        _hex(raw, "key", 16),
        _hex(raw, "sha256", 64),
        _counter(raw["counter"]),
        _matched(raw["created"], _CREATED, "created"),
        _hex(environment, "salt", 32),
        _values(environment["signed"]),
        _names(environment["unsigned"]),
        _hex(raw, "signature", _LENGTHS[algorithm]),
    )


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise BadSidecar("a member is given twice")
    return result


def _refuse(text: str) -> NoReturn:
    raise BadSidecar(f"`{text[:20]}` stands in it")


def _algorithm(raw: object) -> Algorithm:
    for algorithm in Algorithm:
        if raw == algorithm:
            return algorithm
    raise BadSidecar("its algorithm is not one that we know")


def _counter(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= MAX_COUNTER:
        raise BadSidecar("`counter` is no number from 1 on")
    return raw


def _matched(raw: object, pattern: re.Pattern[str], name: str) -> str:
    if not isinstance(raw, str) or not pattern.fullmatch(raw):
        raise BadSidecar(f"`{name}` is not what it should be")
    return raw


def _hex(raw: dict[str, object], name: str, length: int) -> str:
    return _matched(raw[name], _HEX[length], name)


def _values(raw: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(raw, dict):
        raise BadSidecar("`signed` is no object")
    return tuple((_matched(name, _NAME, "signed"), _hex(raw, name, 64)) for name in raw)


def _names(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise BadSidecar("`unsigned` is no list")
    return tuple(_matched(name, _NAME, "unsigned") for name in raw)


def _members(signature: Signature) -> dict[str, object]:
    return {
        "format": FORMAT,
        "algorithm": str(signature.algorithm),
        "key": signature.key,
        "sha256": signature.sha256,
        "counter": signature.counter,
        "created": signature.created,
        "environment": {"salt": signature.salt, "signed": dict(signature.values), "unsigned": list(signature.unsigned)},
        "signature": signature.value,
    }


_KEYS = {"format", "algorithm", "key", "sha256", "counter", "created", "environment", "signature"}


def _json(value: object, indent: int | None) -> bytes:
    separators = (",", ":") if indent is None else None
    return json.dumps(value, indent=indent, separators=separators, sort_keys=indent is None, ensure_ascii=True).encode()
