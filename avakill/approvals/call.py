"""Which call an approval is for: one spelling of its arguments, and a digest of all that must be the same."""

from __future__ import annotations

import json
from hashlib import sha256

from avakill.approvals.words import ApprovalsUnavailable

MAX_BYTES = 1024 * 1024
MAX_NAME = 4096


def canonical(arguments_json: str) -> str:
    """The same JSON object for every order of members and every layout of the text. Raises ApprovalsUnavailable.

    `1` and `1.0` are two values, and a member given twice is none: programs differ on what they mean.
    """
    if len(arguments_json) > MAX_BYTES:
        raise ApprovalsUnavailable(f"arguments of over {MAX_BYTES} bytes cannot be approved")
    try:
        raw = json.loads(arguments_json, object_pairs_hook=_object, parse_constant=_constant)
        text = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (ValueError, RecursionError) as fault:
        raise ApprovalsUnavailable(f"the arguments cannot be read: {fault}") from None
    if not isinstance(raw, dict):
        raise ApprovalsUnavailable("the arguments are no object")
    if size > MAX_BYTES:
        raise ApprovalsUnavailable(f"arguments of over {MAX_BYTES} bytes cannot be approved")
    return text


def digest(tool: str, arguments: str, agent: str | None, cwd: str | None, rule: str | None, policy: str) -> str:
    """SHA-256 of a call in canonical arguments, with the rule and the policy that ask. Raises ApprovalsUnavailable."""
    parts = (tool, arguments, agent, cwd, rule, policy)
    check_names(tool, agent, cwd, rule, policy)
    try:
        data = b"".join(b"-" if part is None else b"%d:%b" % (len(raw := part.encode()), raw) for part in parts)
    except UnicodeEncodeError:
        raise ApprovalsUnavailable("a lone surrogate, which is not text") from None
    return sha256(data).hexdigest()


def check_names(*names: str | None) -> None:
    """Raises ApprovalsUnavailable for a name that fills the store."""
    if any(name is not None and len(name) > MAX_NAME for name in names):
        raise ApprovalsUnavailable(f"a name of over {MAX_NAME} characters")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a member is given twice")
    return result


def _constant(text: str) -> object:
    raise ValueError(f"`{text}` is not a JSON number")
