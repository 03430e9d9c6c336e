"""Questions to the store: which events, how many, and the counts of a summary."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from avakill.audit.schema import open_to_read


@dataclass(frozen=True, slots=True)
class Filters:
    """`tool` is a name or a glob (`*`, `?`, `[…]`); `after` is included, `before` is not, both as ISO 8601."""

    tool: str | None = None
    allowed: bool | None = None
    agent: str | None = None
    session: str | None = None
    after: str | None = None
    before: str | None = None


EVERYTHING = Filters()


class Stored(NamedTuple):
    """One event as it stands in the store; `arguments` is JSON."""

    sequence: int
    id: str
    timestamp: str
    session: str | None
    agent: str | None
    tool: str
    arguments: str
    allowed: bool
    action: str
    rule_name: str | None
    reason: str | None
    latency_ms: float
    rule: int | None
    policy: str | None
    hash: str

    def to_json(self) -> Mapping[str, object]:
        """What `avakill logs --json` prints of it."""
        return {
            "id": self.id,
            "timestamp": self.timestamp,
            "tool": self.tool,
            "arguments": _parsed(self.arguments),
            "action": self.action,
            "allowed": self.allowed,
            "policy": self.rule_name,
            "reason": self.reason,
            "agent_id": self.agent,
            "session_id": self.session,
            "latency_ms": self.latency_ms,
            "rule": self.rule,
            "policy_sha256": self.policy,
            "sequence": self.sequence,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Stats:
    """`denial_rate` is in percent, to two places; `top_denied` are at most ten tools with how often."""

    total_events: int
    allowed: int
    denied: int
    denial_rate: float
    unique_tools: int
    unique_agents: int
    top_denied_tools: tuple[tuple[str, int], ...]
    events_last_hour: int
    events_last_24h: int


_COLUMNS = (
    "sequence, id, timestamp, session_id, agent_id, tool_name, tool_args, decision_allowed, decision_action, decision_policy, "
    "decision_reason, decision_latency_ms, rule, policy_sha256, hash"
)


class Reader:
    """The store, read only. Raises sqlite3.Error where there is none."""

    def __init__(self, path: Path) -> None:
        self._connection = open_to_read(path)

    def close(self) -> None:
        self._connection.close()

    def query(self, filters: Filters = EVERYTHING, limit: int = 100, offset: int = 0) -> tuple[Stored, ...]:
        """The newest first."""
        where, values = _where(filters)
        text = f"SELECT {_COLUMNS} FROM events{where} ORDER BY timestamp DESC, sequence DESC LIMIT ? OFFSET ?"
        return tuple(_stored(row) for row in self._connection.execute(text, (*values, limit, offset)))

    def count(self, filters: Filters = EVERYTHING) -> int:
        where, values = _where(filters)
        return int(self._connection.execute(f"SELECT count(*) FROM events{where}", values).fetchone()[0])

    def stats(self, now: datetime | None = None) -> Stats:
        run = self._connection.execute
        now = datetime.now(UTC) if now is None else now
        total, allowed, tools, agents = run(
            "SELECT count(*), coalesce(sum(decision_allowed), 0), count(DISTINCT tool_name), count(DISTINCT agent_id) FROM events"
        ).fetchone()
        top = run(
            "SELECT tool_name, count(*) AS n FROM events WHERE decision_allowed = 0 "
            "GROUP BY tool_name ORDER BY n DESC, tool_name LIMIT 10"
        ).fetchall()
        denied = total - allowed
        return Stats(
            total,
            allowed,
            denied,
            round(100 * denied / total, 2) if total else 0.0,
            tools,
            agents,
            tuple((str(tool), int(n)) for tool, n in top),
            self.count(Filters(after=iso(now - timedelta(hours=1)))),
            self.count(Filters(after=iso(now - timedelta(hours=24)))),
        )

    def since(self, sequence: int, filters: Filters = EVERYTHING, most: int = 1000) -> tuple[Stored, ...]:
        """What was stored behind a row, the oldest first."""
        where, values = _where(filters)
        text = f"SELECT {_COLUMNS} FROM events{where or ' WHERE 1'} AND sequence > ? ORDER BY sequence LIMIT ?"
        return tuple(_stored(row) for row in self._connection.execute(text, (*values, sequence, most)))

    def all(self, filters: Filters = EVERYTHING) -> Iterator[Stored]:
        """Every event that was stored until now, the oldest first."""
        end, at = self.last(), 0
        while batch := self.since(at, filters):
            for one in batch:
                if one.sequence > end:
                    return
                yield one
            at = batch[-1].sequence

    def last(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()[0])


def iso(when: datetime) -> str:
    """A time as the store writes it, so that texts compare as times do."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def normal(when: str) -> str:
    """An ISO time as the store writes it; without a zone it is UTC. Raises ValueError."""
    read = datetime.fromisoformat(when)
    return iso(read if read.tzinfo else read.replace(tzinfo=UTC))


def _where(filters: Filters) -> tuple[str, tuple[str | int, ...]]:
    parts: list[str] = []
    values: list[str | int] = []
    if filters.tool is not None:
        parts.append("tool_name GLOB ?" if any(c in filters.tool for c in "*?[") else "tool_name = ?")
        values.append(filters.tool)
    if filters.allowed is not None:
        parts.append("decision_allowed = ?")
        values.append(int(filters.allowed))
    for text, value in (("agent_id = ?", filters.agent), ("session_id = ?", filters.session)):
        if value is not None:
            parts.append(text)
            values.append(value)
    for text, value in (("timestamp >= ?", filters.after), ("timestamp < ?", filters.before)):
        if value is not None:
            parts.append(text)
            values.append(normal(value))
    return (" WHERE " + " AND ".join(parts) if parts else ""), tuple(values)


def _stored(row: Iterable[object]) -> Stored:
    made = Stored._make(row)
    return made._replace(allowed=bool(made.allowed))


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, TypeError):  # tampered with: shown as it is
        return text
