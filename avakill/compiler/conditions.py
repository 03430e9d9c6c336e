"""`conditions:` of a rule to one condition."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from avakill.compiler.patterns import Budget, read_globs, read_workspace
from avakill.compiler.scalars import value_of
from avakill.compiler.schema import is_null
from avakill.compiler.yamltree import Map, Node, Scalar, Seq
from avakill.ir.condition import (
    ALWAYS,
    Always,
    And,
    CommandIn,
    Condition,
    Contains,
    ContentScan,
    Field,
    Not,
    PathIn,
    Scan,
    ShellSafe,
)
from avakill.ir.names import canonical_argument
from avakill.paths.glob import Glob
from avakill.source.diagnostic import Bag
from avakill.source.span import Span


def lower_conditions(node: Node | None, budget: Budget, bag: Bag) -> Condition:
    """The conjunction of what a checked `conditions:` asks; patterns that cannot be read are left in `bag`."""
    if not isinstance(node, Map):
        return ALWAYS
    workspace_node = node.get("workspace")
    workspace: Glob | None = None
    if isinstance(workspace_node, Scalar) and not is_null(workspace_node):
        workspace = read_workspace(workspace_node, bag)
    parts: list[Condition] = []
    for name, (_, value) in node.entries.items():
        parts += _lower_key(name, value, workspace, budget, bag)
    return conjunction(parts)


def conjunction(parts: Iterable[Condition]) -> Condition:
    """All of `parts`, without an `And` around one or none."""
    flat: list[Condition] = []
    for one in parts:
        if isinstance(one, And):
            flat += one.parts
        elif not isinstance(one, Always):
            flat.append(one)
    match flat:
        case []:
            return ALWAYS
        case [only]:
            return only
        case _:
            return And(tuple(flat))


def scalars(node: Node) -> list[Scalar]:
    """The items of a checked list of texts."""
    assert isinstance(node, Seq)
    return [item for item in node.items if isinstance(item, Scalar)]


def texts(node: Node) -> tuple[str, ...]:
    return tuple(item.text for item in scalars(node))


def _lower_key(name: str, value: Node, workspace: Glob | None, budget: Budget, bag: Bag) -> Iterator[Condition]:
    match name:
        case "args_match":
            yield from _contains(value)
        case "args_not_match":
            yield from (Not(one) for one in _contains(value))
        case "path_match":
            yield from _paths(value, workspace, budget, bag)
        case "path_not_match":
            yield Not(conjunction(_paths(value, workspace, budget, bag)))
        case "shell_safe" if isinstance(value, Scalar) and value_of(value) is True:
            yield ShellSafe(value.span)
        case "command_allowlist" if not is_null(value):
            yield CommandIn(texts(value), span_of(value))
        case "content_scan":
            yield ContentScan(tuple(dict.fromkeys(Scan(text) for text in texts(value))), span_of(value))


@lru_cache(maxsize=4096)
def argument(name: str) -> Field:
    return Field(canonical_argument(name))


def _contains(node: Node) -> Iterator[Contains]:
    assert isinstance(node, Map)
    for name, (_, value) in node.entries.items():
        yield Contains(argument(name), texts(value), span_of(value))


def _paths(node: Node, workspace: Glob | None, budget: Budget, bag: Bag) -> Iterator[PathIn]:
    assert isinstance(node, Map)
    for name, (_, value) in node.entries.items():
        globs = [glob for item in scalars(value) for glob in read_globs(item, workspace, budget, bag)]
        distinct = tuple(dict.fromkeys(globs) if len(globs) > 1 else globs)
        yield PathIn(argument(name), distinct, span_of(value))


def span_of(node: Node) -> Span:
    """A list of one is its item."""
    if isinstance(node, Seq) and len(node.items) == 1:
        return node.items[0].span
    return node.span
