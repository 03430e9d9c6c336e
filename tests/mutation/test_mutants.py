"""Every small change of an emitted text is noticed, or changes nothing and says why (issue: the kernel is the judge, 6)."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from tests.mutation.bench import Bench, bench
from tests.mutation.equivalents import EQUIVALENTS, UNEXPLAINED, Equivalent
from tests.mutation.frames import complaints
from tests.mutation.known import KNOWN
from tests.mutation.mutant import Mutant

SEED = 20261122
ALL = bool(os.environ.get("AVAKILL_SOAK"))
CELLS = {
    "landlock": (("coding-agent", 6), ("nested-holes", 4), ("shape-later-files", 4), ("shape-web-fetch", 35), ("reviewer", 10)),
    "apparmor": (("coding-agent", 8), ("nested-holes", 8), ("shape-deny-in-hole", 12), ("shape-web-fetch", 30), ("reviewer", 8)),
    "sbpl": (
        ("coding-agent", 6),
        ("nested-holes", 5),
        ("shape-deny-in-hole", 6),
        ("cluster-operator", 4),
        ("shape-web-fetch", 10),
        ("reviewer", 4),
    ),
    "selinux": (("coding-agent", 15), ("shape-deny-in-hole", 15), ("shell-allowlist", 8), ("shape-web-fetch", 20)),
    "tetragon": (("shape-deny-in-hole", 5), ("shape-later-files", 8), ("cluster-operator", 5)),
    "seccomp": (("coding-agent", 4), ("shape-web-fetch", 30), ("reviewer", 5)),
}
"""The fixtures, and how many mutants of each are tried in an ordinary run."""

NAMED = [(backend, fixture, count) for backend, cells in CELLS.items() for fixture, count in cells]


def chosen(made: Bench, count: int) -> list[Mutant]:
    """The same for the same text."""
    found = list(made.mutants())
    return found if ALL else random.Random(SEED).sample(found, min(count, len(found)))


def explained(made: Bench, mutant: Mutant, listed: tuple[Equivalent, ...]) -> Equivalent | None:
    return next((entry for entry in listed if entry.covers(made.fixture, made.backend, mutant)), None)


@pytest.mark.parametrize(("backend", "fixture", "count"), NAMED, ids=[f"{b}-{f}" for b, f, _ in NAMED])
def test_every_mutant_is_noticed(backend: str, fixture: str, count: int) -> None:
    made = bench(fixture, backend)
    assert complaints(backend, made.texts, made.refused) == []
    seen: Counter[str] = Counter()
    unnoticed: list[str] = []
    for mutant in chosen(made, count):
        noticed = made.notices(mutant)
        if noticed is not None:
            seen[noticed] += 1
        elif explained(made, mutant, EQUIVALENTS) is not None:
            seen["equivalent"] += 1
        elif explained(made, mutant, UNEXPLAINED) is not None:
            seen["unexplained"] += 1
        else:
            unnoticed.append(str(mutant))
    print(backend, fixture, dict(seen))
    assert unnoticed == []
    assert {text for text in made.own if not any(part in text for part in KNOWN.get((backend, fixture), ()))} == set()


@pytest.mark.parametrize("entry", EQUIVALENTS, ids=lambda entry: f"{entry.backend}-{entry.mutator}-{entry.why[:20]}")
def test_what_is_called_equivalent_goes_unnoticed(entry: Equivalent) -> None:
    fixtures = [f for b, f, _ in NAMED if b == entry.backend and f not in entry.but and (not entry.fixtures or f in entry.fixtures)]
    for fixture in fixtures:
        made = bench(fixture, entry.backend)
        covered = [mutant for mutant in made.mutants() if entry.covers(fixture, entry.backend, mutant)]
        tried = random.Random(SEED).sample(covered, min(12, len(covered)))
        if any(made.notices(mutant) is None for mutant in tried):
            return
    pytest.fail(f"every mutant that it covers is noticed: {entry}")
