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
    unrun: dict[int, dict[str, None]] = {}
    linked: dict[int, None] = {}
    effects: dict[int, set[Effect]] = {}
    seen: set[tuple[int, str]] = set()
    for hook in entries:
        for selector in hook.selectors:
            for about in _about(hook.name, (test.arg for test in selector.tests)):
                if (id(selector.rows), about) in seen:
                    continue
                seen.add((id(selector.rows), about))
                for row in selector.rows:
                    if about == MOUNTS:
                        linked[row] = None
                    else:
                        unrun.setdefault(row, {})[about] = None
                        effects.setdefault(row, set()).update(selector.effects)
    for row, found in unrun.items():
        reason = f"a part of it rests on {' and '.join(sorted(found))}: taken from kernel sources and not yet run"
        yield Finding(row, Verdict.EXACT, reason, frozenset(effects[row]), span=plan.row_by_index[row].span)
    for row in linked:
        yield Finding(row, Verdict.EXACT, MOUNTS, span=plan.row_by_index[row].span)


def _about(hook: str, args: Iterable[Arg]) -> Iterator[str]:
    for arg in args:
        if arg in UNRUN:
            yield UNRUN[arg]
        elif hook == "path_link" and arg == hooks.LINK_OLD["path"]:
            yield MOUNTS
