"""The rule × target matrix and its findings, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from avakill.cli.text import escape, pad, paint, shorten, width
from avakill.ir.verdict import Finding, Verdict
from avakill.pipeline import Build, RowVerdict

COLOURS = {Verdict.EXACT: "green", Verdict.STRICTER: "cyan", Verdict.WEAKER: "yellow", Verdict.UNENFORCEABLE: "red"}
MAX_ROWS = 60
MAX_NAMED = 6


def matrix(made: Build, colour: bool) -> str:
    """One line for each row, one column for each target; rows beyond MAX_ROWS are counted, not shown."""
    names = [emission.backend.name for emission in made.emissions]
    head = ["rule", "line", *names]
    body: list[list[tuple[str, str | None]]] = []
    for index, row in enumerate(made.plan.rows[:MAX_ROWS]):
        verdicts = [emission.rows[index] for emission in made.emissions]
        line = str(row.span.line) if row.span.line else "–"
        body.append([(shorten(row.name), None), (line, None), *((cell(v), COLOURS[v.verdict]) for v in verdicts)])
    widths = [max(width(head[i]), *(width(r[i][0]) for r in body)) if body else width(head[i]) for i in range(len(head))]
    lines = ["  ".join(pad(h, w) for h, w in zip(head, widths, strict=True)).rstrip()]
    lines.append("  ".join("─" * w for w in widths))
    for cells in body:
        shown = (paint(pad(text, w), tone, colour) for (text, tone), w in zip(cells, widths, strict=True))
        lines.append("  ".join(shown).rstrip())
    hidden = len(made.plan.rows) - MAX_ROWS
    if hidden > 0:
        lines.append(f"… and {hidden} more rules, in coverage.json")
    return "\n".join(lines)


def cell(verdict: RowVerdict) -> str:
    """`exact`, `exact −attr`, `stricter (3 dirs)`."""
    text = str(verdict.verdict)
    if verdict.verdict is Verdict.STRICTER:
        lost = [place for f in verdict.findings for place in f.lost]
        places = {place.place for place in lost}
        if lost and not any(place.below for place in lost):
            text += f" ({len(places)} dir{'s' if len(places) != 1 else ''})"
    if verdict.blind and verdict.verdict is not Verdict.UNENFORCEABLE:
        shown = verdict.blind[:2]
        text += " " + " ".join(f"−{operation}" for operation in shown) + ("…" if len(verdict.blind) > 2 else "")
    return text


@dataclass(slots=True)
class _Said:
    """One sentence with all that it was said of, each once, in order."""

    finding: Finding
    targets: dict[str, None]
    rules: dict[str, None]


def explanations(made: Build, colour: bool) -> str:
    """Why verdicts are not plainly exact: each reason once, with the targets and rules that it is about, worst first."""
    said: dict[tuple[Verdict, str], _Said] = {}
    for emission in made.emissions:
        for row in emission.rows:
            place = f" ({row.row.span.line})" if row.row.span.line else ""
            for finding in row.findings:
                known = said.setdefault((finding.verdict, finding.reason), _Said(finding, {}, {}))
                known.targets[emission.backend.name] = None
                known.rules[f"`{escape(row.row.name)}`{place}"] = None
    order = list(Verdict)
    worst_first = sorted(said.values(), key=lambda known: -order.index(known.finding.verdict))
    return "\n".join(line for known in worst_first for line in _sentence(known, len(made.emissions), colour))


def _sentence(known: _Said, everyone: int, colour: bool) -> Iterable[str]:
    finding = known.finding
    who = "every target" if len(known.targets) == everyone and everyone > 1 else ", ".join(known.targets)
    word = "note" if finding.verdict is Verdict.EXACT else str(finding.verdict)
    more = f" and {len(known.rules) - MAX_NAMED} more" if len(known.rules) > MAX_NAMED else ""
    rules = ", ".join(islice(known.rules, MAX_NAMED)) + more
    yield f"{paint(word, COLOURS[finding.verdict], colour)} on {who}: {escape(finding.reason)}"
    yield f"    rules: {rules}"
    if finding.witness is not None:
        seen = finding.witness
        to = f" to {escape(seen.to)}" if seen.to else ""
        says = "allows" if seen.policy else "denies"
        does = "lets it pass" if seen.target else "refuses it"
        yield f"    e.g. {seen.operation} {escape(seen.object)}{to}: the policy {says} it, the target {does}"
