"""The calls of one session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from avakill.guard.decision import Decision

if TYPE_CHECKING:
    from avakill.guard.guard import Guard


class GuardSession:
    """A guard with an agent and a session that are the same for every call."""

    def __init__(self, guard: Guard, agent_id: str | None, session_id: str) -> None:
        self.guard = guard
        self.agent_id = agent_id
        self.session_id = session_id
        self.call_count = 0

    def evaluate(self, tool: str, args: Mapping[str, Any] | None = None, **more: Any) -> Decision:
        self.call_count += 1
        return self.guard.evaluate(tool, args, **{"agent_id": self.agent_id, "session_id": self.session_id, **more})

    def evaluate_or_raise(self, tool: str, args: Mapping[str, Any] | None = None, **more: Any) -> Decision:
        self.call_count += 1
        return self.guard.evaluate_or_raise(tool, args, **{"agent_id": self.agent_id, "session_id": self.session_id, **more})
