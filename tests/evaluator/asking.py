"""A policy as text, a call as a tool and its arguments, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent, indent

from avakill.compiler.compile import compile_policy
from avakill.evaluator.context import Context, TableResolver
from avakill.evaluator.decide import decide
from avakill.events.event import make_event
from avakill.events.ruling import Ruling
from avakill.ir.policy import Policy
from avakill.source.file import SourceFile

HOME = "/home/u"
WORKSPACE = "/home/u/app"
CONTEXT = Context(HOME, WORKSPACE)


def policy(rules: str, default: str = "deny") -> Policy:
    """The rules of a policy, written as YAML list items."""
    listed = indent(dedent(rules).strip("\n"), "  ")
    text = f'version: "1.0"\ndefault_action: {default}\npolicies:\n{listed}\n'
    compiled = compile_policy(SourceFile("policy.yaml", text), {})
    assert compiled.policy is not None, [item.message for item in compiled.diagnostics]
    return compiled.policy


def linked(**links: str) -> Context:
    """A context whose workspace has symbolic links."""
    return Context(HOME, WORKSPACE, resolver=TableResolver({f"{WORKSPACE}/{name}": to for name, to in links.items()}))


def ask(
    asked: Policy,
    tool: str,
    context: Context = CONTEXT,
    /,
    *,
    cwd: str | None = None,
    agent: str | None = None,
    **arguments: object,
) -> Ruling:
    return decide(asked, make_event(tool, arguments, cwd=cwd, agent=agent), context)


def verdict(asked: Policy, tool: str, context: Context = CONTEXT, /, *, cwd: str | None = None, **arguments: object) -> str:
    """`allow`, `deny` or `require_approval`."""
    return str(decide(asked, make_event(tool, arguments, cwd=cwd), context).action)


def verdict_of(asked: Policy, tool: str, arguments: Mapping[str, object], context: Context = CONTEXT) -> str:
    return str(decide(asked, make_event(tool, dict(arguments)), context).action)


def shell(asked: Policy, command: object) -> str:
    return verdict(asked, "Bash", command=command)
