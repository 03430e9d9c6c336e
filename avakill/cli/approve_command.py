"""`avakill approve`: a person puts a proposed policy in place of the active one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avakill.cli.common import Reporter, diagnostics_option, echo, error
from avakill.cli.signed import state_option
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.cli.signed import Validated
    from avakill.signing.keys import Keys


@click.command("approve")
@click.argument("policy_file", type=click.Path())
@click.option("--target", type=click.Path(), help="the policy to replace  [default: avakill.yaml beside FILE]")
@click.option("-y", "--yes", is_flag=True, help="do not ask")
@state_option
@diagnostics_option
def command(policy_file: str, target: str | None, yes: bool, state: str | None, style: str) -> None:
    """Validate a proposed policy, show what changes, ask, and replace the active policy in one step.

    The old file is kept as `.bak`. Where AVAKILL_POLICY_KEY or AVAKILL_SIGNING_KEY is set, the new one is signed.
    """
    from avakill.cli.review_command import show
    from avakill.cli.signed import diagnostic, keys_here, validate
    from avakill.signing.approval import backup_of, put_in_place, read_active, target_of
    from avakill.signing.words import Refused

    reporter = Reporter(style)
    keys = keys_here(reporter)  # before anything is written: a key that cannot be used stops here
    proposed = Path(policy_file)
    found = validate(proposed, reporter)
    active = Path(target) if target else target_of(proposed)
    before = read_active(active, proposed)
    if isinstance(before, Refused):
        reporter.fail(diagnostic(before))
    show(found, before, active, reporter)
    if not yes and not click.confirm(f"\nput it in place of {active}?", default=False):
        echo("not approved; nothing was written")
        return
    fault = put_in_place(active, found.data, before)
    if fault is not None:
        reporter.fail(diagnostic(fault))
    echo(f"Approved: {active}" + (f" (the old one is {backup_of(active)})" if before not in (None, found.data) else ""))
    _sign(active, found, keys, state, reporter)


def _sign(active: Path, found: Validated, keys: Keys, state: str | None, reporter: Reporter) -> None:
    from avakill.cli.signed import diagnostic, state_dir
    from avakill.signing.files import sidecar_of
    from avakill.signing.signer import bind, choose, sign_file
    from avakill.signing.words import SPOKEN, Refused

    algorithm = choose(keys)
    if algorithm is not None:
        made = sign_file(active, found.data, keys, algorithm, bind(found.asked, os.environ), state_dir(state))
        if isinstance(made, Refused):
            reporter.fail(diagnostic(made))
        echo(f"Signed with {SPOKEN[algorithm]}, counter {made.counter}")
    elif keys.can_verify or sidecar_of(active).exists():
        help = f"`avakill sign {active}` where the key is; until then the guard goes on with the last signed policy"
        reporter.show([error(codes.NO_KEY, "the policy is not signed: there is no key to sign with here", help)])
