"""Doors to a profile that stands alone: what it does not name is ENOSYS, as on an older kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from avakill.backends.contract import Json
from avakill.backends.seccomp.bits import Bits
from avakill.backends.seccomp.doors import ENOSYS, Door
from avakill.backends.seccomp.model import ALLOW, ERRNO, MASKED_EQ, Entry, Test
from avakill.backends.seccomp.syscalls import names_on
from avakill.ir.effect import Effect
from avakill.source.span import Span

Causes = dict[Effect, tuple[str, Span]]
"""For each effect that is refused everywhere: the name and the place of the rule that says so."""

Head = tuple[tuple[str, Json], ...]


def open_profile(architectures: tuple[str, ...]) -> tuple[Head, tuple[Entry, ...]]:
    """Refuses nothing. The architectures are named, since libseccomp kills the calls of those that are not."""
    return (("defaultAction", ALLOW), ("architectures", architectures)), ()


def fresh_profile(doors: tuple[Door, ...], architectures: tuple[str, ...], causes: Causes) -> tuple[Head, tuple[Entry, ...]]:
    """A list of what passes. With ALLOW as the default a call that the runtime's libseccomp is too old to know would
    pass (2.5.4: setxattrat, file_setattr), and every call that a later kernel brings."""
    names = {door.name for door in doors}
    passing = tuple(name for name in names_on(architectures) if name not in names)
    head: Head = (("defaultAction", ERRNO), ("defaultErrnoRet", ENOSYS), ("architectures", architectures))
    everything = Entry(passing, ALLOW, comment="what no rule refuses; a call that is not listed does not exist")
    known = tuple(door for door in doors if door.name in names_on(architectures))
    whole = refusals((door for door in known if door.index is None), causes)
    parts = tuple(door for door in known if door.index is not None)
    return head, (everything, *whole, *_passing(parts, causes), *refusals(parts, causes))


def _passing(doors: Iterable[Door], causes: Causes) -> Iterator[Entry]:
    for like in alike(doors):
        for bits in like[0].passes:
            names = tuple(door.name for door in like)
            yield Entry(names, ALLOW, tests=(compare(like[0], bits),), origin=origin(like[0], causes))


def refusals(doors: Iterable[Door], causes: Causes) -> Iterator[Entry]:
    """The ERRNO entries: one for each flag bit or value, since two tests of one argument cannot stand in one entry."""
    for like in alike(doors):
        door, names = like[0], tuple(door.name for door in like)
        entry = Entry(names, ERRNO, door.errno, comment=comment(door, causes), origin=origin(door, causes))
        if door.index is None:
            yield entry
        for bits in door.refused:
            yield replace(entry, tests=(compare(door, bits),))


def alike(doors: Iterable[Door]) -> tuple[tuple[Door, ...], ...]:
    """Doors that differ in nothing but their name, together."""
    groups: dict[Door, list[Door]] = {}
    for door in doors:
        groups.setdefault(replace(door, name=""), []).append(door)
    return tuple(tuple(group) for group in groups.values())


def compare(door: Door, bits: Bits) -> Test:
    assert door.index is not None
    return Test(door.index, bits.mask, bits.value, MASKED_EQ)


def comment(door: Door, causes: Causes) -> str:
    """Which rules refuse it, by name."""
    rules = dict.fromkeys(causes[effect][0] for effect in Effect if effect in door.effects)
    effects = ", ".join(effect for effect in Effect if effect in door.effects)
    return f"{effects}: {', '.join(rules)}"


def origin(door: Door, causes: Causes) -> Span:
    return next(causes[effect][1] for effect in Effect if effect in door.effects)
