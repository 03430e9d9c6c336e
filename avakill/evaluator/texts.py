"""What a field of a call says as text, and whether a question about text holds of it."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from avakill.evaluator.call import Call, CommandText
from avakill.evaluator.hosts import Host, read_host
from avakill.evaluator.line import HOLE, QUOTED_HOLE, Line, Simple, has_hole
from avakill.evaluator.said import Texts, Unit
from avakill.evaluator.truth import Truth
from avakill.evaluator.wrappers import base_name, git_options
from avakill.events.value import Members, Scalar, Value, as_text, names, scalars
from avakill.ir.condition import Field, FieldKind
from avakill.paths.glob import join


@dataclass(frozen=True, slots=True)
class Question:
    """`hits` asks it of a text; `may_hit` of a simple command of which a part is known to the running shell only."""

    hits: Callable[[str], bool]
    may_hit: Callable[[Simple], bool]


def ask(call: Call, field: Field, question: Question) -> Truth:
    texts = texts_of(call, field)
    call.spend(1 + len(texts.units) + len(texts.others))
    if not any(question.hits(text) for text in texts.every()):
        unsure = texts.doubt or any(question.may_hit(simple) for simple in texts.open)
        return Truth.UNSURE if unsure else Truth.NO
    if texts.doubt or not all(any(map(question.hits, unit.spellings)) for unit in texts.units):
        return Truth.UNSURE
    return Truth.YES if texts.units else Truth.UNSURE


def texts_of(call: Call, field: Field) -> Texts:
    known = call.texts.get(field)
    if known is None:
        known = _texts_of(call, field)
        call.texts[field] = known
    return known


def _texts_of(call: Call, field: Field) -> Texts:
    if field.kind is FieldKind.CALL:
        return _of_call(call, field.name)
    match field.name:
        case "path" | "cwd":
            return _of_paths(call, field.name)
        case "command":
            return _of_commands(call)
        case "host":
            return _of_hosts(hosts_of(call, "host"))
        case _:
            return _of_values(call.values(field.name))


def _of_call(call: Call, name: str) -> Texts:
    match name:
        case "tool":
            own, *others = ((name.lower(), name) for name in call.tools)
            return Texts((Unit(own),), tuple(text for both in others for text in both))
        case "agent":
            return Texts(tuple(Unit((text,)) for text in (call.event.agent,) if text is not None))
        case "session":
            return Texts(tuple(Unit((text,)) for text in (call.event.session,) if text is not None))
        case _:
            return Texts()


def _of_values(values: tuple[Value, ...]) -> Texts:
    units = tuple(Unit((as_text(scalar),)) for value in values for scalar in scalars(value) if scalar is not None)
    others = [name for value in values for name in names(value)]
    others += [" ".join(map(as_text, scalars(value))) for value in values if isinstance(value, tuple | Members)]
    return Texts(units, tuple(others))


def _of_paths(call: Call, name: str) -> Texts:
    """A path says where it leads (semantics §3: a substring on a path is a region), not how it was written."""
    readings = call.readings(name)
    return Texts(
        tuple(Unit((join(place),)) for reading in readings for place in reading.firm),
        tuple(text for reading in readings for text in (reading.text, *map(join, reading.every))),
        doubt=next((reading.doubt for reading in readings if reading.doubt), ""),
    )


def _of_hosts(hosts: tuple[Host, ...]) -> Texts:
    return Texts(
        tuple(Unit((name,)) for host in hosts for name in host.names),
        doubt=next((host.doubt for host in hosts if host.doubt), ""),
    )


def hosts_of(call: Call, name: str) -> tuple[Host, ...]:
    """The hosts in the argument `name`; for `host` those of its URLs too, since nobody knows which one a tool takes."""
    values = (*call.values("host"), *call.values("url")) if name in ("host", "port") else call.values(name)
    return tuple(read_host(as_text(scalar)) for value in values for scalar in scalars(value) if scalar is not None)


def ports_of(call: Call) -> tuple[Scalar, ...]:
    given = tuple(scalar for value in call.values("port") for scalar in scalars(value) if scalar is not None)
    read = tuple(host.port for host in hosts_of(call, "port") if host.port is not None)
    return (*given, *read)


# -- commands --


def _of_commands(call: Call) -> Texts:
    units: list[Unit] = []
    others: list[str] = []
    holed: list[Simple] = []
    doubt = ""
    for command in call.commands:
        others.append(command.text)
        for line in command.lines:
            doubt = doubt or (line.doubts[0] if line.doubts else "")
            for simple in line.commands:
                if simple.words:
                    units.append(Unit(tuple(dict.fromkeys((simple.text, simple.raw)))))
                    others.extend(_otherwise(simple))
                if has_hole(simple.text) or is_open(simple):
                    holed.append(simple)
    return Texts(tuple(dict.fromkeys(units)), tuple(dict.fromkeys(others)), tuple(holed), doubt)


def _otherwise(simple: Simple) -> Iterator[str]:
    """Other ways to write the same command: variables as guessed, no directory in front, `git` without its options."""
    yield simple.guess
    yield " ".join(simple.guess.split())
    rest = "".join(f" {word.guess}" for word in simple.words[1:])
    yield base_name(simple.name) + rest
    if base_name(simple.name) == "git":
        _, at = git_options(simple.words)
        yield "git" + "".join(f" {word.guess}" for word in simple.words[at:])


def lines_of(call: Call) -> Iterator[tuple[CommandText, Line]]:
    for command in call.commands:
        for line in command.lines:
            yield command, line


def may_contain(simple: Simple, needles: Iterable[str]) -> bool:
    """Whether a hole may complete a needle of which the rest stands beside it.

    A command that is nothing but a hole may be anything. Elsewhere the words in front of the hole, or behind it, must
    be those of the needle (`rm $X` and `$X -rf` for `rm -rf`); inside quotes a hole is a word's part and no option.
    """
    if simple.name == HOLE or any(char in simple.name for char in "*?["):
        return not simple.words[0].is_known
    if simple.name == QUOTED_HOLE and any(_follows(simple.text[1:], needle) for needle in needles):
        return True
    text = simple.text.casefold()
    marks = [at for at, char in enumerate(text) if char == HOLE or (char == QUOTED_HOLE and at < len(simple.name))]
    return any(_completes(text[:at], text[at + 1 :], needle) for at in marks for needle in needles)


def _follows(rest: str, needle: str) -> bool:
    """Whether `rest`, behind a word of which nothing is known, may be the needle's from its first space on."""
    _, space, behind = needle.partition(" ")
    return rest.casefold().startswith(space + behind)


def _completes(left: str, right: str, needle: str) -> bool:
    first, last = needle.find(" "), needle.rfind(" ")
    if first < 0:
        return False
    before = any(left.endswith(needle[:end]) for end in range(first + 1, len(needle)))
    behind = any(right.startswith(needle[begin:]) for begin in range(1, last + 1))
    return before or behind


def is_open(simple: Simple) -> bool:
    """Whether which command it is is known to the running shell only."""
    return bool(simple.words) and not simple.words[0].is_known
