"""A second evaluator, written from docs/evaluator.md: small, slow, and sharing no code with the first but the words.

It answers two plain questions of a condition, `surely` and `possibly`, where the other has one three-valued answer, and
takes the stricter of two whole decisions where the other keeps a pending one. Paths are strings and globs are tried
character by character; commands are the plain ones that its tests generate (words, `;`, `&&`, `|`, newlines).
"""

from __future__ import annotations

import json
import os.path
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from avakill.ir.condition import (
    Always,
    And,
    CommandIn,
    Condition,
    Contains,
    Equals,
    Matches,
    Not,
    Or,
    Ordered,
    Ordering,
    PathIn,
    ShellSafe,
    StartsWith,
)
from avakill.ir.policy import Action, Enforcement, Policy, Rule
from avakill.paths.glob import Anchor, Glob, Wildcard

Json = object


@dataclass(frozen=True)
class World:
    home: str
    workspace: str
    links: dict[str, str]


@dataclass(frozen=True)
class Asked:
    """Canonical tool name and arguments with canonical names, as parsed JSON."""

    tool: str
    arguments: dict[str, Json]


class Loop(Exception):
    """Links that lead in a circle: what such a path names is another test's question."""


STRICTNESS = ["allow", "require_approval", "soft", "deny"]


def outcome(policy: Policy, asked: Asked, world: World) -> str:
    """`allow`, `require_approval`, `soft` (a denial that can be overridden) or `deny`."""
    return of_rules(policy.rules, policy.default, asked, world)


def of_rules(rules: tuple[Rule, ...], default: Action, asked: Asked, world: World) -> str:
    if not rules:
        return str(default)
    first, rest = rules[0], rules[1:]
    mine = any(fnmatchcase(asked.tool, pattern) for pattern in first.tools)
    if first.enforcement is Enforcement.ADVISORY or not mine or not possibly(first.condition, asked, world):
        return of_rules(rest, default, asked, world)
    here = "soft" if first.enforcement is Enforcement.SOFT and first.action is not Action.ALLOW else str(first.action)
    if surely(first.condition, asked, world):
        return here
    return max(here, of_rules(rest, default, asked, world), key=STRICTNESS.index)


def surely(condition: Condition, asked: Asked, world: World) -> bool:
    match condition:
        case Always():
            return True
        case Not(inner):
            return not possibly(inner, asked, world)
        case And(parts):
            return all(surely(part, asked, world) for part in parts)
        case Or(parts):
            return any(surely(part, asked, world) for part in parts)
        case _:
            return leaf(condition, asked, world)[0]


def possibly(condition: Condition, asked: Asked, world: World) -> bool:
    match condition:
        case Always():
            return True
        case Not(inner):
            return not surely(inner, asked, world)
        case And(parts):
            return all(possibly(part, asked, world) for part in parts)
        case Or(parts):
            return any(possibly(part, asked, world) for part in parts)
        case _:
            return leaf(condition, asked, world)[1]


def leaf(condition: Condition, asked: Asked, world: World) -> tuple[bool, bool]:
    """(surely, possibly)."""
    match condition:
        case PathIn(field, globs):
            return each([path_in(path, globs, asked, world) for path in texts(asked, field.name)])
        case Contains(field, needles) if field.name == "command":
            return over_commands(asked, lambda text: any(needle.lower() in text.lower() for needle in needles))
        case Contains(field, needles):
            return over_texts(asked, field.name, lambda text: any(needle.lower() in text.lower() for needle in needles))
        case StartsWith(field, prefix):
            return over_texts(asked, field.name, lambda text: text.startswith(prefix))
        case Matches(field, regex):
            import re

            return over_texts(asked, field.name, lambda text: re.search(regex, text) is not None)
        case Equals(field, values):
            return each([equal_one(value, values) for value in leaves(asked, field.name)])
        case Ordered(field, ordering, bound):
            return each([ordered(value, ordering, bound) for value in leaves(asked, field.name) if value is not None])
        case CommandIn(names):
            words = [line[0] for line in commands(asked)]
            return each(
                [
                    (True, True) if word in names else (False, os.path.basename(word).lower() in [n.lower() for n in names])
                    for word in words
                ]
            )
        case ShellSafe():
            safe = all(len(list(simple(line))) == 1 and not set(";|\n&") & set(line) for line in lines(asked))
            return safe, safe
        case _:
            raise NotImplementedError(condition)


def each(answers: list[tuple[bool, bool]]) -> tuple[bool, bool]:
    """All have to be sure, and there has to be one; one possibility is enough."""
    return bool(answers) and all(sure for sure, _ in answers), any(may for _, may in answers)


# -- values --


def occurrences(value: Json, name: str) -> Iterator[Json]:
    """What stands under `name` anywhere."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from occurrences(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from occurrences(inner, name)


def flat(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from flat(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from flat(inner)
    else:
        yield value


def keys(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def leaves(asked: Asked, name: str) -> list[Json]:
    return [one for value in occurrences(asked.arguments, name) for one in flat(value)]


def text_of(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def texts(asked: Asked, name: str) -> list[str]:
    """For paths: members' names count too."""
    found = list(occurrences(asked.arguments, name))
    values = [text_of(one) for value in found for one in flat(value) if one is not None and not isinstance(one, bool)]
    return [*values, *(key for value in found for key in keys(value))]


def over_texts(asked: Asked, name: str, test) -> tuple[bool, bool]:  # type: ignore[no-untyped-def]
    found = list(occurrences(asked.arguments, name))
    said = [text_of(one) for value in found for one in flat(value) if one is not None]
    besides = [key for value in found for key in keys(value)]
    besides += [" ".join(text_of(one) for one in flat(value)) for value in found if isinstance(value, (list, dict))]
    return bool(said) and all(map(test, said)), any(map(test, said + besides))


def equal_one(value: Json, wanted: tuple[str | int | float | bool, ...]) -> tuple[bool, bool]:
    same = any(
        value == one and isinstance(value, bool) == isinstance(one, bool) and isinstance(value, str) == isinstance(one, str)
        for one in wanted
    )
    return same, same or text_of(value).lower() in [text_of(one).lower() for one in wanted]


def ordered(value: Json, ordering: Ordering, bound: float) -> tuple[bool, bool]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False, True
    holds = {"<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[str(ordering)]
    return holds, holds


# -- commands --


def lines(asked: Asked) -> list[str]:
    """Of a shell that is given no command by a name that is known, every text of its own may be one."""
    given = leaves(asked, "command")
    if asked.tool == "shell_execute" and not list(occurrences(asked.arguments, "command")):
        given = [one for name, one in asked.arguments.items() if isinstance(one, str) and name not in ("path", "content")]
    return [text for text in map(text_of, given) if text.strip()]


def simple(line: str) -> Iterator[list[str]]:
    """The simple commands of a line of words and `;`, `&&`, `|`, newlines."""
    lexer = shlex.shlex(line.replace("\n", " ; "), posix=True, punctuation_chars=";&|")
    words: list[str] = []
    for token in (*lexer, ";"):
        if set(token) <= set(";&|"):
            if words:
                yield words
            words = []
        else:
            words.append(token)


def commands(asked: Asked) -> list[list[str]]:
    return [words for line in lines(asked) for words in simple(line)]


def over_commands(asked: Asked, test) -> tuple[bool, bool]:  # type: ignore[no-untyped-def]
    run = [" ".join(words) for words in commands(asked)]
    return bool(run) and all(map(test, run)), any(map(test, [*run, *lines(asked)]))


# -- paths --


def path_in(text: str, globs: tuple[Glob, ...], asked: Asked, world: World) -> tuple[bool, bool]:
    """The object for reading and writing; the name and the object for a tool that nobody knows; the name for deleting."""
    path = world.home + text[1:] if text == "~" or text.startswith("~/") else text
    absolute = path if path.startswith("/") else f"{world.workspace}/{path}"
    object_ = resolve(absolute, world)
    last = absolute.rstrip("/").rsplit("/", 1)[-1]
    name = object_ if last in (".", "..", "") else os.path.join(resolve(absolute.rstrip("/")[: -len(last)], world), last)
    written = os.path.normpath(absolute).replace("//", "/")
    literal = os.path.normpath(f"{world.workspace}/{text}")
    spellings = {object_, name, written} | ({literal, resolve(literal, world)} if text.startswith("~") else set())
    if asked.tool == "file_delete":
        firm = {name}
    elif asked.tool.startswith("file_"):
        firm = {object_}
    else:
        firm = {object_, name}
    inside = {spelling for spelling in spellings if any(glob_holds(glob, spelling, world) for glob in globs)}
    return bool(inside) and firm <= inside, bool(inside)


def resolve(path: str, world: World) -> str:
    """One component at a time, starting again at every link. Raises Loop."""
    done, followed = "", 0
    rest = [part for part in path.split("/") if part not in ("", ".")]
    while rest:
        part = rest.pop(0)
        if part == "..":
            done = done.rpartition("/")[0]
        elif (link := world.links.get(f"{done}/{part}")) is not None:
            followed += 1
            if followed > 40:
                raise Loop
            done = "" if link.startswith("/") else done
            rest = [inner for inner in link.split("/") if inner not in ("", ".")] + rest
        else:
            done = f"{done}/{part}"
    return done or "/"


def glob_holds(glob: Glob, path: str, world: World) -> bool:
    base = {Anchor.ROOT: "", Anchor.HOME: world.home, Anchor.WORKSPACE: world.workspace}[glob.anchor]
    front = base.strip("/").split("/") if base else []
    literal = []
    for part in glob.parts:
        if not isinstance(part, str):
            break
        literal.append(part)
    prefix = "/" + "/".join([*front, *literal])
    names = [name for name in path.split("/") if name]
    for start in (prefix, resolve(prefix, world)):
        parts = [name for name in start.split("/") if name]
        if names[: len(parts)] == parts and components_hold(list(glob.parts[len(literal) :]), names[len(parts) :], glob.below):
            return True
    return False


def components_hold(parts: list[object], names: list[str], below: bool) -> bool:
    if not parts:
        return below or not names
    if parts[0] is Wildcard.DEEP:
        return any(components_hold(parts[1:], names[at:], below) for at in range(len(names) + 1))
    return bool(names) and one_holds(parts[0], names[0]) and components_hold(parts[1:], names[1:], below)


def one_holds(part: object, name: str) -> bool:
    if isinstance(part, str):
        return part == name
    return characters_hold(list(part.atoms), name)  # type: ignore[attr-defined]


def characters_hold(atoms: list[object], name: str) -> bool:
    if not atoms:
        return not name
    if atoms[0] is Wildcard.SOME:
        return any(characters_hold(atoms[1:], name[at:]) for at in range(len(name) + 1))
    if not name:
        return False
    first = atoms[0]
    fits = first == name[0] if isinstance(first, str) else first is Wildcard.ONE or first.holds(name[0])  # type: ignore[attr-defined]
    return fits and characters_hold(atoms[1:], name[1:])
