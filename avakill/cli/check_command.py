"""`avakill check read ~/.ssh/id_rsa`: what the policy says of one object, and what each target would do."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from avakill.cli.common import (
    Lowered,
    Reporter,
    colours,
    diagnostics_option,
    echo,
    error,
    find_backends,
    load_policy,
    lowering_options,
    policy_option,
    split_names,
    target_for,
)
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.backends.judge import Judgement
    from avakill.ir.effect import Effect
    from avakill.pipeline import Build, Emission

WORDS = ("read", "write", "create", "delete", "exec", "connect")


@click.command("check")
@click.argument("operation", type=click.Choice(WORDS))
@click.argument("thing", metavar="OBJECT")
@policy_option
@click.option("-b", "--backend", "backends", multiple=True, metavar="NAME", help="only these targets")
@lowering_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@diagnostics_option
def command(operation: str, thing: str, policy_path: str | None, backends: tuple[str, ...], form: str, style: str, **rest: Any) -> None:
    """Say what the policy says of one object: by which rule and line, and what each target would do.

    OBJECT is a path, or for `connect` HOST:PORT (tcp://HOST:PORT, udp://HOST:PORT).
    Exit status 0 when the policy allows it, 2 when it denies it.
    """
    from avakill.backends.judge import decide
    from avakill.ir.effect import Effect
    from avakill.pipeline import build

    lowered = Lowered(**rest)
    loaded = load_policy(policy_path, style, show_warnings=False)
    reporter = Reporter(style, (loaded.source,))
    target = target_for(loaded, lowered)
    effect = Effect(operation)
    name = _object(effect, thing, target.home, reporter)
    made = build(loaded.policy, target, find_backends(split_names(backends), reporter), lowered.options())
    judged = decide(made.plan, effect, name)
    answers = [(e.backend.name, *target_answer(made, e, effect, name, judged)) for e in made.emissions]
    if form == "json":
        click.echo(json.dumps(_report(made, operation, name, judged, answers), indent=2))
    else:
        _show(made, operation, name, judged, answers)
    sys.exit(0 if judged.allowed else 2)


def _object(effect: Effect, thing: str, home: str, reporter: Reporter) -> str:
    """The object as backends know it: an absolute path with its parent's symlinks resolved, or a destination."""
    from avakill.ir.endpoint import read_destination

    if effect == "connect":
        if read_destination(thing) is None:
            reporter.fail(error(codes.BAD_OBJECT, f"`{thing}` is no HOST:PORT", "write `example.org:443` or `udp://10.0.0.1:53`"))
        return thing if "://" in thing else f"tcp://{thing}"
    if "\0" in thing or not thing:
        reporter.fail(error(codes.BAD_OBJECT, "a path cannot be empty or hold a NUL"))
    path = home + thing[1:] if thing == "~" or thing.startswith("~/") else thing
    follows = effect in ("read", "write", "exec")
    if follows:
        return os.path.realpath(path)
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.normpath(os.path.join(os.path.realpath(folder), name))


def target_answer(made: Build, emission: Emission, effect: Effect, thing: str, judged: Judgement) -> tuple[str, str]:
    """(`denied` | `allowed` | `unsure`, why) for one target, from its claims alone."""
    from avakill.ir.effect import OPERATIONS_OF
    from avakill.ir.verdict import Verdict

    if judged.allowed or judged.index is None:
        for row in emission.rows:
            for finding in row.findings:
                if finding.verdict is Verdict.STRICTER and any(
                    lost.holds(operation, thing) for lost in finding.lost for operation in OPERATIONS_OF[effect]
                ):
                    return "denied", f"over-denial: {finding.reason}"
        return "allowed", ""
    row = made.verdict(emission.backend.name, judged.index)
    if all(operation in row.blind for operation in OPERATIONS_OF[effect]):
        return "allowed", "this layer does not mediate the operation"
    findings = [f for f in row.findings if not f.effects or effect in f.effects]
    for verdict, word in ((Verdict.UNENFORCEABLE, "allowed"), (Verdict.WEAKER, "unsure")):
        for finding in findings:
            if finding.verdict is verdict:
                return word, finding.reason
    return "denied", ""


def _rule_name(made: Build, judged: Judgement) -> tuple[str, int]:
    if judged.index is None:
        return "", 0
    row = made.plan.row_by_index[judged.index]
    return row.name, row.span.line


def _report(made: Build, operation: str, thing: str, judged: Judgement, answers: list[tuple[str, str, str]]) -> dict[str, Any]:
    name, line = _rule_name(made, judged)
    return {
        "operation": operation,
        "object": thing,
        "policy": "allow" if judged.allowed else "deny",
        "rule": name or None,
        "line": line or None,
        "targets": {target: {"answer": answer, "reason": why} for target, answer, why in answers},
    }


def _show(made: Build, operation: str, thing: str, judged: Judgement, answers: list[tuple[str, str, str]]) -> None:
    from avakill.cli.text import escape, paint

    colour = colours(sys.stdout)
    name, line = _rule_name(made, judged)
    by = f"by `{escape(name)}`" + (f", {escape(made.plan.policy.path)}:{line}" if line else "") if name else "no rule denies it"
    word = paint("allowed", "green", colour) if judged.allowed else paint("denied", "red", colour)
    echo(f"{operation} {escape(thing)}: {word} ({by})")
    for target, answer, why in answers:
        tone = {"denied": "red", "allowed": "green", "unsure": "yellow"}[answer]
        agrees = (answer == "denied") != judged.allowed if answer != "unsure" else False
        mark = " " if agrees else "!"
        echo(f"  {mark} {target:<10} {paint(f'{answer:<8}', tone, colour)} {escape(why)}".rstrip())
