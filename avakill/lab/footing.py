"""A world as it stands on this machine: by the real names of its paths, about this user's home, without what is no file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from avakill.ir.target import Target
from avakill.lab.cases import HOME
from avakill.lab.stage import is_below
from avakill.lab.words import World
from avakill.lab.world import RESERVED
from avakill.paths.glob import join, split

APART = (*RESERVED, "/dev")
"""Where no trial is made on a user's machine: its devices are its own."""

MAX_MORE = 40


def world_here(world: World, target: Target, more: Iterable[str]) -> World:
    """`more` are files that are there and should be tried, too."""
    ordinary = (f"{target.home}/notes.txt", f"{target.workspace}/src/main.py", f"{target.workspace}/README.md")
    told = {path: path in world.directories for path in _of_this_user(world.paths, target)}
    told |= dict.fromkeys([*ordinary, *list(more)[:MAX_MORE]], False)
    found = {real: directory for path, directory in told.items() for real in (os.path.realpath(path),) if _is_free(real)}
    kinds = {path: kind for path, directory in found.items() if (kind := _kind(path, directory)) is not None}
    parents = {join(split(path)[:depth]) for path in kinds for depth in range(len(split(path)))}
    files = {path for path, is_directory in kinds.items() if not is_directory} - parents
    files = {path for path in files if all(_can_hold(parent) for parent in _above(path))}
    directories = {path for path in parents | {path for path, kind in kinds.items() if kind} if _can_hold(path)}
    directories = {path for path in directories if all(_can_hold(parent) for parent in _above(path))}
    aliases = tuple((new, os.path.realpath(old)) for new, old in world.aliases)
    return World(frozenset(directories), frozenset(files), tuple(pair for pair in aliases if pair[1] in files))


def _of_this_user(paths: Iterable[str], target: Target) -> Iterator[str]:
    """Without the lab's own home, unless it is this user's."""
    for path in paths:
        lab_own = (path + "/").startswith(HOME + "/")
        if not lab_own or (target.home + "/").startswith(HOME + "/"):
            yield path


def _is_free(path: str) -> bool:
    return path == "/" or not any(is_below(path.encode("utf-8", "surrogateescape"), os.fsencode(place)) for place in APART)


def _kind(path: str, directory: bool) -> bool | None:
    """Whether it is a directory, or will be; None for what is neither file nor directory."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return directory
    return True if stat.S_ISDIR(mode) else False if stat.S_ISREG(mode) else None


def _can_hold(path: str) -> bool:
    """Whether it is a directory, or could be made one."""
    return os.path.isdir(path) or not os.path.lexists(path)


def _above(path: str) -> Iterator[str]:
    names = split(path)
    yield from (join(names[:depth]) for depth in range(len(names)))
