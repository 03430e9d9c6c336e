"""What a caller may catch. The names and attributes are public."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avakill.guard.decision import Decision
    from avakill.source.diagnostic import Diagnostic


class AvaKillError(Exception):
    """Anything that avakill raises on purpose."""


class ConfigError(AvaKillError):
    """A guard cannot be made as asked: no policy, or one that does not compile. `diagnostics` say where and why."""

    def __init__(self, message: str, diagnostics: Iterable[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.diagnostics = tuple(diagnostics)


class PolicyViolation(AvaKillError):
    """A call that is not allowed: denied, or waiting for an approval."""

    def __init__(self, tool_name: str, decision: Decision, message: str | None = None, recovery_hint: object = None) -> None:
        self.tool_name = tool_name
        self.decision = decision
        self.message = message or decision.reason
        self.recovery_hint = recovery_hint
        by = f" [policy: {decision.policy_name}]" if decision.policy_name else ""
        hint = f" [recovery: {getattr(recovery_hint, 'summary', recovery_hint)}]" if recovery_hint is not None else ""
        super().__init__(f"AvaKill blocked '{tool_name}': {self.message}{by}{hint}")


class RateLimitExceeded(PolicyViolation):
    """The call's budget is used up; `retry_after` is in seconds."""

    def __init__(self, tool_name: str, decision: Decision, retry_after: float = 0.0) -> None:
        super().__init__(tool_name, decision)
        self.retry_after = retry_after
