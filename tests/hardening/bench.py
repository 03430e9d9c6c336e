"""What the hooks cost an audit event: `python -m tests.hardening.bench [_hooks.so]`, each row in a process of its own.

CPU time, the best of many batches, so that a busy machine says nearly what a quiet one does.
"""

from __future__ import annotations

import subprocess
import sys

CHILD = """
import os, sys, tempfile, time
import importlib.util
mode, library, package = sys.argv[1:4]
where = tempfile.mkdtemp()
free, paths = where + '/free', [f'{where}/p{n}.yaml' for n in range(10)] + [package]
for path in (free, paths[0]): open(path, 'w').close()
if 'C' in mode:
    spec = importlib.util.spec_from_file_location('avakill.hardening._hooks', library)
    sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[spec.name])
import asyncio
from avakill.hardening import harden, protect_files
begun = time.process_time()
if 'Python' in mode: protect_files(paths)
if 'C' in mode: harden(paths)
armed = time.process_time() - begun

def best(work):
    found = []
    for _ in range(60):
        begun = time.process_time()
        for _ in range(200): work()
        found.append((time.process_time() - begun) / 200e-6)
    return min(found)

def event(): sys.audit('some.event', 1)
def read(): os.close(os.open(free, os.O_RDONLY))
def write(): os.close(os.open(free, os.O_WRONLY))
def chmod(): os.chmod(free, 0o600)
def rename(): os.rename(free, free)
def refused():
    try: os.open(paths[0], os.O_RDWR)
    except PermissionError: pass
row = [f'{best(work):.2f}' for work in (event, read, write, chmod, rename, refused)]
print('|', mode, '|', ' | '.join(row), '|', f'{armed * 1e3:.0f} |')
"""


def main() -> None:
    """A table for docs/hardening.md, in microseconds; the last column in milliseconds."""
    library = sys.argv[1] if len(sys.argv) > 1 else ""
    head = ("hooks", "other event", "open to read", "open to write", "chmod", "rename", "refused", "to arm, ms")
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|", flush=True)
    for mode in ("none", "Python", *(("C", "Python and C") if library else ())):
        subprocess.run((sys.executable, "-c", CHILD, mode, library, "avakill"), check=True)


if __name__ == "__main__":
    main()
