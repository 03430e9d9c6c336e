"""`avakill metrics`, fetched as Prometheus does."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from avakill.audit.trail import Trail
from tests.audit.help import record, recorded
from tests.cli.command import AVAKILL, Place


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    assert isinstance(text, str)
    return text


def test_counts_are_served_and_grow(place: Place) -> None:
    pytest.importorskip("prometheus_client")
    folder: Path = place.home / ".avakill"
    recorded(folder, record(1), record(2, allowed=True, action="allow"))
    words = [*AVAKILL, "metrics", "--port", "0"]
    process = subprocess.Popen(words, cwd=place.project, env={**os.environ, "HOME": str(place.home)}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        denied = 'avakill_evaluations_total{action="deny",agent_id="claude",tool="file_write"}'
        assert f"{denied} 1.0" in fetch(url)
        with Trail(folder) as trail:
            trail.record(record(3))
        for _ in range(100):
            if f"{denied} 2.0" in fetch(url):
                break
            time.sleep(0.2)
        assert f"{denied} 2.0" in fetch(url)
    finally:
        process.terminate()
        process.wait(30)


def test_no_store_and_no_address_are_diagnostics(place: Place) -> None:
    pytest.importorskip("prometheus_client")
    ended = place.run("metrics", "--port", "0")
    assert (ended.status, "error[AVK6301]" in ended.err) == (1, True)
    recorded(place.home / ".avakill", record())
    ended = place.run("metrics", "--port", "0", "--host", "198.51.100.7")
    assert (ended.status, "error[AVK5008]" in ended.err, "Traceback" in ended.err) == (1, True, False)
