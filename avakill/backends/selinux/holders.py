"""Which patterns hold a path, without asking all: by literal beginning, and by a name that the path must have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from avakill.backends.selinux.units import Unit
from avakill.paths.glob import Glob, Wild, split


@dataclass(slots=True)
class _Bucket:
    """The patterns of one literal beginning, by what they ask of the names after it."""

    last: dict[str, list[Unit]] = field(default_factory=dict)
    endings: dict[int, dict[str, list[Unit]]] = field(default_factory=dict)
    named: dict[str, list[Unit]] = field(default_factory=dict)
    rest: list[Unit] = field(default_factory=list)

    def add(self, unit: Unit, parts: tuple[object, ...], below: bool) -> None:
        end = parts[-1] if parts and not below else None
        if isinstance(end, str):
            self.last.setdefault(end, []).append(unit)
        elif isinstance(end, Wild) and (ending := _ending(end)):
            self.endings.setdefault(len(ending), {}).setdefault(ending, []).append(unit)
        elif (name := next((part for part in reversed(parts) if isinstance(part, str)), None)) is not None:
            self.named.setdefault(name, []).append(unit)
        else:
            self.rest.append(unit)

    def candidates(self, names: tuple[str, ...]) -> Iterator[Unit]:
        yield from self.rest
        if not names:
            return
        end = names[-1]
        yield from self.last.get(end, ())
        for length, by_ending in self.endings.items():
            yield from by_ending.get(end[-length:], ())
        if self.named:
            for name in dict.fromkeys(names):
                yield from self.named.get(name, ())


def _ending(part: Wild) -> str:
    """The literal characters at the end of a component."""
    at = len(part.atoms)
    while at and isinstance(part.atoms[at - 1], str):
        at -= 1
    return "".join(str(atom) for atom in part.atoms[at:])


class Holders:
    """The patterns of a ground, ready to be asked about many paths."""

    __slots__ = ("buckets",)

    def __init__(self, units: Iterable[Unit]) -> None:
        self.buckets: dict[tuple[str, ...], _Bucket] = {}
        for unit in units:
            main = next((a for a in unit.piece.within if isinstance(a, Glob) and not a.fold and a.literal_prefix == unit.prefix), None)
            prefix = main.literal_prefix if main is not None else ()
            bucket = self.buckets.get(prefix)
            if bucket is None:
                bucket = self.buckets[prefix] = _Bucket()
            if main is not None:
                bucket.add(unit, main.parts[len(prefix) :], main.below)
            else:
                bucket.rest.append(unit)

    def of(self, path: str) -> list[Unit]:
        """In no particular order."""
        names = split(path)
        found: list[Unit] = []
        for length in range(len(names) + 1):
            bucket = self.buckets.get(names[:length])
            if bucket is not None:
                found += [unit for unit in bucket.candidates(names[length:]) if unit.holds(path)]
        return found
