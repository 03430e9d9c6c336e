"""A policy of N rules, the same for the same N: trees, globs, holes, overlapping rules. Usage: generate_policy.py N > policy.yaml"""
from __future__ import annotations

import random
import sys

READ = '["file_read", "file_list", "file_search", "content_search"]'
FILE = '["file_*", "content_search"]'
KINDS = ("tree", "tree", "tree", "hole", "suffix", "anywhere", "write", "read", "overlap", "command")


def policy_text(count: int, seed: int = 7) -> str:
    """`count` rules; about a third overlap others, a tenth have a hole above them."""
    draw = random.Random(seed)
    lines = ["# Generated: the same for the same number of rules.", 'version: "1.0"', "default_action: allow", "", "policies:"]
    made = 0
    while made < count:
        kind = draw.choice(KINDS)
        team, service = draw.randrange(max(4, count // 40)), draw.randrange(50)
        tree = f"/srv/team{team}/service{service}"
        if kind == "hole" and made + 1 < count:
            lines += _rule(made, FILE, "allow", f'path_match: {{path: ["{tree}/public{made}/**"]}}')
            made += 1
        lines += _rule(made, *_body(kind, made, tree, team))
        made += 1
    return "\n".join(lines) + "\n"


def _body(kind: str, number: int, tree: str, team: int) -> tuple[str, str, str]:
    match kind:
        case "suffix":
            return FILE, "deny", f'path_match: {{path: ["{tree}/**/*.key{number % 97}"]}}'
        case "anywhere":
            return FILE, "deny", f'path_match: {{path: ["**/.secret{number}"]}}'
        case "write":
            return '["file_write", "file_edit"]', "deny", f'path_match: {{path: ["{tree}/locked{number}"]}}'
        case "read":
            return READ, "deny", f'path_match: {{path: ["{tree}/blind{number}"]}}'
        case "overlap":
            return FILE, "deny", f'path_match: {{path: ["/srv/team{team}/**/shared/**", "{tree}/*/config{number}"]}}'
        case "command":
            return '["shell_execute"]', "deny", f'args_match: {{command: ["tool{number} --force"]}}'
        case _:
            return FILE, "deny", f'path_match: {{path: ["{tree}/private{number}/**"]}}'


def _rule(number: int, tools: str, action: str, condition: str) -> list[str]:
    return [
        f"  - name: rule-{number}",
        f"    tools: {tools}",
        f"    action: {action}",
        f"    conditions: {{{condition}}}",
    ]


if __name__ == "__main__":
    sys.stdout.write(policy_text(int(sys.argv[1])))
