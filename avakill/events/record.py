"""What the audit trail is given of one decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Record(NamedTuple):
    """One decision as it was told to the caller. A named tuple, because one is made for every call.

    `at` is nanoseconds since the epoch, `took` nanoseconds. `arguments` are the caller's own, not yet redacted, and may
    be anything. `rule` is the deciding rule's index; None where self-protection, the default or a failure decided.
    `policy` is the SHA-256 of the policy's bytes in hex.
    """

    at: int
    tool: str
    arguments: Mapping[str, Any] | Any
    agent: str | None
    session: str | None
    action: str
    allowed: bool
    rule: int | None
    rule_name: str | None
    reason: str
    policy: str
    took: int
