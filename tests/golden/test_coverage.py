"""`coverage.json` is what its public schema says, for every fixture."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from avakill.coverage import coverage
from tests.golden.fixtures import NAMES, made

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "coverage.schema.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_coverage_of_a_fixture_follows_the_schema(name: str) -> None:
    jsonschema.validate(json.loads(json.dumps(coverage(made(name)))), SCHEMA)


@pytest.mark.parametrize("name", NAMES)
def test_every_target_answers_for_every_rule(name: str) -> None:
    report = coverage(made(name))
    rules = [rule.index for rule in made(name).plan.policy.rules]
    for target in report["targets"].values():
        assert [row["index"] for row in target["rules"] if row["index"] >= 0] == rules


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_enforced_has_a_reason(name: str) -> None:
    for target in coverage(made(name))["targets"].values():
        for row in target["rules"]:
            assert row["verdict"] == "exact" or any(f["verdict"] != "exact" and f["reason"] for f in row["findings"])
