"""Mutants of a seccomp profile. Comments and what `x-avakill` tells the reader are left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.mutation.languages.trees import Change, Place, at, changed, each, swap, to
from tests.mutation.mutant import Mutant, Texts

PASS, REFUSE = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"


def mutants(texts: Texts) -> Iterator[Mutant]:
    yield from changed(texts[0], _changes(json.loads(texts[0])))


def _changes(tree: Any) -> Iterator[Change]:
    yield Change("flip an action", ("defaultAction",), to(_other(tree["defaultAction"])))
    if "defaultErrnoRet" in tree:
        yield from _errors((), tree, "defaultErrnoRet")
    for place in each(tree, ("architectures",)):
        yield Change("drop an architecture", place)
    for index, place in enumerate(each(tree, ("syscalls",))):
        entry = at(tree, place)
        yield Change("drop a rule", place)
        yield Change("flip an action", (*place, "action"), to(_other(entry["action"])))
        if len(entry["names"]) > 1:
            yield from (Change("drop a call", name) for name in each(tree, (*place, "names")))
        if "errnoRet" in entry:
            yield from _errors(place, tree, "errnoRet")
        for test in each(tree, (*place, "args")) if "args" in entry else ():
            yield from _tests(test)
        if _share(tree["syscalls"], index):
            yield Change("swap two rules", ("syscalls",), partial(swap, index=index))
        if entry["action"] == REFUSE and "args" not in entry:
            for name in entry["names"]:
                yield Change("give back a call", ("syscalls", 0, "names"), partial(_with, name=name))


def _errors(place: Place, tree: Any, key: str) -> Iterator[Change]:
    yield Change("a refusal that reports success", (*place, key), to(0))
    yield Change("another error", (*place, key), to(13))
    yield Change("drop an error", (*place, key))


def _tests(test: Place) -> Iterator[Change]:
    yield Change("drop a test", test)
    yield Change("another argument", (*test, "index"), lambda index: index + 1)
    yield Change("another mask", (*test, "value"), lambda value: value ^ 1)
    yield Change("another mask", (*test, "value"), lambda value: value & ~4 if value & 4 else value | 4)
    yield Change("another value", (*test, "valueTwo"), lambda value: value ^ 2)
    yield Change("another operator", (*test, "op"), to("SCMP_CMP_NE"))


def _other(action: str) -> str:
    return REFUSE if action == PASS else PASS


def _share(entries: list[Any], index: int) -> bool:
    """Whether an entry and the next are about the same call: one of them for all arguments."""
    if index + 1 >= len(entries) or ("args" in entries[index] and "args" in entries[index + 1]):
        return False
    return bool(set(entries[index]["names"]) & set(entries[index + 1]["names"]))


def _with(names: list[str], name: str) -> list[str]:
    return [*names, name]
