"""Patterns relative to a home or a workspace made absolute for one target, by every spelling of their literal prefix."""

from __future__ import annotations

from dataclasses import replace

from avakill.paths.glob import Anchor, Glob, split

MAX_SPELLINGS = 16


def bind(glob: Glob, home: str, workspace: str, links: tuple[tuple[str, str], ...], fold: bool) -> tuple[Glob, ...]:
    """`glob` from the root, as written first; then with each symlink of `links` on its literal prefix resolved."""
    base = {Anchor.ROOT: (), Anchor.HOME: split(home), Anchor.WORKSPACE: split(workspace)}[glob.anchor]
    first = replace(glob, parts=(*base, *glob.parts), anchor_length=len(base), fold=fold)
    found = [first]
    for spelling in found:
        for link, resolved in links:
            names = split(link)
            if spelling.parts[: len(names)] == names and len(found) < MAX_SPELLINGS:
                moved = replace(
                    spelling,
                    parts=(*split(resolved), *spelling.parts[len(names) :]),
                    anchor=Anchor.ROOT,
                    anchor_length=0,
                )
                if moved not in found:
                    found.append(moved)
    return tuple(found)
