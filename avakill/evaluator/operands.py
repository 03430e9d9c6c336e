"""The paths that a command line names, and whether they are in globs."""
from __future__ import annotations

from collections.abc import Iterator

from avakill.evaluator.call import Call
from avakill.evaluator.line import Line, Word, has_hole
from avakill.evaluator.places import bound, is_in, reading_in
from avakill.evaluator.texts import lines_of
from avakill.evaluator.truth import Truth, weigh
from avakill.paths.automaton import disjoint
from avakill.paths.glob import Glob, GlobError, join, parse


def words_in(call: Call, globs: tuple[Glob, ...]) -> Truth:
    """YES where every word that is written as a path is in one of `globs`, NO where surely no word is.

    A word without a slash may be a file too: in the globs it is enough for a deny, outside it says nothing. What a
    shell pattern or a variable may become is compared as a pattern, or not known.
    """
    answers: list[Truth] = []
    is_near = False
    for _, line in lines_of(call):
        if line.doubts:
            answers.append(Truth.UNSURE)
        bases = directories(call, line)
        for word in _operands(line):
            truth = _word_in(call, word, bases, globs)
            if _is_path(word):
                answers.append(truth)
            else:
                is_near = is_near or truth is not Truth.NO
    truth = weigh(answers)
    return Truth.UNSURE if is_near and truth is Truth.NO else truth


def directories(call: Call, line: Line) -> tuple[str, ...]:
    """Where a relative path of the line may start: the session's directories, and those that it changes to."""
    bases = dict.fromkeys(call.bases)
    for simple in line.commands:
        if simple.name == "cd" and len(simple.words) == 1:
            bases[call.context.home] = None
        elif simple.name in ("cd", "pushd") and len(simple.words) > 1:
            for names in call.read_path(simple.words[-1].guess, tuple(bases)).every:
                bases[join(names)] = None
                if len(bases) > 32:
                    return tuple(bases)
    return tuple(bases)


def _operands(line: Line) -> Iterator[Word]:
    for simple in line.commands:
        for at, word in enumerate(simple.words):
            if at == 0 and "/" not in word.text:
                continue
            yield word
            yield from _parts(word)
    yield from (redirect.word for redirect in line.redirects)
    yield from line.loose


def _parts(word: Word) -> Iterator[Word]:
    """What else in a word programs take for a path: an option's value, a name behind `@`, what stands between colons."""
    name, equals, value = word.guess.partition("=")
    if equals and "/" not in name and value:
        yield Word(word.text.partition("=")[2], value, word.is_pattern)
    for text in (word.guess, value):
        if text[:1] == "@":
            yield Word(text[1:], text[1:], word.is_pattern)
    if word.guess[:1] == "-" and word.guess[2:3] in ("/", "~", ".", "$"):
        yield Word(word.guess[2:], word.guess[2:], word.is_pattern)
    if ":" in word.guess and "://" not in word.guess:
        yield from (Word(part, part, word.is_pattern) for part in word.guess.split(":")[:8] if "/" in part)


def _is_path(word: Word) -> bool:
    return word.guess.startswith(("/", "~", ".", "$")) or "/" in word.guess


def _word_in(call: Call, word: Word, bases: tuple[str, ...], globs: tuple[Glob, ...]) -> Truth:
    text = word.guess
    if not text or has_hole(text):
        return Truth.NO
    reading = call.read_path(text, bases)
    if word.is_pattern and any(char in text for char in "*?[{"):
        return Truth.UNSURE if _may_meet(call, reading.every, globs) else Truth.NO
    truth = reading_in(call, reading, globs)
    if not has_hole(word.text):
        return truth
    # a hole in the first name may choose any directory; further on it is taken for a name
    return Truth.UNSURE if truth is not Truth.NO or (has_hole(word.text.partition("/")[0]) and _is_path(word)) else Truth.NO


def _may_meet(call: Call, places: tuple[tuple[str, ...], ...], globs: tuple[Glob, ...]) -> bool:
    for names in places:
        try:
            patterns = parse(join(names))
        except GlobError:
            return True
        for glob in globs:
            call.spend(100)
            if is_in(call, names, (glob,)) or any(_meets(call, pattern, glob) for pattern in patterns):
                return True
    return False


def _meets(call: Call, pattern: Glob, glob: Glob) -> bool:
    """One of the names that braces write out is that file only; a pattern is whatever it may match."""
    if all(isinstance(part, str) for part in pattern.parts):
        return is_in(call, tuple(part for part in pattern.parts if isinstance(part, str)), (glob,))
    return not disjoint(pattern, bound(call, glob))
