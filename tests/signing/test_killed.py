"""Real processes that load, killed or many at once: what is remembered stays whole and never goes back."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

from avakill.signing.load import Status
from avakill.signing.state import recall
from avakill.signing.words import Refused
from tests.signing.signing import NEW, OLD, WITH_MAC, Desk, signed

RELOAD = """
import sys
from pathlib import Path
from tests.signing.signing import Desk, NEW, OLD, signed
desk = Desk(Path(sys.argv[1]))
counter = int(sys.argv[2])
print("ready", flush=True)
while True:
    counter += 1
    data = NEW if counter % 2 else OLD
    desk.put(data, signed(data, counter))
    loaded = desk.load()
    assert loaded.data == data, loaded
    print(counter, flush=True)
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.getcwd()}


def test_killed_while_loading_the_memory_is_whole_and_as_far_as_it_was_told(desk: Desk) -> None:
    drawn = random.Random(11)
    counter = 0
    for _ in range(6):
        words = [sys.executable, "-c", RELOAD, str(desk.folder), str(counter + 1)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment()) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            assert child.stdout.readline()
            time.sleep(drawn.random() * 0.05)
            child.send_signal(signal.SIGKILL)
            said = [int(line) for line in child.stdout.read().split(b"\n") if line.isdigit()]
        (folder,) = desk.state.iterdir()
        memory = recall(folder, WITH_MAC)
        assert not isinstance(memory, Refused), memory
        assert (memory.counter or 0) >= max(said, default=counter)
        counter = memory.counter or 0
        desk.put(NEW, signed(NEW, counter + 1))
        assert desk.load().status is Status.VERIFIED
        counter += 1


LOAD = """
import sys
from pathlib import Path
from avakill.signing.keys import Keys
from avakill.signing.load import load_verified
from tests.signing.signing import Desk, WITH_MAC, compiles
desk = Desk(Path(sys.argv[1]))
seen = 0
for _ in range(20):
    loaded = desk.load()
    assert loaded.data is not None, loaded
    assert loaded.counter >= seen, (loaded, seen)
    seen = loaded.counter
"""


def test_many_at_once_never_go_back(desk: Desk) -> None:
    """While the policy is replaced under them, each process sees counters that only rise."""
    desk.put(OLD, signed(OLD, 1))
    desk.load()
    children = [
        subprocess.Popen([sys.executable, "-c", LOAD, str(desk.folder)], env=environment(), stderr=subprocess.PIPE) for _ in range(3)
    ]
    counter = 1
    while any(child.poll() is None for child in children):
        counter += 1
        data = NEW if counter % 2 else OLD
        desk.put(data, signed(data, counter))
        time.sleep(0.005)
    faults = [child.communicate()[1].decode() for child in children]
    assert [child.returncode for child in children] == [0] * 3, faults
    assert desk.load().counter == counter
