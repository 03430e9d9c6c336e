"""Policies that are valid and probably not meant."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from avakill.ir.condition import Always, And, Condition, Not, Or, PathIn
from avakill.ir.policy import Enforcement, Policy, Rule
from avakill.source import codes
from avakill.source.diagnostic import Bag, Label

_MANY = 64
"""How many patterns of one beginning are tried; a warning missed costs less than a minute."""


def check_policy(policy: Policy, bag: Bag) -> None:
    _check_shadowed(policy.rules, bag)
    _check_directories(policy.rules, bag)


def _check_shadowed(rules: Sequence[Rule], bag: Bag) -> None:
    """Each rule all of whose tools an earlier rule without conditions has taken."""
    taken: dict[str, list[tuple[str, Rule]]] = {}
    known: dict[str, Rule | None] = {}  # what `_taker` said since `taken` grew: rules repeat their tools
    for rule in rules:
        for pattern in rule.tools:
            if pattern not in known:
                known[pattern] = _taker(pattern, taken)
        takers = [known[pattern] for pattern in rule.tools]
        first = takers[0]
        if first is not None and None not in takers:
            bag.warning(
                codes.SHADOWED_RULE,
                f"rule `{rule.name}` can never decide",
                rule.span,
                Label(first.tools_span, f"rule `{first.name}` takes these calls, whatever their arguments"),
                label="never reached",
                help="move it up, or give the earlier rule conditions",
            )
        elif isinstance(rule.condition, Always) and rule.enforcement is not Enforcement.ADVISORY:
            known.clear()
            for pattern in rule.tools:
                taken.setdefault(_beginning(pattern), []).append((pattern, rule))


def _taker(pattern: str, taken: dict[str, list[tuple[str, Rule]]]) -> Rule | None:
    """The first rule found that takes every tool of `pattern`: looked up by each beginning of the pattern."""
    beginning = _beginning(pattern)
    for length in range(len(beginning) + 1):
        for earlier, rule in taken.get(beginning[:length], ())[:_MANY]:
            if _covers(earlier, pattern, beginning):
                return rule
    return None


def _covers(earlier: str, later: str, later_beginning: str) -> bool:
    if earlier == later or earlier == "*":
        return True
    if later == later_beginning:  # a name
        return fnmatchcase(later, earlier)
    return earlier == _beginning(earlier) + "*" and later.startswith(earlier[:-1])


def _beginning(pattern: str) -> str:
    """What stands before the first wildcard."""
    for at, char in enumerate(pattern):
        if char in "*?[":
            return pattern[:at]
    return pattern


def _check_directories(rules: Sequence[Rule], bag: Bag) -> None:
    for rule in rules:
        for test in _path_tests(rule.condition):
            for glob in test.globs:
                if glob.text.endswith("/") and not glob.below:
                    bag.warning(
                        codes.DIRECTORY_ONLY,
                        f"`{glob.text}` matches directories only, not what is in them",
                        test.span,
                        help=f"write `{glob.text}**` for all below",
                    )


def _path_tests(condition: Condition) -> Iterator[PathIn]:
    match condition:
        case PathIn():
            yield condition
        case Not(inner):
            yield from _path_tests(inner)
        case And(parts) | Or(parts):
            for one in parts:
                yield from _path_tests(one)
        case _:
            return
