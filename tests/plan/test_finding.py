"""A finding's constructor is by hand, for speed: it must stay what the dataclass says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.source.span import Span

WHOLE = Finding(
    4,
    Verdict.STRICTER,
    "why",
    frozenset({Effect.READ}),
    Witness(Operation.READ, "/a", policy=True, target=False),
    (Lost((Operation.READ,), "/a"),),
    Span("policy.yaml", 1, 2, 3, 4),
)


def test_it_sets_every_field_in_order_and_the_defaults_of_the_rest() -> None:
    assert list(vars(WHOLE)) == [one.name for one in fields(Finding)]
    bare = Finding(4, Verdict.STRICTER, "why")
    assert [getattr(bare, one.name) for one in fields(Finding)[3:]] == [one.default for one in fields(Finding)[3:]]


def test_the_span_is_no_part_of_what_it_says() -> None:
    elsewhere = replace(WHOLE, span=Span("policy.yaml", 9, 9, 9, 9))
    assert (elsewhere, hash(elsewhere), repr(elsewhere)) == (WHOLE, hash(WHOLE), repr(WHOLE))
    assert replace(WHOLE, index=5) != WHOLE


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(WHOLE, "index", 5)  # noqa: B010
