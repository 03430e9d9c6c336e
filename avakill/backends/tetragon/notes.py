"""What a lowering rests on that was read in kernel sources or holds under a condition only: information, no verdict."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from avakill.backends.plan import Plan
from avakill.backends.tetragon import hooks
from avakill.backends.tetragon.model import Arg, Hook
from avakill.ir.effect import Effect
from avakill.ir.verdict import Finding, Verdict

TYPES = "the inode's type that `d_inode.i_mode` gives a rename"
FLAGS = "the rename's flags"
NAMES = "the last name that is read through the opened path's dentry"

UNRUN = {
    hooks.RENAME_OLD["type"]: TYPES,
    hooks.RENAME_NEW["type"]: TYPES,
    hooks.FLAGS: FLAGS,
    hooks.FILE["name"]: NAMES,
    hooks.PATH["name"]: NAMES,
    hooks.PROGRAM["name"]: NAMES,
}
"""Arguments that the measurements did not cover (facts §3), and their names for users."""

MOUNTS = "a new hard link is seen by its path inside the mount: below a mount point that is an ancestor of what is denied, it passes"


def notes(plan: Plan, entries: Iterable[Hook]) -> Iterator[Finding]:
    """One finding for each row that rests on a field not yet run, and one for each that must see new hard links."""
    rows: dict[int, tuple[int, ...]] = {}
    said: dict[int, Said] = {}
    for hook in entries:
        for selector in hook.selectors:
            for about in _about(hook.name, (test.arg for test in selector.tests)):
                rows[id(selector.rows)] = selector.rows
                said.setdefault(id(selector.rows), {}).setdefault(about, set()).update(selector.effects)
    linked: dict[int, None] = {}
    told_in: dict[int, tuple[int, ...]] = {}
    for same, found in said.items():
        linked.update(dict.fromkeys(rows[same] if found.pop(MOUNTS, None) is not None else ()))
        for row in rows[same] if found else ():
            told_in[row] = (*told_in.get(row, ()), same)
    span_of = plan.row_by_index
    united: dict[tuple[int, ...], tuple[str, frozenset[Effect]]] = {}
    for row, places in told_in.items():
        if places not in united:
            united[places] = _unite([said[place] for place in places])
        reason, effects = united[places]
        yield Finding(row, Verdict.EXACT, reason, effects, span=span_of[row].span)
    for row in linked:
        yield Finding(row, Verdict.EXACT, MOUNTS, span=span_of[row].span)


Said = dict[str, set[Effect]]
"""What the selectors of the same rows rest on, and the effects that they deny with it."""


def _unite(several: list[Said]) -> tuple[str, frozenset[Effect]]:
    words = {word for said in several for word in said}
    effects = frozenset(effect for said in several for found in said.values() for effect in found)
    return f"a part of it rests on {' and '.join(sorted(words))}: taken from kernel sources and not yet run", effects


def _about(hook: str, args: Iterable[Arg]) -> Iterator[str]:
    for arg in args:
        if arg in UNRUN:
            yield UNRUN[arg]
        elif hook == "path_link" and arg == hooks.LINK_OLD["path"]:
            yield MOUNTS
