"""What stands in front of every policy: nobody but a human changes the policy or the program that applies it."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from avakill.evaluator.call import Call, Names
from avakill.evaluator.line import Line, Simple, Word, has_hole
from avakill.evaluator.operands import directories
from avakill.evaluator.walk import Unresolvable, Walker, lexical
from avakill.evaluator.wrappers import SHAPES, SHELLS, base_name, git_options
from avakill.events.value import Members, Value
from avakill.ir.effect import Effect
from avakill.ir.names import canonical_argument
from avakill.paths import glob as globs
from avakill.paths.glob import GlobError, join, split

TEXT_ARGUMENTS = frozenset({"content", "old_string", "new_string", "query", "pattern", "prompt", "command", "url", "host"})
"""Arguments that may speak of a file without naming it as their object."""

MAX_PATH_TEXT = 4096

READERS = frozenset({
    "[", "avakill", "base64", "basename", "bat", "cat", "cd", "cmp", "column", "comm", "cut", "diff", "dirname", "du",
    "echo", "egrep", "fgrep", "file", "grep", "head", "hexdump", "less", "ls", "md5sum", "more", "nl", "od", "printf",
    "pushd", "pwd", "readlink", "realpath", "rg", "sha1sum", "sha256sum", "sha512sum", "stat", "strings", "tail",
    "test", "tr", "tree", "true", "wc", "which", "xxd",
})
"""Programs that change none of the files that they name."""

GIT_READERS = frozenset({"add", "blame", "cat-file", "commit", "diff", "grep", "log", "ls-files", "rev-parse", "show", "status"})

INTERPRETERS = frozenset({
    "awk", "bun", "deno", "ed", "emacs", "ex", "gawk", "lua", "mawk", "node", "nvim", "perl", "php", "python", "ruby",
    "tclsh", "vi", "vim",
})
"""Programs whose arguments may be programs: a mention is enough."""


def intrusion(call: Call) -> str | None:
    """Why the call would change a protected object, None where it would not. Raises Undecidable."""
    if not call.context.protected:
        return None
    things = protected_places(call)
    if call.effects != frozenset({Effect.READ}):
        for text in _path_texts(call.event.arguments):
            if any(_is_hit(call, names, things) for names in call.read_path(text).every):
                return f"`{call.event.given}` would change `{text}`"
        for reading in call.readings("path"):
            if any(_is_hit(call, names, things) for names in reading.every):
                return f"`{call.event.given}` would change `{reading.text}`"
    if call.effects is not None and Effect.DELETE in call.effects:
        for reading in call.readings("path"):
            if any(_is_above(names, things) for names in reading.every):
                return f"`{call.event.given}` would delete `{reading.text}`, which holds protected files"
    for command in call.commands:
        for line in command.lines:
            blocked = _shell_intrusion(call, line, things)
            if blocked is not None:
                return blocked
    return None


Thing = tuple[Names, bool]
"""The components of a protected path, and whether all below it is protected too."""


def protected_places(call: Call) -> tuple[Thing, ...]:
    """Each protected object, under its name as given and with links followed."""
    found: dict[Thing, None] = {}
    walker = Walker(call.context.resolver, call.base, call.known)
    for text in call.context.protected:
        is_tree = text.endswith("/")
        found[split(lexical(text)), is_tree] = None
        try:
            place = walker.place(text)
        except Unresolvable:
            continue
        found[split(place.object), is_tree] = None
        found[split(place.name), is_tree] = None
    return tuple(found)


def _is_hit(call: Call, names: Names, things: tuple[Thing, ...]) -> bool:
    call.spend(len(things))
    if call.context.ignores_case:
        names = tuple(name.casefold() for name in names)
        things = tuple((tuple(name.casefold() for name in thing), below) for thing, below in things)
    return any(names == thing or (below and names[: len(thing)] == thing) for thing, below in things)


def _is_above(names: Names, things: tuple[Thing, ...]) -> bool:
    return any(thing[: len(names)] == names for thing, _ in things)


def _path_texts(value: Value) -> Iterator[str]:
    """Every text that may be a path: names of members too, contents and the like left out."""
    match value:
        case Members(items):
            for name, inner in items:
                if canonical_argument(name) in TEXT_ARGUMENTS:
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


# -- shell --


def _shell_intrusion(call: Call, line: Line, things: tuple[Thing, ...]) -> str | None:
    bases = directories(call, line)
    for redirect in line.redirects:
        if redirect.writes and _names_protected(call, redirect.word, bases, things):
            return f"`{redirect.operator} {_shown(redirect.word)}` would write a protected file"
    for simple in line.commands:
        if simple.words and _changes(call, simple, bases, things):
            return f"`{base_name(simple.name) or simple.raw}` would change a protected file"
    if line.doubts and _mentions((command.raw for command in line.commands), things):
        return "a command line that cannot be parsed names a protected file"
    return None


def _changes(call: Call, simple: Simple, bases: tuple[str, ...], things: tuple[Thing, ...]) -> bool:
    name = base_name(simple.name)
    words = simple.words[1:]
    if name in READERS or (name == "find" and not _find_writes(words)) or (name == "sed" and not _sed_writes(words)):
        return False
    if name in SHAPES or name in SHELLS:
        # what they run is judged on its own; a shell is given a script, which it reads
        return bool(simple.refused) and _mentions((simple.guess, simple.raw), things)
    if name in INTERPRETERS or name.rstrip("0123456789.") in INTERPRETERS:
        return _mentions((simple.guess, simple.raw), things)
    if name == "git":
        _, at = git_options(simple.words)
        command = simple.words[at].text if at < len(simple.words) else ""
        if command in GIT_READERS:
            return False
    targets = _targets(name, words)
    if any(_names_protected(call, word, bases, things) for word in targets):
        return True
    return name in _MOVERS and any(
        _is_above(names, things) for word in targets for text in _path_words(word)
        for names in _every(call, text, bases)
    )


_MOVERS = frozenset({"rm", "mv", "rmdir", "rsync", "chmod", "chown", "chgrp", "chattr", "shred", "unlink", "trash"})
"""What they do to a directory they do, or may do, to all in it."""


def _targets(name: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words that name what is changed: the last one for what copies, all of them otherwise."""
    if name not in ("cp", "install", "ln", "rsync", "scp"):
        return words
    plain = [word for word in words if not word.text.startswith("-")]
    into = [words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-t", "--target-directory")]
    into += [word for word in words if word.text.startswith(("--target-directory=", "-t/", "-t."))]
    target = into or plain[-1:]
    inside = [
        _joined(place, base_name(source.text.rstrip("/")))
        for place in target for source in plain if source is not place and not has_hole(source.text)
    ]
    return (*target, *inside)


def _joined(place: Word, name: str) -> Word:
    return Word(f"{place.text}/{name}", f"{place.guess}/{name}", place.is_pattern)


def _path_words(word: Word) -> Iterator[str]:
    """The texts in one word that may be a path: itself, and the value of an option (`of=…`, `--output=…`)."""
    yield word.guess
    name, equals, value = word.guess.partition("=")
    if equals and "/" not in name:
        yield value
    if word.guess.startswith("-") and len(word.guess) > 2:
        yield word.guess[2:]


def _every(call: Call, text: str, bases: tuple[str, ...]) -> tuple[Names, ...]:
    if not text or len(text) > MAX_PATH_TEXT or "\0" in text or "\1" in text:
        return ()
    return call.read_path(text, bases).every


def _names_protected(call: Call, word: Word, bases: tuple[str, ...], things: tuple[Thing, ...]) -> bool:
    for text in _path_words(word):
        places = _every(call, text, bases)
        if any(_is_hit(call, names, things) for names in places):
            return True
        if word.is_pattern and any(_may_match(names, things) for names in places):
            return True
    # a hole in front of a protected file's own name: which directory it is in cannot be told
    return has_hole(word.text) and any(thing and word.guess.endswith(thing[-1]) for thing, _ in things)


@lru_cache(maxsize=4096)
def _may_match(names: Names, things: tuple[Thing, ...]) -> bool:
    """Whether a shell pattern may name one of `things`, or a directory above all that is below one."""
    try:
        patterns = globs.parse(join(names))
    except GlobError:
        return True
    return any(pattern.holds(join(thing)) for pattern in patterns for thing, _ in things)


def _mentions(texts: Iterable[str], things: tuple[Thing, ...]) -> bool:
    """Whether a text has the name of a protected file in it, or the path of a protected directory."""
    wanted = [join(thing) if below else thing[-1] for thing, below in things if thing]
    return any(name in text for text in texts for name in wanted)


def _find_writes(words: tuple[Word, ...]) -> bool:
    return any(word.text.startswith(("-delete", "-fprint", "-fls")) for word in words)


def _sed_writes(words: tuple[Word, ...]) -> bool:
    """`-i`, and a script that may have a `w` or `e` command."""
    for word in words:
        if word.text.startswith("--in-place") or (word.text.startswith("-") and not word.text.startswith("--") and "i" in word.text):
            return True
    scripts = [word.text for word in words if not word.text.startswith("-")][:1]
    return any(has_hole(text) or "w " in text or text.endswith("e") for text in scripts)


def _shown(word: Word) -> str:
    return word.guess
