"""The examples of the policy language's page are policies."""
from __future__ import annotations

import re
from pathlib import Path

from avakill.compiler.shape import Table
from avakill.compiler.surface import CONDITIONS, POLICY, RULE
from avakill.ir.names import AGENT_TOOL_MAP
from tests.compiler.reading import compiled, rule_with, the_rule

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def test_the_examples_compile_without_complaints() -> None:
    whole, when = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert compiled(whole).diagnostics == ()
    assert the_rule(when.rstrip())
    assert compiled(rule_with(when.rstrip())).diagnostics == ()


def test_every_key_is_on_the_page() -> None:
    tables: tuple[Table, ...] = (POLICY, RULE, CONDITIONS)
    for table in tables:
        for key in table.keys:
            assert re.search(rf"`{key.name}[`:]", PAGE), key.name


def test_every_native_name_is_on_the_page() -> None:
    for table in AGENT_TOOL_MAP.values():
        for native, canonical in table.items():
            row = next(line for line in PAGE.split("\n") if line.startswith("| `") and f"`{canonical}`" in line.split("|")[1])
            assert f"`{native}`" in row, native
