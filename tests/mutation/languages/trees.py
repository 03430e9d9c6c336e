"""Mutants of JSON artifacts: the text is read as plain JSON, changed in one place and written again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.mutation.mutant import Mutant, Texts

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What stands at `place` becomes what `by` makes of it; without `by` it is taken out of its list or mapping."""

    mutator: str
    place: Place
    by: Callable[[Any], Any] | None = None


def changed(text: str, changes: Iterator[Change]) -> Iterator[Mutant]:
    tree = json.loads(text)
    for change in changes:
        old = at(tree, change.place)
        new = "" if change.by is None else json.dumps(change.by(old))
        if new != json.dumps(old):
            yield Mutant(change.mutator, f"{'.'.join(map(str, change.place))} = {json.dumps(old)}", new, _maker(text, change))


def _maker(text: str, change: Change) -> Callable[[], Texts]:
    def make() -> Texts:
        tree = json.loads(text)
        into, key = at(tree, change.place[:-1]), change.place[-1]
        if change.by is None:
            del into[key]
        else:
            into[key] = change.by(into[key])
        return (json.dumps(tree),)

    return make


def at(tree: Any, place: Place) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def each(tree: Any, place: Place) -> Iterator[Place]:
    """The places of a list's items."""
    return ((*place, index) for index in range(len(at(tree, place))))


def swap(items: list[Any], index: int) -> list[Any]:
    """A copy with the item at `index` behind the next one."""
    return [*items[:index], items[index + 1], items[index], *items[index + 2 :]]


def to(value: Any) -> Callable[[Any], Any]:
    return lambda _: value
