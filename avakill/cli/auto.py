"""`enforce auto`: the layers that this machine has and this user may use, stacked; what stays open; starting under them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from avakill.cli.common import Loaded, Lowered, Reporter, echo, error, find_backends, target_for
from avakill.cli.here import as_expanded
from avakill.cli.text import escape
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.enforce.kernel import Refusal
    from avakill.pipeline import Build


def run(loaded: Loaded, lowered: Lowered, words: tuple[str, ...], reporter: Reporter, quiet: bool) -> None:
    """Put on Landlock and seccomp, as far as they are here, and become the command. Ends the process."""
    from avakill.enforce import kernel, seccomp
    from avakill.enforce.landlock import exit_status_of, launch
    from avakill.enforce.residue import open_ways
    from avakill.pipeline import build

    lacking = kernel.missing()
    if lacking is not None:
        reporter.show([error(codes.NOT_AVAILABLE, lacking.reason, lacking.help)])
        sys.exit(126)
    without = seccomp.missing()
    names = ("landlock",) if without else ("landlock", "seccomp")
    made = build(loaded.policy, target_for(loaded, lowered, words), find_backends(names, reporter), lowered.options())
    made, dry = as_expanded(made, reporter, 126)
    if not quiet:
        echo(f"avakill: confined by {' + '.join(names)}", err=True)
        for line in (*([f"without seccomp: {without}"] if without else []), *absent(), *residue(made), *dry.warnings):
            echo(f"avakill: {line}", err=True)
        for way in open_ways(dry.residues):
            echo(f"avakill: {way.kind} {escape(way.place)}: {escape(way.reason)}", err=True)
    profile = next((e.artifacts[0].text for e in made.emissions if e.backend.name == "seccomp"), None)
    refusal = launch(dry.expansion, words, os.environ, lambda: _seccomp(profile))
    reporter.show([error(codes.NOT_APPLIED, refusal.reason, refusal.help)])
    sys.exit(exit_status_of(refusal))


def _seccomp(profile: str | None) -> Refusal | None:
    from avakill.enforce import seccomp
    from avakill.enforce.kernel import Refusal

    if profile is None:
        return None
    fault = seccomp.load(json.loads(profile))
    return None if fault is None else Refusal(f"the seccomp filter was not loaded: {fault}", "use `enforce landlock` without it")


def absent() -> Iterator[str]:
    """The layers of the machine that are not put on by themselves, and what would put them on."""
    if _reads("/sys/module/apparmor/parameters/enabled") == "Y":
        yield "AppArmor is on but not used: `avakill harden --apparmor -o avakill.apparmor` writes the profile for root to load"
    if os.path.exists("/sys/fs/selinux/enforce"):
        yield "SELinux is on but not used: `avakill harden --selinux -o avakill.te` writes the module for root to load"


def _reads(path: str) -> str:
    try:
        with open(path) as stream:
            return stream.read().strip()
    except OSError:
        return ""


def residue(made: Build) -> Iterator[str]:
    """Every denying rule that the layers together do not hold, with the reason."""
    from avakill.ir.verdict import Verdict
    from avakill.pipeline import OPEN, stacks

    for _, rows in stacks(made).values():
        for stacked in rows:
            if stacked.verdict in OPEN:
                reasons = (
                    f.reason for e in made.emissions for r in e.rows if r.row is stacked.row for f in r.findings if f.verdict in OPEN
                )
                yield f"{stacked.verdict}: `{escape(stacked.row.name)}`: {escape(next(reasons, ''))}"
            elif stacked.blind and stacked.verdict is not Verdict.UNENFORCEABLE:
                yield f"not seen for `{escape(stacked.row.name)}`: {', '.join(stacked.blind)}"
        return
