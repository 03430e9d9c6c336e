"""Texts of many rules looked for in one pass: anywhere, at the beginning, or as a host's name."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

FEW = 8
"""Up to here one `in` for each is faster than an automaton."""


@dataclass(slots=True)
class WordIndex:
    """Needles, already folded, with the orders of the rules that have them."""

    needles: dict[str, list[int]] = field(default_factory=dict)
    everything: list[int] = field(default_factory=list)
    _automaton: Any = None

    def add(self, needle: str, order: int) -> None:
        self.needles.setdefault(needle, []).append(order)
        self.everything.append(order)

    def orders(self, text: str) -> Iterator[int]:
        """The rules that have a needle in `text` (folded as the needles are), in no order."""
        if len(self.needles) <= FEW:
            for needle, orders in self.needles.items():
                if needle in text:
                    yield from orders
            return
        for _, orders in self._made().iter(text):
            yield from orders

    def _made(self) -> Any:
        """Aho-Corasick, made when first asked."""
        made = self._automaton
        if made is None:
            import ahocorasick

            made = ahocorasick.Automaton()
            for needle, orders in self.needles.items():
                made.add_word(needle, orders)
            made.make_automaton()
            self._automaton = made  # last, so that another thread sees a whole one or makes its own
        return made


@dataclass(slots=True)
class BeginningIndex:
    """Prefixes of texts, with the orders of the rules that have them."""

    prefixes: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    everything: list[int] = field(default_factory=list)

    def add(self, prefix: str, order: int) -> None:
        self.prefixes.setdefault(len(prefix), {}).setdefault(prefix, []).append(order)
        self.everything.append(order)

    def orders(self, text: str) -> Iterator[int]:
        for length, known in self.prefixes.items():
            yield from known.get(text[:length], ())


@dataclass(slots=True)
class HostIndex:
    """Host patterns: a name, `*.` with what all names below end in, or `*`."""

    names: dict[str, list[int]] = field(default_factory=dict)
    below: dict[str, list[int]] = field(default_factory=dict)
    everything: list[int] = field(default_factory=list)

    def add(self, pattern: str, order: int) -> None:
        """As `host_matches` reads a pattern."""
        pattern = pattern.lower().rstrip(".")
        known = self.below if pattern.startswith("*.") else self.names
        known.setdefault(pattern.removeprefix("*."), []).append(order)
        self.everything.append(order)

    def orders(self, host: str) -> Iterator[int]:
        host = host.lower().rstrip(".")
        yield from self.names.get(host, ())
        yield from self.names.get("*", ())
        at = host.find(".")
        while at >= 0:
            yield from self.below.get(host[at + 1 :], ())
            at = host.find(".", at + 1)
