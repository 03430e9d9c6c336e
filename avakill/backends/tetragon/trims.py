"""What the exceptions that did not fit into a selector close: it has room for five tests (facts §2)."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product

from avakill.backends.judge import Probe
from avakill.backends.tetragon import hooks
from avakill.backends.tetragon.claims import MOVES, NONE, Claims, Effects, file_probes, operations
from avakill.backends.tetragon.hooks import Trim
from avakill.backends.tetragon.losses import common
from avakill.backends.tetragon.model import Arg, Test
from avakill.ir.effect import Operation
from avakill.ir.verdict import Lost
from avakill.paths.glob import join, split

Side = Mapping[str, Arg]

REASON = "an exception stays closed: a selector has room for five tests, and it takes more"
MANY = 64
"""Places that are listed one by one."""

LINKS: tuple[Side, ...] = (hooks.LINK_OLD, hooks.LINK_NEW)
RENAMES: tuple[Side, ...] = (hooks.RENAME_OLD, hooks.RENAME_NEW)
FREE = ("/tmp/q7", "/tmp/q7-moved")
FEW = 6
TRIED = 400
"""Operations that are tried as witnesses of one selector."""


def claim_trims(claims: Claims, trims: Iterable[Trim]) -> None:
    for trim in trims:
        effects = NONE if trim.hook in ("path_rename", "path_link") else trim.selector.effects
        for probe in islice(_probes(trim), TRIED):
            if not claims.ask.meets(trim.hook, trim.selector.tests, probe) or claims.ask.meets(trim.hook, trim.dropped, probe):
                continue
            named = claims.is_over(probe)
            if named is not None:
                claims.claim_with(_blamed(claims, trim, probe), effects, REASON, probe, _lost(trim, effects), named)
                break


def _blamed(claims: Claims, trim: Trim, probe: Probe) -> tuple[int, ...]:
    """The rows of the selector that deny one of the names below some exception, or all where that cannot be told."""
    rows = set(trim.selector.rows)
    held = [layers for path in (probe.object, probe.to) if path is not None for layers in claims.ask.layers.holding(path)]
    found = [layer.index for layers in held for layer in layers.values() if layer.denies and layer.index in rows]
    return tuple(dict.fromkeys(found)) or trim.selector.rows


def _lost(trim: Trim, effects: Effects) -> tuple[Lost, ...]:
    """All that the selector could say without what was dropped: the directories that its tests name."""
    ops = operations(effects) if effects else MOVES
    places: dict[tuple[str, bool], None] = {}
    for test in trim.dropped:
        if not test.arg.resolve and test.operator in ("NotPrefix", "NotEqual"):
            places.update({(text.rstrip("/") or "/", test.operator == "NotPrefix"): None for text, _ in test.values})
        else:
            places = {("/", True): None}
            break
    if len(places) > MANY:
        places = {(join(common([split(place) for place, _ in places])), True): None}
    return tuple([Lost(ops, place, below) for place, below in places])


# -- operations that a dropped test would have let through --


def _probes(trim: Trim) -> Iterator[Probe]:
    match trim.hook:
        case "path_rename":
            yield from _moves(trim, Operation.RENAME, RENAMES)
        case "path_link":
            yield from _moves(trim, Operation.LINK, LINKS)
        case _:
            for path in _paths(trim, _side(trim.hook)):
                yield from file_probes(path, trim.selector.effects)


def _side(hook: str) -> Side:
    if hook in (*hooks.CREATES, *hooks.DELETES):
        return hooks.ENTRY
    if hook in ("file_open", "file_truncate"):
        return hooks.FILE
    return hooks.PROGRAM if hook == "bprm_check_security" else hooks.PATH


def _moves(trim: Trim, operation: Operation, sides: tuple[Side, ...]) -> Iterator[Probe]:
    exchange = any(test.arg == hooks.FLAGS for test in trim.selector.tests)
    olds, news = (tuple(islice(_paths(trim, side), 4 * FEW)) or (free,) for side, free in zip(sides, FREE, strict=True))
    for directory, old, new in product((False, True), olds, news):
        if old != new and not (directory and operation is Operation.LINK):
            yield Probe(operation, old, new, directory, exchange=exchange)
            if not exchange and operation is Operation.RENAME:
                yield Probe(operation, old, new, directory, replaces=True)


@dataclass(slots=True)
class _Seen:
    """Directories and last names that tests ask for, and whole paths."""

    dirs: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def _paths(trim: Trim, side: Side) -> Iterator[str]:
    """Paths that the selector denies only since its tests of this side were dropped; else some that it denies at all."""
    kept = _asked(trim.selector.tests, side)
    gone = _asked(trim.dropped, side)
    names, dirs = kept.names or ["q7"], kept.dirs or ["/tmp", "/srv/zz"]
    if gone.dirs or gone.names or gone.paths:
        yield from gone.paths
        for place, name in product(gone.dirs, names):
            yield _in(place, name)
        for place, name in product((*gone.dirs, *dirs), gone.names):
            yield _in(place, name)
    elif kept.dirs or kept.names or kept.paths:
        yield from kept.paths
        yield from (_in(place, name) for place, name in product(dirs, names))


def _in(place: str, name: str) -> str:
    return f"{place.rstrip('/')}/{name}"


def _asked(tests: Iterable[Test], side: Side) -> _Seen:
    seen = _Seen()
    for test in tests:
        word = test.operator.removeprefix("Not")
        values = [text for text, _ in test.values[:FEW]]
        if test.arg == side.get("name"):
            seen.names += [_named(word, text) for text in values]
        elif test.arg == side.get("dir"):
            seen.dirs += [f"{text}zz" if word == "Prefix" else text for text in values]
        elif test.arg == side.get("path"):
            _ask_whole(seen, word, values)
    if len(seen.names) > 1:
        seen.names = [*(f"{one}{other}" for one, other in product(seen.names[:2], seen.names[:2])), *seen.names]
    return seen


def _named(word: str, text: str) -> str:
    return {"Prefix": f"{text}q7", "Postfix": f"q7{text}"}.get(word, text)


def _ask_whole(seen: _Seen, word: str, values: list[str]) -> None:
    match word:
        case "Prefix":
            seen.dirs += [part for text in values for part in (text, f"{text}zz")]
        case "Postfix":
            seen.names += [text[1:] if text.startswith("/") else f"q7{text}" for text in values]
        case _:
            seen.paths += values
