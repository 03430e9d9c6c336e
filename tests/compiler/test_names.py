"""What agents call their tools and arguments, and what a policy calls them."""
from __future__ import annotations

import pytest

from avakill.ir.names import AGENT_TOOL_MAP, CANONICAL_TOOLS, canonical_argument, canonical_tool, tool_patterns


@pytest.mark.parametrize("agent", [*AGENT_TOOL_MAP, None])
@pytest.mark.parametrize("tool", sorted(CANONICAL_TOOLS))
def test_a_canonical_name_stays_whatever_the_agent(tool: str, agent: str | None) -> None:
    assert canonical_tool(tool, agent) == tool


def test_every_native_name_has_one_meaning_without_an_agent() -> None:
    for table in AGENT_TOOL_MAP.values():
        for native, canonical in table.items():
            assert canonical_tool(native) == canonical_tool(native.upper()) == canonical


def test_an_agent_s_own_table_counts_alone() -> None:
    assert canonical_tool("run_command", "windsurf") == "shell_execute"
    assert canonical_tool("run_command", "claude-code") == "run_command"
    assert canonical_tool("run_command", "an agent of mine") == "shell_execute"


def test_names_of_mcp_servers_pass_unchanged() -> None:
    assert canonical_tool("mcp__files__Read") == "mcp__files__Read"
    assert canonical_tool("mcp:Bash", "claude-code") == "mcp:Bash"


@pytest.mark.parametrize("name", ["file_path", "filePath", "FilePath", "file-path", "FILE_PATH", "path", "Path"])
def test_spellings_of_an_argument(name: str) -> None:
    assert canonical_argument(name) == "path"


def test_an_argument_of_one_s_own_keeps_its_spelling() -> None:
    assert canonical_argument("tableName") == "tableName"


def test_a_glob_that_holds_every_canonical_name_already_stays_alone() -> None:
    assert tool_patterns("file_*") == ("file_*",)
    assert tool_patterns("ALL") == ("*",)
