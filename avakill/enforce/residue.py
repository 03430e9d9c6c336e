"""What no ruleset of this machine stops, found before start: second links, unix sockets of deputies, open descriptors."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from avakill.backends.landlock.expand import Expansion
from avakill.backends.plan import Plan
from avakill.ir.effect import Effect
from avakill.paths.glob import Glob, join

MAX_FILES = 50_000
DEPUTIES = (
    ("/var/run/docker.sock", "docker runs containers that mount anything"),
    ("/run/docker.sock", "docker runs containers that mount anything"),
    ("/run/podman/podman.sock", "podman runs containers that mount anything"),
    ("/run/containerd/containerd.sock", "containerd runs containers that mount anything"),
    ("/run/dbus/system_bus_socket", "services of the system bus act on request"),
    ("/run/systemd/private", "systemd starts units on request"),
)
USER_DEPUTIES = (("bus", "services of the session bus act on request"), ("systemd/private", "systemd --user starts units on request"))


@dataclass(frozen=True, slots=True)
class Residue:
    """One way around the layer that this machine offers. `kind`: hard-link, deputy, descriptor or unlisted."""

    kind: str
    place: str
    reason: str


MAX_SAID = 10


def open_ways(found: tuple[Residue, ...]) -> tuple[Residue, ...]:
    """What to say before a start: descriptors are closed by then, and a long list is for a dry run."""
    return tuple(residue for residue in found if residue.kind != "descriptor")[:MAX_SAID]


def residues(plan: Plan, expansion: Expansion, environ: Mapping[str, str]) -> tuple[Residue, ...]:
    return (*hard_links(plan, expansion), *deputies(environ), *descriptors())


def deputies(environ: Mapping[str, str]) -> Iterator[Residue]:
    """Landlock does not mediate connecting to a unix socket by path (measured, ABI 7)."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    user = [(os.path.join(runtime, name), why) for name, why in USER_DEPUTIES] if runtime else []
    agent = environ.get("SSH_AUTH_SOCK")
    named = [(agent, "ssh-agent signs with the keys it holds")] if agent else []
    tmux = os.path.join(environ.get("TMUX_TMPDIR", "/tmp"), f"tmux-{os.getuid()}")
    named += [(os.path.join(tmux, name), "tmux runs commands in its own sessions") for name in _names(tmux)]
    for path, why in (*DEPUTIES, *user, *named):
        if _is_socket(path):
            yield Residue("deputy", path, f"{why}; landlock does not mediate unix sockets by path")


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode) and os.access(path, os.W_OK)
    except (OSError, ValueError):
        return False


def descriptors() -> Iterator[Residue]:
    """Descriptors beyond 2 that a child would inherit: they stay usable in any domain."""
    for name in _names("/proc/self/fd"):
        try:
            fd = int(name)
            if fd > 2 and os.get_inheritable(fd):
                target = os.readlink(f"/proc/self/fd/{fd}")
                yield Residue("descriptor", f"fd {fd}", f"open on `{target}`; closed before the command starts")
        except (OSError, ValueError):
            continue


# -- hard links --


def hard_links(plan: Plan, expansion: Expansion) -> Iterator[Residue]:
    """Denied files with more names than the denied regions hold: the other names stay open."""
    seen: dict[tuple[int, int], list[str]] = {}
    counts: dict[tuple[int, int], int] = {}
    budget = [MAX_FILES]
    for place in _denied_places(plan, expansion):
        for path, info in _files(place, budget):
            if info.st_nlink > 1 and _is_denied(plan, path):
                key = (info.st_dev, info.st_ino)
                names = seen.setdefault(key, [])
                if path not in names:
                    names.append(path)
                counts[key] = info.st_nlink
    for key, names in seen.items():
        if len(names) < counts[key]:
            others = counts[key] - len(names)
            reason = f"a denied file with {others} other name(s) outside of what is denied: a hard link is another name"
            yield Residue("hard-link", names[0], reason)
    if budget[0] <= 0:
        reason = f"over {MAX_FILES} denied files: the rest was not searched for second links"
        yield Residue("hard-link", "/", reason)


def _is_denied(plan: Plan, path: str) -> bool:
    for effect in (Effect.READ, Effect.WRITE, Effect.EXEC):
        layer = next((layer for layer in plan.layers[effect] if layer.region.holds(path)), None)
        if layer is not None and layer.denies:
            return True
    return False


def _denied_places(plan: Plan, expansion: Expansion) -> tuple[str, ...]:
    """Literal places that are denied for reading, writing or running, and what patterns at any depth matched."""
    found: dict[str, None] = {}
    for effect in (Effect.READ, Effect.WRITE, Effect.EXEC):
        for layer in plan.layers[effect]:
            for piece in layer.region.pieces if layer.denies else ():
                for atom in piece.within[:1]:
                    if isinstance(atom, Glob) and atom.literal_prefix and not _is_deep(atom):
                        found[join(atom.literal_prefix)] = None
    for match in expansion.matches:
        if match.effect in (Effect.READ, Effect.WRITE, Effect.EXEC):
            found[match.path] = None
    return tuple(found)


def _is_deep(glob: Glob) -> bool:
    return not glob.is_literal


def _files(place: str, budget: list[int]) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files at and below a place, symlinks not followed."""
    try:
        info = os.lstat(place)
    except (OSError, ValueError):
        return
    if stat.S_ISREG(info.st_mode):
        budget[0] -= 1
        yield place, info
        return
    if not stat.S_ISDIR(info.st_mode):
        return
    for folder, folders, names in os.walk(place):
        folders.sort()
        for name in sorted(names):
            budget[0] -= 1
            if budget[0] <= 0:
                return
            path = os.path.join(folder, name)
            try:
                info = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(info.st_mode):
                yield path, info
