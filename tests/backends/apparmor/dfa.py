"""The automaton that the real parser makes of a profile, from its dump: what the kernel would be given, without a kernel."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PARSER = Path("/usr/sbin/apparmor_parser")
BITS = {"x": 1, "w": 2, "r": 4}

_STATE = re.compile(rb"^\{(\d+)\} perms: (?:none| \(0x ([0-9a-f]+)/)")
_STEP = re.compile(rb"^    .*?0x([0-9a-f]{1,2}) -> \{(\d+)\}", re.S)
_OTHER = re.compile(rb"^    \[(\^.*)?\] -> \{(\d+)\}", re.S)
_EXCLUDED = re.compile(rb"0x([0-9a-f]{2})|\\(.)|(.)", re.S)


@dataclass
class State:
    permissions: int = 0
    steps: dict[int, int | None] = field(default_factory=dict)
    other: int | None = None


def compile_profile(text: str) -> dict[int, State]:
    """The file automaton; raises CalledProcessError where the parser refuses the profile."""
    command = [str(PARSER), "-Q", "-K", "-q", "-D", "dfa-states"]
    done = subprocess.run(command, input=text.encode("utf-8", "surrogateescape"), capture_output=True, check=True, timeout=120)
    return _read(done.stderr + done.stdout)


def _read(dump: bytes) -> dict[int, State]:
    states: dict[int, State] = {}
    here: State | None = None
    for line in re.split(rb"\n(?=\{|    |\n)", dump):
        begin = _STATE.match(line)
        if begin is not None:
            if begin[1] == b"1" and states:
                break  # the next automaton is of the rules that are not about files
            here = states.setdefault(int(begin[1]), State(int(begin[2] or b"0", 16)))
        elif here is not None and (other := _OTHER.match(line)) is not None:
            here.other = int(other[2])
            for code, escaped, plain in _EXCLUDED.findall((other[1] or b"^")[1:]):
                here.steps[int(code, 16) if code else (escaped or plain)[0]] = None
        elif here is not None and (step := _STEP.match(line)) is not None:
            here.steps[int(step[1], 16)] = int(step[2])
    return states


def permitted(states: dict[int, State], name: bytes) -> str:
    """Those of `rwx` that the automaton grants on a name."""
    at: int | None = 1
    for byte in name:
        state = states[at] if at is not None else State()
        at = state.steps.get(byte, state.other)
        if at is None:
            return ""
    granted = states[at].permissions if at is not None else 0
    return "".join(permission for permission in "rwx" if granted & BITS[permission])
