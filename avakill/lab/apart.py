"""Work done in a child that ends with this process, whatever ends it: its result, or the LabFault that it raised."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from typing import TypeVar

from avakill.lab import calls
from avakill.lab.words import LabFault

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T | None:
    """What `work` returns; None when the child died. Raises LabFault."""
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _work_and_say(work, parent, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as stream:
            text = stream.read()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if not text:
        return None
    said: T | LabFault = pickle.loads(text)
    if isinstance(said, LabFault):
        raise said
    return said


def _work_and_say(work: Callable[[], object], parent: int, writing: int) -> None:
    said: object
    try:
        # the parent hears of Ctrl-C and ends its children
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # the first process of a namespace sees its parent as 0
        calls.die_with_parent(parent if os.getppid() else 0, signal.SIGKILL)
        said = work()
    except LabFault as fault:
        said = fault
    except BaseException as error:
        said = LabFault(f"the supervisor failed: {type(error).__name__}: {error}", "this is a bug of the lab")
    try:
        with os.fdopen(writing, "wb") as stream:
            stream.write(pickle.dumps(said))
    finally:
        os._exit(0)
