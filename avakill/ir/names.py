"""Canonical names: what agents call their tools and arguments, and what a policy calls them."""
from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType

from avakill.ir.effect import KNOWN_ARGUMENTS, TOOL_EFFECTS

AGENT_TOOL_MAP: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "claude-code": MappingProxyType({
        "Bash": "shell_execute",
        "Read": "file_read",
        "Write": "file_write",
        "Edit": "file_edit",
        "MultiEdit": "file_edit",
        "NotebookEdit": "file_edit",
        "Glob": "file_search",
        "Grep": "content_search",
        "LS": "file_list",
        "WebFetch": "web_fetch",
        "WebSearch": "web_search",
        "Task": "agent_spawn",
    }),
    "gemini-cli": MappingProxyType({
        "run_shell_command": "shell_execute",
        "read_file": "file_read",
        "write_file": "file_write",
        "edit_file": "file_edit",
        "search_files": "file_search",
        "list_files": "file_list",
        "web_search": "web_search",
        "web_fetch": "web_fetch",
    }),
    "cursor": MappingProxyType({
        "shell_command": "shell_execute",
        "Shell": "shell_execute",
        "read_file": "file_read",
        "Read": "file_read",
        "Write": "file_write",
        "Edit": "file_edit",
        "Grep": "content_search",
        "Delete": "file_delete",
        "MCP": "mcp_tool",
        "Task": "agent_spawn",
    }),
    "windsurf": MappingProxyType({
        "run_command": "shell_execute",
        "write_code": "file_write",
        "read_code": "file_read",
        "mcp_tool": "mcp_tool",
    }),
    "openai-codex": MappingProxyType({
        "shell": "shell_execute",
        "shell_command": "shell_execute",
        "local_shell": "shell_execute",
        "exec_command": "shell_execute",
        "apply_patch": "file_write",
        "read_file": "file_read",
        "list_dir": "file_list",
        "grep_files": "content_search",
    }),
    "kiro": MappingProxyType({}),
    "amp": MappingProxyType({}),
    "openclaw": MappingProxyType({}),
})
"""Native names by agent, as its payloads spell them."""

_ARGUMENTS = {
    "path": (
        "file_path", "filepath", "filename", "file_name", "file", "target_file", "absolute_path", "notebook_path",
        "relative_path", "relative_workspace_path", "path_name", "pathname", "directory", "dir", "dir_path",
        "directory_path", "folder", "target_directory",
        # both ends of a move or a copy: a rule on paths must see each
        "source", "source_path", "destination_path", "source_file", "destination", "dest", "dst", "src",
        "old_path", "new_path", "from_path", "to_path", "output_path", "target_path",
    ),
    "command": ("cmd", "command_line", "commandline", "shell_command", "script"),
    "url": ("uri", "href"),
    "host": ("hostname", "host_name"),
    "cwd": ("workdir", "working_directory", "working_dir"),
    "content": ("contents", "file_text", "new_content", "file_content"),
    "old_string": ("old_str",),
    "new_string": ("new_str",),
    "query": ("search_query", "search_term"),
}

ARGUMENTS: Mapping[str, str] = MappingProxyType(
    {alias: canonical for canonical, aliases in _ARGUMENTS.items() for alias in aliases}
)
"""Other spellings of the canonical arguments, in snake case."""

CANONICAL_TOOLS: frozenset[str] = frozenset(TOOL_EFFECTS) | {"agent_spawn", "mcp_tool"}


def canonical_tool(name: str, agent: str | None = None) -> str:
    """The canonical name of the tool that `agent` calls `name`; `name` itself where none is known.

    Without an agent, or with one that we do not know, the tables of all agents count, where they agree; case does
    not. Names of MCP tools (`mcp__…`, `mcp:…`) belong to their servers and pass unchanged.
    """
    if name.startswith(("mcp__", "mcp:")):
        return name
    key = name.lower()
    own = _folded(agent) if agent is not None else None
    if own is not None and key in own:
        return own[key]
    if key in CANONICAL_TOOLS:
        return key
    if own:
        return name
    return _union().get(key, name)


@lru_cache(maxsize=8192)
def tool_patterns(pattern: str) -> tuple[str, ...]:
    """The lower-case patterns over canonical names that a policy's `pattern` means; the first is the pattern itself.

    An exact native name becomes the canonical one. A glob that holds native names also holds their canonical ones:
    calls arrive under those, and a deny on `run_*` must not lose an agent's `run_command`.
    """
    if pattern in ("*", "all", "ALL", "All"):
        return ("*",)
    if not any(char in pattern for char in "*?["):
        return (canonical_tool(pattern).lower(),)
    folded = pattern.lower()
    more = {
        canonical: None
        for native, canonical in _union().items()
        if fnmatchcase(native, folded) and not fnmatchcase(canonical, folded)
    }
    return (folded, *more)


@lru_cache(maxsize=4096)
def canonical_argument(name: str) -> str:
    """The canonical name of an argument (`filePath` and `file_path` are `path`); `name` itself where none is known."""
    key = _snake(name)
    canonical = ARGUMENTS.get(key, key)
    return canonical if canonical in KNOWN_ARGUMENTS else name


def _snake(name: str) -> str:
    """`filePath` and `file-path` to `file_path`."""
    if name.isupper():
        return name.lower()
    pieces: list[str] = []
    for index, char in enumerate(name):
        if char.isupper() and index and not name[index - 1].isupper() and name[index - 1] != "_":
            pieces.append("_")
        pieces.append("_" if char == "-" else char.lower())
    return "".join(pieces)


@lru_cache(maxsize=32)
def _folded(agent: str) -> Mapping[str, str] | None:
    """The table of one agent with its names in lower case."""
    table = AGENT_TOOL_MAP.get(agent.lower())
    return None if table is None else {native.lower(): canonical for native, canonical in table.items()}


@lru_cache(maxsize=1)
def _union() -> Mapping[str, str]:
    """The tables of all agents as one, in lower case, without the names on which they differ."""
    meanings: dict[str, set[str]] = {}
    for table in AGENT_TOOL_MAP.values():
        for native, canonical in table.items():
            meanings.setdefault(native.lower(), set()).add(canonical)
    return {native: next(iter(canonical)) for native, canonical in meanings.items() if len(canonical) == 1}
