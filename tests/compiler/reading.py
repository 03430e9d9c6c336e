"""Words for the tests of the front end: policies in, complaints out."""
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from avakill.compiler.compile import Compiled, compile_policy, read_source
from avakill.ir.condition import Condition
from avakill.ir.policy import Policy, Rule
from avakill.source.diagnostic import Diagnostic
from avakill.source.file import SourceFile
from avakill.source.span import Span

NOTHING: Mapping[str, str] = MappingProxyType({})
PATH = "avakill.yaml"


def source(text: str | bytes) -> SourceFile:
    """The text as a file; one that cannot be decoded fails the test."""
    read = read_source(text.encode() if isinstance(text, str) else text, PATH)
    assert isinstance(read, SourceFile), read
    return read


def compiled(text: str, environment: Mapping[str, str] = NOTHING) -> Compiled:
    result = compile_policy(source(text), environment)
    assert (result.policy is None) == any(item.severity == "error" for item in result.diagnostics)
    return result


def policy_of(text: str, environment: Mapping[str, str] = NOTHING) -> Policy:
    result = compiled(text, environment)
    assert result.policy is not None, result.diagnostics
    return result.policy


def rule_with(body: str, tools: str = '["*"]', action: str = "deny") -> str:
    """A policy of one rule, with the lines of `body` in it from line 6 on."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f'version: "1.0"\npolicies:\n  - name: r\n    tools: {tools}\n    action: {action}\n{lines}'


def the_rule(body: str, environment: Mapping[str, str] = NOTHING, tools: str = '["*"]') -> Rule:
    (rule,) = policy_of(rule_with(body, tools), environment).rules
    return rule


def condition_of(body: str, environment: Mapping[str, str] = NOTHING) -> Condition:
    return the_rule(body, environment).condition


def when(expression: str, environment: Mapping[str, str] = NOTHING) -> Condition:
    return condition_of(f"when: {expression}", environment)


def complaints(text: str, environment: Mapping[str, str] = NOTHING) -> list[str]:
    """Each complaint as ``AVK1002 `what is pointed at` (line 2)``, with the other places after `see`."""
    return [complaint(item, source(text)) for item in compiled(text, environment).diagnostics]


def complaint(item: Diagnostic, file: SourceFile) -> str:
    words = [str(item.code)]
    if item.span is not None:
        words.append(quoted(item.span, file))
    seen = " ".join(words)
    return seen + "".join(f", see {quoted(other.span, file)}" for other in item.others)


def quoted(span: Span, file: SourceFile) -> str:
    line = file.line(span.line)
    last = span.end_column - 1 if span.line == span.end_line else len(line)
    return f"`{line[span.column - 1 : last]}` (line {span.line})"


def helps(text: str, environment: Mapping[str, str] = NOTHING) -> list[str]:
    return [item.help for item in compiled(text, environment).diagnostics]
