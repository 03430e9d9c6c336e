"""Shell text to a Line: every simple command in it, wherever it stands."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from avakill.evaluator.line import HOLE, QUOTED_HOLE, Line, Redirect, Simple, Word, has_hole, literal
from avakill.evaluator.plain import Beyond, read_plainly
from avakill.evaluator.wrappers import (
    BASENAMES,
    NOTHING,
    Inner,
    InnerText,
    Loose,
    Refused,
    Unseen,
    base_name,
    interpreter,
    look_through,
)

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_TEXT = 65_536
MAX_GRAMMAR = 16_384
MAX_PIPES = 256
MAX_DOCUMENTS = 16
"""Of what is left to the grammar, for which 5,000 pipes are half a second."""

MAX_DEPTH = 100
MAX_SHELLS = 8
"""How deep `sh -c` in `sh -c` is followed."""

MAX_COMMANDS = 1_000
MAX_WRAPPED = 16
"""How deep `env nice env …` is followed."""


@lru_cache(maxsize=256)
def parse(text: str) -> Line:
    """What a POSIX shell or bash would run for `text`."""
    return _parse(text, MAX_SHELLS)


@lru_cache(maxsize=256)
def parse_argv(argv: tuple[str, ...]) -> Line:
    """What running the program `argv[0]` with these arguments, without a shell, would run."""
    if any("\0" in word or "\1" in word for word in argv):
        return Line(doubts=("a control character in it",), unsafe=("a control character in it",))
    reading = _Reading("", b"", MAX_SHELLS)
    words = tuple(literal(word) for word in argv)
    reading.add(words, " ".join(argv))
    reading.judge_commands()
    return reading.line()


def _parse(text: str, shells: int) -> Line:
    odd = _oddity(text)
    if odd:
        return Line(doubts=(odd,), unsafe=(odd,))
    if not text.strip():
        return Line()
    plain = _plainly(text, shells)
    if plain is not None:
        return plain
    odd = _cost(text)
    if odd:
        return Line(doubts=(odd,), unsafe=(odd,))
    if "\\\n" in text:
        text, odd = _mended(text)
    data = text.encode()
    root = _parser().parse(data).root_node
    reading = _Reading(text, data, shells)
    if root.has_error:
        reading.doubt("it could not be parsed")
    if odd:
        reading.doubt(odd)
    reading.visit(root, 0)
    reading.judge(root)
    return reading.line()


def _plainly(text: str, shells: int) -> Line | None:
    """The line as the quick reader has it, None where that one leaves it to the grammar."""
    reading = _Reading(text, b"", shells)
    try:
        is_simple = read_plainly(text, reading)
    except Beyond:
        return None
    if not is_simple or not reading.commands:
        reading.unsafe.append("it is not one simple command")
    reading.judge_commands()
    return reading.line()


def _cost(text: str) -> str:
    """Why the grammar is not asked: what it takes milliseconds for, or a time that grows with the square."""
    if len(text) > MAX_GRAMMAR:
        return f"over {MAX_GRAMMAR} characters of more than plain commands"
    if text.count("|") > MAX_PIPES or text.count("<<") > MAX_DOCUMENTS:
        return "too many pipes or here-documents"
    return ""


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_FOREIGN_SPACE = re.compile(r"[^\S \t\n]")


def _oddity(text: str) -> str:
    if len(text) > MAX_TEXT:
        return f"over {MAX_TEXT} characters"
    if _CONTROL.search(text):
        return "a control character in it"
    if not text.isascii() and _FOREIGN_SPACE.search(text):
        return "a space in it that no shell takes for one"
    return ""


def _mended(text: str) -> tuple[str, str]:
    """`text` with the words put together that a backslash breaks over lines: the grammar takes each part for a word.

    Within single quotes and some here-documents the backslash stays, so there nobody knows: the second text says so.
    """
    broken = _BROKEN.search(text)
    if broken is None:
        return text, ""
    if "'" in text or "<<" in text:
        return text, "a word is broken over lines"
    return _BROKEN.sub(r"\1", text), ""


_BROKEN = re.compile(r"((?:^|[^\\ \t\n])(?:\\\\)*)\\\n(?=[^ \t\n])")


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


_OPAQUE = frozenset({"string", "heredoc_body", "raw_string", "ansi_c_string", "translated_string", "expansion", "comment"})
"""Nodes whose text is not all in their children."""

_PLAIN = frozenset({"program", "command", "command_name", "word", "number", "string", "string_content", "raw_string",
                    "concatenation", "comment", '"', "ansi_c_string"})
"""The only nodes of a shell-safe line."""

HARMLESS = frozenset({
    "CI", "COLUMNS", "DEBIAN_FRONTEND", "DEBUG", "FORCE_COLOR", "GOARCH", "GOOS", "LANG", "LANGUAGE",
    "LINES", "NODE_ENV", "NO_COLOR", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONUNBUFFERED",
    "RUST_BACKTRACE", "RUST_LOG", "TERM", "TZ",
})
"""Variables that change nothing about what a program runs; any other in front of a command makes it unknown."""

_DEFINES = frozenset({"eval", "source", ".", "trap", "alias", "enable", "bind", "complete", "hash"})
"""Builtins that run text, or change what a name runs."""

_LOOKED_AT = BASENAMES | _DEFINES
_DIGITS = frozenset("0123456789.")

_SPLITTERS = frozenset({"$IFS", "${IFS}"})


@dataclass(slots=True)
class _Reading:
    """A line in the making."""

    text: str
    data: bytes
    shells: int
    commands: list[Simple] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)
    loose: list[Word] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    variables: dict[str, None] = field(default_factory=dict)
    inner: int = 0

    def line(self) -> Line:
        return Line(
            tuple(self.commands), tuple(self.redirects), tuple(self.doubts), tuple(self.unsafe), tuple(self.loose),
            tuple(self.variables),
        )

    def doubt(self, why: str) -> None:
        if why not in self.doubts:
            self.doubts.append(why)
        if why not in self.unsafe:
            self.unsafe.append(why)

    # -- is it one plain command? --

    def judge(self, root: Node) -> None:
        statements = [child for child in root.children if child.type != "comment"]
        if len(statements) != 1 or statements[0].type != "command":
            self.unsafe.append("it is not one simple command")
        for node in _nodes(root):
            if node.type not in _PLAIN:
                self.unsafe.append(f"`{_clip(self._raw(node))}` is more than a word")
                break
        self.judge_commands()
        at = 0
        for leaf in _leaves(root):
            if self.data[at : leaf.start_byte].replace(b"\\\n", b"").strip(b" \t\n"):
                self.doubt("it could not be parsed")
            at = max(at, leaf.end_byte)
        if self.data[at:].replace(b"\\\n", b"").strip(b" \t\n"):
            self.doubt("it could not be parsed")

    def judge_commands(self) -> None:
        for command in self.commands:
            if command.refused:
                self.unsafe.append(command.refused)
        run = [command for command in self.commands if command.words]
        if len(run) > 1:
            self.unsafe.append(f"`{_clip(_shown(run[0].name))}` runs another command")

    # -- every command in it --

    def visit(self, node: Node, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.doubt("nested too deep")
            return
        match node.type:
            case "command" | "declaration_command" | "unset_command":
                self._command(node)
            case "variable_assignment":
                self._assignment(node)
            case "file_redirect":
                self._redirect(node)
            case "heredoc_redirect":
                self._heredoc(node)
            case "for_statement":
                self._loop(node)
            case "ERROR":
                self.doubt("it could not be parsed")
        if node.is_missing:
            self.doubt("it could not be parsed")
        for child in node.children:
            self.visit(child, depth + 1)

    def _heredoc(self, node: Node) -> None:
        """The grammar does not see backquotes in the text; a quoted word at its start takes their meaning from them."""
        start = next((self._raw(child) for child in node.children if child.type == "heredoc_start"), "")
        body = next((self._raw(child) for child in node.children if child.type == "heredoc_body"), "")
        if any(child.type in _ARGUMENTS for child in node.children):
            self.doubt("words of a command behind a here-document")
        if "`" in body and not any(char in start for char in "'\"\\"):
            self.unsafe.append("a backquote in a here-document")
            for text in body.split("`")[1::2]:
                self._nested(text)

    def _loop(self, node: Node) -> None:
        words = [self.word(value) for value in node.children_by_field_name("value")]
        self.loose.extend(words)
        name = node.child_by_field_name("variable")
        if name is not None and len(words) == 1:
            self.values[self._raw(name)] = words[0].guess

    def _command(self, node: Node) -> None:
        words: list[Word] = []
        refused = ""
        for child in node.children:
            if child.type == "variable_assignment":
                if node.type == "declaration_command":
                    words.append(self.word(child))
                refused = refused or self._name_doubt(child)
            elif child.type in ("file_redirect", "heredoc_redirect", "herestring_redirect"):
                continue
            elif child.type == "command_name":
                words.extend(self.word(inner) for inner in child.children)
            else:
                words.append(self.word(child))
        self.add(tuple(words), self._raw(node), refused)

    def _assignment(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        if name is not None and value is not None:
            word = self.word(value)
            self.loose.append(word)
            if not has_hole(word.text):
                self.values[self._raw(name)] = word.text
            if self._raw(name).endswith(_RUNNABLE):
                self._nested(word.guess)
        parent = node.parent
        if parent is None or parent.type not in ("command", "declaration_command"):
            why = self._name_doubt(node)
            if why:
                self.commands.append(Simple((), self._raw(node), why))
            self.unsafe.append("an assignment")

    def assign(self, name: str, word: Word) -> str:
        """A variable that is set: why that matters, if it does."""
        self.loose.append(word)
        if not has_hole(word.text):
            self.values[name] = word.text
        if name.endswith(_RUNNABLE):
            self._nested(word.guess)
        return self._set(name)

    def guess(self, raw: str) -> str:
        return self._guess(raw)

    def is_full(self) -> bool:
        if len(self.commands) < MAX_COMMANDS:
            return False
        self.doubt("too many commands")
        return True

    def _name_doubt(self, node: Node) -> str:
        name = node.child_by_field_name("name")
        return self._set(self._raw(name) if name is not None else "")

    def _set(self, name: str) -> str:
        """Why a variable of that name matters, if it does."""
        self.variables[name] = None
        return _variable_doubt(name)

    def _redirect(self, node: Node) -> None:
        operator = "".join(child.type for child in node.children if not child.is_named)
        if sum(child.is_named and child.type != "file_descriptor" for child in node.children) > 1:
            self.doubt("words of a command behind a redirection")
        target = node.child_by_field_name("destination")
        if target is None:
            named = [child for child in node.children if child.is_named and child.type != "file_descriptor"]
            target = named[0] if named else None
        if target is not None:
            self.redirects.append(Redirect(operator, self.word(target)))

    def add_plain(self, words: tuple[Word, ...], raw: str) -> None:
        """As `add`, for words without anything open or quoted."""
        name = words[0].text
        if "/" in name:
            name = base_name(name)
        if name in _LOOKED_AT or (name[-1:] in _DIGITS and interpreter(name)) or len(self.commands) >= MAX_COMMANDS:
            self.add(words, raw)
        else:
            self.commands.append(Simple(words, raw))

    def add(self, words: tuple[Word, ...], raw: str, refused: str = "", depth: int = 0) -> None:
        """One simple command, and those that it runs in turn."""
        words = _split(words)
        if not words:
            return
        if len(self.commands) >= MAX_COMMANDS or depth > MAX_WRAPPED:
            self.doubt("too many commands")
            return
        name = words[0]
        if not name.is_known:
            refused = refused or f"`{_clip(_shown(name.text))}` does not say which command it is"
        elif name.text in _DEFINES:
            refused = refused or f"`{name.text}` runs what cannot be seen here"
        found = NOTHING if has_hole(name.text) else look_through(words)
        place = len(self.commands)
        self.commands.append(Simple(words, raw, refused, found.is_run))
        for item in found.items:
            match item:
                case Refused(why):
                    refused = refused or why
                case Unseen(why):
                    refused = refused or why
                    self.doubt(why)
                case Loose(more):
                    self.loose.extend(more)
                case Inner(more, names):
                    doubt = next((why for why in map(self._set, names) if why), "")
                    self.add(more, " ".join(word.text for word in more), doubt, depth + 1)
                case InnerText(text):
                    self._nested(text)
        if refused:
            self.commands[place] = Simple(words, raw, refused, found.is_run)

    def _nested(self, text: str) -> None:
        self.inner += len(text)
        if self.shells == 0 or self.inner > MAX_TEXT or len(self.commands) > MAX_COMMANDS:
            self.doubt("too many shells in each other")
            return
        line = _parse(text, self.shells - 1)
        self.commands.extend(line.commands)
        self.redirects.extend(line.redirects)
        self.loose.extend(line.loose)
        self.variables.update(dict.fromkeys(line.variables))
        for why in line.doubts:
            self.doubt(why)

    # -- words --

    def word(self, node: Node) -> Word:
        raw = self._raw(node)
        match node.type:
            case "word" | "test_operator" | "regex" | "extglob_pattern":
                if _BREAKS.search(raw) and node.type == "word":
                    self.doubt("it could not be parsed")
                return _bare(raw)
            case "number" | "variable_name" | "special_variable_name" | "heredoc_start":
                return literal(raw)
            case "raw_string":
                return literal(raw[1:-1])
            case "ansi_c_string":
                return _ansi(raw)
            case "string":
                return self._string(node)
            case "translated_string":
                return self.word(node.children[-1])
            case "concatenation":
                return self._concatenation(node, raw)
            case "variable_assignment":
                value = node.child_by_field_name("value")
                name = node.child_by_field_name("name")
                front = (self._raw(name) if name is not None else "") + "="
                back = self.word(value) if value is not None else literal("")
                return Word(front + back.text, front + back.guess, back.is_pattern)
            case "simple_expansion" | "expansion":
                return Word(HOLE, self._guess(raw))
            case _:
                return literal(raw) if not node.is_named else Word(HOLE, raw)

    def _string(self, node: Node) -> Word:
        """Cut by bytes: the grammar drops blanks next to expansions."""
        text: list[str] = []
        guess: list[str] = []
        at = node.start_byte + 1
        for child in node.children:
            if child.type in ('"', "string_content"):
                continue
            piece = _unquote(self.data[at : child.start_byte].decode())
            raw = self._raw(child)
            text += (piece, HOLE if raw.startswith(("$@", "${@")) or "[@]" in raw else QUOTED_HOLE)
            guess += (piece, self._guess(raw) if child.type in ("simple_expansion", "expansion") else raw)
            at = child.end_byte
        piece = _unquote(self.data[at : node.end_byte - 1].decode())
        return Word("".join((*text, piece)), "".join((*guess, piece)))

    def _concatenation(self, node: Node, raw: str) -> Word:
        pieces = [self.word(child) for child in node.children]
        braces = [child for child in node.children if child.type == "word" and self._raw(child) in ("{", "}")]
        if braces and raw != "{}" and re.search(r"\{[^{}]*(,|\.\.)[^{}]*\}|\{.*\{", raw, re.DOTALL):
            return Word(HOLE, "".join(piece.guess for piece in pieces), is_pattern=True)
        tilde = any(piece.is_pattern for piece in pieces)
        tilde = tilde or any(child.type == "word" and self._raw(child) == "[" for child in node.children)
        return Word("".join(p.text for p in pieces), "".join(p.guess for p in pieces), tilde)

    def _guess(self, raw: str) -> str:
        """The value given to a variable earlier in the line; blank where there is none."""
        if raw in _SPLITTERS:
            return " "
        if raw in _PLACES and raw.strip("${}") not in self.values:
            return raw
        match = _DEFAULT.fullmatch(raw)
        if match is not None:
            return self.values.get(match[1]) or match[2]
        return self.values.get(raw.removeprefix("$").removeprefix("{").removesuffix("}"), "")

    def _raw(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode()


_PLACES = frozenset({"$HOME", "${HOME}", "$PWD", "${PWD}"})
_DEFAULT = re.compile(r"\$\{(\w+):?[-=+]([^$`{}]*)\}")
_RUNNABLE = ("COMMAND", "PAGER", "EDITOR", "VISUAL", "SHELL", "ASKPASS", "BROWSER", "GIT_SSH")
"""Ends of the names of variables whose values programs run."""


_ARGUMENTS = frozenset({"word", "number", "string", "raw_string", "ansi_c_string", "concatenation", "simple_expansion", "expansion",
                        "command_substitution"})


def _variable_doubt(name: str) -> str:
    if name in HARMLESS or name.startswith("LC_"):
        return ""
    return f"setting `{_clip(name)}` may change what is run"


def _nodes(root: Node) -> Iterator[Node]:
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(node.children))


def _leaves(root: Node) -> Iterator[Node]:
    """The tokens in order; a node whose children do not hold all of its text is one."""
    todo = [root]
    while todo:
        node = todo.pop()
        if node.child_count == 0 or node.type in _OPAQUE:
            yield node
        else:
            todo.extend(reversed(node.children))


# tree-sitter-bash takes the newline of `ls\n\\rm` into the word: what a shell would cut must not be one
_BREAKS = re.compile(r"(?:^|[^\\])(?:\\\\)*[ \t\n;|&<>()]")


def _split(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Words without those that are sure to vanish."""
    for word in words:
        if word.text == HOLE and word.guess == " ":
            return tuple(word for word in words if not (word.text == HOLE and word.guess == " "))
    return words


def _bare(raw: str) -> Word:
    """An unquoted word: backslashes quote one character."""
    text: list[str] = []
    is_pattern = raw.startswith("~")
    at = 0
    while at < len(raw):
        char = raw[at]
        if char == "\\" and at + 1 < len(raw):
            if raw[at + 1] != "\n":
                text.append(raw[at + 1])
            at += 2
            continue
        is_pattern = is_pattern or char in "*?["
        text.append(char)
        at += 1
    plain = "".join(text)
    if plain == "[":
        is_pattern = False
    if re.search(r"\{[^{}]*(,|\.\.)[^{}]*\}", raw):
        return Word(HOLE, plain, is_pattern=True)
    return Word(plain, plain, is_pattern)


def _unquote(text: str) -> str:
    """What stands between double quotes, its backslashes applied."""
    return re.sub(r"\\([$`\"\\\n])", lambda match: "" if match[1] == "\n" else match[1], text)


_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}


def _ansi(raw: str) -> Word:
    """`$'…'` with its escapes applied."""
    text = _ESCAPE.sub(_unescape, raw[2:-1])
    if HOLE in text or QUOTED_HOLE in text:
        return Word(HOLE, text.replace(HOLE, "").replace(QUOTED_HOLE, ""))
    return literal(text)


def _unescape(match: re.Match[str]) -> str:
    for group in (1, 2, 3):
        if match[group]:
            value = int(match[group], 16)
            return chr(value) if value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else HOLE
    if match[4]:
        return chr(int(match[4], 8) & 0xFF)
    if match[5]:
        return chr(ord(match[5]) & 0x1F)
    return _NAMED.get(match[6], match[6])


def _shown(text: str) -> str:
    return text.replace(HOLE, "$…").replace(QUOTED_HOLE, "$…")


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
