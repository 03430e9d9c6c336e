"""The LSM hooks that were seen to prevent, and where their arguments are (facts §3; equal in 6.1 and 6.12)."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from avakill.backends.tetragon.model import Arg, Selector, Test
from avakill.backends.tetragon.terms import Term
from avakill.ir.effect import Effect
from avakill.source.span import NOWHERE

MAX_TESTS = 5
READ_BIT, WRITE_BIT = 1, 2
DIRECTORY_BIT = "16384"
ANY_TYPE_BITS = "61440"
EXCHANGE_BIT = "2"

FILE = {"path": Arg(0, "file"), "name": Arg(0, "string", "f_path.dentry.d_name.name"), "mode": Arg(0, "uint32", "f_mode")}
PATH = {"path": Arg(0, "path"), "name": Arg(0, "string", "dentry.d_name.name")}
PROGRAM = {"path": Arg(0, "linux_binprm"), "name": Arg(0, "string", "file.f_path.dentry.d_name.name")}
ENTRY = {"dir": Arg(0, "path"), "name": Arg(1, "string", "d_name.name")}
LINK_NEW = {"dir": Arg(1, "path"), "name": Arg(2, "string", "d_name.name")}
LINK_OLD = {"path": Arg(0, "dentry"), "name": Arg(0, "string", "d_name.name")}
RENAME_OLD = {"dir": Arg(0, "path"), "name": Arg(1, "string", "d_name.name"), "type": Arg(1, "uint32", "d_inode.i_mode")}
RENAME_NEW = {"dir": Arg(2, "path"), "name": Arg(3, "string", "d_name.name"), "type": Arg(3, "uint32", "d_inode.i_mode")}
FLAGS = Arg(4, "uint32")

CREATES = ("path_mknod", "path_mkdir", "path_symlink")
DELETES = ("path_unlink", "path_rmdir")
CHANGES = ("path_chmod", "path_chown")


def bind(term: Term, args: Mapping[str, Arg]) -> tuple[Test, ...]:
    return tuple(Test(args[part.field], part.operator, part.values) for part in term)


def mask(arg: Arg, bits: str) -> Test:
    return Test(arg, "Mask", ((bits, NOWHERE),))


@dataclass(frozen=True, slots=True)
class Crossing:
    """Paths said as their directories × their names, by selectors of renames that carry denies of `rows`."""

    rows: tuple[int, ...]
    paths: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Trim:
    """A selector of a hook, and the tests that it had no room for."""

    hook: str
    selector: Selector
    dropped: tuple[Test, ...]


@dataclass(slots=True)
class Draft:
    """The selectors of each hook as they are collected; `trimmed`: those that lost tests."""

    selectors: dict[str, dict[tuple[tuple[Arg, str, int | str], ...], Selector]]
    trimmed: list[Trim]
    crossings: dict[Crossing, None]

    def add(self, hook: str, tests: Iterable[Test], effects: frozenset[Effect], rows: tuple[int, ...]) -> None:
        kept = every = tuple(tests)
        if len(kept) > MAX_TESTS:
            kept = every = tuple(test for test in kept if not _holds_always(test))
        while len(kept) > MAX_TESTS:
            kept = _without_one(kept)
        if len(kept) < len(every):
            dropped = tuple([test for test in every if test not in kept])
            self.trimmed.append(Trim(hook, Selector(kept, effects, rows), dropped))
        here = self.selectors.setdefault(hook, {})
        key = tuple((test.arg, test.operator, _identity(test)) for test in kept)
        if key not in here:
            here[key] = Selector(kept, effects, rows)


def _holds_always(test: Test) -> bool:
    """Every path begins with `/`."""
    return test.operator == "Prefix" and not test.arg.resolve and any(text == "/" for text, _ in test.values)


def _identity(test: Test) -> int | str:
    """A group's values are made once, so long ones are the same object or not the same."""
    return test.values[0][0] if len(test.values) == 1 else id(test.values)


def _without_one(tests: tuple[Test, ...]) -> tuple[Test, ...]:
    """The test that is given up first: an exception of names, then of paths, then a prefix. Less is denied by more tests."""
    order = ("NotPostfix", "NotEqual", "NotPrefix", "Prefix", "Postfix", "Equal")
    for operator in order:
        for at in range(len(tests) - 1, -1, -1):
            if tests[at].operator == operator:
                return (*tests[:at], *tests[at + 1 :])
    return tests[:-1]
