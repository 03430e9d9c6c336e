"""A runtime's own profile and the doors: each entry that lets a door pass is replaced by what stays open of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from avakill.backends.contract import Json
from avakill.backends.seccomp.bits import WHOLE, Bits, meet, outside
from avakill.backends.seccomp.doors import Door
from avakill.backends.seccomp.model import MASKED_EQ, Entry, Test
from avakill.backends.seccomp.profile import Causes, Head, compare, origin, refusals

ACTIONS = frozenset(
    f"SCMP_ACT_{name}" for name in ("KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "ERRNO", "TRACE", "ALLOW", "LOG", "NOTIFY")
)
"""The actions of the OCI runtime specification, config-linux.md."""
PASSING = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE")
"""Actions after which the call may happen."""

MAX_WIDTH = 8
"""Up to this many bits the values of an argument are counted one by one."""


class BadBase(ValueError):
    """The base is not a profile that can be merged; the message says why."""


@dataclass(frozen=True, slots=True)
class Base:
    """A parsed profile: `head` are its keys but `syscalls`."""

    head: Head
    entries: tuple[Entry, ...]
    default: str


def read_base(tree: Json) -> Base:
    """Raises BadBase."""
    if not isinstance(tree, Mapping):
        raise BadBase("it is not a JSON object")
    default = tree.get("defaultAction")
    if not isinstance(default, str):
        raise BadBase("it has no `defaultAction`")
    if default not in ACTIONS:
        raise BadBase(f"its `defaultAction` is `{default}`, which is no seccomp action")
    listed = tree.get("syscalls", ())
    if listed is None:
        listed = ()
    if not isinstance(listed, tuple | list):
        raise BadBase("its `syscalls` are not a list")
    head = tuple((str(key), value) for key, value in tree.items() if key not in ("syscalls", "x-avakill"))
    return Base(head, tuple(one for item in listed for one in _split(_read_entry(item))), default)


def _read_entry(item: Json) -> Entry:
    if not isinstance(item, Mapping):
        raise BadBase("an entry of its `syscalls` is not an object")
    names = item.get("names") or ((item["name"],) if item.get("name") else ())
    action, errno = item.get("action"), item.get("errnoRet")
    tests = item.get("args") or ()
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        raise BadBase("an entry of its `syscalls` has no list of `names`")
    if not isinstance(action, str) or not isinstance(tests, tuple | list) or not isinstance(errno, int | None):
        raise BadBase("an entry of its `syscalls` has no `action`, or `args` or `errnoRet` that cannot be read")
    if action not in ACTIONS:
        raise BadBase(f"an entry of its `syscalls` has the action `{action}`, which is no seccomp action")
    told = item.get("comment")
    extra = tuple(
        (str(key), value) for key, value in item.items() if key not in ("names", "name", "action", "args", "errnoRet", "comment")
    )
    comment = told if isinstance(told, str) else ""
    return Entry(tuple(str(name) for name in names), action, errno, tuple(map(_read_test, tests)), comment, extra)


def _read_test(item: Json) -> Test:
    if isinstance(item, Mapping):
        index, value, two, op = item.get("index"), item.get("value"), item.get("valueTwo") or 0, item.get("op")
        if isinstance(index, int) and isinstance(value, int) and isinstance(two, int) and isinstance(op, str):
            return Test(index, value, two, op)
    raise BadBase("one of its `args` cannot be read")


def _split(entry: Entry) -> Iterator[Entry]:
    """runc takes an entry with two tests of one argument for one entry a test, any of which suffices."""
    indexes = [test.index for test in entry.tests]
    if len(set(indexes)) == len(indexes):
        yield entry
    else:
        yield from (replace(entry, tests=(test,)) for test in entry.tests)


def merged(base: Base, doors: tuple[Door, ...], causes: Causes) -> tuple[Head, tuple[Entry, ...]]:
    by_name = {door.name: door for door in doors}
    kept: list[Entry] = []
    parted: list[Entry] = []
    for entry in base.entries:
        others = tuple(name for name in entry.names if not _is_replaced(entry, by_name.get(name)))
        if others or not entry.names:
            kept.append(replace(entry, names=others))
        for name in entry.names:
            door = by_name.get(name)
            if door is not None and _is_replaced(entry, door):
                parted.extend(_what_stays(entry, door, causes))
    said = {(name, _tests(entry)) for entry in kept for name in entry.names}
    ours = tuple(new for entry in refusals(doors, causes) for new in _unsaid(entry, said))
    whole = tuple(entry for entry in ours if not entry.tests)
    return base.head, (*kept, *whole, *_once(parted), *(entry for entry in ours if entry.tests))


def _once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Without repetitions: a base may list a name twice."""
    return tuple({(e.names, e.action, e.errno, e.tests, repr(e.extra)): e for e in entries}.values())


def _is_replaced(entry: Entry, door: Door | None) -> bool:
    """An entry that lets a door pass is; one that refuses a door stays, but where the whole door is refused anew."""
    return door is not None and (entry.action in PASSING or door.index is None)


def _tests(entry: Entry) -> tuple[Test, ...]:
    return tuple(sorted(entry.tests, key=lambda test: test.index))


def _unsaid(entry: Entry, said: set[tuple[str, tuple[Test, ...]]]) -> Iterator[Entry]:
    """Two entries with the same tests and another action are an error to libseccomp; an unconditional one says all."""
    names = tuple(name for name in entry.names if (name, ()) not in said and (name, _tests(entry)) not in said)
    if names:
        yield replace(entry, names=names)


def _what_stays(entry: Entry, door: Door, causes: Causes) -> Iterator[Entry]:
    """Nothing of a refusal or of a door refused whole; else the base's own tests and one passing set of the door's."""
    if door.index is None or entry.action not in PASSING:
        return
    mine = next((test for test in entry.tests if test.index == door.index), None)
    others = tuple(test for test in entry.tests if test.index != door.index)
    for bits in _shared(door, mine):
        tests = (*others, compare(door, bits))
        yield replace(entry, names=(door.name,), tests=tests, origin=origin(door, causes))


def _shared(door: Door, test: Test | None) -> tuple[Bits, ...]:
    """What both the door and the base's test of the same argument let pass; a test that cannot be met with lets nothing."""
    if test is None:
        return door.passes
    exact = _as_bits(test)
    if exact is not None:
        met = (meet(bits, exact) for bits in door.passes)
        return tuple(bits for bits in met if bits is not None)
    if door.width > MAX_WIDTH:
        return ()
    values = range(1 << door.width)
    passing = {n for n in values if _holds(test, n) and any(bits.holds(n) for bits in door.passes)}
    above = Bits(door.passes[0].mask & ~((1 << door.width) - 1), 0)
    return outside(frozenset(values) - passing, door.width, above)


def _as_bits(test: Test) -> Bits | None:
    if test.op == MASKED_EQ:
        return Bits(test.value, test.two & test.value) if test.two & ~test.value == 0 else None
    return Bits(WHOLE, test.value) if test.op == "SCMP_CMP_EQ" else None


def _holds(test: Test, value: int) -> bool:
    match test.op:
        case "SCMP_CMP_NE":
            return value != test.value
        case "SCMP_CMP_LT":
            return value < test.value
        case "SCMP_CMP_LE":
            return value <= test.value
        case "SCMP_CMP_GE":
            return value >= test.value
        case "SCMP_CMP_GT":
            return value > test.value
        case _:
            return False


def narrows_blindly(base: Base, doors: tuple[Door, ...]) -> frozenset[str]:
    """The doors that the merge would refuse altogether, since the base tests the same argument in another way."""
    by_name = {door.name: door for door in doors if door.index is not None and door.width > MAX_WIDTH}
    return frozenset(
        name
        for entry in base.entries
        if entry.action in PASSING
        for name in entry.names
        for test in entry.tests
        if name in by_name and test.index == by_name[name].index and _as_bits(test) is None
    )
