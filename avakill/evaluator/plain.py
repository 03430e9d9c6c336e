"""Ordinary shell text read without a grammar: lists, pipes, quotes, variables, substitutions, redirections, loops.

The grammar needs milliseconds for what most lines do not have. This reader takes what it surely understands and leaves everything
else to the grammar; `tests/evaluator/test_plain.py` holds the two, and bash itself, to the same words.
"""
from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from avakill.evaluator.line import HOLE, QUOTED_HOLE, Redirect, Word, literal

MAX_DEPTH = 12


class Beyond(Exception):
    """Not for this reader: the grammar has to look."""


class Sink(Protocol):
    """A line in the making (`shell._Reading`)."""

    redirects: list[Redirect]
    loose: list[Word]
    values: dict[str, str]
    unsafe: list[str]

    def add_plain(self, words: tuple[Word, ...], raw: str) -> None: ...
    def add(self, words: tuple[Word, ...], raw: str, refused: str = "", depth: int = 0) -> None: ...
    def assign(self, name: str, word: Word) -> str: ...
    def guess(self, raw: str) -> str: ...
    def is_full(self) -> bool: ...


# a word without anything that a shell takes out or puts in; possessive, so that nothing is tried twice
_PLAIN = r"[^\s;&|<>()$`\"'\\*?\[\]{}~#!][^\s;&|<>()$`\"'\\*?\[\]{}]*+"
_RUN = re.compile(rf"{_PLAIN}(?:[ \t]++{_PLAIN})*+")
_STARTS_NO_WHOLE = frozenset(";&|<>()$`\"'\\*?[]{}~#!")
_STARTS_NO_RUN = frozenset(("", *"\n;&|<>()$`\"'\\*?[]{}~#!"))
_GAP = re.compile(r"[ \t\n]*+")
_WHOLE = re.compile(rf"({_RUN.pattern})[ \t]*+(\n|;(?![;&])|&&|\|\||\|(?!&))")
_BLANKS = re.compile(r"(?:[ \t]|\\\n)*+")
_BARE = re.compile(r"[^\s;&|<>()$`\"'\\]++")
_DOUBLE = re.compile(r"[^\"\\$`]*+")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*+|[0-9?#$!*-])|\{([A-Za-z_][A-Za-z0-9_]*+)\})")
_OPERATOR = re.compile(r"&&|\|\||\|&|[;&|\n]")
_REDIRECT = re.compile(r"<<<|<<-|<<|<&|>&|>>|>\||<>|&>>|&>|<|>")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPANDS = re.compile(r"\{[^{}]*?(?:,|\.\.)")
_GLUED = frozenset("'\"$`\\")
_IN_DOUBLE = frozenset("$`\"\\")

_OPENERS = {"if": "then", "while": "do", "until": "do", "{": "}"}
_MIDDLE = {"then": ("then",), "do": ("do",), "elif": ("fi",), "else": ("fi",)}
_AFTER = {"then": "fi", "do": "done", "elif": "then", "else": "fi"}
_CLOSERS = frozenset({"fi", "done", "}"})
RESERVED = frozenset({*_OPENERS, *_MIDDLE, *_CLOSERS, "!", "for"})
FOREIGN = frozenset({"case", "esac", "select", "function", "[[", "]]", "in", "coproc", "time"})
"""Words of the language that are left to the grammar."""

DECLARES = frozenset({"export", "declare", "typeset", "readonly", "local"})
SPECIAL = RESERVED | FOREIGN | DECLARES | {"unset", "unsetenv"}
"""What is no command's name, or one that the whole-line way must not take."""


@lru_cache(maxsize=8192)
def plain_word(text: str) -> Word:
    return literal(text)


def read_plainly(text: str, sink: Sink) -> bool:
    """Reads all of `text` into `sink`. Raises Beyond, and `sink` is of no use then. False: there is more than one plain command."""
    reader = _Reader(text, sink)
    end = reader.read(0, 0, False)
    if end != len(text):
        raise Beyond
    return reader.is_simple


class _Reader:
    """One pass over a text; `is_simple` as long as it is one command of words alone."""

    __slots__ = ("is_simple", "pending", "sink", "text")

    def __init__(self, text: str, sink: Sink) -> None:
        self.text = text
        self.sink = sink
        self.is_simple = True
        self.pending: list[tuple[str, bool, bool]] = []

    def read(self, at: int, depth: int, inside: bool) -> int:
        """The list of commands that begins at `at`, up to its end, or to the `)` that ends it where it is `inside`."""
        if depth > MAX_DEPTH:
            raise Beyond
        text, sink, size = self.text, self.sink, len(self.text)
        open_: list[str] = []
        words: list[Word] = []
        refused = ""
        start = stop = at
        is_cut = is_done = is_led = False
        seen = 0
        while True:
            if not (words or refused or is_done or is_led or self.pending) and text[at : at + 1] not in _STARTS_NO_WHOLE:
                at = _past_gap(text, at)
                whole = _WHOLE.match(text, at)
                while whole is not None:
                    run = whole[1]
                    names = run.split()
                    if names[0] in SPECIAL or "=" in names[0]:
                        break
                    sink.add_plain(tuple(map(plain_word, names)), run)
                    seen += 1
                    at = whole.end()
                    if whole[2] != "\n" or seen > 1:
                        self.is_simple = False
                    if seen & 63 == 0 and sink.is_full():
                        return size
                    at = _past_gap(text, at)
                    whole = _WHOLE.match(text, at)
            char = text[at] if at < size else ""
            if char in " \t\\" and char:
                at = _past_blanks(text, at)
                char = text[at] if at < size else ""
            match = None if char in _STARTS_NO_RUN else _RUN.match(text, at)
            if match is not None and not is_done:
                if not words:
                    start = at
                end = match.end()
                names = match[0].split()
                glued = end < size and text[end] not in " \t\n;&|)" and text[end] != "\\"
                glued = glued or (end < size and text[end] == "\\" and text[end : end + 2] != "\\\n")
                if end < size and text[end] == "\\" and not glued and text[end + 2 : end + 3] not in (" ", "\t", "\n", ""):
                    raise Beyond  # a word broken over lines
                last = names.pop() if glued else ""
                if not words and not refused:
                    told = len(names)
                    names = self._reserved(names, last, open_)
                    told -= len(names)
                    if told and is_led:
                        raise Beyond
                    if told:
                        behind = match[0].split(None, told)
                        start = end - len(behind[told]) if len(behind) > told else end
                    if names[:1] == ["for"]:
                        at = self._loop(at, open_)
                        continue
                    if names and names[0] in FOREIGN:
                        raise Beyond
                for name in names:
                    if "=" in name:
                        refused = self._maybe_assigned(name, plain_word(name), words, refused)
                    else:
                        words.append(plain_word(name))
                at = end
                if glued:
                    if text[end] in "<>" and last.isdigit():
                        stop = end - len(last)
                        continue
                    at = end - len(last)
                    at, refused = self._composite(at, words, refused, depth)
                stop = at
                continue
            if not char or char in ";&|\n)":
                if char == ")" and not inside and "(" not in open_:
                    raise Beyond
                if char == "&" and text[at : at + 2] == "&>":
                    at = self._redirect(at, depth)
                    is_cut = is_cut or bool(words)
                    is_led = not words and not is_done
                    continue
                is_led = False
                if words or refused:
                    # a comment or the target of a redirection is no part of what a command says
                    self._end(words, " ".join(word.guess for word in words) if is_cut else text[start:stop].rstrip(), refused, seen)
                    seen += 1
                    words, refused, is_cut = [], "", False
                    if sink.is_full():
                        return size
                is_done = False
                if not char:
                    if open_ or inside or self.pending:
                        raise Beyond
                    return at
                if char == ")":
                    if open_ and open_[-1] == "(":
                        open_.pop()
                        is_done = True
                        at += 1
                        continue
                    if inside and not open_ and not self.pending:
                        return at
                    raise Beyond
                operator = _OPERATOR.match(text, at)
                if operator is None:
                    raise Beyond
                at = operator.end()
                if char == "\n":
                    if self.pending:
                        at = self._bodies(at)
                elif text[at - 1 : at + 1] == ";;":
                    raise Beyond
                else:
                    self.is_simple = False
                continue
            if char in "<>":
                at = self._redirect(at, depth)
                is_cut = is_cut or bool(words)
                is_led = not words and not is_done  # behind it no word is reserved
                continue
            if char == "#":
                newline = text.find("\n", at)
                at = size if newline < 0 else newline
                continue
            if is_done or (is_led and char in "({}!"):
                raise Beyond
            if char == "(" and not words and not refused:
                if text[at + 1 : at + 2] == "(":
                    raise Beyond
                open_.append("(")
                self.is_simple = False
                at += 1
                continue
            if char in "{}!" and not words and not refused and text[at + 1 : at + 2] in (" ", "\t", "\n", ";", "", "&", "|", ")"):
                past = _past_blanks(text, at + 1)
                if char == "!" and (past == at + 1 or text[past : past + 1] in ("!", "")):
                    raise Beyond
                self._reserved([char], "", open_)
                at += 1
                is_done = char == "}"
                continue
            if not words:
                start = at
            at, refused = self._composite(at, words, refused, depth)
            stop = at

    # -- structure --

    def _reserved(self, names: list[str], last: str, open_: list[str]) -> list[str]:
        """`names` without the reserved words in front, which `open_` is told."""
        at = 0
        while at < len(names) and names[at] in RESERVED:
            name = names[at]
            self.is_simple = False
            if name == "for":
                break
            if name in _OPENERS:
                open_.append(_OPENERS[name])
            elif name in _CLOSERS:
                if not open_ or open_.pop() != name:
                    raise Beyond
                if at + 1 < len(names) or last:
                    raise Beyond
            elif name != "!":
                wanted = open_.pop() if open_ else ""
                if wanted not in _MIDDLE[name]:
                    raise Beyond
                open_.append(_AFTER[name])
            at += 1
        if at == len(names) and last in FOREIGN:
            raise Beyond
        return names[at:]

    def _loop(self, at: int, open_: list[str]) -> int:
        """`for NAME in WORD… ;`, `at` its start or that of reserved words in front of it."""
        match = _FOR.search(self.text, at)
        if match is None or any(word not in RESERVED or word == "for" for word in self.text[at : match.start()].split()):
            raise Beyond
        at = match.end()
        words: list[Word] = []
        while True:
            at = _past_blanks(self.text, at)
            if at >= len(self.text) or self.text[at] in "&|<>()#":
                raise Beyond
            if self.text[at] in ";\n":
                break
            at = self._word(at, words, 0)
        self.sink.loose.extend(words)
        if len(words) == 1:
            self.sink.values[match[1]] = words[0].guess
        open_.append("do")
        return at

    def _end(self, words: list[Word], raw: str, refused: str, seen: int) -> None:
        name = words[0].text if words else ""
        if seen or name in DECLARES or name in ("unset", "unsetenv"):
            self.is_simple = False
        if name == "[" and not refused:
            if words[-1].text != "]":
                raise Beyond
            self.is_simple = False
            self.sink.loose.extend(words[1:-1])  # a test runs nothing
            return
        self.sink.add(tuple(words), raw, refused)

    def _maybe_assigned(self, name: str, word: Word, words: list[Word], refused: str) -> str:
        """A word with `=` in it: in front of a command, or behind `export`, it sets a variable."""
        variable = name.partition("=")[0]
        if not words:
            raise Beyond
        if not _NAME.fullmatch(variable):
            if variable[-1:] in ("+", "]"):
                raise Beyond
            words.append(word)
            return refused
        words.append(word)
        if words[0].text in DECLARES:
            at = len(variable) + 1
            refused = refused or self.sink.assign(variable, Word(word.text[at:], word.guess[at:], word.is_pattern))
        return refused

    # -- words --

    def _composite(self, at: int, words: list[Word], refused: str, depth: int) -> tuple[int, str]:
        count = len(words)
        end = self._word(at, words, depth)
        word = words[count]
        if "=" in word.text and "=" in self.text[at:end]:
            words.pop()
            name = self.text[at:end].partition("=")[0]
            if not words:
                raise Beyond
            if not _NAME.fullmatch(name):
                if name[-1:] in ("+", "]"):
                    raise Beyond
                words.append(word)
            else:
                refused = self._maybe_assigned(word.text, word, words, refused)
        elif not count and (word.text in FOREIGN or word.text in RESERVED) and self.text[at:end] == word.text:
            raise Beyond
        return end, refused

    def _word(self, at: int, words: list[Word], depth: int) -> int:
        """One word of several pieces, appended to `words`; where it ends."""
        text, size = self.text, len(self.text)
        start = at
        pieces: list[str] = []
        guesses: list[str] = []
        is_pattern = False
        while at < size:
            char = text[at]
            if char in " \t\n;&|<>)":
                break
            if char == "'":
                end = text.find("'", at + 1)
                if end < 0:
                    raise Beyond
                pieces.append(text[at + 1 : end])
                guesses.append(text[at + 1 : end])
                at = end + 1
            elif char == '"':
                at = self._double(at + 1, pieces, guesses, depth)
            elif char == "$":
                at = self._dollar(at, pieces, guesses, depth, HOLE)
            elif char == "\\":
                if text[at + 1 : at + 2] in ("\n", ""):
                    raise Beyond
                pieces.append(text[at + 1])
                guesses.append(text[at + 1])
                at += 2
            else:
                match = _BARE.match(text, at)
                if match is None:
                    raise Beyond
                bare = match[0]
                is_glued = at != start or text[match.end() : match.end() + 1] in _GLUED
                if "{" in bare and bare != "{}" and (is_glued or "," in bare or ".." in bare):
                    raise Beyond
                wild = ("*" in bare or "?" in bare or "[" in bare) and bare != "["
                is_pattern = is_pattern or wild or (bare[0] == "~" and at == start)
                pieces.append(bare)
                guesses.append(bare)
                at = match.end()
        if at == start or text[at : at + 1] == "(" or (text[at : at + 1] in ("<", ">") and text[start:at].isdigit()):
            raise Beyond
        whole = "".join(pieces)
        guess = "".join(guesses)
        if "\0" in guess or "\1" in guess:
            raise Beyond
        words.append(Word(whole, guess, is_pattern))
        return at

    def _double(self, at: int, pieces: list[str], guesses: list[str], depth: int) -> int:
        """What stands between double quotes, from behind the first; where they are over."""
        text = self.text
        while True:
            match = _DOUBLE.match(text, at)
            if match is None or match.end() >= len(text):
                raise Beyond
            pieces.append(match[0])
            guesses.append(match[0])
            at = match.end()
            char = text[at]
            if char == '"':
                return at + 1
            if char == "`":
                raise Beyond
            if char == "\\":
                after = text[at + 1 : at + 2]
                if after == "\n":
                    raise Beyond
                kept = after if after in _IN_DOUBLE else "\\" + after
                pieces.append(kept)
                guesses.append(kept)
                at += 2
            else:
                if text[at + 1 : at + 2] in ('"', " ", "", "/", ".", ",", ")", "|", "%", "^"):  # a dollar that is one
                    pieces.append("$")
                    guesses.append("$")
                    at += 1
                    continue
                at = self._dollar(at, pieces, guesses, depth, QUOTED_HOLE)

    def _dollar(self, at: int, pieces: list[str], guesses: list[str], depth: int, hole: str) -> int:
        """`$NAME`, `${NAME}`, `$(…)`."""
        text = self.text
        self.is_simple = False
        match = _VARIABLE.match(text, at)
        if match is not None:
            pieces.append(hole)
            guesses.append(self.sink.guess(match[0]))
            return match.end()
        if text[at : at + 2] != "$(" or text[at + 2 : at + 3] == "(":
            raise Beyond
        kept, self.pending = self.pending, []
        end = self.read(at + 2, depth + 1, True)
        self.pending = kept
        if text[end : end + 1] != ")":
            raise Beyond
        pieces.append(hole)
        guesses.append(text[at : end + 1])
        return end + 1

    # -- redirections --

    def _redirect(self, at: int, depth: int) -> int:
        self.is_simple = False
        match = _REDIRECT.match(self.text, at)
        if match is None:
            raise Beyond
        operator = match[0]
        end = _past_blanks(self.text, match.end())
        if self.text[end : end + 1] in ("", "(", "\n", "#", "<", ">", "&", ";", "|"):
            raise Beyond
        words: list[Word] = []
        at = self._word(end, words, depth)
        word = words[0]
        if operator in ("<<", "<<-"):
            if not word.is_known or not word.text:
                raise Beyond
            raw = self.text[end:at]
            self.pending.append((word.text, raw != word.text, operator == "<<-"))
        elif operator == "<<<":
            self.sink.loose.append(word)
        else:
            self.sink.redirects.append(Redirect(operator, word))
        return at

    def _bodies(self, at: int) -> int:
        """Behind the here-documents that a line has asked for. What is expanded in one is for the grammar."""
        text = self.text
        for delimiter, is_quoted, has_tabs in self.pending:
            begin = at
            while True:
                if at > len(text):
                    raise Beyond
                newline = text.find("\n", at)
                newline = len(text) if newline < 0 else newline
                line = text[at:newline]
                at = newline + 1
                if (line.lstrip("\t") if has_tabs else line) == delimiter:
                    break
                if newline == len(text):
                    raise Beyond
            body = text[begin : at - 1]
            if not is_quoted and ("$" in body or "`" in body or "\\" in body):
                raise Beyond
        self.pending = []
        return min(at - 1, len(text))


def _past_gap(text: str, at: int) -> int:
    match = _GAP.match(text, at)
    return at if match is None else match.end()


def _past_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return at if match is None else match.end()


_FOR = re.compile(r"\bfor[ \t]++([A-Za-z_][A-Za-z0-9_]*+)[ \t]++in(?=[ \t;\n])")
