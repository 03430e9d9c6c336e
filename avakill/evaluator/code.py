"""Programs given on a command line to other languages: the texts in them, and what they may run."""
from __future__ import annotations

import re

_QUOTE = re.compile(r"[\"'`]")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CALLS_OUT = re.compile(r"system|exec|popen|spawn|subprocess|child_process|qx\b|%x|`|\|", re.IGNORECASE)

MAX_LITERALS = 200


def literals(code: str) -> tuple[str, ...]:
    """The quoted texts in `code`, in order; what follows a quote that nobody closes is one."""
    found: list[str] = []
    at = 0
    while len(found) < MAX_LITERALS:
        quote = _QUOTE.search(code, at)
        if quote is None:
            break
        match = _LITERAL.match(code, quote.start())
        if match is None:  # the only start that can fail scans to the end once, so all of it stays linear
            found.append(code[quote.end() :])
            break
        found.append(_ESCAPED.sub(r"\1", match[0][1:-1]))
        at = match.end()
    return tuple(text for text in found if text)


def calls_out(code: str) -> bool:
    """Whether it may run other programs, as far as its words tell."""
    return _CALLS_OUT.search(code) is not None


def sed_runs(script: str) -> bool:
    """Whether a `sed` script may have an `e` command or an `e` flag (GNU)."""
    return "e" in _sed_letters(script)


def sed_writes(script: str) -> bool:
    """Whether it may have a `w` or `W` command or flag, or run something."""
    return not {"w", "W", "e"}.isdisjoint(_sed_letters(script))


def _sed_letters(script: str) -> set[str]:
    """The commands and flags of a `sed` script, as letters; an odd one gives more of them, never fewer."""
    found: set[str] = set()
    at = 0
    while at < len(script):
        char = script[at]
        if char in "sy" and at + 1 < len(script):
            found.add(char)
            end = _past(script, _past(script, at + 2, script[at + 1]), script[at + 1])
            while end < len(script) and script[end] not in ";\n}":
                found.add(script[end])
                end += 1
            at = end
        elif char == "/":
            at = _past(script, at + 1, "/")
        elif char == "\\" and at + 1 < len(script):
            at = _past(script, at + 2, script[at + 1])
        elif char in "aic" or char == "#":
            found.add(char)
            newline = script.find("\n", at)
            at = len(script) if newline < 0 else newline
        else:
            found.add(char)
            at += 1
    return found


def _past(script: str, at: int, delimiter: str) -> int:
    """Where the part that ends in `delimiter` is over."""
    while at < len(script):
        if script[at] == "\\":
            at += 2
        elif script[at] == delimiter:
            return at + 1
        else:
            at += 1
    return at
