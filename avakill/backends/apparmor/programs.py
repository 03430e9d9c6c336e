"""Programs that may run: a rename must not put another file under an allowed program's name."""

from __future__ import annotations

from avakill.backends.apparmor.claims import W_EFFECTS, Claims
from avakill.backends.apparmor.cutting import Denial, Hole
from avakill.backends.apparmor.holes import Kind
from avakill.backends.apparmor.model import Tokens
from avakill.backends.apparmor.samples import samples
from avakill.backends.apparmor.tokens import spell
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Verdict, Witness
from avakill.paths.glob import join

SOURCES = ("/tmp/moved", "/home/moved", "/moved")


def guarded(denial: Denial, claims: Claims) -> tuple[tuple[Denial, Tokens, bool], ...]:
    """The names that must keep their object, as denials of their own with their lines; the last is whether to guard above.

    AppArmor asks nothing of `x` in a rename. Where everything but some programs may not run, their names are guarded; where
    only some place may not run, that place is.
    """
    if Effect.EXEC not in denial.effects or any(effect in W_EFFECTS for effect in denial.effects):
        return ()
    if not getattr(denial.pattern, "is_everything", False):
        witness = Witness(Operation.EXEC, next(iter(samples(denial.pattern)), "/"), False, True)
        claims.ledger.note(denial.layer.index, Verdict.WEAKER, _INTERPRETER, (Effect.EXEC,), witness)
        return tuple((_writing(denial, denial.pattern), line, False) for line in denial.whole)
    found: list[tuple[Denial, Tokens, bool]] = []
    for hole, cut in zip(denial.open, denial.cuts, strict=True):
        if cut.kind is Kind.PATH:
            found.append((_writing(denial, hole.pattern), spell(hole.pattern).tokens, True))
        else:
            _confess(denial, hole, claims)
    return tuple(found)


def _writing(denial: Denial, pattern: object) -> Denial:
    """`w` on a pattern, for the sake of EXEC alone."""
    return Denial(denial.layer, (Effect.EXEC,), pattern, (), ())  # type: ignore[arg-type]


def _confess(denial: Denial, hole: Hole, claims: Claims) -> None:
    """A hole of many names cannot be guarded without taking all writing from it."""
    goal = join(hole.pattern.literal_prefix).rstrip("/") + "/moved"
    for name in (goal, *claims.examples(hole)):
        for source in SOURCES:
            if claims.gains_exec(source, name):
                witness = Witness(Operation.RENAME, source, False, True, to=name)
                claims.ledger.note(denial.layer.index, Verdict.WEAKER, _PROGRAM, (Effect.EXEC,), witness)
                return


_INTERPRETER = "AppArmor asks `x` of a script alone, not of the interpreter in its first line"
_PROGRAM = "AppArmor does not ask `x` in a rename, so a file can be renamed to a name that may run"
