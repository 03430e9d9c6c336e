"""What goes into a guest and what comes out of it: a batch of cases, pickled by us; lines of JSON from the guest, never unpickled."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass

from avakill.lab.words import Answer, Case, Outcome

SHARED = "/avakill-lab"
"""The shared folder's place in the guest."""

BATCH = "batch"
ANSWERS = "answers"
PROBER = "prober"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one boot is given. `files` are for all of its cases together, such as a linked policy."""

    lsm: str
    cases: tuple[Case, ...]
    files: tuple[tuple[str, bytes], ...] = ()

    def after(self, count: int) -> Batch:
        return Batch(self.lsm, self.cases[count:], self.files)

    def file(self, name: str) -> bytes:
        return dict(self.files)[name]


@dataclass(frozen=True, slots=True)
class Done:
    """The case of this number has all its outcomes."""

    number: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The lab could not do its work in the guest."""

    reason: str
    help: str


Word = Outcome | Done | Fault


def pack(batch: Batch) -> bytes:
    return pickle.dumps(batch)


def unpack(content: bytes) -> Batch:
    batch = pickle.loads(content)
    assert isinstance(batch, Batch)
    return batch


def to_line(word: Word) -> str:
    match word:
        case Outcome(number, answer, errno, follow):
            return json.dumps({"outcome": [number, answer.value, errno, list(follow)]})
        case Done(number):
            return json.dumps({"done": number})
        case Fault(reason, help):
            return json.dumps({"fault": reason, "help": help})


def from_line(line: str) -> Word:
    match json.loads(line):
        case {"outcome": [int(number), str(answer), str(errno), [*follow]]}:
            return Outcome(number, Answer(answer), errno, tuple(bool(one) for one in follow))
        case {"done": int(number)}:
            return Done(number)
        case {"fault": str(reason), "help": str(help)}:
            return Fault(reason, help)
        case _:
            return Fault(f"the guest said what nobody understands: {line[:80]}", "")
