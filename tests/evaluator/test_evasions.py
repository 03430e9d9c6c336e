"""Every payload of `fixtures/evasions` is caught by the rule that it says, and every harmless look-alike passes."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import avakill
from avakill.compiler.compile import compile_policy
from avakill.enforce.here import guarded_paths
from avakill.enforce.resolver import DiskResolver
from avakill.evaluator.context import Context
from avakill.evaluator.decide import decide
from avakill.evaluator.engine import Engine
from avakill.events.event import Event, make_event
from avakill.events.ruling import Ruling
from avakill.ir.policy import Policy
from avakill.source.file import SourceFile

CORPUS = Path(__file__).parents[2] / "fixtures" / "evasions"
HOME, WORK = "/home/u", "/home/u/app"
PACKAGE = os.path.dirname(os.path.abspath(avakill.__file__))


@dataclass(frozen=True)
class Case:
    """One call; `rule` must deny it, None where it must be allowed."""

    name: str
    policy: str
    rule: str | None
    tool: str
    arguments: Mapping[str, object]
    cwd: str | None = None
    disk: Mapping[str, str | None] = field(default_factory=dict)
    ignores_case: bool = False
    users: tuple[tuple[str, str], ...] = ()


def cases() -> Iterator[Case]:
    for file in sorted(CORPUS.glob("*.yaml")):
        for group in yaml.safe_load(file.read_text("utf-8")):
            for kind in ("caught", "passes"):
                for at, item in enumerate(group.get(kind) or ()):
                    yield _case(f"{file.stem}/{group['about']}/{kind}-{at + 1}", group, kind, item)


def _case(name: str, group: Mapping[str, Any], kind: str, item: object) -> Case:
    full: Mapping[str, Any] = item if isinstance(item, dict) and "args" in item else {"args": {group["argument"]: item}}
    return Case(
        name,
        group["policy"],
        full.get("rule", group.get("rule")) if kind == "caught" else None,
        full.get("tool", group.get("tool", "Bash")),
        _repeated(full["args"]),
        full.get("cwd"),
        group.get("disk") or {},
        bool(group.get("ignores_case")),
        tuple((group.get("users") or {}).items()),
    )


def _repeated(value: Any) -> Any:
    """`{repeat: TEXT, times: N}` written out."""
    match value:
        case {"repeat": str(text), "times": int(times), **rest}:
            return str(rest.get("front", "")) + text * times + str(rest.get("back", ""))
        case dict():
            return {name: _repeated(inner) for name, inner in value.items()}
        case list():
            return [_repeated(inner) for inner in value]
        case _:
            return value


CASES = list(cases())


@lru_cache
def policy(name: str) -> Policy:
    file = CORPUS / "policies" / f"{name}.yaml"
    compiled = compile_policy(SourceFile(str(file), file.read_text("utf-8")), {})
    assert compiled.policy is not None, [item.message for item in compiled.diagnostics]
    return compiled.policy


def _filled(value: Any, home: str, work: str) -> Any:
    """The places of this test in place of their marks."""
    match value:
        case str():
            site = sysconfig.get_path("purelib")
            return value.replace("@HOME@", home).replace("@WORK@", work).replace("@PACKAGE@", PACKAGE).replace("@SITE@", site)
        case dict():
            return {_filled(name, home, work): _filled(inner, home, work) for name, inner in value.items()}
        case list():
            return [_filled(inner, home, work) for inner in value]
        case _:
            return value


def _place(case: Case, tmp_path: Path) -> Context:
    """Where the call happens: on a disk made here if the case has one, nowhere otherwise."""
    if not case.disk:
        protected = _guarded(case, HOME, WORK)
        return Context(HOME, WORK, protected=protected, ignores_case=case.ignores_case, users=case.users)
    root = os.path.realpath(tmp_path)
    home, work = f"{root}/home", f"{root}/home/app"
    os.makedirs(work)
    for name, target in case.disk.items():
        path = os.path.join(work, _filled(name, home, work))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if target is None:
            Path(path).write_text("here")
        else:
            os.symlink(_filled(target, home, work), path)
    protected = _guarded(case, home, work)
    return Context(home, work, resolver=DiskResolver(), protected=protected, ignores_case=case.ignores_case, users=case.users)


def _guarded(case: Case, home: str, work: str) -> tuple[str, ...]:
    """Self-protection stands in front of every rule, so it is on only where it is what is asked."""
    return guarded_paths([f"{work}/avakill.yaml"], home, work) if case.policy == "everything" else ()


def _asked(case: Case, context: Context) -> Ruling:
    arguments = _filled(case.arguments, context.home, context.workspace)
    event = make_event(case.tool, arguments, cwd=_filled(case.cwd, context.home, context.workspace))
    asked = policy(case.policy)
    ruling = decide(asked, event, context)
    if isinstance(event, Event):
        quick = Engine(asked, context).rule(case.tool, arguments, cwd=event.cwd)
        assert (quick.action, quick.rule_name) == (ruling.action, ruling.rule_name), "the engine says otherwise"
    return ruling


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.rule is not None])
def test_caught(case: Case, tmp_path: Path) -> None:
    ruling = _asked(case, _place(case, tmp_path))
    assert (ruling.allowed, ruling.rule_name) == (False, case.rule or None), (case.arguments, ruling.reason)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.rule is None])
def test_passes(case: Case, tmp_path: Path) -> None:
    ruling = _asked(case, _place(case, tmp_path))
    assert ruling.allowed, (case.arguments, ruling.rule_name, ruling.reason)


def test_the_corpus_is_as_large_as_promised_and_says_nothing_twice() -> None:
    told = [(case.policy, case.tool, repr(case.arguments), case.cwd, case.ignores_case, repr(case.disk)) for case in CASES]
    assert len(set(told)) == len(told), [one for one in told if told.count(one) > 1]
    assert sum(case.rule is not None for case in CASES) >= 300
    assert sum(case.rule is None for case in CASES) >= 300


