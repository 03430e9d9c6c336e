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
        if simple.name in ("cd", "pushd") and len(simple.words) > 1:
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
            name, equals, value = word.guess.partition("=")
            if equals and "/" not in name and value:
                yield Word(word.text.partition("=")[2], value, word.is_pattern)
    yield from (redirect.word for redirect in line.redirects)
    yield from line.loose


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
            if is_in(call, names, (glob,)) or any(not disjoint(pattern, bound(call, glob)) for pattern in patterns):
                return True
    return False
