"""Artifacts to disk: all of them, each whole, or none."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from avakill.backends.contract import Artifact


class Unwritable(Exception):
    """Nothing was written; the message says what could not be."""


def write_all(folder: Path, files: Mapping[str, str]) -> None:
    """Write every file into `folder` (made when missing), or raise Unwritable and leave what was there."""
    mark = f".avakill-{secrets.token_hex(4)}"
    staged: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            final = folder / name
            if final.is_dir():
                raise IsADirectoryError(21, "is a directory", str(final))
            temporary = folder / f"{mark}-{name}"
            staged.append((temporary, final))
            _write(temporary, text)
        for temporary, final in staged:
            os.replace(temporary, final)
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        raise Unwritable(f"cannot write into `{folder}`: {reason}") from None
    finally:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()


def write_one(path: Path, text: str) -> None:
    """As `write_all`, for one file."""
    write_all(path.parent, {path.name: text})


def _write(path: Path, text: str) -> None:
    with path.open("xb") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
        stream.flush()
        os.fsync(stream.fileno())


def source_map(artifact: Artifact, policy: str) -> str:
    """Which line of the policy each line of an artifact comes from, as JSON; lines without an origin are left out."""
    # as `json.dumps` with an indent of 1, which is all Python: an artifact has tens of thousands of lines
    lines = [
        f'\n  {{\n   "line": {number},\n   "policy_line": {line.origin.line},\n   "policy_column": {line.origin.column}\n  }}'
        for number, line in enumerate(artifact.lines, 1)
        if line.origin is not None and line.origin.line
    ]
    inside = ",".join(lines) + "\n " if lines else ""
    return f'{{\n "artifact": {json.dumps(artifact.name)},\n "policy": {json.dumps(policy)},\n "lines": [{inside}]\n}}\n'
