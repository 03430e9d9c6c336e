"""`avakill sign`: put a signature beside a policy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from avakill.cli.common import Refused as NotFound
from avakill.cli.common import Reporter, diagnostics_option, echo, find_policy
from avakill.cli.signed import state_option

if TYPE_CHECKING:
    from avakill.signing.keys import Keys
    from avakill.signing.words import Algorithm, Signature


@click.command("sign")
@click.argument("policy_file", required=False, type=click.Path())
@click.option("--key", help="the key in hexadecimal  [default: AVAKILL_POLICY_KEY, then AVAKILL_SIGNING_KEY]")
@click.option("--generate-key", "is_new", is_flag=True, help="make a new key, print it, and sign with it where a FILE is given")
@click.option("--ed25519", "is_ed25519", is_flag=True, help="sign with Ed25519 (AVAKILL_SIGNING_KEY) instead of HMAC-SHA256")
@click.option("--counter", type=click.IntRange(1, 2**63 - 1), help="the counter of this signature  [default: the last one + 1]")
@click.option("--any-environment", is_flag=True, help="name the variables that the policy reads, and do not sign their values")
@state_option
@diagnostics_option
def command(
    policy_file: str | None,
    key: str | None,
    is_new: bool,
    is_ed25519: bool,
    counter: int | None,
    any_environment: bool,
    state: str | None,
    style: str,
) -> None:
    """Validate a policy and write POLICY.sig beside it.

    The signature holds for the file's bytes, for a counter that is higher than the one before, and for the values of the
    environment variables that the policy reads.
    """
    import os

    from avakill.cli.signed import diagnostic, state_dir, validate
    from avakill.signing.signer import bind, bind_nothing, sign_file
    from avakill.signing.words import SPOKEN, Refused

    reporter = Reporter(style)
    if is_new and key is not None:
        raise click.UsageError("--key and --generate-key exclude each other")
    keys, algorithm = _new_key(is_ed25519, reporter) if is_new else _key(key, is_ed25519, reporter)
    if is_new and policy_file is None:
        return
    try:
        place = find_policy(policy_file)
    except NotFound as missing:
        reporter.fail(missing.diagnostic)
    found = validate(place, reporter)
    if found.warnings:
        Reporter(style, (found.source,)).show(found.warnings)
    bound = bind_nothing(found.asked) if any_environment else bind(found.asked, os.environ)
    made = sign_file(place, found.data, keys, algorithm, bound, state_dir(state), counter)
    if isinstance(made, Refused):
        reporter.fail(diagnostic(made))
    echo(f"Signed {place} with {SPOKEN[algorithm]}: {place}.sig, counter {made.counter}", err=is_new)
    for line in environment_lines(made):
        echo(line, err=is_new)


def environment_lines(signature: Signature) -> list[str]:
    signed, unsigned = (", ".join(f"`{name}`" for name in names) for names in (dict(signature.values), signature.unsigned))
    lines = [f"  with the value of {signed}"] if signed else []
    return [*lines, f"  the value of {unsigned} is not signed"] if unsigned else lines


def _key(given: str | None, is_ed25519: bool, reporter: Reporter) -> tuple[Keys, Algorithm]:
    from avakill.cli.signed import key_given, keys_here
    from avakill.signing.keys import NO_KEYS, SIGNING_KEY
    from avakill.signing.signer import choose
    from avakill.signing.words import Algorithm

    algorithm = Algorithm.ED25519 if is_ed25519 else Algorithm.HMAC
    if given is not None:
        key = key_given(given, algorithm, SIGNING_KEY, reporter)
        return (replace(NO_KEYS, seed=key) if is_ed25519 else replace(NO_KEYS, mac=key)), algorithm
    keys = replace(keys_here(reporter), public=None)
    return keys, algorithm if is_ed25519 else choose(keys) or algorithm


def _new_key(is_ed25519: bool, reporter: Reporter) -> tuple[Keys, Algorithm]:
    from avakill.cli.keygen_command import new_mac_lines, new_pair_lines
    from avakill.cli.signed import diagnostic
    from avakill.signing.keys import Keys
    from avakill.signing.words import Algorithm, Refused

    lines = new_pair_lines() if is_ed25519 else new_mac_lines()
    if isinstance(lines, Refused):
        reporter.fail(diagnostic(lines))
    for line in lines:
        echo(line)
    key = bytes.fromhex(lines[0].partition("=")[2])
    return (Keys(seed=key), Algorithm.ED25519) if is_ed25519 else (Keys(mac=key), Algorithm.HMAC)
