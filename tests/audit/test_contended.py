"""A new segment that somebody who looks for the dead has locked first: waited for, not an error."""

from __future__ import annotations

import os
import threading
import time
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from avakill.audit import segment


def test_a_segment_whose_name_is_held_for_a_moment_is_made_when_it_is_free(tmp_path: Path) -> None:
    name = tmp_path / f"stream-000000{segment.SUFFIX}"
    held = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
    flock(held, LOCK_EX | LOCK_NB)

    def remove() -> None:
        time.sleep(0.1)
        name.unlink()
        os.close(held)

    other = threading.Thread(target=remove)
    other.start()
    made = segment.create(tmp_path, "stream", 0)
    other.join()
    assert made.path == name
    assert os.fstat(made.fd).st_nlink == 1
    os.close(made.fd)
