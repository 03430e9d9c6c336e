"""A policy: one ordered list of rules and a default."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from avakill.ir.condition import ALWAYS, Condition
from avakill.ir.effect import TOOL_EFFECTS, Effect
from avakill.source.span import NOWHERE, Span


class Action(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"


class Enforcement(StrEnum):
    HARD = "hard"
    SOFT = "soft"
    ADVISORY = "advisory"


class Requirement(StrEnum):
    """What a rule or `--require` asks of the backends (semantics §5); `…:all` asks every one."""

    SAFE = "safe"
    EXACT = "exact"
    SAFE_ALL = "safe:all"
    EXACT_ALL = "exact:all"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `max_calls` in any window of `window` seconds."""

    max_calls: int
    window: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """`index` is its place in the list, from 0. `tools` are lower-case globs; `*` is every tool."""

    index: int
    name: str
    tools: tuple[str, ...]
    action: Action
    condition: Condition = ALWAYS
    enforcement: Enforcement = Enforcement.HARD
    rate_limit: RateLimit | None = None
    message: str | None = None
    require: Requirement | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    tools_span: Span = field(default=NOWHERE, compare=False, repr=False)

    def holds_tool(self, tool: str) -> bool:
        """Whether a tool pattern matches the canonical name `tool`; case does not count."""
        return any(tool_matches(pattern, tool) for pattern in self.tools)


def tool_matches(pattern: str, tool: str) -> bool:
    return pattern in ("*", "all") or fnmatchcase(tool.lower(), pattern.lower())


@dataclass(frozen=True, slots=True)
class ToolEffect:
    """`tool_effects:` gives a tool of the policy's own its effects."""

    tool: str
    effects: frozenset[Effect]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """`sha256` is the digest of the file's bytes, in hex; `path` is as the user wrote it."""

    rules: tuple[Rule, ...]
    default: Action = Action.DENY
    tool_effects: tuple[ToolEffect, ...] = ()
    path: str = "<policy>"
    sha256: str = ""
    default_span: Span = field(default=NOWHERE, compare=False, repr=False)

    def tools_of(self, rule: Rule) -> tuple[tuple[str, frozenset[Effect]], ...]:
        """The tools with effects that `rule` matches: canonical ones and the policy's own, each with its effects."""
        return _tools_with_effects(rule.tools, self.tool_effects)


@lru_cache(maxsize=4096)
def _tools_with_effects(patterns: tuple[str, ...], own: tuple[ToolEffect, ...]) -> tuple[tuple[str, frozenset[Effect]], ...]:
    known = TOOL_EFFECTS | {mine.tool: mine.effects for mine in own}
    return tuple((tool, effects) for tool, effects in known.items() if any(tool_matches(p, tool) for p in patterns))
