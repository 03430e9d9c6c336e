"""What stands in front of every policy: nobody but a human changes the policy or the program that applies it."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from avakill.evaluator.call import Call, CommandText, Names
from avakill.evaluator.code import sed_writes
from avakill.evaluator.line import Line, Simple, Word, has_hole
from avakill.evaluator.offswitch import NAME, own_words, sets_ours, switches_off
from avakill.evaluator.operands import directories
from avakill.evaluator.programs import (
    CHANGERS,
    COPIERS,
    INTERPRETERS,
    LATER,
    MOVERS,
    deletions,
    git_reads_only,
    is_unknown,
    only_reads_found,
    path_words,
    reads_only,
    spares_directories,
    targets,
)
from avakill.evaluator.protected import Guarded, guarded, protected_places
from avakill.evaluator.shell import parse
from avakill.evaluator.wrappers import LOOSE_WRAPPERS, RUNNERS, SHAPES, SHELLS, base_name
from avakill.events.value import Members, Value, as_text, scalars
from avakill.ir.effect import Effect
from avakill.ir.names import canonical_argument

__all__ = ["TEXT_ARGUMENTS", "intrusion", "protected_places"]

TEXT_ARGUMENTS = frozenset({"content", "old_string", "new_string", "query", "pattern", "prompt", "command", "url", "host"})
"""Arguments that may speak of a file without naming it as their object."""

CODE_ARGUMENTS = frozenset({"code", "python", "python_code", "javascript", "js", "source_code", "program", "expression", "snippet"})
"""Arguments of tools that run programs: a mention is enough."""

KEY_ARGUMENTS = frozenset({"chars", "keys", "keystrokes", "stdin", "input_text"})
"""Arguments that are typed into a shell that runs."""

READING_WORDS = frozenset({
    "cat", "check", "count", "describe", "diff", "exists", "fetch", "find", "get", "glob", "grep", "head", "info", "inspect", "list",
    "ls", "open", "preview", "query", "read", "search", "show", "stat", "summarize", "tail", "tree", "view",
})
"""A tool of which nobody says what it does reads, if its name begins so and has none of CHANGING_WORDS."""

CHANGING_WORDS = (
    "append", "apply", "chmod", "chown", "clear", "copy", "create", "delete", "del", "drop", "edit", "erase", "exec", "insert", "link",
    "mkdir", "modify", "move", "patch", "prune", "purge", "put", "remove", "rename", "replace", "reset", "restore", "rm", "run", "save",
    "set", "sync", "touch", "trash", "truncate", "unlink", "update", "upload", "wipe", "write",
)

TAKING_WORDS = (
    "chmod", "chown", "clear", "del", "delete", "drop", "erase", "move", "mv", "purge", "remove", "rename", "rm", "trash", "unlink",
    "wipe",
)
"""What a tool of such a name does to a directory it does to all in it."""

STARTUP = frozenset({
    ".bash_login", ".bash_profile", ".bashrc", ".envrc", ".pam_environment", ".profile", ".zlogin", ".zprofile", ".zshenv", ".zshrc",
    "bash.bashrc", "config.fish", "environment", "profile", "sitecustomize.py", "usercustomize.py",
})
"""Files that the next shell, or the next Python, reads first."""

MAX_PATH_TEXT = 4096


@dataclass(eq=False)
class _Asked:
    """A call with its protected objects, which are looked at only when somebody asks."""

    call: Call

    @cached_property
    def things(self) -> Guarded:
        return guarded(self.call)

    @cached_property
    def reads(self) -> bool:
        """Whether the tool surely changes nothing that its paths name."""
        effects = self.call.effects
        return effects == frozenset({Effect.READ}) or (effects is None and _sounds_reading(self.call))


def intrusion(call: Call) -> str | None:
    """Why the call would change a protected object, None where it would not. Raises Undecidable."""
    if not call.context.protected:
        return None
    asked = _Asked(call)
    return _by_path(asked) or _by_text(asked) or _by_command(asked)


# -- paths --


def _by_path(asked: _Asked) -> str | None:
    call = asked.call
    if not asked.reads:
        for text in dict.fromkeys(_path_texts(call.event.arguments)):
            if _hits(asked, text):
                return f"`{call.event.given}` would change `{text}`"
        for reading in call.readings("path"):
            if any(_is_hit(asked, names) for names in reading.every):
                return f"`{call.event.given}` would change `{reading.text}`"
    if _takes(call):
        for reading in call.readings("path"):
            if any(asked.things.is_above(names) for names in reading.every):
                return f"`{call.event.given}` would delete or move `{reading.text}`, which holds protected files"
    return None


def _hits(asked: _Asked, text: str) -> bool:
    every = asked.call.read_path(text).every
    if any(_is_hit(asked, names) for names in every):
        return True
    return any(char in text for char in "*?[{") and any(asked.things.may_match(names, True) for names in every)


def _is_hit(asked: _Asked, names: Names) -> bool:
    asked.call.spend(10)
    return asked.things.holds(names)


def _takes(call: Call) -> bool:
    """Whether what it does to a directory it does to all in it."""
    if call.effects is not None:
        return Effect.DELETE in call.effects
    return any(word in TAKING_WORDS for word in _tool_words(call))


def _sounds_reading(call: Call) -> bool:
    words = _tool_words(call)
    return bool(words) and words[0] in READING_WORDS and not any(word in CHANGING_WORDS for word in words)


def _tool_words(call: Call) -> tuple[str, ...]:
    """The words of a tool's own name: `mcp__files__moveFile` is move, file."""
    name = call.event.given.rpartition("__")[2].rpartition(":")[2].rpartition(".")[2]
    spaced = "".join(f" {char}" if char.isupper() else char if char.isalnum() else " " for char in name)
    return tuple(spaced.lower().split()) if not name.isupper() else (name.lower(),)


def _path_texts(value: Value) -> Iterator[str]:
    """Every text that may be a path: names of members too, contents and the like left out."""
    match value:
        case Members(items):
            for name, inner in items:
                canonical = canonical_argument(name)
                if canonical == "url":
                    yield from (text for text in scalars(inner) if isinstance(text, str) and text[:5].lower() == "file:")
                if canonical in TEXT_ARGUMENTS or canonical in CODE_ARGUMENTS:
                    continue
                yield from _path_texts(name)
                yield from _path_texts(inner)
        case tuple():
            for inner in value:
                yield from _path_texts(inner)
        case str():
            if value and len(value) <= MAX_PATH_TEXT and "\n" not in value and "\0" not in value:
                yield value
        case _:
            return


# -- texts --


def _by_text(asked: _Asked) -> str | None:
    """Programs for tools that run them, keys for a shell, and what is written into the files that shells read first."""
    call = asked.call
    for name, value in call.event.arguments.items:
        folded = name.casefold()
        if folded in CODE_ARGUMENTS:
            text = "\n".join(map(as_text, scalars(value)))
            if asked.things.mentions(text) or _speaks_off(text):
                return f"the program in `{name}` names what avakill protects"
        elif folded in KEY_ARGUMENTS:
            for scalar in scalars(value):
                text = as_text(scalar).replace("\r", "\n")
                blocked = _of_text(asked, CommandText(text, (parse(text),)))
                if blocked is not None:
                    return blocked
    if not asked.reads and any(names and names[-1] in STARTUP for reading in call.readings("path") for names in reading.every):
        written = (as_text(scalar) for name in ("content", "new_string") for value in call.values(name) for scalar in scalars(value))
        if any("AVAKILL_" in text or NAME in text for text in written):
            return "what a shell reads first would change avakill's settings"
    return None


def _speaks_off(text: str) -> bool:
    return _OURS.search(text) is not None and any(word in text for word in ("approve", "uninstall", "unwrap", "approvals", "AVAKILL_"))


_OURS = re.compile(r"\bavakill\b|\bAVAKILL_")


# -- shell --


def _by_command(asked: _Asked) -> str | None:
    for command in asked.call.commands:
        blocked = _of_text(asked, command)
        if blocked is not None:
            return blocked
    return None


def _of_text(asked: _Asked, command: CommandText) -> str | None:
    for line in command.lines:
        blocked = _of_line(_Lined(asked, command.text, line))
        if blocked is not None:
            return blocked
    return None


@dataclass(eq=False)
class _Lined:
    """One line with what is worked out about it at most once."""

    asked: _Asked
    text: str
    line: Line
    _places: dict[str, tuple[Names, ...]] = field(default_factory=dict)
    _named: dict[Word, bool] = field(default_factory=dict)

    @cached_property
    def bases(self) -> tuple[str, ...]:
        return directories(self.asked.call, self.line)

    @cached_property
    def is_mentioned(self) -> bool:
        """Whether any part of the line names something protected."""
        things = self.asked.things
        words = (word for simple in self.line.commands for word in simple.words)
        texts = (self.text, *(word.guess for word in words), *(word.guess for word in self.line.loose))
        return any(things.mentions(text) for text in texts) or any(
            self.names(word) for simple in self.line.commands for word in simple.words[1:]
        )

    @cached_property
    def dots(self) -> bool:
        return "dotglob" in self.text

    def every(self, text: str) -> tuple[Names, ...]:
        if not text or len(text) > MAX_PATH_TEXT or "\0" in text or "\1" in text:
            return ()
        known = self._places.get(text)
        if known is None:
            known = self._places[text] = self.asked.call.read_path(text, self.bases).every
        return known

    def names(self, word: Word) -> bool:
        """Whether the word names something protected, or may."""
        known = self._named.get(word)
        if known is None:
            known = self._named[word] = self._names(word)
        return known

    def _names(self, word: Word) -> bool:
        things = self.asked.things
        for text in path_words(word):
            places = self.every(text)
            if any(_is_hit(self.asked, names) for names in places):
                return True
            if word.is_pattern and any(things.may_match(names, self.dots) for names in places):
                return True
        if word.guess[:1] == "~" and word.guess[1:2] not in ("/", "") and any(mark in word.guess for mark in things.marks):
            return True  # some user's home
        # a hole in front of a protected file's own name: which directory it is in cannot be told
        return has_hole(word.text) and any(word.guess.endswith(mark) for mark in things.marks)

    def names_above(self, word: Word) -> bool:
        """Whether the word names a directory over something protected, or may."""
        things = self.asked.things
        for text in path_words(word):
            for names in self.every(text):
                if things.is_above(names) or (word.is_pattern and things.may_match_above(names, self.dots)):
                    return True
        return False


def _of_line(lined: _Lined) -> str | None:
    line = lined.line
    variable = sets_ours(line)
    if variable is not None:
        return f"`{variable}` tells avakill what to do"
    for simple in line.commands:
        blocked = switches_off(simple, line) if simple.words else None
        if blocked is not None:
            return blocked
    for redirect in line.redirects:
        if redirect.writes and not redirect.word.text.isdigit() and redirect.word.text not in ("/dev/null", "-"):
            if lined.names(redirect.word) or (is_unknown(redirect.word) and lined.is_mentioned):
                return f"`{redirect.operator} {redirect.word.guess}` would write a protected file"
            if _is_startup(redirect.word) and "avakill" in lined.text.lower():
                return f"`{redirect.operator} {redirect.word.guess}` would change avakill's settings"
    for simple in line.commands:
        if simple.words and _changes(lined, simple):
            return f"`{base_name(simple.name) or simple.raw}` would change a protected file"
    if line.doubts and (lined.is_mentioned or _speaks_off(lined.text)):
        return "a command line of which not all can be told names what avakill protects"
    return None


def _is_startup(word: Word) -> bool:
    return base_name(word.guess) in STARTUP


def _changes(lined: _Lined, simple: Simple) -> bool:
    name = base_name(simple.guess.partition(" ")[0] if has_hole(simple.name) else simple.name)
    words = simple.words[1:]
    lists_only = name == "crontab" and bool(words) and words[0].text == "-l"
    if name in LATER and not lists_only and (lined.is_mentioned or _speaks_off(lined.text)):
        return True
    is_program = name in INTERPRETERS or name.rstrip("0123456789.") in INTERPRETERS
    if (not words and not is_program) or (name != "find" and reads_only(name, words)):
        return False
    if name in SHAPES or name in SHELLS or name in LOOSE_WRAPPERS or (name in RUNNERS and words[0].text in RUNNERS[name]):
        # what they run is judged on its own; a shell is given a script, which it reads
        return bool(simple.refused) and lined.is_mentioned
    if name == "git" and git_reads_only(simple.words):
        return False
    own = own_words(simple.words)
    if is_program:
        if own is None:
            things = lined.asked.things
            if not any(word.text[:1] != "-" for word in words) and (lined.is_mentioned or _speaks_off(lined.text)):
                return True  # the program comes from its input
            return _speaks_off(simple.guess) or any(things.mentions(text, lined.bases) for text in (simple.guess, simple.raw))
        name, words = NAME, own[1:]
    if name in ("sed", "gsed") and any(sed_writes(word.guess) and lined.asked.things.mentions(word.guess) for word in words):
        return True
    if name == NAME:
        return _own_writes(lined, words)
    if name == "find":
        return _found(lined, words)
    aimed = targets(name, words)
    if any(lined.names(word) for word in aimed):
        return True
    if name in CHANGERS and any(is_unknown(word) for word in aimed) and (lined.is_mentioned or _guesses_ours(aimed)):
        return True
    if name in CHANGERS and _is_any_startup(aimed) and "avakill" in lined.text.lower():
        return True
    return _takes_above(lined, name, words, aimed)


def _is_any_startup(words: tuple[Word, ...]) -> bool:
    return any(_is_startup(word) for word in words)


def _guesses_ours(words: tuple[Word, ...]) -> bool:
    """`rm $(which avakill-hook-cursor)`."""
    return any(has_hole(word.text) and NAME in word.guess for word in words)


def _takes_above(lined: _Lined, name: str, words: tuple[Word, ...], aimed: tuple[Word, ...]) -> bool:
    plain = [word for word in words if not word.text.startswith("-")]
    if name in COPIERS and any(word.guess.count("/") and lined.asked.things.is_above(names)
                               for word in aimed if not any(word is one for one in words) for names in lined.every(word.guess)):
        return True  # a directory put over one
    if name in ("mv", "ln"):
        return any(lined.names_above(word) for word in plain[:-1] or plain)
    if name in ("pip", "pip3", "uv"):
        into = [words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-t", "--target")]
        return any(lined.names_above(word) for word in into)
    return name in MOVERS and not spares_directories(name, words) and any(lined.names_above(word) for word in aimed)


def _own_writes(lined: _Lined, words: tuple[Word, ...]) -> bool:
    """Our own commands read policies; what they write stands behind an option, or is the signature of what `sign` is given."""
    if words and words[0].guess in ("sign", "harden", "init"):
        return any(lined.names(word) for word in words[1:])
    for at, word in enumerate(words):
        text = word.guess
        if text in ("-o", "--output", "--out") and at + 1 < len(words) and lined.names(words[at + 1]):
            return True
        if text.startswith(("--output=", "--out=")) and lined.names(word):
            return True
    return False


def _found(lined: _Lined, words: tuple[Word, ...]) -> bool:
    """Whether `find` would delete something protected, or give it to what may change it."""
    wanted = deletions(words)
    if wanted is None or only_reads_found(words):
        return False
    roots, names, is_odd = wanted
    if any(word.text.startswith(("-fprint", "-fls")) for word in words) and any(lined.names(word) for word in words):
        return True
    things = lined.asked.things
    for root in roots:
        for place in lined.every(root.guess):
            for thing in (*things.files, *things.trees):
                if thing[: len(place)] != place and not (thing in things.trees and place[: len(thing)] == thing):
                    continue
                if is_odd or not names or all(_is_wanted(word, part) for word in names for part in (thing[-1],)):
                    return True
    return False


def _is_wanted(word: Word, name: str) -> bool:
    return has_hole(word.text) or fnmatchcase(name.casefold(), word.guess.casefold())
