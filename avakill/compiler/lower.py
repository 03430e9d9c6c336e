"""A checked tree to the policy that it means."""
from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from avakill.compiler.conditions import conjunction, lower_conditions, scalars, span_of, texts
from avakill.compiler.patterns import Budget
from avakill.compiler.scalars import value_of
from avakill.compiler.schema import check, check_keys, check_value, is_null
from avakill.compiler.surface import POLICY, RULE
from avakill.compiler.when import read_when
from avakill.compiler.yamltree import Map, Node, Scalar, Seq
from avakill.ir.effect import Effect
from avakill.ir.names import CANONICAL_TOOLS, canonical_tool, tool_patterns
from avakill.ir.policy import Action, Enforcement, Policy, RateLimit, Requirement, Rule, ToolEffect
from avakill.source import codes
from avakill.source.diagnostic import Bag
from avakill.source.file import SourceFile
from avakill.source.span import NOWHERE

_SELDOM = ("rate_limit", "message", "require", "enforcement", "log")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def lower_policy(root: Map, source: SourceFile, bag: Bag) -> Policy:
    """The policy; it is whole only if `bag` has no errors afterwards."""
    check_keys(root, POLICY, "the policy", bag)
    checked = {
        name
        for name, (_, value) in root.entries.items()
        if name in POLICY.by_name and name != "policies" and check_value(value, POLICY.by_name[name], bag)
    }
    _warn_of_ignored(root, bag)
    default = root.get("default_action") if "default_action" in checked else None
    return Policy(
        rules=tuple(_lower_rules(root.get("policies"), bag)),
        default=Action(default.text) if isinstance(default, Scalar) else Action.DENY,
        tool_effects=tuple(_tool_effects(root.get("tool_effects"), bag)) if "tool_effects" in checked else (),
        path=source.path,
        sha256=source.sha256,
        default_span=default.span if default is not None else NOWHERE,
    )


def _lower_rules(node: Node | None, bag: Bag) -> Iterator[Rule]:
    if node is None:
        return
    if not isinstance(node, Seq):
        check(node, POLICY.by_name["policies"].shape, "policies", bag)
        return
    budget = Budget()
    for index, item in enumerate(node.items):
        if bag.is_full:
            return
        if check(item, RULE, f"policies[{index}]", bag) and isinstance(item, Map):
            yield _lower_rule(index, item, budget, bag)


def _lower_rule(index: int, node: Map, budget: Budget, bag: Bag) -> Rule:
    name = _scalar(node, "name")
    tools = node.entries["tools"].value
    told = {key: entry.value for key, entry in node.entries.items()}.get
    limit, message, require, enforcement, log = map(told, _SELDOM)
    if isinstance(log, Scalar) and value_of(log) is False:
        bag.note(codes.IGNORED_KEY, "`log: false` has no effect: every decision is logged", log.span)
    condition = lower_conditions(told("conditions"), budget, bag)
    when = told("when")
    if isinstance(when, Scalar):
        condition = conjunction((condition, read_when(when, budget, bag)))
    return Rule(
        index=index,
        name=name.text,
        tools=_tools(tools),
        action=Action(_scalar(node, "action").text),
        condition=condition,
        enforcement=Enforcement(enforcement.text) if isinstance(enforcement, Scalar) else Enforcement.HARD,
        rate_limit=_rate_limit(limit, bag) if isinstance(limit, Map) else None,
        message=message.text if isinstance(message, Scalar) and not is_null(message) else None,
        require=Requirement(require.text) if isinstance(require, Scalar) and not is_null(require) else None,
        span=name.span,
        tools_span=span_of(tools),
    )


def _scalar(node: Map, key: str) -> Scalar:
    value = node.entries[key].value
    assert isinstance(value, Scalar)
    return value


def _tools(node: Node) -> tuple[str, ...]:
    return _patterns(tuple([_literal(item) if item.inserts else item.text for item in scalars(node)]))


@lru_cache(maxsize=4096)
def _patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern for text in texts for pattern in tool_patterns(text)))


def _literal(scalar: Scalar) -> str:
    """A tool pattern in which environment values stand for themselves."""
    text = scalar.text
    for insert in reversed(scalar.inserts):
        value = "".join(f"[{char}]" if char in "*?[" else char for char in text[insert.start : insert.end])
        text = text[: insert.start] + value + text[insert.end :]
    return text


def _rate_limit(node: Map, bag: Bag) -> RateLimit:
    calls, window = value_of(_scalar(node, "max_calls")), _scalar(node, "window")
    assert isinstance(calls, int)
    seconds = int(window.text[:-1]) * _SECONDS[window.text[-1]]
    if seconds == 0:
        bag.error(codes.BAD_VALUE, "`window` is at least one second", window.span)
    return RateLimit(calls, seconds, window.span)


def _tool_effects(node: Node | None, bag: Bag) -> Iterator[ToolEffect]:
    if not isinstance(node, Map):
        return
    for name, (key, value) in node.entries.items():
        canonical = canonical_tool(name)
        if canonical in CANONICAL_TOOLS:
            help = "give your own tool another name"
            message = f"`{name}` is the canonical tool `{canonical}`, whose effects are fixed"
            bag.error(codes.BAD_VALUE, message, key.span, help=help)
        else:
            yield ToolEffect(name.lower(), frozenset(Effect(text) for text in texts(value)), key.span)


def _warn_of_ignored(root: Map, bag: Bag) -> None:
    notifications, sandbox = root.entries.get("notifications"), root.entries.get("sandbox")
    if notifications is not None:
        bag.note(codes.IGNORED_KEY, "`notifications` has no effect", notifications.key.span)
    if sandbox is not None and not is_null(sandbox.value):
        help = "say it with rules: `path_match` on `file_write`, `shell_execute`, `web_fetch`"
        message = "`sandbox` is not compiled yet: nothing of it is enforced"
        bag.warning(codes.IGNORED_KEY, message, sandbox.key.span, help=help)
