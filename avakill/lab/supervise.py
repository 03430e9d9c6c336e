"""A case put to a kernel: each trial first without the layer, then under it, looked at and put back each time."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation
from avakill.lab.apart import apart
from avakill.lab.confine import nothing
from avakill.lab.doors import PLAIN_DOOR
from avakill.lab.scene import Spoiled, close_scene, open_scene, took_place
from avakill.lab.spelling import bytes_of, request_of
from avakill.lab.stage import Ground, Prepare, Stage, do_not_prepare, enter_namespaces, is_below, relative, set_up
from avakill.lab.subject import Held, Said, Silence, Subject, Unstarted, start
from avakill.lab.tiny import tiny_program
from avakill.lab.words import Answer, Case, Confine, LabFault, Outcome, Trial

T = TypeVar("T")

FIRST_HELD = 200
MAX_HELD = 100
HOW_HELD = {"inherited-read": os.O_RDONLY, "inherited-reopen": os.O_RDONLY, "inherited-write": os.O_WRONLY}
BY_INODE = frozenset({"landlock"})
"""Layers that do not know a directory that is made anew: they are then put on afresh."""

REACHED = frozenset({errno.ECONNREFUSED})


def run_case(case: Case, confine: Confine, prober: Path, prepare: Prepare = do_not_prepare) -> tuple[Outcome, ...]:
    """As many outcomes as the case has trials. `prepare` labels the scratch root. Raises LabFault."""
    network = any(probe.operation is Operation.CONNECT for trial in case.trials for probe in trial.asks)
    base = prober.parent / "stage"
    try:
        base.mkdir(exist_ok=True)
    except OSError as error:
        raise LabFault(f"no place to mount a scratch root on: {error}", "set XDG_CACHE_HOME to a folder of yours") from error
    stage = Stage(base, case.world, prober.read_bytes(), tiny_program(), prepare)
    bench = _Bench(stage, confine, case.layer in BY_INODE)
    for _ in range(2):
        found = on_stage(stage, network, lambda: bench.run(case.trials))
        if found is not None:
            return found
    return tuple(Outcome(trial.number, Answer.NONE, "the supervisor died twice") for trial in case.trials)


def try_on(ground: Ground, confine: Confine, by_inode: bool, trials: tuple[Trial, ...]) -> tuple[Outcome, ...]:
    """The trials, by a supervisor who stands in the root of `ground` already. Raises LabFault."""
    return _Bench(ground, confine, by_inode).run(trials)


def on_stage(stage: Stage, network: bool, work: Callable[[], T]) -> T | None:
    """What `work` returns in a process that stands in the stage's root; None when it died. Raises LabFault."""

    def in_namespaces() -> T | None:
        enter_namespaces(network)
        return apart(on_it)

    def on_it() -> T:
        set_up(stage)
        return work()

    return apart(in_namespaces)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a trial on one side. `said` is None when nobody answered, and `why` tells it."""

    said: Said | None
    took_place: bool = False
    follow: tuple[bool, ...] = ()
    why: str = ""

    @property
    def is_done(self) -> bool:
        return self.said is not None and self.said.is_done and self.took_place


@dataclass(slots=True)
class _Bench:
    """The two sides of a case, one after the other: the control ends before the layer is put on."""

    stage: Ground
    confine: Confine
    by_inode: bool

    def run(self, trials: tuple[Trial, ...]) -> tuple[Outcome, ...]:
        try:
            control = dict(self._side(trials, nothing, False))
        except Unstarted as fault:
            raise LabFault(f"the prober does not start: {fault}", "it is compiled for this machine by `avakill lab`") from fault
        asked = tuple(trial for trial in trials if control[trial.number].is_done)
        under: Mapping[int, Seen] = {}
        refused = ""
        try:
            under = dict(self._side(asked, self.confine, self.by_inode))
        except Unstarted as layer:
            refused = str(layer)
        return tuple(_outcome(trial.number, control[trial.number], under.get(trial.number), refused) for trial in trials)

    def _side(self, trials: tuple[Trial, ...], confine: Confine, by_inode: bool) -> Iterator[tuple[int, Seen]]:
        """Held descriptors get a prober of their own: a file that is open for writing cannot be executed."""
        plain = tuple(trial for trial in trials if trial.door not in HOW_HELD)
        yield from Side(self.stage, confine, by_inode).run(plain, {})
        holding = [trial for trial in trials if trial.door in HOW_HELD]
        for first in range(0, len(holding), MAX_HELD):
            some = tuple(holding[first : first + MAX_HELD])
            numbers = {trial.number: FIRST_HELD + place for place, trial in enumerate(some)}
            yield from Side(self.stage, confine, by_inode).run(some, numbers)


def _outcome(number: int, control: Seen, under: Seen | None, refused: str) -> Outcome:
    if control.said is None:
        return Outcome(number, Answer.NONE, control.why)
    if not control.is_done:
        return Outcome(number, Answer.MOOT, control.said.name)
    if under is None or under.said is None:
        return Outcome(number, Answer.NONE, f"the prober could not start: {refused}" if under is None else under.why)
    if under.said.signal == signal.SIGALRM:
        return Outcome(number, Answer.NONE, under.said.name)
    if under.said.signal:
        return Outcome(number, Answer.KILLED, under.said.name)
    if under.said.is_silent or (under.said.is_done and not under.took_place):
        return Outcome(number, Answer.SILENT)
    if under.said.is_done:
        return Outcome(number, Answer.DONE, "", under.follow)
    return Outcome(number, Answer.REFUSED, under.said.name)


@dataclass(slots=True)
class Side:
    """Trials under one layer, with a prober that is started when first needed and again when it must be."""

    stage: Ground
    confine: Confine
    by_inode: bool
    held: Held = field(default_factory=dict)
    subject: Subject | None = None
    stale: set[bytes] = field(default_factory=set)

    def run(self, trials: Iterable[Trial], numbers: Mapping[int, int]) -> Iterator[tuple[int, Seen]]:
        trials = tuple(trials)
        self.held = {numbers[t.number]: (bytes_of(t.asks[0].object), HOW_HELD[t.door]) for t in trials if t.number in numbers}
        try:
            for trial in trials:
                yield trial.number, self._try(trial, numbers.get(trial.number, -1))
        finally:
            self._stop()

    def _stop(self) -> None:
        if self.subject is not None:
            self.subject.end()
            self.subject = None
        self.stale.clear()

    def _try(self, trial: Trial, descriptor: int) -> Seen:
        """No answer is asked for once more: a machine may have stood still."""
        first = self._once(trial, descriptor)
        unanswered = first.said is None or first.said.signal == signal.SIGALRM
        return self._once(trial, descriptor) if unanswered else first

    def _once(self, trial: Trial, descriptor: int) -> Seen:
        if self.by_inode and self._is_stale_for(trial):
            self._stop()
        try:
            return self._staged(trial, descriptor)
        except (Silence, Spoiled) as fault:
            self._stop()
            self.stage.lay_again()
            return Seen(None, why=str(fault))

    def _is_stale_for(self, trial: Trial) -> bool:
        """Whether it is about a directory that was made anew, something below one, or one is below what it moves."""
        paths = [relative(bytes_of(path)) for probe in trial.asks for path in (probe.object, probe.to) if path is not None]
        return any(is_below(one, other) or is_below(other, one) for one in paths for other in self.stale)

    def _staged(self, trial: Trial, descriptor: int) -> Seen:
        if self.subject is None:
            self.subject = start(self.stage, self.confine, self.held)
        request = request_of(trial, descriptor)
        try:
            scene = open_scene(trial.door, trial.asks[0], request, self.stage.stash)
        except OSError as error:
            raise Spoiled(str(error)) from error
        said = self.subject.ask(request.message)
        if said.error in REACHED and scene.operation is Operation.CONNECT:
            said = Said(0, said.signal)
        there = said.is_done and took_place(scene)
        known = len(self.stale)
        follow = tuple(self._follow(probe) for probe in trial.follow) if there else ()
        close_scene(scene)
        if len(self.stale) > known:
            self._stop()  # what is remade under a moved directory has another path now
        self.stale.update(scene.remade)
        return Seen(said, there, follow)

    def _follow(self, probe: Probe) -> bool:
        return self._staged(Trial(-1, (probe,), PLAIN_DOOR[probe.operation]), -1).is_done
