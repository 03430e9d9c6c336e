"""Whatever is asked, decided, forgotten and slept over, in whatever order: a model of a few lines says the same."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from avakill.approvals.store import ApprovalStore
from avakill.approvals.words import Settled

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "100"))
calls = st.sampled_from(("a", "b", "c"))
LIVE = ("pending", "approved", "denied")


@dataclass
class Row:
    call: str
    status: str
    expires: int


class Approvals(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 10**18
        self.rows: dict[str, Row] = {}
        self.store = self.opened()

    def opened(self) -> ApprovalStore:
        return ApprovalStore(Path(self.folder.name) / "a.db", clock=lambda: self.now)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(call=calls, ttl=st.integers(1, 5))
    def ask(self, call: str, ttl: int) -> None:
        asked = self.store.ask("t", f'{{"call": "{call}"}}', "agent", None, "rule", "reason", ttl)
        live = [id for id, row in self.rows.items() if row.call == call and row.status in LIVE]
        if not live:
            assert asked.id not in self.rows
            assert asked.status == "pending"
            self.rows[asked.id] = Row(call, "pending", self.now + ttl * 10**9)
            return
        assert [asked.id] == live
        row = self.rows[asked.id]
        assert asked.status == row.status
        if row.status == "approved":
            row.status = "used"

    @rule(pick=st.integers(0, 100), is_yes=st.booleans())
    def decide(self, pick: int, is_yes: bool) -> None:
        if not self.rows:
            return
        id, row = list(self.rows.items())[pick % len(self.rows)]
        decide = self.store.grant if is_yes else self.store.reject
        if row.status == "pending":
            row.status = "approved" if is_yes else "denied"
            assert decide(id, "maria").status == row.status
        else:
            with pytest.raises(Settled):
                decide(id, "maria")

    @rule(seconds=st.integers(0, 3))
    def sleep(self, seconds: int) -> None:
        self.now += seconds * 10**9
        for row in self.rows.values():
            if row.status in LIVE and row.expires <= self.now:
                row.status = "expired"

    @rule()
    def cleanup(self) -> None:
        self.store.cleanup_expired()

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.opened()

    @invariant()
    def says_the_same(self) -> None:
        assert {id: one.status for id in self.rows if (one := self.store.get(id))} == {id: row.status for id, row in self.rows.items()}
        waiting = [id for id, row in self.rows.items() if row.status == "pending"]
        assert [one.id for one in self.store.pending()] == waiting[::-1]


Approvals.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow])
TestApprovals = Approvals.TestCase
