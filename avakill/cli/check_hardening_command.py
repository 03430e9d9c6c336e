"""`avakill check-hardening`: how well a policy file is protected on this machine."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import click

from avakill.cli.common import Refused, Reporter, colours, diagnostics_option, echo, error, find_policy
from avakill.source import codes


@click.command("check-hardening")
@click.argument("policy_file", required=False, type=click.Path())
@click.option("--policy", "policy_path", type=click.Path(), help="the policy file, as the argument")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@diagnostics_option
def command(policy_file: str | None, policy_path: str | None, form: str, style: str) -> None:
    """Check who could change the policy. Exit status 1 when a check fails (`weak` alone is no failure)."""
    from avakill.cli.text import table

    reporter = Reporter(style)
    try:
        place = find_policy(policy_file or policy_path)
        checks = look(place)
    except Refused as refused:
        reporter.fail(refused.diagnostic)
    except OSError as fault:
        reporter.fail(error(codes.UNREADABLE, f"cannot look at `{policy_file or policy_path}`: {fault.strerror}"))
    if form == "json":
        click.echo(
            json.dumps({"policy": str(place), "checks": [dict(zip(("check", "result", "why"), c, strict=True)) for c in checks]})
        )
    else:
        text = table(("check", "result", "what was seen"), checks)
        if colours(sys.stdout):
            for word, tone in (("ok", "green"), ("weak", "yellow"), ("FAIL", "red")):
                text = text.replace(f"  {word} ", f"  {click.style(word, fg=tone)} ")
        echo(text)
    sys.exit(1 if any(result == "FAIL" for _, result, _ in checks) else 0)


def look(path: Path) -> list[tuple[str, str, str]]:
    """Each check with `ok`, `weak` or `FAIL` and what was seen. Raises OSError for a missing file."""
    from avakill.enforce.immutable import is_immutable

    seen = path.stat()
    folder = path.resolve().parent
    flag = is_immutable(path)
    mode = stat.S_IMODE(seen.st_mode)
    own = seen.st_uid == os.getuid() != 0
    replaceable = bool(folder.stat().st_mode & stat.S_IWOTH) and not folder.stat().st_mode & stat.S_ISVTX
    project = _project_of(folder)
    told = {True: "set", False: "not set", None: "this file system has none"}[flag]
    return [
        ("immutable flag", _mark(bool(flag), "weak"), told),
        ("permissions", _mark(not mode & (stat.S_IWGRP | stat.S_IWOTH), "FAIL"), f"{mode:04o}, owner {seen.st_uid}"),
        ("owner", _mark(not own, "weak"), "the agent's own user may change it" if own else "another user's, or root's"),
        ("folder", _mark(not replaceable, "FAIL"), f"others {'can' if replaceable else 'cannot'} replace the file"),
        ("symbolic link", _mark(not path.is_symlink(), "weak"), "a link" if path.is_symlink() else "a file of its own"),
        ("hard links", _mark(seen.st_nlink == 1, "weak"), f"{seen.st_nlink} name(s)"),
        ("outside a project", _mark(project is None, "weak"), f"in {project}, which Landlock splits" if project else "yes"),
        *_signing(path),
    ]


def _signing(path: Path) -> list[tuple[str, str, str]]:
    """Whether the policy is signed, and with a key that this environment should have."""
    from avakill.signing.files import read_once, sidecar_of
    from avakill.signing.keys import SIGNING_KEY, read_keys
    from avakill.signing.sidecar import MAX_BYTES
    from avakill.signing.verify import verify
    from avakill.signing.words import SPOKEN, Refused, Signature

    keys = read_keys(os.environ)
    if isinstance(keys, Refused):
        return [("signature", "FAIL", keys.why)]
    can_sign = keys.mac is not None or keys.seed is not None
    why = f"the key that signs ({SIGNING_KEY} or an HMAC key) is in this environment: an agent started from it could sign"
    rows = [("signing key", _mark(not can_sign, "weak"), why if can_sign else "not in this environment")]
    try:
        data, sidecar = read_once(path), read_once(sidecar_of(path), MAX_BYTES)
    except FileNotFoundError:
        return [("signature", "FAIL" if keys.can_verify else "weak", "no .sig beside it"), *rows]
    except OSError as fault:
        return [("signature", "FAIL", fault.strerror or str(fault)), *rows]
    if not keys.can_verify:
        return [("signature", "weak", "a .sig is there, and no key to verify it"), *rows]
    found = verify(data, sidecar, keys, os.environ)
    if isinstance(found, Refused):
        return [("signature", "FAIL", found.why), *rows]
    if not isinstance(found, Signature):
        return [("signature", "weak", f"{SPOKEN[found.algorithm]} holds; without a counter, an older policy is not noticed"), *rows]
    unsigned = f"; not signed: the value of {', '.join(found.unsigned)}" if found.unsigned else ""
    return [("signature", _mark(not unsigned, "weak"), f"{SPOKEN[found.algorithm]} holds, counter {found.counter}{unsigned}"), *rows]


def _mark(fine: bool, otherwise: str) -> str:
    return "ok" if fine else otherwise


def _project_of(folder: Path) -> Path | None:
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
