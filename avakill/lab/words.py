"""The words of the lab: what is tried, by which door, what came of it, and what that says of a claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from avakill.backends.judge import Probe


@dataclass(frozen=True, slots=True)
class World:
    """The file tree that trials are about, laid down in a scratch root of its own; paths are absolute in that root.

    Every parent of a path is a directory. Each file is a tiny static program, so that it can be read, written and run.
    `aliases` are hard links made before the subject starts: (new name, existing file).
    """

    directories: frozenset[str]
    files: frozenset[str]
    aliases: tuple[tuple[str, str], ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.directories | self.files))

    def exists(self, path: str) -> bool:
        return path in self.directories or path in self.files

    def below(self, path: str) -> tuple[str, ...]:
        """What exists below a directory, relative to it."""
        start = path.rstrip("/") + "/"
        return tuple(sorted(p[len(start) :] for p in self.directories | self.files if p.startswith(start) and p != path))


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to do to an object: by a `door` (which system calls) and a `route` (how its path is spelled).

    `asks` is what the policy must allow for it, the main operation first: opening O_RDWR asks READ and WRITE, making a
    file by open asks CREATE and WRITE. The object and the new name of the deed are those of `asks[0]`.
    `follow` are tried, by their plain doors, after a directory was moved and before it is moved back.
    `alias` marks what no name decides (a second link, a bind mount, an inherited descriptor): a finding of the host.
    """

    number: int
    asks: tuple[Probe, ...]
    door: str
    route: str = "plain"
    follow: tuple[Probe, ...] = ()
    alias: bool = False


class Answer(StrEnum):
    """What came of a trial under a layer, beside the same trial without one."""

    DONE = "done"  # it succeeded, and its effect is there
    REFUSED = "refused"  # it failed with an errno that the same trial without the layer does not give
    KILLED = "killed"  # the process that tried was ended by a signal
    SILENT = "silent"  # it reported success, and its effect is not there
    MOOT = "moot"  # it fails without any layer too: nothing can be said
    NONE = "none"  # the guest or the runner died: no answer is never agreement


@dataclass(frozen=True, slots=True)
class Outcome:
    """`errno` is the name (`EACCES`) or signal; `follow` says for each probe of the trial's `follow` whether it was done."""

    number: int
    answer: Answer
    errno: str = ""
    follow: tuple[bool, ...] = ()


class Mark(StrEnum):
    """What an outcome says of the claim."""

    AGREED = "agreed"  # as the policy says
    WEAK = "weak"  # done although denied, as the verdict had said
    LOST = "lost"  # refused although allowed, as the verdict had said
    LEAK = "LEAK"  # done although denied, and the verdict promised otherwise
    OVER = "OVER"  # refused although allowed, and the verdict promised otherwise
    SILENT = "SILENT"  # success reported, no effect, and the verdict promised otherwise
    FINDING = "finding"  # an alias: no name decides it
    MOOT = "moot"
    NONE = "no answer"


CONTRADICTIONS = frozenset({Mark.LEAK, Mark.OVER, Mark.SILENT})


@dataclass(frozen=True, slots=True)
class Result:
    """A trial, what came of it, and what that says; `row` is the row that it is charged to, `sentence` what the report had promised."""

    trial: Trial
    outcome: Outcome
    mark: Mark
    row: int | None = None
    sentence: str = ""


class Confine(Protocol):
    """Puts the layer under test on the calling process, which then becomes the prober. Raises `LabFault` when it cannot."""

    def __call__(self) -> None: ...


class LabFault(Exception):
    """The lab itself could not do its work: what is missing, and the package or the step that helps."""

    def __init__(self, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Case:
    """One policy under one layer: everything that a runner needs, in a guest as well as here.

    `layer` is `none`, `landlock`, `seccomp`, `apparmor` or `selinux`; `material` maps names to the files that the layer needs
    (compiled profile, module, labels, JSON plan), as bytes.
    """

    name: str
    layer: str
    world: World
    trials: tuple[Trial, ...]
    material: tuple[tuple[str, bytes], ...] = ()

    def file(self, name: str) -> bytes:
        return dict(self.material)[name]


class Runner(Protocol):
    """Something that can put cases to a kernel: this machine, or a guest."""

    def run(self, cases: Iterable[Case], progress: Progress) -> Iterator[tuple[Case, tuple[Outcome, ...]]]:
        """Every case gets as many outcomes as it has trials, in their order; what got no answer is `Answer.NONE`."""
        ...
