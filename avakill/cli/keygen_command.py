"""`avakill keygen`: a new pair of keys for signing policies."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avakill.cli.common import Reporter, diagnostics_option, echo, error
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.signing.words import Refused


@click.command("keygen")
@click.option("--hmac", "is_hmac", is_flag=True, help="one secret key for HMAC-SHA256 instead of a pair for Ed25519")
@click.option("--write-to", type=click.Path(), help="write the lines to a new file that only you can read")
@diagnostics_option
def command(is_hmac: bool, write_to: str | None, style: str) -> None:
    """Make keys and print them as lines for a shell.

    Whoever signs needs AVAKILL_SIGNING_KEY, the guard needs AVAKILL_VERIFY_KEY only: keep the first one away from agents.
    An HMAC key both signs and checks, so whoever can check can also sign.
    """
    from avakill.cli.signed import diagnostic
    from avakill.signing.words import Refused

    lines = new_mac_lines() if is_hmac else new_pair_lines()
    reporter = Reporter(style)
    if isinstance(lines, Refused):
        reporter.fail(diagnostic(lines))
    if write_to is None:
        echo("\n".join(lines))
        echo("# keep the key that signs out of the agent's environment", err=True)
        return
    try:
        _write_new(Path(write_to), "".join(f"{line}\n" for line in lines))
    except (OSError, ValueError) as fault:
        reason = (fault.strerror or str(fault)) if isinstance(fault, OSError) else str(fault)
        reporter.fail(error(codes.UNWRITABLE, f"cannot write `{write_to}`: {reason}", "an existing file is never overwritten"))
    echo("\n".join(line for line in lines if "VERIFY" in line))
    echo(f"# the keys are in {write_to}", err=True)


def new_pair_lines() -> tuple[str, str] | Refused:
    from avakill.signing import ed25519
    from avakill.signing.keys import SIGNING_KEY, VERIFY_KEY
    from avakill.signing.words import Refused

    seed = secrets.token_bytes(32)
    public = ed25519.public_of(seed)
    if isinstance(public, Refused):
        return public
    return f"export {SIGNING_KEY}={seed.hex()}", f"export {VERIFY_KEY}={public.hex()}"


def new_mac_lines() -> tuple[str]:
    from avakill.signing.keys import POLICY_KEY

    return (f"export {POLICY_KEY}={secrets.token_hex(32)}",)


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
