"""A path to the object that it names: links followed, `.` and `..` applied as the kernel does."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from avakill.evaluator.context import Resolver
from avakill.paths.glob import join

MAX_LINKS = 40  # Linux: MAXSYMLINKS
MAX_LENGTH = 65536


class Unresolvable(Exception):
    """Nobody can say from here what the path names; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """`name` is the path with its parent resolved, `object` with the final link followed too."""

    name: str
    object: str


_OWN = re.compile(r"/proc/(?:self|thread-self|\d+)(?:/task/\d+)?/(root|cwd|fd/.+)")


@dataclass(slots=True)
class Walker:
    """Walks paths over one state of the file system, asking for each link once; `cwd` is what `/proc/self/cwd` is."""

    resolver: Resolver
    cwd: str
    known: dict[str, str | None] = field(default_factory=dict)

    def place(self, path: str) -> Place:
        """The place of an absolute path. Raises Unresolvable: a loop, too long, unreadable, another's descriptor."""
        if len(path) > MAX_LENGTH:
            raise Unresolvable(f"a path of over {MAX_LENGTH} characters")
        given = [part for part in path.split("/") if part not in ("", ".")]
        done: list[str] = []
        todo = [(part, False) for part in reversed(given)]
        if given and given[-1] != "..":
            todo[0] = (given[-1], True)
        name: str | None = None
        links = 0
        while todo:
            part, is_final = todo.pop()
            if part == "..":
                if done:
                    done.pop()
                continue
            here = join((*done, part))
            if is_final:
                name = here
            target = self.link(here)
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > MAX_LINKS:
                raise Unresolvable(f"over {MAX_LINKS} symbolic links")
            if target.startswith("/"):
                done.clear()
            todo.extend((inner, False) for inner in reversed(target.split("/")) if inner not in ("", "."))
        result = join(tuple(done))
        return Place(name if name is not None else result, result)

    def link(self, path: str) -> str | None:
        """What the link `path` points to, None where it is none. Raises Unresolvable."""
        if path.startswith("/proc/") or path == "/dev/fd":
            return self._own(path)
        if path in self.known:
            return self.known[path]
        self.known[path] = target = self._ask(path)
        return target

    def _own(self, path: str) -> str | None:
        """`/proc/self` is the caller's, not ours: what is below it is known by name, or by nobody."""
        if path == "/dev/fd":
            return "/proc/self/fd"
        if path in ("/proc/self", "/proc/thread-self"):
            return None
        match = _OWN.fullmatch(path)
        if match is None:
            return self._ask(path)
        if match[1] == "root":
            return "/"
        if match[1] == "cwd" and not path[6].isdigit():
            return self.cwd
        raise Unresolvable(f"`{path}` is known to its process only")

    def _ask(self, path: str) -> str | None:
        try:
            return self.resolver.link(path)
        except OSError as error:
            raise Unresolvable(f"`{path}` cannot be looked at: {error.strerror or error}") from None


def lexical(path: str) -> str:
    """An absolute path with `//`, `.` and `..` taken out as text."""
    done: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if done:
                done.pop()
        elif part not in ("", "."):
            done.append(part)
    return join(tuple(done))
