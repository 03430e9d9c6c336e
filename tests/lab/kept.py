"""Policies as fixtures: what a soak found, shrunken, in a form that keeps names of any bytes (`fixtures/lab`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from avakill.backends.plan import Options, Scope
from avakill.ir.condition import (
    ALWAYS,
    Always,
    And,
    CommandIn,
    Condition,
    Contains,
    ContentScan,
    Equals,
    Field,
    HostIn,
    NetworkIn,
    Not,
    PathIn,
    Scan,
)
from avakill.ir.policy import Action, Enforcement, Policy, Rule
from avakill.paths.glob import parse
from avakill.source.span import Span

FOLDER = Path(__file__).parents[2] / "fixtures" / "lab"


@dataclass(frozen=True)
class Kept:
    """A policy, what it was lowered with, and the layer and kernel on which its verdict was found wrong. `seen` is for readers."""

    policy: Policy
    options: Options
    layer: str
    kernel: str
    seed: int
    seen: tuple[str, ...] = ()


def to_text(kept: Kept) -> str:
    document = {
        "layer": kept.layer,
        "kernel": kept.kernel,
        "seed": kept.seed,
        "scope": kept.options.scope.value,
        "strict": kept.options.strict,
        "default": kept.policy.default.value,
        "rules": [_of_rule(rule) for rule in kept.policy.rules],
        "seen": list(kept.seen),
    }
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def from_text(text: str) -> Kept:
    told = json.loads(text)
    rules = tuple(_to_rule(index, rule) for index, rule in enumerate(told["rules"]))
    policy = Policy(rules, Action(told["default"]), path="policy.yaml", sha256="0" * 64)
    options = Options(Scope(told["scope"]), told["strict"])
    return Kept(policy, options, told["layer"], told["kernel"], told["seed"], tuple(told["seen"]))


def _of_rule(rule: Rule) -> dict[str, Any]:
    return {
        "tools": list(rule.tools),
        "action": rule.action.value,
        "enforcement": rule.enforcement.value,
        "condition": _of(rule.condition),
    }


def _to_rule(index: int, told: dict[str, Any]) -> Rule:
    return made_rule(index, tuple(told["tools"]), Action(told["action"]), _to(told["condition"]), Enforcement(told["enforcement"]))


def made_rule(index: int, tools: tuple[str, ...], action: Action, condition: Condition, enforcement: Enforcement) -> Rule:
    """As the generator numbers and places them."""
    return Rule(index, f"rule-{index}", tools, action, condition, enforcement, span=Span("policy.yaml", index + 4, 5, index + 4, 40))


def _of(condition: Condition) -> dict[str, Any]:
    match condition:
        case Always():
            return {"always": True}
        case PathIn(field, globs):
            return {"path": field.name, "in": list(dict.fromkeys(glob.text for glob in globs))}
        case Contains(field, needles):
            return {"contains": field.name, "of": list(needles)}
        case Equals(field, values):
            return {"equals": field.name, "of": list(values)}
        case HostIn(field, hosts):
            return {"host": field.name, "of": list(hosts)}
        case NetworkIn(field, networks):
            return {"network": field.name, "of": [str(network) for network in networks]}
        case CommandIn(names):
            return {"commands": list(names)}
        case ContentScan(kinds):
            return {"scans": [kind.value for kind in kinds]}
        case Not(inner):
            return {"not": _of(inner)}
        case And(parts):
            return {"and": [_of(part) for part in parts]}
        case _:
            raise TypeError(f"the generator draws no {type(condition).__name__}")


def _to(told: dict[str, Any]) -> Condition:
    match told:
        case {"always": True}:
            return ALWAYS
        case {"path": name, "in": texts}:
            return PathIn(Field(name), tuple(glob for text in texts for glob in parse(text)))
        case {"contains": name, "of": needles}:
            return Contains(Field(name), tuple(needles))
        case {"equals": name, "of": values}:
            return Equals(Field(name), tuple(values))
        case {"host": name, "of": hosts}:
            return HostIn(Field(name), tuple(hosts))
        case {"network": name, "of": networks}:
            return NetworkIn(Field(name), tuple(ip_network(text) for text in networks))
        case {"commands": names}:
            return CommandIn(tuple(names))
        case {"scans": kinds}:
            return ContentScan(tuple(map(Scan, kinds)))
        case {"not": inner}:
            return Not(_to(inner))
        case {"and": parts}:
            return And(tuple(map(_to, parts)))
    raise ValueError(f"not a condition: {told}")
