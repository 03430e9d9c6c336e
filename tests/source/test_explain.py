"""Every code has its page, and the pages' examples do what they say."""
from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from avakill.compiler.compile import compile_policy, read_source
from avakill.source.codes import REGISTRY
from avakill.source.diagnostic import Diagnostic
from avakill.source.explain import explanation

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "diagnostics"
FRONT_END = [number for number in sorted(REGISTRY) if number < "AVK2000" or number in ("AVK3001", "AVK3004", "AVK3006")]


@pytest.mark.parametrize("number", sorted(REGISTRY))
def test_every_code_is_explained_under_its_title(number: str) -> None:
    page = explanation(number)
    assert page is not None
    assert page.startswith(f"# {number}: {REGISTRY[number].title}\n")


@pytest.mark.parametrize("number", sorted(REGISTRY))
def test_the_docs_hold_the_page_that_is_shipped(number: str) -> None:
    page = explanation(number) or ""
    if os.environ.get("AVAKILL_GOLDEN"):
        DOCS.mkdir(parents=True, exist_ok=True)
        (DOCS / f"{number}.md").write_text(page, encoding="utf-8")
    assert (DOCS / f"{number}.md").read_text(encoding="utf-8") == page


def test_the_docs_hold_no_page_of_a_code_that_there_is_not() -> None:
    assert {page.stem for page in DOCS.glob("AVK*.md")} == set(REGISTRY)


def test_a_code_is_found_however_it_is_written() -> None:
    assert explanation("1002") == explanation("avk1002") == explanation("AVK1002")


def test_an_unknown_code_has_no_page() -> None:
    assert explanation("AVK9999") is None
    assert explanation("../codes") is None


@pytest.mark.parametrize("number", FRONT_END)
def test_the_wrong_example_gets_the_code_and_the_right_one_nothing(number: str) -> None:
    page = explanation(number) or ""
    examples = re.findall(r"^## (Wrong|Right)\n\n```yaml\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    if number == "AVK1006":
        assert not examples  # bytes that are no text cannot stand in a page
        return
    assert [which for which, _ in examples] == ["Wrong", "Right"]
    (_, wrong), (_, right) = examples
    assert number in codes_of(wrong)
    assert codes_of(right) == set()


def codes_of(text: str) -> set[str]:
    source = read_source(text.encode(), "avakill.yaml")
    assert not isinstance(source, Diagnostic)
    return {str(item.code) for item in compile_policy(source, {}).diagnostics}
