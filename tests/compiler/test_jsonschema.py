"""The JSON Schema says what the checker says."""
from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from avakill.compiler.jsonschema import policy_schema
from avakill.compiler.prompt import policy_prompt
from avakill.source.codes import REGISTRY
from tests.compiler.reading import compiled

ROOT = Path(__file__).resolve().parents[2] / "fixtures"
WRONG_SHAPES = ("AVK1101", "AVK1102", "AVK1103", "AVK1104", "AVK1108")
POLICIES = sorted((ROOT / "policies").glob("*/policy.yaml"))


def accepts(text: str) -> bool:
    validator = jsonschema.Draft202012Validator(policy_schema())
    return not list(validator.iter_errors(yaml.load(text, yaml.CSafeLoader)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(policy_schema())


def test_its_own_example_is_a_policy() -> None:
    examples = policy_schema()["examples"]
    assert isinstance(examples, list)
    for example in examples:
        assert accepts(yaml.safe_dump(example))
        assert compiled(yaml.safe_dump(example)).policy is not None


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.parent.name)
def test_it_accepts_the_policies_of_the_fixtures(policy: Path) -> None:
    assert accepts(policy.read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", WRONG_SHAPES)
def test_it_refuses_what_the_checker_refuses(number: str) -> None:
    assert number in REGISTRY
    for fixture in ROOT.glob(f"diagnostics/{number}-*/policy.yaml"):
        assert not accepts(fixture.read_text(encoding="utf-8")), fixture


def test_the_prompt_s_examples_are_policies_without_complaints() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", policy_prompt(), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        assert compiled(example).diagnostics == ()


def test_the_prompt_names_the_tools_and_the_use_case() -> None:
    prompt = policy_prompt(["run_sql", "Bash"], "a data\npipeline")
    assert "`run_sql`, `Bash`" in prompt
    assert "Use case: a data pipeline" in prompt
