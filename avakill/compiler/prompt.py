"""A text for a language model that is to write a policy (`avakill schema --format=prompt`)."""
from __future__ import annotations

import json
from collections.abc import Sequence

from avakill.compiler.jsonschema import policy_schema
from avakill.ir.effect import TOOL_EFFECTS


def policy_prompt(tools: Sequence[str] = (), use_case: str = "") -> str:
    """Context, schema, rules of evaluation, common mistakes, examples, and what to answer with."""
    context = _context(tools, use_case)
    schema = json.dumps(policy_schema(), indent=2)
    return "\n\n".join(
        [
            "# Write an avakill policy",
            *([f"## Context\n\n{context}"] if context else []),
            f"## JSON Schema\n\n```json\n{schema}\n```",
            _EVALUATION,
            f"## Canonical tools\n\n{_tools()}",
            _CONDITIONS,
            _LEVELS,
            _MISTAKES,
            _SELF,
            _EXAMPLES,
            _OUTPUT,
        ]
    ) + "\n"


def _context(tools: Sequence[str], use_case: str) -> str:
    lines = [f"Use case: {' '.join(use_case.split())}"] if use_case.strip() else []
    if tools:
        lines.append("The agent's tools: " + ", ".join(f"`{' '.join(tool.split())}`" for tool in tools))
    return "\n".join(lines)


def _tools() -> str:
    rows = [f"| `{tool}` | {', '.join(sorted(effects))} |" for tool, effects in TOOL_EFFECTS.items()]
    return "\n".join(["| tool | effects |", "|---|---|", *rows])


_EVALUATION = """## Evaluation rules

1. Rules are tried from top to bottom. The first whose tools and conditions all match decides; nothing else has precedence.
2. If none matches, `default_action` decides (`deny` unless given).
3. Tool patterns are globs and ignore case; `*` is every tool. Agents' own names (`Bash`, `Read`) mean the canonical tools.
4. All keys of `conditions` must hold, and `when` too. Within a list, one text is enough.
5. `rate_limit` counts a rule's matches; over it the call is denied."""

_CONDITIONS = """## Conditions

- `path_match: {path: [GLOB…]}`: `*` stays within a name, `**` crosses directories, a path without wildcards means it and all
  below it, `~` is the home directory, `__workspace__` the workspace.
- `args_match: {NAME: [TEXT…]}`: the argument contains one of the texts, in any case. Not a boundary for shell commands:
  prefer `command_allowlist` with `shell_safe`.
- `when: EXPRESSION`: `command startswith "git " and not (path glob "~/.ssh/**" or url host "*.example.org")`."""

_LEVELS = """## Enforcement levels

`hard` (the default) cannot be overridden. `soft` denies, and a human may override. `advisory` never decides: it adds its note
and the next rule is tried."""

_MISTAKES = """## Common mistakes

- `version: 1.0` is a number: write `version: "1.0"`.
- A rule below one without conditions on the same tools never decides: put narrow rules first.
- Unknown keys are errors, and so are empty lists.
- A text that begins with `*` must be quoted: `tools: ["*"]`.
- A deny on `file_write` alone leaves `file_edit` and `file_delete` open."""

_SELF = """## Self-protection

The policy file, its signature and the installed package are protected in front of all rules. Write no rules for that, and
never write to the active policy: propose a file whose name ends in `.proposed.yaml`, for a human to review."""

_EXAMPLES = """## Examples

```yaml
version: "1.0"
default_action: deny
policies:
  - name: no-secrets
    tools: ["file_*", "content_search"]
    action: deny
    conditions:
      path_match: {path: ["~/.ssh/**", "~/.aws/**", "**/.env*"]}
    message: credentials are not the agent's
  - name: read-the-project
    tools: ["file_read", "file_list", "file_search", "content_search"]
    action: allow
  - name: write-the-project
    tools: ["file_write", "file_edit"]
    action: allow
    conditions:
      path_match: {path: ["__workspace__"]}
  - name: plain-commands
    tools: ["shell_execute"]
    action: allow
    conditions:
      shell_safe: true
      command_allowlist: [git, ls, make, pytest]
  - name: ask-for-the-rest
    tools: ["shell_execute"]
    action: require_approval
```

```yaml
version: "1.0"
default_action: allow
policies:
  - name: no-destructive-sql
    tools: ["*sql*", "*query*"]
    action: deny
    conditions:
      args_match: {query: ["drop table", "truncate "]}
  - name: few-searches
    tools: ["web_search"]
    action: allow
    rate_limit: {max_calls: 30, window: 1m}
```"""

_OUTPUT = """## Output

Answer with one YAML document in a code block and nothing else: no explanation, no second document."""
