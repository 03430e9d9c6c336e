"""An attack's report for a terminal: each rule with what came of its trials, then the ways around, then the sum."""

from __future__ import annotations

from collections.abc import Iterator

from avakill.cli.text import escape, paint, shorten
from avakill.lab.attack import Attacked
from avakill.lab.attack_report import Came, Group, Section, counts, sections, ways
from avakill.lab.report import in_words
from avakill.lab.stage import PROBER
from avakill.lab.words import Mark

MAX_GROUPS = 8
MAX_WAYS = 20
MAX_FINDINGS = 5
MAX_DOORS = 6
TONES = {Came.HELD: "green", Came.OPEN: "green"}


def attack_text(attacked: Attacked, colour: bool) -> str:
    blocks = [list(_heading(attacked)), *(list(_section(section, colour)) for section in sections(attacked) if section.groups)]
    blocks += [list(_findings(attacked)), list(_ways(attacked)), list(_ending(attacked, colour))]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _heading(attacked: Attacked) -> Iterator[str]:
    target = attacked.made.plan.target
    kernel = f"Linux {escape(target.kernel)}, Landlock ABI {target.landlock_abi}"
    yield f"attacked {' + '.join(attacked.layers)} ({kernel}) over this machine's own files"
    yield f"home {escape(target.home)}, workspace {escape(target.workspace)}; every change was in an overlay that is gone"
    started = next((path for path in target.entry if path != PROBER), None)
    beside = f" beside `{escape(started)}`" if started else ""
    yield f"the attacker is `{PROBER}`, an entry point{beside}, so that it may start"


def _section(section: Section, colour: bool) -> Iterator[str]:
    line = f" (line {section.line})" if section.line else ""
    yield f"{shorten(section.name)}{line}: {section.promise}"
    for group in section.groups[:MAX_GROUPS]:
        yield from _group(group, colour)
    if len(section.groups) > MAX_GROUPS:
        yield f"  … and {len(section.groups) - MAX_GROUPS} more groups, with --format json"


def _group(group: Group, colour: bool) -> Iterator[str]:
    tone = "red" if group.wrong else TONES.get(group.came, "yellow")
    told = f", {group.told}" if group.told else ""
    doors = ", ".join(group.doors[:MAX_DOORS]) + (f" and {len(group.doors) - MAX_DOORS} more" if len(group.doors) > MAX_DOORS else "")
    operations = ", ".join(map(str, group.operations))
    yield f"  {len(group.results):>5} {paint(f'{group.came}{told}', tone, colour)}: {operations} (by {doors})"
    if group.sentence:
        yield f"        {'promised: ' if group.wrong else ''}{escape(group.sentence)}"
    if group.told:
        yield f"        e.g. {escape(in_words(group.example))}"


def _findings(attacked: Attacked) -> Iterator[str]:
    """Once for each door: what comes by an alias is a fact of the machine."""
    found = {(r.trial.door, r.sentence): r for r in attacked.results if r.mark is Mark.FINDING}
    if found:
        yield "found on the way:"
    for result in list(found.values())[:MAX_FINDINGS]:
        yield f"  {escape(in_words(result))}: {escape(result.sentence)}"


def _ways(attacked: Attacked) -> Iterator[str]:
    found = ways(attacked)
    if attacked.dry is None:
        return  # nobody looked
    yield "ways around it on this machine:" if found else "no deputy in reach and no second link of a denied file was found"
    for way in found[:MAX_WAYS]:
        yield f"  {way.kind} {escape(way.place)}: {escape(way.reason)}"
    if len(found) > MAX_WAYS:
        yield f"  … and {len(found) - MAX_WAYS} more, with --format json"


def _ending(attacked: Attacked, colour: bool) -> Iterator[str]:
    yield f"{len(attacked.results)} trials: " + ", ".join(f"{count} {name}" for name, count in counts(attacked).items())
    wrong = len(attacked.contradictions)
    if wrong:
        yield paint(f"{wrong} contradictions: the sandbox does not do what its report says", "red", colour)
    else:
        yield paint("no contradiction: the sandbox does what its report says", "green", colour)
