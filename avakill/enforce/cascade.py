"""The policies of every level on this machine: which files there are, and what they say together."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from avakill.compiler.cascade import Cascade, Level, LevelName, check_cascade
from avakill.compiler.compile import compile_policy, read_source
from avakill.source import codes
from avakill.source.diagnostic import Bag, Diagnostic, Severity
from avakill.source.file import SourceFile

SYSTEM = Path("/etc/avakill/policy.yaml")
GLOBAL = (".config/avakill/policy.yaml", ".config/avakill/avakill.yaml")
"""Below the home; the second is where `avakill init` writes."""

PROJECT = (".avakill/policy.yaml", "avakill.yaml", "avakill.yml")
LOCAL = ".avakill/policy.local.yaml"
MAX_UP = 50
MAX_READ = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """A policy file and its level."""

    level: LevelName
    path: Path


def discover(cwd: Path, home: Path, system: Path = SYSTEM) -> tuple[Place, ...]:
    """The files there are, the highest level first; one file stands once. One that cannot be looked at is there."""
    found: dict[object, Place] = {}
    for place in _candidates(cwd.absolute(), home, system):
        found.setdefault(_identity(place.path), place)
    return tuple(found.values())


def _candidates(cwd: Path, home: Path, system: Path) -> Iterator[Place]:
    folders = (cwd, *cwd.parents)[:MAX_UP]
    files = (
        (LevelName.SYSTEM, _first((system,))),
        (LevelName.GLOBAL, _first(home / name for name in GLOBAL)),
        (LevelName.PROJECT, _first(folder / name for folder in folders for name in PROJECT)),
        (LevelName.LOCAL, _first((cwd / LOCAL,))),
    )
    for level, path in files:
        if path is not None:
            yield Place(level, path)


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    """A file that we may not look at is no missing one: leaving it out would loosen what it says."""
    try:
        os.lstat(path)
    except OSError as fault:
        return fault.errno not in (errno.ENOENT, errno.ENOTDIR)
    return True


def _identity(path: Path) -> object:
    try:
        seen = path.stat()
    except OSError:
        return path
    return seen.st_dev, seen.st_ino


@dataclass(frozen=True, slots=True)
class Read:
    """`cascade` is None if and only if there is an error among `diagnostics`: no level is left out because it is broken."""

    cascade: Cascade | None
    diagnostics: tuple[Diagnostic, ...]
    sources: tuple[SourceFile, ...]


def read_cascade(places: tuple[Place, ...], environ: Mapping[str, str]) -> Read:
    levels: list[Level] = []
    found: list[Diagnostic] = []
    sources: list[SourceFile] = []
    for place in places:
        source = _source(place)
        if isinstance(source, Diagnostic):
            found.append(source)
            continue
        sources.append(source)
        compiled = compile_policy(source, environ)
        found.extend(compiled.diagnostics)
        if compiled.policy is None:
            found.append(_bad(place, "it has errors"))
        else:
            levels.append(Level(place.level, compiled.policy))
    if not places:
        found.append(Diagnostic(codes.NO_POLICY, Severity.ERROR, "there is no policy at any level", help="`avakill init` writes one"))
    is_whole = not any(one.severity is Severity.ERROR for one in found)
    cascade = Cascade(tuple(levels)) if is_whole else None
    if cascade is not None:
        bag = Bag()
        check_cascade(cascade, bag)
        found.extend(bag)
    return Read(cascade, tuple(found), tuple(sources))


def _source(place: Place) -> SourceFile | Diagnostic:
    try:
        with place.path.open("rb") as stream:
            data = stream.read(MAX_READ)
    except OSError as fault:
        return _bad(place, fault.strerror or str(fault))
    source = read_source(data, str(place.path))
    return replace(source, notes=(f"it is the policy of level `{place.level}`",)) if isinstance(source, Diagnostic) else source


def _bad(place: Place, why: str) -> Diagnostic:
    message = f"the policy of level `{place.level}`, `{place.path}`, cannot be used: {why}"
    return Diagnostic(codes.BAD_LEVEL, Severity.ERROR, message, help="mend it, or remove it on purpose: no level is left out by itself")
