"""The rules that one tool may match, indexed by what their conditions need of a call."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from avakill.evaluator.call import Call, Undecidable
from avakill.evaluator.hosts import to_ascii
from avakill.evaluator.index.needs import Needed, needs
from avakill.evaluator.index.paths import NEVER, Names, PathIndex
from avakill.evaluator.index.words import BeginningIndex, HostIndex, WordIndex
from avakill.evaluator.places import composed, prefix_of, rest_of
from avakill.evaluator.texts import hosts_of, texts_of
from avakill.evaluator.truth import Truth
from avakill.evaluator.values import folded, scalars_of
from avakill.events.value import Scalar, as_text
from avakill.ir.condition import Always, Contains, Equals, Field, HostIn, PathIn, StartsWith
from avakill.ir.policy import Enforcement, Rule
from avakill.paths.glob import Glob

PATH = Field("path")
ALL_BELOW = Glob((), below=True)

Real = Callable[[Names], Names]
"""The components of an absolute path with the links in it followed."""

Key = str | int | float


@dataclass(slots=True)
class RuleTable:
    """`pure` are the rules that ask for a path and nothing else (or for nothing at all): for a call with one plain path the
    trie has the whole answer. The other tables hold what the rest needs; `always` are those of which nothing is known."""

    always: list[int] = field(default_factory=list)
    paths: dict[str, PathIndex] = field(default_factory=dict)
    words: dict[Field, WordIndex] = field(default_factory=dict)
    beginnings: dict[Field, BeginningIndex] = field(default_factory=dict)
    hosts: dict[str, HostIndex] = field(default_factory=dict)
    equals: dict[str, tuple[dict[Key, list[int]], list[int]]] = field(default_factory=dict)
    pure: PathIndex = field(default_factory=PathIndex)
    impure: list[tuple[int, frozenset[str] | None]] = field(default_factory=list)
    """The other rules, each with the arguments of which it needs one; None where that is not known."""

    def first_impure(self, given: frozenset[str]) -> int:
        """The first rule that is not pure and may hold of a call with these arguments (canonical names)."""
        return next((order for order, wanted in self.impure if wanted is None or wanted & given), NEVER)

    def candidates(self, call: Call) -> list[int]:
        """The rules that hold or may hold, rising, and maybe some that do not."""
        found = set(self.always)
        for name, index in (("path", self.pure), *self.paths.items()):
            found.update(_on_paths(index, call, name))
        for asked, words in self.words.items():
            found.update(_on_texts(words, call, asked, folded))
        for asked, beginnings in self.beginnings.items():
            found.update(_on_texts(beginnings, call, asked, str))
        for name, hosts in self.hosts.items():
            found.update(_on_hosts(hosts, call, name))
        for name, (table, everything) in self.equals.items():
            found.update(_on_values(table, everything, call, name))
        return sorted(found)


def make_table(rules: Iterable[tuple[Rule, Truth]], call: Call, real: Real) -> RuleTable:
    """`call` is any call in the right context; its event does not matter. Rules come in their order."""
    listed = tuple(rules)
    folds = call.context.ignores_case
    table = RuleTable(pure=PathIndex(fold=folds))
    for rule, truth in listed:
        if _is_pure(rule, truth):
            _add_pure(table, rule, call, real)
            continue
        needed = needs(rule.condition)
        table.impure.append((rule.index, None if needed is None else frozenset(leaf.field.name for leaf in needed)))
        if needed is None:
            table.always.append(rule.index)
            continue
        for leaf in needed:
            _add_leaf(table, leaf, rule.index, call, real, folds)
    table.pure.finish()
    for index in table.paths.values():
        index.finish()
    return table


def _is_pure(rule: Rule, truth: Truth) -> bool:
    if truth is not Truth.YES or rule.enforcement is Enforcement.ADVISORY:
        return False
    return isinstance(rule.condition, Always) or (isinstance(rule.condition, PathIn) and rule.condition.field == PATH)


def _add_pure(table: RuleTable, rule: Rule, call: Call, real: Real) -> None:
    if isinstance(rule.condition, PathIn):
        _add_globs(table.pure, rule.condition.globs, rule.index, call, real)
    else:
        table.pure.add((), ALL_BELOW, rule.index)
        table.always.append(rule.index)


def _add_globs(index: PathIndex, globs: tuple[Glob, ...], order: int, call: Call, real: Real) -> None:
    """Under the literal prefix as it is written, and as it is with links followed."""
    for glob in composed(globs):
        prefix = prefix_of(call, glob)
        rest = rest_of(glob)
        index.add(prefix, rest, order)
        followed = real(prefix)
        if followed != prefix:
            index.add(followed, rest, order)


def _add_leaf(table: RuleTable, leaf: Needed, order: int, call: Call, real: Real, folds: bool) -> None:
    match leaf:
        case PathIn(asked, globs):
            index = table.paths.setdefault(asked.name, PathIndex(fold=folds))
            _add_globs(index, globs, order, call, real)
        case Contains(asked, needles):
            words = table.words.setdefault(asked, WordIndex())
            for needle in needles:
                words.add(folded(needle), order)
        case StartsWith(asked, prefix):
            table.beginnings.setdefault(asked, BeginningIndex()).add(prefix, order)
        case HostIn(asked, patterns):
            hosts = table.hosts.setdefault(asked.name, HostIndex())
            for pattern in patterns:
                hosts.add(to_ascii(pattern) or pattern, order)
        case Equals(asked, values):
            by_value, everything = table.equals.setdefault(asked.name, ({}, []))
            everything.append(order)
            for value in values:
                for key in _keys(value):
                    by_value.setdefault(key, []).append(order)


def _keys(value: Scalar) -> Iterator[Key]:
    """What two values share where one may be taken for the other: the same text, or the same number."""
    yield folded(as_text(value))
    if isinstance(value, int | float):
        yield value


# -- a question fails as the rule's own would, and only there: what cannot be looked up makes all its rules candidates --


def _on_paths(index: PathIndex, call: Call, name: str) -> Iterable[int]:
    try:
        readings = call.readings(name)
    except Undecidable:
        return index.everything
    if any(reading.doubt for reading in readings):
        return index.everything
    return (order for reading in readings for names in reading.every for order in index.orders(names))


def _on_texts(index: WordIndex | BeginningIndex, call: Call, asked: Field, read: Callable[[str], str]) -> Iterable[int]:
    try:
        texts = texts_of(call, asked)
    except Undecidable:
        return index.everything
    if texts.doubt or texts.open:
        return index.everything
    return (order for text in texts.every() for order in index.orders(read(text)))


def _on_hosts(index: HostIndex, call: Call, name: str) -> Iterable[int]:
    try:
        hosts = hosts_of(call, name)
    except Undecidable:
        return index.everything
    if any(host.doubt or not host.names for host in hosts):
        return index.everything
    return (order for host in hosts for text in host.names for order in index.orders(text))


def _on_values(table: dict[Key, list[int]], everything: list[int], call: Call, name: str) -> Iterable[int]:
    try:
        given = scalars_of(call, Field(name))
    except Undecidable:
        return everything
    return (order for scalar in given for key in _keys(scalar) for order in table.get(key, ()))
