"""Prometheus metrics in a registry of their own (`avakill[metrics]`); without the library nothing is counted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from avakill.audit.store import Row

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
SELF_PROTECTION = "self-protection"
MANY = 1000
OTHER = "[other]"
"""What stands for names beyond the first thousand: whoever makes up tool names must not fill the memory."""


class Metrics:
    """The metrics and their registry. `observe` is what a Trail's `observe` takes."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        registry = self.registry = CollectorRegistry()
        self._evaluations = Counter("avakill_evaluations", "Calls judged", ("tool", "action", "agent_id"), registry=registry)
        self._violations = Counter("avakill_violations", "Calls not allowed", ("tool", "policy"), registry=registry)
        self._duration = Histogram(
            "avakill_evaluation_duration_seconds", "Time to a decision", ("tool",), buckets=BUCKETS, registry=registry
        )
        self._policies = Gauge("avakill_policies_loaded", "Rules in force", registry=registry)
        self._blocks = Counter("avakill_self_protection_blocks", "Calls that self-protection denied", ("tool",), registry=registry)
        self._reloads = Counter("avakill_policy_reloads", "Policies reloaded", ("trigger",), registry=registry)
        self._failures = Counter("avakill_policy_reload_failures", "Reloads that failed", ("trigger",), registry=registry)
        self._reloaded = Gauge("avakill_policy_reload_last_success_timestamp", "When a policy was last reloaded", registry=registry)
        self._names: set[str] = set()

    def observe(self, rows: Sequence[Row]) -> None:
        """Rows of the store (`schema.WRITTEN`), as the trail's writer gives them."""
        for row in rows:
            self.count(agent=row[4], tool=row[5], allowed=bool(row[7]), action=row[8], rule_name=row[9], latency_ms=row[11])

    def count(self, tool: object, action: object, agent: object, allowed: bool, rule_name: object, latency_ms: object) -> None:
        """One event."""
        tool = self._bounded(tool)
        self._evaluations.labels(tool, str(action), self._bounded(agent)).inc()
        if not allowed:
            self._violations.labels(tool, self._bounded(rule_name)).inc()
        if rule_name == SELF_PROTECTION:
            self._blocks.labels(tool).inc()
        if isinstance(latency_ms, float):
            self._duration.labels(tool).observe(latency_ms / 1000)

    def policy_loaded(self, rules: int) -> None:
        self._policies.set(rules)

    def policy_reloaded(self, trigger: str) -> None:
        self._reloads.labels(trigger).inc()
        self._reloaded.set(time.time())

    def policy_not_reloaded(self, trigger: str) -> None:
        self._failures.labels(trigger).inc()

    def _bounded(self, name: object) -> str:
        text = "" if name is None else str(name)
        if text not in self._names:
            if len(self._names) >= MANY:
                return OTHER
            self._names.add(text)
        return text


class NoMetrics:
    """What `metrics` gives without the library."""

    registry = None

    def observe(self, rows: Sequence[Row]) -> None: ...

    def policy_loaded(self, rules: int) -> None: ...

    def policy_reloaded(self, trigger: str) -> None: ...

    def policy_not_reloaded(self, trigger: str) -> None: ...


@lru_cache(maxsize=1)
def metrics() -> Metrics | NoMetrics:
    """The process's metrics."""
    try:
        return Metrics()
    except ImportError:
        return NoMetrics()


def get_registry() -> CollectorRegistry | None:
    """The registry to expose; None without the library."""
    return metrics().registry
