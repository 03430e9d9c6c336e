"""The report says the same in three forms, and no name can break out of any."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema

from avakill.backends.judge import Probe
from avakill.cli.lab_text import lab_text
from avakill.ir.effect import Operation
from avakill.ir.verdict import Finding, Verdict, Witness
from avakill.lab.compare import Claims, compare
from avakill.lab.page import page
from avakill.lab.report import Column, NotRun, Report, to_json
from avakill.lab.words import Answer, Outcome, Trial
from avakill.lab.world import make_world
from tests.lab.policies import planned

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "lab.schema.json").read_text())
TEXT = """
version: "1.0"
default_action: allow
policies:
  - name: "keys <b> & co"
    tools: ["file_*", "content_search"]
    action: deny
    conditions: {path_match: {path: ["/srv/keys/**"]}}
"""
PLAN = planned(TEXT)
KEYS = next(row.index for row in PLAN.rows if row.name.startswith("keys"))
WEAKER = Finding(KEYS, Verdict.WEAKER, "a link leaks", witness=Witness(Operation.LINK, "/srv/keys/in", False, True, "/tmp/x"))
WEAKER = replace(WEAKER, effects=frozenset())


def column(*answers: tuple[Probe, Answer], findings: tuple[Finding, ...] = ()) -> Column:
    trials = tuple(Trial(n, (probe,), "open-read") for n, (probe, _) in enumerate(answers))
    outcomes = tuple(Outcome(n, answer, "EACCES" if answer is Answer.REFUSED else "") for n, (_, answer) in enumerate(answers))
    claims = Claims(PLAN, findings, {})
    return Column("landlock", "host", "6.18", claims, compare(claims, make_world(PLAN), trials, outcomes))


HELD = (Probe(Operation.READ, "/srv/keys/in"), Answer.REFUSED)
LEAKED = (Probe(Operation.READ, "/srv/keys/<i>\x1b[31m\udcff"), Answer.DONE)
MISSING = NotRun("selinux", "6.12", "`semodule` is missing", "on Debian it is in `policycoreutils`")
CLEAN = Report("p.yaml", "0" * 64, (column(HELD),), (MISSING,), {"scope": "deny-rules", "strict": False, "seed": 0, "limit": None})
WRONG = replace(CLEAN, columns=(column(HELD, LEAKED),))


def test_a_contradiction_names_the_trial_the_door_and_what_was_promised() -> None:
    text = lab_text(WRONG, colour=False)
    assert "LEAK `keys <b> & co`: read /srv/keys/<i>\\x1b[31m\\udcff by open-read: done" in text
    assert "promised: `keys <b> & co` is exact" in text
    assert "1 contradictions" in text
    assert "\x1b" not in text


def test_what_agrees_is_counted_under_its_rule() -> None:
    lines = lab_text(CLEAN, colour=False).splitlines()
    assert lines[0].split() == ["rule", "line", "landlock@host"]
    assert next(line for line in lines if line.startswith("keys")).split()[-3:] == ["exact:", "1", "agreed"]
    assert lines[-1] == "no contradiction: the kernel does what the verdicts say"


def test_a_layer_that_was_not_run_is_one_line_with_the_package() -> None:
    line = "selinux@6.12 was not run: `semodule` is missing (on Debian it is in `policycoreutils`)"
    assert line in lab_text(CLEAN, colour=False).splitlines()


def test_the_colour_is_on_a_terminal_only() -> None:
    assert "\x1b[31m" in lab_text(WRONG, colour=True)


def test_json_keeps_to_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for report in (CLEAN, WRONG, replace(CLEAN, columns=(column(LEAKED, findings=(WEAKER,)),))):
        told = json.loads(json.dumps(to_json(report), ensure_ascii=True))
        jsonschema.validate(told, SCHEMA)
    assert to_json(WRONG)["contradictions"] == 1
    assert to_json(WRONG)["columns"][0]["contradictions"][0]["policy"] == "deny"


def test_an_artifact_that_would_not_load_is_a_contradiction() -> None:
    assert replace(CLEAN, not_run=(replace(MISSING, is_wrong=True),)).contradictions == 1


class Reader(HTMLParser):
    """Every tag opens and closes, and what would be loaded is noted."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href") and not (value or "").startswith("#")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_needs_nothing_else_and_no_name_is_markup() -> None:
    for report in (CLEAN, WRONG, replace(CLEAN, columns=())):
        text = page(report)
        reader = Reader()
        reader.feed(text)
        assert reader.open == []
        assert reader.loaded == []
        assert "script" not in reader.seen
        assert not {"b", "i"} & reader.seen
        text.encode("utf-8")
        assert "\x1b" not in text
    assert "&lt;i&gt;" in page(WRONG)
    assert '<html lang="en">' in page(WRONG)
    assert 'scope="col"' in page(WRONG)
