"""Events as OpenTelemetry spans and counters, through the providers that the user gives (`avakill[otel]`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from avakill.audit.query import Stored

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

SELF_PROTECTION = "self-protection"

Attributes = Mapping[str, str | bool | int | float]


def attributes(event: Stored) -> Attributes:
    """What a span says of an event; what is absent is left out."""
    named: dict[str, str | bool | int | float | None] = {
        "avakill.tool": event.tool,
        "avakill.agent_id": event.agent,
        "avakill.session_id": event.session,
        "avakill.action": event.action,
        "avakill.allowed": event.allowed,
        "avakill.policy": event.rule_name,
        "avakill.policy_sha256": event.policy,
        "avakill.rule": event.rule,
        "avakill.reason": event.reason,
        "avakill.arguments": event.arguments,
        "avakill.event_id": event.id,
        "avakill.hash": event.hash,
    }
    return {name: value for name, value in named.items() if value is not None}


def export_spans(events: Iterable[Stored], provider: TracerProvider) -> int:
    """One span `avakill.evaluate` for each event, at the time of its call; how many there were. Needs `avakill[otel]`."""
    from opentelemetry.trace import SpanKind, Status, StatusCode

    tracer = provider.get_tracer("avakill")
    count = 0
    for event in events:
        start = _nanoseconds(event.timestamp)
        span = tracer.start_span("avakill.evaluate", kind=SpanKind.INTERNAL, attributes=dict(attributes(event)), start_time=start)
        if not event.allowed:
            span.set_status(Status(StatusCode.ERROR, event.reason or event.action))
        span.end(end_time=start + int(event.latency_ms * 1_000_000))
        count += 1
    return count


def count_events(events: Iterable[Stored], provider: MeterProvider) -> int:
    """The counters and the histogram of a stretch of events; how many there were. Needs `avakill[otel]`."""
    meter = provider.get_meter("avakill")
    evaluations = meter.create_counter("avakill.evaluations")
    violations = meter.create_counter("avakill.violations")
    blocks = meter.create_counter("avakill.self_protection.blocks")
    duration = meter.create_histogram("avakill.evaluation_duration", unit="ms")
    count = 0
    for event in events:
        evaluations.add(1, {"tool": event.tool, "action": event.action, "agent_id": event.agent or ""})
        if not event.allowed:
            violations.add(1, {"tool": event.tool, "policy": event.rule_name or ""})
        if event.rule_name == SELF_PROTECTION:
            blocks.add(1, {"tool": event.tool})
        duration.record(event.latency_ms, {"tool": event.tool})
        count += 1
    return count


def _nanoseconds(timestamp: str) -> int:
    whole, _, rest = timestamp.partition(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 1_000_000_000 + int(rest[:6] or 0) * 1000
