"""A running prober: started in the stage under a layer, asked in lock-step, ended at any silence."""

from __future__ import annotations

import errno
import os
import select
import signal
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from avakill.lab import calls
from avakill.lab.stage import PROBER, Ground
from avakill.lab.words import Confine, LabFault

VANISHED, UNKNOWN_DOOR = 100000, 100001
PATIENCE = 8.0
"""Seconds for one answer; the prober ends a trial itself after 5."""

Held = Mapping[int, tuple[bytes, int]]
"""Descriptors that the prober is to have before it is confined: number to path and flags."""


class Unstarted(Exception):
    """The layer does not let the prober itself start: the errno's name."""


class Silence(Exception):
    """The prober gave no answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """An errno (0: done) and the signal that ended the process, as the prober says it."""

    error: int
    signal: int

    @property
    def is_done(self) -> bool:
        return self.error == 0 and self.signal == 0

    @property
    def is_silent(self) -> bool:
        return self.error == VANISHED and self.signal == 0

    @property
    def name(self) -> str:
        if self.signal:
            return signal.Signals(self.signal).name
        return "" if self.error in (0, VANISHED) else errno.errorcode.get(self.error, str(self.error))


@dataclass(frozen=True, slots=True)
class Subject:
    pid: int
    requests: int
    answers: int

    def ask(self, message: bytes) -> Said:
        """Raises Silence."""
        try:
            os.write(self.requests, message)
            return self._answer()
        except OSError as error:
            raise Silence(f"the prober ended: {error.strerror}") from error

    def _answer(self) -> Said:
        ready, _, _ = select.select((self.answers,), (), (), PATIENCE)
        got = os.read(self.answers, 8) if ready else b""
        if len(got) != 8:
            raise Silence("the prober ended" if ready else "the prober was silent for too long")
        said = Said(*struct.unpack("=ii", got))
        if said.error == UNKNOWN_DOOR:
            raise LabFault("the prober does not know a door of the table", "this is a bug of the lab")
        return said

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.requests)
        os.close(self.answers)


def start(stage: Ground, confine: Confine, held: Held) -> Subject:
    """Raises LabFault where the layer cannot be put on, Unstarted where it does not let the prober start."""
    requests, asked = os.pipe()
    answers, said = os.pipe()
    faults, fault = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            calls.die_with_parent(parent, signal.SIGKILL)
            _become(stage, confine, held, requests, said)
        except LabFault as error:
            os.write(fault, f"fault\0{error.reason}\0{error.help}".encode("utf-8", "surrogateescape"))
        except OSError as error:
            os.write(fault, f"exec\0{errno.errorcode.get(error.errno or 0, '?')}".encode())
        except BaseException as error:
            os.write(fault, f"fault\0{type(error).__name__}: {error}\0this is a bug of the lab".encode("utf-8", "backslashreplace"))
        finally:
            os._exit(1)
    for fd in (requests, said, fault):
        os.close(fd)
    subject = Subject(pid, asked, answers)
    _must_have_started(subject, faults)
    return subject


def _must_have_started(subject: Subject, faults: int) -> None:
    with os.fdopen(faults, "rb") as stream:
        words = stream.read().decode("utf-8", "surrogateescape").split("\0")
    if words == [""]:
        try:
            subject._answer()
        except Silence:
            words = ["exec", "killed"]  # after the point of no return, as by a loader that may not be read
    if words != [""]:
        subject.end()
        if words[0] == "exec":
            raise Unstarted(words[1])
        raise LabFault(words[1], words[2])


def _become(stage: Ground, confine: Confine, held: Held, requests: int, said: int) -> None:
    null = os.open("/dev/null", os.O_WRONLY)
    try:
        stage.step_inside()
        for number, (path, flags) in held.items():
            _hold(number, path, flags)
    except OSError as error:
        raise LabFault(f"the scratch root could not be entered: {error}", "run it as root") from error
    try:
        confine()
    except OSError as error:
        raise LabFault(f"the layer could not be put on: {error}") from error
    for fd, number in ((requests, 0), (said, 1), (null, 2)):
        os.dup2(fd, number)
    os.execve(PROBER, (PROBER,), {})


def _hold(number: int, path: bytes, flags: int) -> None:
    try:
        fd = os.open(path, flags)
    except OSError:
        return  # its trial says so: EBADF, also without the layer
    os.dup2(fd, number)
    os.close(fd)
