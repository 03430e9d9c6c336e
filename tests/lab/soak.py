"""New policies put to real kernels until stopped: `make soak`, or `python -m tests.lab.soak --minutes 60`.

A contradiction is shrunken to the smallest policy that still shows it and kept under `fixtures/lab`, where `make test` tries it
again. Exit status 1 when any was found.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from hypothesis import HealthCheck, Phase, given, seed, settings

from avakill.backends.plan import Options, Scope
from avakill.backends.registry import find
from avakill.enforce import kernel as here
from avakill.ir.condition import And, Condition, Not, PathIn
from avakill.ir.policy import Policy, Rule
from avakill.lab.campaign import HOST, KERNELS, runner_of
from avakill.lab.cases import Choice, Prepared, lab_target, prepare
from avakill.lab.words import CONTRADICTIONS, LabFault, Mark, Result, Runner
from avakill.paths.glob import parse
from tests.contract.generate import policies
from tests.lab.guests import results
from tests.lab.kept import FOLDER, Kept, made_rule, to_text

ROUNDS = {"landlock": (HOST, 40, 80), "seccomp": (HOST, 20, 60), "apparmor": ("6.12", 60, 60), "selinux": ("6.12", 40, 60)}
"""For each layer: its kernel, how many policies to a round, and how many trials to a policy."""

EVERY = {"landlock": 1, "seccomp": 4, "apparmor": 12, "selinux": 16}
"""In which of the rounds a layer is tried: a guest's round takes minutes, this machine's takes seconds."""

SHRINKS = 12


def drawn(number: int, start: int) -> list[Policy]:
    """`number` policies, the same for the same start."""
    found: list[Policy] = []

    @seed(start)
    @settings(max_examples=number, database=None, derandomize=False, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
    @given(policies())
    def draw(policy: Policy) -> None:
        found.append(policy)

    draw()
    return found[:number]


def options_for(chance: random.Random) -> Options:
    """The scope `closed` and `strict` a fifth of the time each."""
    return Options(Scope.CLOSED if chance.random() < 0.2 else Scope.DENY_RULES, strict=chance.random() < 0.2)


def prepared(kept: Kept, limit: int) -> Prepared:
    abi = here.abi() if kept.kernel == HOST else KERNELS[kept.kernel]
    backend = find((kept.layer,)).backends[0]
    target = lab_target(kept.policy, kept.kernel, abi)
    return prepare(f"{kept.layer} {kept.seed}", kept.policy, target, backend, Choice(kept.options, kept.seed, limit))


def asked(runner: Runner, cases: list[Prepared]) -> Iterator[tuple[Result, ...]]:
    return (found for _, found in results(runner, cases))


def wrong(found: tuple[Result, ...]) -> tuple[str, ...]:
    """What contradicts a verdict, in words."""
    return tuple(
        f"{r.mark} {r.outcome.errno} by {r.trial.door} ({r.trial.route}): {r.trial.asks}: {r.sentence}"
        for r in found
        if r.mark in CONTRADICTIONS
    )


# -- shrinking --


def smaller(policy: Policy) -> Iterator[Policy]:
    """The policy with a rule less, then with a pattern or a part of a condition less."""
    for gone in range(len(policy.rules)):
        if len(policy.rules) > 1:
            yield _with(policy, (*policy.rules[:gone], *policy.rules[gone + 1 :]))
    for index, rule in enumerate(policy.rules):
        for condition in _simpler(rule.condition):
            yield _with(policy, (*policy.rules[:index], replace(rule, condition=condition), *policy.rules[index + 1 :]))


def _with(policy: Policy, rules: tuple[Rule, ...]) -> Policy:
    numbered = (made_rule(n, rule.tools, rule.action, rule.condition, rule.enforcement) for n, rule in enumerate(rules))
    return replace(policy, rules=tuple(numbered))


def _simpler(condition: Condition) -> Iterator[Condition]:
    match condition:
        case PathIn(field, globs):
            texts = list(dict.fromkeys(glob.text for glob in globs))
            for gone in texts if len(texts) > 1 else ():
                yield PathIn(field, tuple(glob for text in texts if text != gone for glob in parse(text)))
        case And(parts):
            yield from parts
        case Not(inner):
            yield from (Not(each) for each in _simpler(inner))


def shrink(runner: Runner, kept: Kept, limit: int) -> Kept:
    """The smallest policy found that the kernel still contradicts; all candidates of a round go in one boot."""
    for _ in range(SHRINKS):
        candidates = [replace(kept, policy=policy) for policy in smaller(kept.policy)]
        shown = zip(candidates, asked(runner, [prepared(one, limit) for one in candidates]), strict=True)
        found = next((replace(one, seen=seen) for one, told in shown if (seen := wrong(told))), None)
        if found is None:
            break
        kept = found
    return kept


def keep(kept: Kept) -> str:
    """Writes the fixture; its name comes from its content."""
    text = to_text(kept)
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{kept.layer}-{hashlib.sha256(text.encode()).hexdigest()[:10]}.json"
    file.write_text(text)
    return file.name


# -- the loop --


def round_of(layer: str, start: int, seen: Counter[str]) -> Iterator[str]:
    """Puts one round of new policies to the layer's kernel; yields the names of the fixtures kept."""
    kernel, number, limit = ROUNDS[layer]
    runner = runner_of(kernel, layer)
    chance = random.Random(start)
    found = [Kept(policy, options_for(chance), layer, kernel, start + n) for n, policy in enumerate(drawn(number, start))]
    for one, told_of in zip(found, asked(runner, [prepared(one, limit) for one in found]), strict=True):
        seen.update({f"{layer} policies": 1, f"{layer} trials": len(told_of)})
        seen.update(f"{layer} {result.mark}" for result in told_of if result.mark in (*CONTRADICTIONS, Mark.NONE))
        if told := wrong(told_of):
            yield keep(shrink(runner, replace(one, seen=told), limit))


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after this long; without it, at Ctrl-C")
    parser.add_argument("--layers", default="landlock,seccomp,apparmor,selinux")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first policies' seed; each round takes the next")
    told = parser.parse_args(words)
    layers = told.layers.split(",")
    seen: Counter[str] = Counter()
    kept: list[str] = []
    begun = time.monotonic()
    print(f"soak: seed {told.seed}", flush=True)
    try:
        for number in count():
            for layer in layers:
                minutes = (time.monotonic() - begun) / 60
                if minutes > told.minutes:
                    return _told(seen, kept)
                if number % EVERY[layer] == 0:
                    for name in round_of(layer, told.seed + number * 1_000, seen):
                        kept.append(name)
                        print(f"\nsoak: CONTRADICTION kept as fixtures/lab/{name}", flush=True)
                    print(f"{minutes:6.1f} min  " + ", ".join(f"{n:,} {what}" for what, n in sorted(seen.items())), flush=True)
    except KeyboardInterrupt:
        return _told(seen, kept)
    except LabFault as fault:
        print(f"soak: {fault.reason}; {fault.help}", file=sys.stderr)
        return 1
    return _told(seen, kept)


def _told(seen: Counter[str], kept: list[str]) -> int:
    print("\nsoak: " + ", ".join(f"{n:,} {what}" for what, n in sorted(seen.items())))
    print(f"soak: {len(kept)} contradictions" + "".join(f"\n  fixtures/lab/{name}" for name in kept))
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
