"""The words of a shell line once parsed: simple commands, redirections, doubts."""
from __future__ import annotations

from dataclasses import dataclass

HOLE = "\0"
"""Stands in a word's text for what only a running shell knows, where that may become several words or none."""

QUOTED_HOLE = "\1"
"""The same inside quotes: it stays part of its one word."""


@dataclass(frozen=True, slots=True)
class Word:
    """`text` has its quotes removed and holes where an expansion stands; `guess` has the likeliest values in them.

    `is_pattern` says that an unquoted `*`, `?`, `[`, `{…}` or leading `~` is in it, so that the shell puts others in its place.
    """

    text: str
    guess: str
    is_pattern: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the program gets exactly `text`."""
        return not self.is_pattern and not has_hole(self.text)


def literal(text: str) -> Word:
    """A word that is exactly `text`."""
    return Word(text, text)


def has_hole(text: str) -> bool:
    return HOLE in text or QUOTED_HOLE in text


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command. `raw` is its source; `refused` says why it cannot be told what it runs, empty where it can.

    `is_run` is false where the shell itself does it by looking through (`command`, `exec`, `time`), so that nothing
    of that name is executed. Without words it is an assignment that stands alone.
    """

    words: tuple[Word, ...]
    raw: str
    refused: str = ""
    is_run: bool = True

    @property
    def name(self) -> str:
        return self.words[0].text if self.words else ""

    @property
    def text(self) -> str:
        """Its words with one space between, quotes removed."""
        return " ".join(word.text for word in self.words)

    @property
    def guess(self) -> str:
        return " ".join(word.guess for word in self.words)


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` as written (`>`, `>>`, `<`, `&>`, …)."""

    operator: str
    word: Word

    @property
    def writes(self) -> bool:
        return ">" in self.operator


@dataclass(frozen=True, slots=True)
class Line:
    """A whole command line. `doubts` say why it may run more than `commands`; `unsafe` why it is not one plain command.

    `loose` are the words that belong to no command: what a `for` goes over, what a variable is set to. `variables` are the
    names that are set anywhere in it.
    """

    commands: tuple[Simple, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    doubts: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()
    loose: tuple[Word, ...] = ()
    variables: tuple[str, ...] = ()
