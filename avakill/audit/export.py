"""Events as JSON for other programs: one array, written as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Protocol

from avakill.audit.query import Stored


class Out(Protocol):
    def write(self, text: str, /) -> object: ...


def write_json(events: Iterable[Stored], out: Out) -> int:
    """An array of the objects that `avakill logs --json` prints; how many there were."""
    count = 0
    out.write("[")
    for event in events:
        out.write(",\n " if count else "\n ")
        out.write(json.dumps(event.to_json(), ensure_ascii=True))
        count += 1
    out.write("\n]\n" if count else "]\n")
    return count
