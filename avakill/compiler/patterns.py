"""Path patterns of the policy file to globs, with every complaint at its character."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avakill.compiler.places import part, written_part
from avakill.compiler.yamltree import Scalar
from avakill.paths.glob import MAX_ALTERNATIVES, Anchor, Glob, GlobError, parse
from avakill.source import codes
from avakill.source.diagnostic import Bag
from avakill.source.span import Span

_SPECIAL = frozenset("*?[]{},\\~")
_WORKSPACE = "__workspace__"


MAX_GLOBS = 100_000
"""Globs of one policy, its braces written out."""


# A pattern of a thousand alternatives takes seconds to read; some in each of 10,000 rules do not.
_CHEAP, _DEAR = 8, 31


@dataclass(slots=True)
class Budget:
    """How many globs a policy may still have: braces multiply, so a short text may mean many."""

    left: int = MAX_GLOBS

    def refuses(self, pattern: str, place: Callable[[], Span], bag: Bag) -> bool:
        """Takes off what reading `pattern` costs; whether that was too much, which is then in `bag` at `place`."""
        if self.left < 0:
            return True
        alternatives = _alternatives(pattern)
        self.left -= alternatives + _DEAR * max(0, alternatives - _CHEAP)
        if self.left < 0:
            help = "`*` and `**` say more in less"
            bag.error(codes.TOO_LARGE, f"over {MAX_GLOBS} globs, braces written out", place(), help=help)
        return self.left < 0


def _alternatives(pattern: str) -> int:
    """How many globs a pattern may mean, at most: its braces, equal results counted apart."""
    if "{" not in pattern:
        return 1
    product, commas = 1, [0]
    for char in pattern:
        if char == "{":
            commas.append(1)
        elif char == "," and len(commas) > 1:
            commas[-1] += 1
        elif char == "}" and len(commas) > 1:
            product = min(product * commas.pop(), MAX_ALTERNATIVES)
    return product


@dataclass(frozen=True, slots=True)
class Written:
    """A pattern's text, and for each character which one of the scalar's value it stands for."""

    text: str
    offsets: tuple[int, ...]

    def offset(self, at: int) -> int:
        return self.offsets[min(at, len(self.offsets) - 1)]


def read_globs(scalar: Scalar, workspace: Glob | None, budget: Budget, bag: Bag) -> tuple[Glob, ...]:
    """The globs of one pattern; `workspace` is what the rule's relative patterns are relative to, None for the target's."""
    if budget.refuses(scalar.text, lambda: scalar.span, bag) or _refuses_variables(scalar, bag):
        return ()
    written: Written | None = None  # nearly always the value itself
    if scalar.inserts or scalar.text.startswith(_WORKSPACE):
        written = _without_marker(_quoted(scalar))
    try:
        globs = parse(scalar.text if written is None else written.text)
    except GlobError as error:
        return _complain(scalar, error.message, error.offset if written is None else written.offset(error.offset), bag)
    return globs if workspace is None else tuple(_relative_to(glob, workspace) for glob in globs)


def read_workspace(scalar: Scalar, bag: Bag) -> Glob | None:
    """The `workspace:` of a rule: a path without wildcards, `~` in front allowed."""
    if _refuses_variables(scalar, bag):
        return None
    try:
        return exact_globs(scalar.text)[0]
    except GlobError as error:
        _complain(scalar, error.message, 0, bag)
        return None


def quote(text: str) -> str:
    """The pattern that holds just `text`."""
    return "".join("\\" + char if char in _SPECIAL else char for char in text)


def exact_globs(text: str) -> tuple[Glob, ...]:
    """The path `text` alone, without what is below it. Raises GlobError."""
    home = text == "~" or text.startswith("~/")
    pattern = ("~" if home else "") + quote(text[1:] if home else text)
    if not pattern.startswith(("/", "~")):
        pattern = f"./{pattern}"
    return tuple(Glob(glob.parts, False, glob.anchor, text=text) for glob in parse(pattern))


def _refuses_variables(scalar: Scalar, bag: Bag) -> bool:
    for insert in scalar.inserts:
        if insert.start == insert.end:
            help = "an empty value would widen the pattern"
            span = written_part(scalar, insert.from_, insert.to)
            bag.error(codes.UNSET_VARIABLE, f"the environment variable `{insert.variable}` is empty", span, help=help)
            return True
    at = scalar.written.find("${")
    while at >= 0:
        if all(not insert.from_ <= at < insert.to for insert in scalar.inserts):
            help = "a variable is `${NAME}`, without a default; quote a dollar's brace with `\\{`"
            bag.error(codes.BAD_GLOB, "not a variable", written_part(scalar, at, at + 2), help=help)
            return True
        at = scalar.written.find("${", at + 1)
    return False


def _quoted(scalar: Scalar) -> Written:
    """The value with its environment values quoted, so that they are taken as they are."""
    literal = bytearray(len(scalar.text))
    for insert in scalar.inserts:
        for at in range(insert.start, insert.end):
            literal[at] = 1
    chars: list[str] = []
    offsets: list[int] = []
    for at, char in enumerate(scalar.text):
        if literal[at] and char in _SPECIAL:
            chars.append("\\")
            offsets.append(at)
        chars.append(char)
        offsets.append(at)
    return Written("".join(chars), tuple(offsets))


def _without_marker(written: Written) -> Written:
    """`__workspace__/x` to `./x`: `x` in the root of the workspace."""
    head, _, _ = written.text.partition("/")
    if head != _WORKSPACE:
        return written
    rest = written.text[len(head) :]
    return Written("." + rest, tuple(written.offset(at) for at in range(len(head) - 1, len(written.text))))


def _relative_to(glob: Glob, workspace: Glob) -> Glob:
    if glob.anchor is not Anchor.WORKSPACE:
        return glob
    return Glob((*workspace.parts, *glob.parts), glob.below, workspace.anchor, text=glob.text)


def _complain(scalar: Scalar, message: str, offset: int, bag: Bag) -> tuple[Glob, ...]:
    help = ""
    if "`..`" in message:
        help = "write the path out"
    elif "whole component" in message:
        help = "`*` matches within a name, `**/` crosses directories"
    elif "not closed" in message or "without its" in message:
        help = "a `\\` in front takes the character as it is"
    bag.error(codes.BAD_GLOB, message, part(scalar, offset, offset + 1), help=help)
    return ()
