"""`avakill verify`: does a policy's signature hold."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avakill.cli.common import Reporter, diagnostics_option, echo, error
from avakill.cli.signed import state_option
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.signing.keys import Keys
    from avakill.signing.words import AnySignature, Refused


@click.command("verify")
@click.argument("policy_file", type=click.Path())
@click.option("--key", help="the key in hexadecimal  [default: AVAKILL_POLICY_KEY or AVAKILL_VERIFY_KEY, as the signature is]")
@click.option("-v", "--verbose", is_flag=True, help="also what else the signature says")
@state_option
@diagnostics_option
def command(policy_file: str, key: str | None, verbose: bool, state: str | None, style: str) -> None:
    """Check POLICY.sig: exit status 0 when it holds, 1 when it does not or there is none."""
    from avakill.cli.signed import diagnostic, state_dir
    from avakill.signing.words import SPOKEN, Refused

    reporter = Reporter(style)
    path = Path(policy_file)
    found = look(path, key, state_dir(state), reporter)
    if isinstance(found, Refused):
        reporter.fail(diagnostic(found))
    echo(f"Valid {SPOKEN[found.algorithm]} signature: {policy_file}")
    if verbose:
        for line in _details(found):
            echo(f"  {line}")


def look(path: Path, key: str | None, state: Path, reporter: Reporter) -> AnySignature | Refused:
    """The signature, if it holds here and now."""
    from avakill.signing.files import read_once, sidecar_of, told
    from avakill.signing.keys import with_public
    from avakill.signing.load import rollback
    from avakill.signing.sidecar import MAX_BYTES
    from avakill.signing.state import folder_of, recall
    from avakill.signing.verify import verify
    from avakill.signing.words import Refused

    try:
        data = read_once(path)
    except OSError as fault:
        return Refused(codes.UNREADABLE, f"cannot read `{path}`: {told(fault)}")
    try:
        sidecar = read_once(sidecar_of(path), MAX_BYTES)
    except FileNotFoundError:
        return Refused(codes.NO_SIGNATURE, f"there is no `{sidecar_of(path)}`", f"`avakill sign {path}` makes one")
    except OSError as fault:
        return Refused(codes.BAD_SIGNATURE, f"cannot read `{sidecar_of(path)}`: {told(fault)}")
    keys = with_public(_keys(key, sidecar, reporter))
    if isinstance(keys, Refused):
        return keys
    signature = verify(data, sidecar, keys, os.environ)
    if isinstance(signature, Refused):
        return signature
    memory = recall(folder_of(state, path, keys), keys)
    if isinstance(memory, Refused):
        return memory
    return rollback(signature, memory.counter or 0, memory.kept) or signature


def _keys(given: str | None, sidecar: bytes, reporter: Reporter) -> Keys:
    from avakill.cli.signed import key_given, keys_here
    from avakill.signing.keys import NO_KEYS, VERIFY_KEY
    from avakill.signing.sidecar import BadSidecar, read_sidecar
    from avakill.signing.words import Algorithm

    if given is None:
        return keys_here(reporter)
    try:
        algorithm = read_sidecar(sidecar).algorithm
    except BadSidecar as why:
        reporter.fail(error(codes.BAD_SIGNATURE, f"the `.sig` file cannot be read: {why}"))
    key = key_given(given, algorithm, VERIFY_KEY, reporter)
    return replace(NO_KEYS, mac=key) if algorithm is Algorithm.HMAC else replace(NO_KEYS, public=key)


def _details(signature: AnySignature) -> list[str]:
    from avakill.cli.sign_command import environment_lines
    from avakill.signing.words import Signature

    if not isinstance(signature, Signature):
        return ["a plain signature: it has no counter, so an older policy would not be noticed"]
    lines = [f"counter {signature.counter}, made {signature.created}", f"key {signature.key}", f"sha256 {signature.sha256}"]
    return lines + [line.strip() for line in environment_lines(signature)]
