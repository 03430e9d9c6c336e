"""A plan to one AppArmor profile and the findings about it, from one walk over the denials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from avakill.backends.apparmor.claims import W_EFFECTS, Claims
from avakill.backends.apparmor.cutting import Denial, denials
from avakill.backends.apparmor.field import Field, Work, entries
from avakill.backends.apparmor.holes import Cut, Kind
from avakill.backends.apparmor.ledger import Ledger
from avakill.backends.apparmor.model import Heading, Many, PathRule, Profile, Token, Tokens
from avakill.backends.apparmor.network import lower_network
from avakill.backends.apparmor.programs import guarded
from avakill.backends.apparmor.samples import samples
from avakill.backends.apparmor.tokens import DEEP, encode
from avakill.backends.contract import Lowering, Settings, blind_operations
from avakill.backends.plan import Layer, Plan
from avakill.ir.effect import Effect, Operation
from avakill.paths.automaton import Pattern
from avakill.paths.glob import Glob, join

MEDIATED = frozenset(Operation) - {Operation.ATTR}
"""chmod and chown are mediated, utimes and setxattr are not (facts/apparmor.md), so ATTR as a whole is not."""

ORDER = "rwlx"


def lower(plan: Plan, settings: Settings) -> Lowering[Profile]:
    """Pure and total; `settings` say nothing to AppArmor."""
    ledger = Ledger(plan)
    work = Work(asks=10_000 + 20 * len(plan.rows), searches=1_000, cuts=12_000 + 20 * len(plan.rows))
    layers = entries(plan.layers)
    found = tuple(denials(layers, work))
    claims = Claims(Field(layers, work), ledger)
    lines = _Lines()
    reading = (denial for denial in found if Effect.READ in denial.effects)
    claims.unreadable = tuple(path for denial, _ in zip(reading, range(64), strict=False) for path in samples(denial.pattern))
    for denial in found:
        if denial.closed or denial.wide or _has_names(denial):
            claims.wider.add(denial.pattern.literal_prefix, denial)
        for names in denial.numbered:
            claims.numbered.add(names.literal_prefix, names)
    above = [ancestors(denial.pattern) if denial.whole or denial.objects else () for denial in found]
    guards = (hole.pattern for denial in found if Effect.EXEC in denial.effects for hole in denial.open)
    kept = frozenset(path for paths in (*dict.fromkeys(above), *map(_kept, guards)) for path in paths)
    for denial, upper in zip(found, above, strict=True):
        claims.weigh(denial)
        lines.add_denial(denial)
        for guard, line, is_name in guarded(denial, claims):
            lines.add(line, "wl", denial.layer)
            claims.guarded_name(guard)
            if is_name:
                lines.add_above(guard.layer, ancestors(guard.pattern))
                claims.above(guard, ancestors(guard.pattern))
        lines.add_above(denial.layer, upper)
        claims.above(denial, upper)
        if denial.whole or denial.objects:
            claims.moved_parent(denial, kept)
    network = lower_network(plan, ledger)
    profile = Profile(
        _heading(plan),
        lines.rules(),
        (network.index, network.span) if network is not None else None,
        guarded=bool(lines.lines) or network is not None,
    )
    return Lowering(profile, ledger.findings(), _blind(plan), {"apparmor": "3.0"})


def _blind(plan: Plan) -> dict[int, tuple[Operation, ...]]:
    """As `contract.blind_operations`, which is asked once for each set of effects."""
    known: dict[frozenset[Effect], tuple[Operation, ...]] = {}
    found: dict[int, tuple[Operation, ...]] = {}
    for row in plan.rows:
        if row.denies:
            if row.effects not in known:
                one = replace(plan, rows=(row,))
                known[row.effects] = blind_operations(one, MEDIATED).get(row.index, ())
            if known[row.effects]:
                found[row.index] = known[row.effects]
    return found


def _heading(plan: Plan) -> Heading:
    names = tuple((row.index, row.name) for row in plan.rows if row.denies)
    return Heading(plan.policy.path, plan.policy.sha256, str(plan.options.scope), plan.options.strict, names)


def ancestors(pattern: Pattern) -> tuple[str, ...]:
    """The literal directories above all objects of a pattern, but `/`, which cannot be renamed."""
    if not isinstance(pattern, Glob) or pattern.fold:
        return ()
    names = pattern.literal_prefix
    return _and_above(names[:-1] if len(names) == len(pattern.parts) else names)


@lru_cache(maxsize=16384)
def _and_above(names: tuple[str, ...]) -> tuple[str, ...]:
    """A directory and what is above it, from `/` down."""
    return tuple(join(names[:length]) for length in range(1, len(names) + 1))


def _kept(pattern: Pattern) -> tuple[str, ...]:
    return (*ancestors(pattern), *samples(pattern)[:1])


def _has_names(denial: Denial) -> bool:
    """Whether a hole leaves directories denied that bear its names."""
    return denial.effects != (Effect.EXEC,) and any(not cut.takes_directories for cut in denial.cuts)


class _Lines:
    """The deny lines: a pattern once, with all permissions that some row takes from it."""

    def __init__(self) -> None:
        self.lines: dict[Tokens, int] = {}
        """Each pattern's place in the lists of permissions, as bits, and of the layers that caused them."""
        self.permissions: list[int] = []
        self.layers: list[Layer] = []
        self.above: set[str] = set()

    def add(self, tokens: Tokens, permissions: str, layer: Layer) -> None:
        place = self.lines.setdefault(tokens, len(self.layers))
        if place == len(self.layers):
            self.permissions.append(_bits(permissions))
            self.layers.append(layer)
        else:
            self.permissions[place] |= _bits(permissions)

    def add_denial(self, denial: Denial) -> None:
        whole, objects = _taken(denial.effects)
        for tokens in denial.nameless:
            self.add(tokens, "wl", denial.layer)
        if denial.whole is denial.objects:
            for tokens in denial.whole:
                self.add(tokens, whole + objects, denial.layer)
            return
        for tokens in denial.whole if whole else ():
            self.add(tokens, whole, denial.layer)
        for tokens in denial.objects if objects else ():
            self.add(tokens, objects, denial.layer)
        if whole == "r" and not objects:
            for tokens in (line for cut in denial.cuts for line in _directory_forms(cut)):
                self.add(tokens, "w", denial.layer)

    def add_above(self, layer: Layer, paths: tuple[str, ...]) -> None:
        for path in reversed(paths):
            if path in self.above:
                return  # and with it all above it
            self.above.add(path)
            self.add((encode(f"{path}/"),), "w", layer)

    def rules(self) -> tuple[PathRule, ...]:
        lines = zip(self.lines, self.permissions, self.layers, strict=True)
        return tuple([PathRule(tokens, _PERMISSIONS[bits], layer.index, layer.span) for tokens, bits, layer in lines])


@lru_cache(maxsize=64)
def _taken(effects: tuple[Effect, ...]) -> tuple[str, str]:
    """What is taken from the objects of a pattern and all that its holes leave, and what from the objects alone."""
    whole = ("r" if Effect.READ in effects else "") + ("x" if Effect.EXEC in effects else "")
    # `l` with every `w`: a link to a name where only `w` is missing would be granted for whatever lacks `w` itself
    return whole, "wl" if any(effect in W_EFFECTS for effect in effects) else ""


@lru_cache(maxsize=64)
def _bits(permissions: str) -> int:
    return sum(1 << ORDER.index(permission) for permission in permissions)


_PERMISSIONS = tuple("".join(letter for place, letter in enumerate(ORDER) if bits >> place & 1) for bits in range(1 << len(ORDER)))


def _directory_forms(cut: Cut) -> Iterator[Tokens]:
    """The directories that bear a name of a hole which has nothing below it."""
    match cut.kind:
        case Kind.PATH:
            yield (cut.prefix + b"/",)
        case Kind.NAMES:
            yield from _ending((cut.prefix + b"/",), Many.NAME, cut.suffix)
        case Kind.DEEP_NAMES if cut.suffix.startswith(b"/"):
            yield (cut.prefix + b"/", DEEP, cut.suffix[1:] + b"/")
        case Kind.DEEP_NAMES:
            yield from _ending((cut.prefix + b"/",), Many.ANY, cut.suffix)
        case Kind.BEGINNINGS:
            yield (cut.prefix, Many.NAME, b"/")


def _ending(before: Tokens, run: Token, suffix: bytes) -> Iterator[Tokens]:
    yield (*before, run, suffix + b"/")
