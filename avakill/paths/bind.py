"""Patterns relative to a home or a workspace made absolute for one target, by every spelling of their literal prefix."""

from __future__ import annotations

from avakill.paths.glob import Anchor, Glob, split

MAX_SPELLINGS = 16


def bind(glob: Glob, home: str, workspace: str, links: tuple[tuple[str, str], ...], fold: bool) -> tuple[Glob, ...]:
    """`glob` from the root, as written first; then with each symlink of `links` on its literal prefix resolved."""
    base = () if glob.anchor is Anchor.ROOT else split(home if glob.anchor is Anchor.HOME else workspace)
    found = [glob if glob.anchor is Anchor.ROOT and not glob.anchor_length and glob.fold == fold else _rooted(glob, base, fold)]
    for spelling in found:
        for link, resolved in links:
            names = split(link)
            if spelling.parts[: len(names)] == names and len(found) < MAX_SPELLINGS:
                parts = (*split(resolved), *spelling.parts[len(names) :])
                moved = Glob(parts, glob.below, Anchor.ROOT, 0, fold, glob.text)
                if moved not in found:
                    found.append(moved)
    return tuple(found)


def _rooted(glob: Glob, base: tuple[str, ...], fold: bool) -> Glob:
    return Glob((*base, *glob.parts) if base else glob.parts, glob.below, glob.anchor, len(base), fold, glob.text)
