"""What was recorded is what is queried: by every filter, in order, in pages, and in the summary."""

from __future__ import annotations

import fnmatch
import io
import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.audit.export import write_json
from avakill.audit.metrics import OTHER, Metrics
from avakill.audit.query import Filters, Reader, iso, normal
from avakill.audit.telemetry import count_events, export_spans
from avakill.audit.trail import Trail
from avakill.audit.verify import verify
from avakill.events.record import Record
from tests.audit.help import SECOND, START, record, recorded, stored

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "100"))
TOOLS = ("file_read", "file_write", "shell_execute", "a*b", "[x]")
NAMES = st.sampled_from(("claude", "codex", None))
VALUES = st.text("ab/. é\n\"'", max_size=10) | st.integers() | st.lists(st.booleans())
RECORDS = st.lists(
    st.builds(
        Record,
        st.integers(0, 100).map(lambda n: START + n * SECOND),
        st.sampled_from(TOOLS),
        st.dictionaries(
            st.sampled_from(["path", "n", "list"]), st.text("ab/. é\n\"'", max_size=10) | st.integers() | st.lists(st.booleans())
        ),
        NAMES,
        NAMES,
        st.sampled_from(("allow", "deny", "require_approval")),
        st.booleans(),
        st.none() | st.integers(0, 9),
        st.none() | st.text("abc", max_size=3),
        st.text("why not", max_size=10),
        st.just("ab" * 32),
        st.integers(0, 10**9),
    ),
    max_size=25,
)
FILTERS = st.builds(
    Filters,
    st.none() | st.sampled_from((*TOOLS[:3], "file_*", "*", "?ile_read")),
    st.none() | st.booleans(),
    st.none() | st.just("claude"),
    st.none() | st.just("codex"),
    st.none() | st.integers(0, 100).map(lambda n: iso(datetime.fromtimestamp(START // SECOND + n, UTC))),
    st.none() | st.integers(0, 100).map(lambda n: iso(datetime.fromtimestamp(START // SECOND + n, UTC))),
)


def holds(one: Record, filters: Filters) -> bool:
    """The filters said once more, plainly."""
    when = iso(datetime.fromtimestamp(one.at // SECOND, UTC))
    return (
        (filters.tool is None or fnmatch.fnmatchcase(one.tool, filters.tool))
        and (filters.allowed is None or one.allowed is filters.allowed)
        and (filters.agent is None or one.agent == filters.agent)
        and (filters.session is None or one.session == filters.session)
        and (filters.after is None or when >= filters.after)
        and (filters.before is None or when < filters.before)
    )


@settings(max_examples=EXAMPLES)
@given(RECORDS, FILTERS)
def test_what_was_recorded_is_what_is_queried(records: list[Record], filters: Filters) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Trail(folder) as trail:
            ids = [trail.record(one) for one in records]
            assert trail.flush(30)
            reader = Reader(folder / "audit.db")
        try:
            found = reader.query(filters, 1000)
            wanted = sorted(((one.at, n) for n, one in enumerate(records) if holds(one, filters)), reverse=True)
            assert [event.id for event in found] == [ids[n] for _, n in wanted]
            assert reader.count(filters) == len(wanted)
            assert reader.query(filters, 3, 2) == found[2:5]
            for event, (_, n) in zip(found, wanted, strict=True):
                one = records[n]
                assert json.loads(event.arguments) == one.arguments
                assert (event.tool, event.agent, event.session, event.action, event.allowed) == (
                    one.tool, one.agent, one.session, one.action, one.allowed,
                )  # fmt: skip
                assert (event.rule, event.rule_name, event.reason, event.latency_ms) == (
                    one.rule,
                    one.rule_name,
                    one.reason,
                    one.took / 1e6,
                )
            stats = reader.stats(datetime.fromtimestamp(START // SECOND + 100, UTC))
            denied = [one for one in records if not one.allowed]
            assert (stats.total_events, stats.denied, stats.unique_tools) == (
                len(records),
                len(denied),
                len({one.tool for one in records}),
            )
            assert stats.unique_agents == len({one.agent for one in records} - {None})
            assert stats.denial_rate == (round(100 * len(denied) / len(records), 2) if records else 0)
            assert dict(stats.top_denied_tools) == {t: sum(d.tool == t for d in denied) for t in {d.tool for d in denied}}
            assert stats.events_last_hour == stats.events_last_24h == len(records)
        finally:
            reader.close()
        assert verify(folder / "audit.db").sound


def test_the_hour_and_the_day_of_the_summary(tmp_path: Path) -> None:
    now = datetime.fromtimestamp(START // SECOND, UTC)
    ages = (1, 3599, 3601, 86_399, 86_401)
    recorded(tmp_path, *(record(-age) for age in ages))
    stats = Reader(tmp_path / "audit.db").stats(now)
    assert (stats.events_last_hour, stats.events_last_24h, stats.total_events) == (2, 4, 5)


def test_at_most_ten_tools_in_the_summary(tmp_path: Path) -> None:
    recorded(tmp_path, *(record(i, tool=f"tool_{i % 12:02d}") for i in range(30)))
    top = Reader(tmp_path / "audit.db").stats().top_denied_tools
    assert top[:2] == (("tool_00", 3), ("tool_01", 3))
    assert len(top) == 10


def test_times_are_compared_in_one_zone() -> None:
    assert normal("2026-11-22T10:00") == normal("2026-11-22T11:00+01:00") == "2026-11-22T10:00:00.000000+00:00"
    assert iso(datetime(2026, 11, 22, 10, tzinfo=UTC) + timedelta(microseconds=5)) == "2026-11-22T10:00:00.000005+00:00"
    with pytest.raises(ValueError, match="isoformat"):
        normal("yesterday")


def test_an_export_is_one_json_list(tmp_path: Path) -> None:
    ids = recorded(tmp_path, *(record(i) for i in range(5)))
    for events in ((), stored(tmp_path)):
        out = io.StringIO()
        assert write_json(events, out) == len(events)
        assert [one["id"] for one in json.loads(out.getvalue())] == ids[: len(events)]


def test_an_export_to_opentelemetry_is_one_span_an_event(tmp_path: Path) -> None:
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    ids = recorded(tmp_path, record(1, took=1_500_000), record(2, allowed=True, action="allow", agent=None))
    memory = export.InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    assert export_spans(stored(tmp_path), provider) == 2
    first, second = memory.get_finished_spans()
    assert first.name == "avakill.evaluate"
    assert (first.start_time, first.end_time - first.start_time) == (START + SECOND, 1_500_000)
    assert first.attributes["avakill.tool"] == "file_write"
    assert first.attributes["avakill.event_id"] == ids[0]
    assert (first.status.is_ok, second.status.is_ok) == (False, True)
    assert "avakill.agent_id" not in second.attributes


def test_the_meters_count_what_the_store_has(tmp_path: Path) -> None:
    metrics = pytest.importorskip("opentelemetry.sdk.metrics")
    export = pytest.importorskip("opentelemetry.sdk.metrics.export")
    recorded(tmp_path, record(1), record(2, rule_name="self-protection"), record(3, allowed=True, action="allow"))
    reader = export.InMemoryMetricReader()
    assert count_events(stored(tmp_path), metrics.MeterProvider(metric_readers=[reader])) == 3
    found: dict[str, int] = {}
    for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics:
        found[metric.name] = sum(getattr(point, "value", 0) + getattr(point, "count", 0) for point in metric.data.data_points)
    assert found == {
        "avakill.evaluations": 3,
        "avakill.violations": 2,
        "avakill.self_protection.blocks": 1,
        "avakill.evaluation_duration": 3,
    }


def test_prometheus_counts_what_the_trail_stored(tmp_path: Path) -> None:
    prometheus = pytest.importorskip("prometheus_client")
    metrics = Metrics()
    with Trail(tmp_path, observe=metrics.observe) as trail:
        trail.record(record(1, took=2_000_000))
        trail.record(record(2, rule_name="self-protection"))
        trail.record(record(3, allowed=True, action="allow", agent=None))
    value = metrics.registry.get_sample_value
    assert value("avakill_evaluations_total", {"tool": "file_write", "action": "deny", "agent_id": "claude"}) == 2
    assert value("avakill_evaluations_total", {"tool": "file_write", "action": "allow", "agent_id": ""}) == 1
    assert value("avakill_violations_total", {"tool": "file_write", "policy": "no-writes"}) == 1
    assert value("avakill_self_protection_blocks_total", {"tool": "file_write"}) == 1
    assert value("avakill_evaluation_duration_seconds_bucket", {"tool": "file_write", "le": "0.001"}) == 2
    assert value("avakill_evaluation_duration_seconds_bucket", {"tool": "file_write", "le": "0.005"}) == 3
    metrics.policy_loaded(7)
    metrics.policy_reloaded("watch")
    metrics.policy_not_reloaded("watch")
    text = prometheus.generate_latest(metrics.registry).decode()
    for line in ("avakill_policies_loaded 7.0", 'avakill_policy_reloads_total{trigger="watch"} 1.0'):
        assert line in text
    assert 'avakill_policy_reload_failures_total{trigger="watch"} 1.0' in text
    assert "avakill_policy_reload_last_success_timestamp" in text


def test_made_up_tools_do_not_fill_the_memory(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    metrics = Metrics()
    with Trail(tmp_path, observe=metrics.observe) as trail:
        for i in range(1500):
            trail.record(record(i, tool=f"tool-{i}"))
    samples = [
        sample for metric in metrics.registry.collect() for sample in metric.samples if sample.name == "avakill_violations_total"
    ]
    assert len(samples) <= 1001
    assert sum(sample.value for sample in samples if sample.labels["tool"] == OTHER) >= 500
