"""Selectors into hook entries and documents, within the limits that are checked at load (facts §2)."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from avakill.backends.tetragon.model import Arg, Document, Hook, Selector, Test, Value

MAX_SELECTORS = 5
MAX_ARGS = 5
MAX_SLOTS = 8
MAX_ENTRIES = 18
"""Entries of one hook: the kernel takes 38 programs on a hook, an entry is two, and a pair is left for others."""

MAX_FOLLOWED = 64
"""`matchBinaries` sections with `followChildren` in all policies of a node."""

DOCUMENT_BYTES = 700_000
"""Well under the size of an object that a cluster's store takes (1.5 MiB)."""

_CLASSES = {
    "Prefix": ("prefix",),
    "NotPrefix": ("prefix",),
    "Postfix": ("postfix",),
    "NotPostfix": ("postfix",),
    "Equal": ("equal",),
    "NotEqual": ("equal",),
    "SAddr": ("addr4", "addr6"),
    "NotSAddr": ("addr4", "addr6"),
    "SPort": ("values",),
    "NotSPort": ("values",),
    "Family": ("values",),
}


def slots(test: Test) -> tuple[str, ...]:
    """The map classes in which a matchArg takes a slot of eight."""
    return _CLASSES.get(test.operator, ())


def pack(name: str, selectors: Iterable[Selector], most: int) -> tuple[tuple[Hook, ...], tuple[Selector, ...]]:
    """The entries of one hook, and the selectors that did not fit into `most`."""
    entries: list[_Entry] = []
    left: list[Selector] = []
    for selector in sorted(selectors, key=lambda s: -len({t.arg for t in s.tests})):
        home = next((entry for entry in entries if entry.takes(selector)), None)
        if home is None and len(entries) < most:
            home = _Entry()
            entries.append(home)
        if home is None:
            left.append(selector)
        else:
            home.add(selector)
    return tuple(Hook(name, tuple(entry.args), tuple(entry.selectors)) for entry in entries), tuple(left)


class _Entry:
    def __init__(self) -> None:
        self.args: dict[Arg, None] = {}
        self.used: Counter[str] = Counter()
        self.selectors: list[Selector] = []

    def takes(self, selector: Selector) -> bool:
        if len(self.selectors) >= MAX_SELECTORS:
            return False
        args = {test.arg for test in selector.tests}
        used = self.used + Counter(slot for test in selector.tests for slot in slots(test))
        return len(self.args.keys() | args) <= MAX_ARGS and all(count <= MAX_SLOTS for count in used.values())

    def add(self, selector: Selector) -> None:
        self.args.update((test.arg, None) for test in sorted(selector.tests, key=lambda t: (t.arg.index, t.arg.resolve)))
        self.used.update(slot for test in selector.tests for slot in slots(test))
        self.selectors.append(selector)


def documents(name: str, hooks: Iterable[Hook]) -> Iterator[Document]:
    """One document, or more where it would grow too big for the cluster's store."""
    chosen: list[Hook] = []
    size = number = 0
    weights: dict[int, int] = {}
    for hook in hooks:
        weight = sum(_weight(test.values, weights) for selector in hook.selectors for test in selector.tests)
        if chosen and size + weight > DOCUMENT_BYTES:
            yield Document(_numbered(name, number), tuple(chosen))
            chosen, size, number = [], 0, number + 1
        chosen.append(hook)
        size += weight
    if chosen:
        yield Document(_numbered(name, number), tuple(chosen))


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name}-{number + 1}"


def _weight(values: tuple[Value, ...], known: dict[int, int]) -> int:
    """Bytes of the values in YAML, roughly; the same tuple is counted once."""
    if id(values) not in known:
        known[id(values)] = len("".join([text for text, _ in values])) + 24 * len(values)
    return known[id(values)]
