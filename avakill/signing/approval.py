"""A proposed policy takes the place of the active one, in one step."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from avakill.signing.files import read_once, replace_file, told
from avakill.signing.words import Refused
from avakill.source import codes


def target_of(proposed: Path) -> Path:
    """`x.proposed.yaml` is for `x.yaml` where there is one; anything else for `avakill.yaml` beside it."""
    named = proposed.with_name(proposed.name.replace(".proposed.", "."))
    if named.name != proposed.name and os.path.lexists(named):
        return named
    return proposed.with_name("avakill.yaml")


def read_active(target: Path, proposed: Path) -> bytes | Refused | None:
    """The active policy's bytes; None where there is no file. Refused where replacing it would be something else."""
    try:
        seen = os.lstat(target)
        if stat.S_ISLNK(seen.st_mode):
            help = f"name the file itself: --target {os.path.realpath(target)}"
            return Refused(codes.NOT_REPLACED, f"`{target}` is a symbolic link", help)
        if os.path.samestat(seen, os.lstat(proposed)):
            return Refused(codes.NOT_REPLACED, f"`{target}` is the proposed policy itself", "name the policy to replace with --target")
        return read_once(target)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        reason = told(fault) if isinstance(fault, OSError) else str(fault)
        return Refused(codes.NOT_REPLACED, f"cannot replace `{target}`: {reason}")


def backup_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.bak")


def put_in_place(target: Path, data: bytes, before: bytes | None) -> Refused | None:
    """The old file is kept as `.bak`. Killed anywhere in between, the target is the old file or the new one."""
    if data == before:
        return None
    try:
        mode = 0o644
        if before is not None:
            mode = stat.S_IMODE(os.lstat(target).st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH)
            replace_file(backup_of(target), before, mode)
        replace_file(target, data, mode)
    except OSError as fault:
        return Refused(codes.UNWRITABLE, f"cannot write `{target}`: {told(fault)}", "an immutable flag must be taken off first")
    return None
