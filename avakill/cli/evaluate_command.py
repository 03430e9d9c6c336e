"""`avakill evaluate`: one tool call from standard input, judged."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from avakill.cli.common import Loaded, colours, diagnostics_option, echo, load_policy, policy_option
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.events.ruling import Ruling


@click.command("evaluate")
@policy_option
@click.option("--agent", help="who asks, where the call does not say")
@click.option("--json", "as_json", is_flag=True, help="the whole answer as JSON on standard output")
@click.option("--explain", "explained", is_flag=True, help="also why each earlier rule did not match")
@click.option("--home", type=click.Path(), help="the home directory that `~` means  [default: yours]")
@click.option("--workspace", type=click.Path(), help="the root of relative patterns  [default: the project around .]")
@diagnostics_option
def command(
    policy_path: str | None,
    agent: str | None,
    as_json: bool,
    explained: bool,
    home: str | None,
    workspace: str | None,
    style: str,
) -> None:
    """Judge one call, given as JSON on standard input: {"tool": …, "args": {…}}.

    Exit status 0 when it is allowed, 2 when not (denied, or waiting for an approval), 1 when it cannot be judged
    because the call or the policy cannot be read.
    """
    from avakill.evaluator.decide import decide
    from avakill.evaluator.explain import explain
    from avakill.events.event import BadEvent
    from avakill.events.reading import read_event

    loaded = load_policy(policy_path, style, show_warnings=False)
    event = read_event(_with_agent(sys.stdin.buffer.read(), agent))
    if isinstance(event, BadEvent):
        from avakill.cli.common import Reporter, error

        example = 'a call looks like {"tool": "file_read", "args": {"path": "README.md"}}'
        Reporter(style, (loaded.source,)).fail(error(codes.BAD_CALL, f"the call cannot be read: {event.reason}", example))
    context = _context(loaded, home, workspace)
    decision = (explain if explained else decide)(loaded.policy, event, context)
    if as_json:
        click.echo(json.dumps(report(decision, loaded, explained), indent=2))
    else:
        _show(decision, loaded)
    sys.exit(0 if decision.allowed else 2)


def _with_agent(data: bytes, agent: str | None) -> bytes:
    """The call with `--agent` put in, where it has none; what is not a JSON object is left for the reader to refuse."""
    if agent is None:
        return data
    try:
        call = json.loads(data)
    except (ValueError, RecursionError):
        return data
    if isinstance(call, dict) and not call.keys() & {"agent", "agent_id"}:
        call["agent"] = agent
        return json.dumps(call).encode()
    return data


def _context(loaded: Loaded, home: str | None, workspace: str | None) -> Any:
    from avakill.cli.common import environment
    from avakill.enforce.here import find_workspace, guarded_paths
    from avakill.enforce.resolver import DiskResolver
    from avakill.evaluator.context import Context

    home_path = os.path.abspath(home or os.path.expanduser("~"))
    return Context(
        home=home_path,
        workspace=find_workspace(os.getcwd(), environment(home, workspace)),
        cwd=os.getcwd(),
        resolver=DiskResolver(),
        protected=guarded_paths((str(loaded.path),), home_path, os.getcwd(), os.environ),
    )


def report(decision: Ruling, loaded: Loaded, explained: bool) -> dict[str, Any]:
    """The answer as JSON data."""
    answer: dict[str, Any] = {
        "decision": str(decision.action),
        "allowed": decision.allowed,
        "rule": decision.rule_name,
        "index": decision.rule,
        "policy": loaded.policy.path,
        "line": decision.span.line or None,
        "reason": decision.reason,
        "overridable": decision.overridable,
        "notes": list(decision.notes),
    }
    if explained:
        answer["trace"] = [{"rule": step.name, "index": step.rule, "why": step.why, "line": step.span.line} for step in decision.trace]
    return answer


def _show(decision: Ruling, loaded: Loaded) -> None:
    from avakill.cli.text import escape, paint

    word = {"allow": "allowed", "deny": "denied", "require_approval": "waits for an approval"}[str(decision.action)]
    tone = "green" if decision.allowed else "red" if decision.action == "deny" else "yellow"
    by = f" by `{escape(decision.rule_name)}`" if decision.rule_name else ""
    at = f" ({escape(loaded.policy.path)}:{decision.span.line})" if decision.span.line else ""
    echo(f"{paint(word, tone, colours(sys.stdout))}{by}{at}: {escape(decision.reason)}")
    if decision.overridable:
        echo("  a person may override this")
    for note in decision.notes:
        echo(f"  note: {escape(note)}")
    for step in decision.trace:
        echo(f"  not `{escape(step.name)}` (line {step.span.line}): {escape(step.why)}")
