"""A process of its own that asks for one call: `python -m tests.approvals.asker STORE TIMES` prints what it was told.

`inside` instead of TIMES stops in the middle of using the approval, until it is killed.
"""

from __future__ import annotations

import sys
import time

from avakill.approvals.store import ApprovalStore
from avakill.approvals.words import Asked


def ask(store: ApprovalStore) -> Asked:
    return store.ask("shell_execute", '{"command": "make deploy"}', "coder", None, "ask-first", "because")


def stop_inside(path: str) -> None:
    with ApprovalStore(path)._database.transaction() as connection:
        connection.execute("UPDATE asked SET status = 'used', tool_args = ''")
        sys.stdout.write("inside\n")
        sys.stdout.flush()
        time.sleep(600)


if __name__ == "__main__":
    _, path, times = sys.argv
    if times == "inside":
        stop_inside(path)
    store = ApprovalStore(path, timeout_s=60)
    told = [ask(store) for _ in range(int(times))]
    sys.stdout.write("".join(f"{one.id} {one.status}\n" for one in told))
