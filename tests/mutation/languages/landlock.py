"""Mutants of a symbolic Landlock plan. What is there only to be read (`rule`, `name`, `line`, the header) is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.mutation.languages.trees import Change, Place, at, changed, each, swap, to
from tests.mutation.mutant import Mutant, Texts


def mutants(texts: Texts) -> Iterator[Mutant]:
    yield from changed(texts[0], _changes(json.loads(texts[0])))


def _changes(tree: Any) -> Iterator[Change]:
    for place in each(tree, ("entries",)):
        entry = at(tree, place)
        yield Change("drop a rule", place)
        yield Change("flip an action", (*place, "action"), to("allow" if entry["action"] == "deny" else "deny"))
        for piece in each(tree, (*place, "pieces")):
            yield Change("drop a path", piece)
            yield from _paths(piece, at(tree, piece))
    for place in each(tree, ("orders",)):
        yield Change("drop an order", place)
        for right in each(tree, (*place, "rights")):
            yield Change("drop a right", right)
        listed = at(tree, (*place, "entries"))
        for index, entry in enumerate(listed):
            yield Change("drop a rule of an effect", (*place, "entries", index))
            if index + 1 < len(listed) and _disagree(tree["entries"][entry], tree["entries"][listed[index + 1]]):
                yield Change("swap two rules", (*place, "entries"), partial(swap, index=index))
    if tree["network"] is not None:
        yield from _ports(tree)


def _disagree(one: Any, two: Any) -> bool:
    """Whether one allows and one denies, and their literal beginnings do not part ways."""
    if one["action"] == two["action"]:
        return False
    pairs = [(_beginning(mine), _beginning(yours)) for mine in one["pieces"] for yours in two["pieces"]]
    return any(mine.startswith(yours) or yours.startswith(mine) for mine, yours in pairs)


def _beginning(piece: Any) -> str:
    for kind in ("path", "tree"):
        if kind in piece:
            return f"{str(piece[kind]).rstrip('/')}/"
    names = piece.get("glob", [])
    literal = next((n for n, name in enumerate(names) if not isinstance(name, str)), len(names))
    return "/" + "".join(f"{name}/" for name in names[:literal])


def _paths(place: Place, piece: Any) -> Iterator[Change]:
    for kind in ("path", "tree"):
        if kind in piece:
            path = piece[kind]
            yield Change("narrow a path" if kind == "tree" else "widen a path", place, to({"path" if kind == "tree" else "tree": path}))
            yield Change("widen a path", place, to({"tree": path.rpartition("/")[0] or "/"}))
            yield Change("narrow a path", place, to({kind: f"{path.rstrip('/')}/deeper"}))
            yield Change("move an edge", place, to({kind: f"{path.rstrip('/')}x"}))
    if "glob" in piece:
        yield Change("widen or narrow a path", (*place, "below"), lambda below: not below)
        for index in range(len(piece["glob"])):
            yield Change("drop a component", (*place, "glob", index))
    for key in ("without", "within"):
        for inner in each(piece, (key,)) if isinstance(piece.get(key), list) else ():
            yield Change("drop a part of a path", (*place, *inner))
            yield from _paths((*place, *inner), at(piece, inner))


def _ports(tree: Any) -> Iterator[Change]:
    yield Change("drop the network", ("network",), to(None))
    for place in each(tree, ("network", "allowed_ports")):
        first, last = at(tree, place)
        yield Change("drop ports", place)
        yield Change("move an edge", place, to([first + 1, last]))
        yield Change("move an edge", place, to([first, last - 1]))
        if last < 65535:
            yield Change("move an edge", place, to([first, last + 1]))
        if first > 0:
            yield Change("move an edge", place, to([first - 1, last]))
