"""One tool call, as the evaluator is asked about it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from avakill.events.value import BadValue, Members, checked_text, freeze
from avakill.ir.names import canonical_tool

MAX_NAME = 4096
NO_ARGUMENTS = Members()


@dataclass(frozen=True, slots=True)
class Event:
    """`tool` is the canonical name, `given` the caller's; `cwd` is the session's directory, None where unknown."""

    tool: str
    given: str
    arguments: Members = NO_ARGUMENTS
    agent: str | None = None
    session: str | None = None
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class BadEvent:
    """What was given is no tool call that can be judged: the caller must treat it as denied."""

    reason: str


def make_event(
    tool: object,
    arguments: object = None,
    *,
    agent: object = None,
    session: object = None,
    cwd: object = None,
) -> Event | BadEvent:
    """An event from parsed JSON; `arguments` None is no arguments."""
    try:
        given = _name("tool", tool)
        if given is None:
            return BadEvent("`tool` is missing")
        frozen = freeze({} if arguments is None else arguments)
        if not isinstance(frozen, Members):
            return BadEvent("`args` is not an object")
        who = _name("agent", agent)
        return Event(
            canonical_tool(given, who), given, frozen, who, _name("session", session), _name("cwd", cwd)
        )
    except BadValue as bad:
        return BadEvent(str(bad))


def _name(what: str, raw: object) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise BadValue(f"`{what}` is not a string")
    if not raw.strip():
        raise BadValue(f"`{what}` is empty")
    if what != "cwd" and raw != raw.strip():
        raise BadValue(f"`{what}` begins or ends with a blank")
    if len(raw) > MAX_NAME:
        raise BadValue(f"`{what}` has over {MAX_NAME} characters")
    if "\0" in raw:
        raise BadValue(f"`{what}` has a NUL in it")
    return checked_text(raw)


SPELLINGS: Mapping[str, str] = {
    "tool": "tool",
    "tool_name": "tool",
    "args": "arguments",
    "arguments": "arguments",
    "tool_input": "arguments",
    "agent": "agent",
    "agent_id": "agent",
    "session": "session",
    "session_id": "session",
    "cwd": "cwd",
}
"""The keys of a call in JSON, and what each gives."""

IGNORED = frozenset({"metadata", "timestamp", "hook_event_name", "transcript_path", "permission_mode", "tool_use_id"})
"""Keys that a call may carry and no rule asks about."""
