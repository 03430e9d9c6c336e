"""What a backend is: the words that the pipeline and every backend share (semantics §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from avakill.backends.plan import Plan
from avakill.ir.effect import EFFECT_OF, Effect, Operation
from avakill.ir.verdict import Finding
from avakill.source.span import Span

M = TypeVar("M")

Json = None | bool | int | float | str | tuple["Json", ...] | Mapping[str, "Json"]


class Line(NamedTuple):  # made by the hundred thousand
    """One line of an artifact without its end, and the place in the policy that it comes from."""

    text: str
    origin: Span | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file to be written: `name` is the public file name, `lines` carry the source map."""

    name: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "".join(f"{line.text}\n" for line in self.lines)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may say to a backend beside the policy. `base` is a seccomp profile to merge into, parsed."""

    namespace: str | None = None
    pod_labels: tuple[tuple[str, str], ...] = ()
    binaries: tuple[str, ...] = ()
    base: Json = None
    base_name: str = ""


@dataclass(frozen=True, slots=True)
class Lowering(Generic[M]):
    """What one function made of a plan: the model to emit and how faithful it is, together.

    `blind`: for a row's index, the operations of its effects that this layer does not mediate at all.
    `facts` are what of the target the lowering depended on (for `coverage.json`).
    """

    model: M
    findings: tuple[Finding, ...] = ()
    blind: Mapping[int, tuple[Operation, ...]] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backend(Generic[M]):
    """A target language. `lower` is total: what it cannot say is a finding. `emit` builds every string of the language.

    `system` is the operating system whose layers can stand together (for the stack); `usage` says how to apply it.
    """

    name: str
    title: str
    artifacts: tuple[str, ...]
    system: str
    lower: Callable[[Plan, Settings], Lowering[M]]
    emit: Callable[[M], tuple[Artifact, ...]]
    usage: tuple[str, ...] = ()
    page: str = ""


def blind_operations(plan: Plan, mediated: frozenset[Operation]) -> dict[int, tuple[Operation, ...]]:
    """For every denying row, the operations of its lowered effects that are not in `mediated`; rows with none left out."""
    known: dict[frozenset[Effect], tuple[Operation, ...]] = {}
    result: dict[int, tuple[Operation, ...]] = {}
    for row in plan.rows:
        if row.denies:
            missing = known.get(row.effects)
            if missing is None:
                missing = tuple(op for op in Operation if EFFECT_OF[op] in row.effects and op not in mediated)
                known[row.effects] = missing
            if missing:
                result[row.index] = missing
    return result
