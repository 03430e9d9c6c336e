"""Who shares a budget, as the key of a limiter."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256


class By(StrEnum):
    """What has a budget of its own. TOOL is the default: no name that the caller may choose is in it."""

    RULE = "rule"
    TOOL = "tool"
    AGENT = "agent"
    SESSION = "session"


def limit_key(
    rule_index: int, rule_name: str, tool: str, agent: str | None, session: str | None, by: By = By.TOOL, *, scope: str = ""
) -> str:
    """The key of a budget: a rule; a rule and a canonical tool; or these with one agent or session.

    Callers without an agent (or session) share one budget. `scope` sets the budgets of two policies in one store apart.
    The parts are hashed with their lengths, so that no name can pass for two others, nor fill a store.
    """
    parts = (scope, rule_name, by, *_own(by, tool.lower(), agent, session))
    text = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
    return f"{rule_index}.{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _own(by: By, tool: str, agent: str | None, session: str | None) -> tuple[str | None, ...]:
    match by:
        case By.RULE:
            return ()
        case By.TOOL:
            return (tool,)
        case By.AGENT:
            return (tool, agent)
        case By.SESSION:
            return (tool, session)
