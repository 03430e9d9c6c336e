"""The tests of `when:` expressions: what each name can be asked, and what its operands mean."""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import partial
from ipaddress import ip_address, ip_network

from avakill.compiler.patterns import Budget, exact_globs, quote
from avakill.compiler.places import written_part
from avakill.compiler.yamltree import Scalar
from avakill.ir.condition import (
    ALWAYS,
    Condition,
    Contains,
    Equals,
    Field,
    FieldKind,
    HostIn,
    Matches,
    NetworkIn,
    Not,
    Or,
    Ordered,
    Ordering,
    PathIn,
    StartsWith,
)
from avakill.ir.endpoint import Network
from avakill.ir.names import canonical_argument, canonical_tool
from avakill.paths.glob import Glob, GlobError, parse
from avakill.source import codes
from avakill.source.diagnostic import Bag
from avakill.source.span import Span


class Kind(Enum):
    """What a name's value is, and so what may be asked of it."""

    TOOL = "a tool name"
    TEXT = "a text"
    PATH = "a path"
    COMMAND = "a command line"
    URL = "a URL"
    HOST = "a host"
    PORT = "a port number"
    ANY = "an argument"


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written at `first` to `last` of the expression; `is_quoted` for `args["…"]`."""

    text: str
    first: int
    last: int
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Char:
    """One character of a text, where it was written, and whether it came from a variable."""

    char: str
    offset: int
    is_literal: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written at `first` to `last` of the expression; `chars` are those of a text."""

    value: str | int | float | bool
    first: int
    last: int
    chars: tuple[Char, ...] = ()

    @staticmethod
    def of_text(token: str, first: int, last: int, scalar: Scalar) -> Literal:
        """The quoted `token`: a backslash quotes a quote or a backslash, before anything else it stays."""
        inserts = {insert.from_: insert for insert in scalar.inserts}
        chars: list[Char] = []
        at, end = first + 1, last - 1
        while at < end:
            if at in inserts:
                insert = inserts[at]
                chars += (Char(char, at, True) for char in scalar.text[insert.start : insert.end])
                at = insert.to
                continue
            char = scalar.written[at]
            start = at
            if char == "\\" and at + 1 < end and scalar.written[at + 1] in "\\\"'":
                at += 1
                char = scalar.written[at]
            chars.append(Char(char, start))
            at += 1
        return Literal("".join(one.char for one in chars), first, last, tuple(chars))


@dataclass(frozen=True, slots=True)
class Written:
    """The expression that a test stands in, the test's own span, and where mistakes go."""

    scalar: Scalar
    span: Span
    budget: Budget
    bag: Bag

    def at(self, thing: Name | Literal) -> Span:
        return written_part(self.scalar, thing.first, thing.last)


def compared(name: Name, operator: str, literal: Literal, written: Written) -> Condition:
    """`name == value` and its kin."""
    if operator == "==":
        return among(name, (literal,), written)
    if operator == "!=":
        return Not(among(name, (literal,), written))
    known = field_of(name, written)
    if known is None:
        return ALWAYS
    field, kind = known
    value = literal.value
    if kind not in (Kind.PORT, Kind.ANY):
        return _misfit(f"`{name.text}` is {kind.value}, which has no order", written.at(name), written, _ask(kind))
    if isinstance(value, (str, bool)):
        return _misfit(f"`{operator}` compares with a number", written.at(literal), written)
    return Ordered(field, Ordering(operator), value, written.span)


def among(name: Name, literals: tuple[Literal, ...], written: Written) -> Condition:
    """`name in [values]`; `==` is that of one value."""
    known = field_of(name, written)
    if known is None:
        return ALWAYS
    field, kind = known
    for literal in literals:
        wrong = _not_a_value(literal, kind)
        if wrong:
            return _misfit(f"`{name.text}` is {kind.value}, {wrong}", written.at(literal), written)
    if kind is Kind.PATH:
        return PathIn(field, _exact_globs(literals, written), written.span)
    values = tuple(dict.fromkeys((type(one.value), one.value) for one in literals))
    if kind is Kind.TOOL:
        return Equals(field, tuple(dict.fromkeys(canonical_tool(str(value)).lower() for _, value in values)), written.span)
    return Equals(field, tuple(value for _, value in values), written.span)


def worded(name: Name, word: str, literals: tuple[Literal, ...], written: Written) -> Condition:
    """`name WORD text`, or a list of texts any of which will do."""
    known = field_of(name, written)
    if known is None:
        return ALWAYS
    field, kind = known
    if kind not in _WORDS[word]:
        return _misfit(f"`{word}` cannot ask `{name.text}`: it is {kind.value}", written.at(name), written, _ask(kind))
    for literal in literals:
        if not isinstance(literal.value, str):
            return _misfit(f"`{word}` takes a quoted text", written.at(literal), written)
        if not literal.value:
            return _misfit("an empty text is in everything", written.at(literal), written)
    return _LOWER[word](field, literals, written)


def field_of(name: Name, written: Written) -> tuple[Field, Kind] | None:
    """What a name means; None, with a complaint, if nothing."""
    head, dot, rest = name.text.partition(".")
    if head == "args" and dot and (name.is_quoted or "." not in rest) and rest:
        canonical = canonical_argument(rest)
        return Field(canonical), _ARGUMENTS.get(canonical, Kind.ANY)
    if not dot and head in _CALL and not name.is_quoted:
        return Field(head, FieldKind.CALL), _CALL[head]
    if not dot and head in _ARGUMENTS and not name.is_quoted:
        return Field(head), _ARGUMENTS[head]
    written.bag.error(codes.UNKNOWN_NAME, f"unknown name `{name.text}`", written.at(name), help=_known(head, rest))
    return None


_CALL = {"tool": Kind.TOOL, "agent": Kind.TEXT, "session": Kind.TEXT}
_ARGUMENTS = {
    "path": Kind.PATH,
    "command": Kind.COMMAND,
    "url": Kind.URL,
    "host": Kind.HOST,
    "port": Kind.PORT,
}
_TEXTS = frozenset(Kind) - {Kind.PORT}
_WORDS = {
    "startswith": _TEXTS,
    "contains": _TEXTS,
    "matches": _TEXTS,
    "glob": frozenset({Kind.PATH, Kind.COMMAND, Kind.ANY}),
    "cidr": frozenset({Kind.URL, Kind.HOST, Kind.ANY}),
    "host": frozenset({Kind.URL, Kind.HOST, Kind.ANY}),
}


def _known(head: str, rest: str) -> str:
    if head == "args":
        if not rest:
            return "write `args.NAME`"
        return f"an argument is found wherever it is nested: `args.{rest.rpartition('.')[2]}`"
    near = get_close_matches(head, ("args", *_CALL, *_ARGUMENTS), 1, 0.6)
    return f"did you mean `{near[0]}`?" if near else f"an argument is `args.{head}`"


def _ask(kind: Kind) -> str:
    words = [word for word, kinds in _WORDS.items() if kind in kinds]
    return "it can be asked `==`, `!=`, `in`" + "".join(f", `{word}`" for word in words)


def _not_a_value(literal: Literal, kind: Kind) -> str:
    if kind is Kind.ANY:
        return ""
    if kind is Kind.PORT:
        is_port = isinstance(literal.value, int) and not isinstance(literal.value, bool) and 0 <= literal.value <= 65535
        return "" if is_port else "0 to 65535 without quotes"
    return "" if isinstance(literal.value, str) else "compare it with a quoted text"


def _misfit(message: str, span: Span, written: Written, help: str = "") -> Condition:
    written.bag.error(codes.WRONG_OPERAND, message, span, help=help)
    return ALWAYS


def _any(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _startswith(field: Field, literals: tuple[Literal, ...], written: Written) -> Condition:
    is_tool = field == Field("tool", FieldKind.CALL)
    values = [str(one.value).lower() if is_tool else str(one.value) for one in literals]
    return _any([StartsWith(field, value, written.span) for value in values])


def _contains(field: Field, literals: tuple[Literal, ...], written: Written) -> Condition:
    return Contains(field, tuple(str(one.value) for one in literals), written.span)


def _matches(field: Field, literals: tuple[Literal, ...], written: Written) -> Condition:
    import re2

    options = re2.Options()
    options.log_errors = False
    parts: list[Condition] = []
    for literal in literals:
        try:
            regex = "".join(re2.escape(one.char) if one.is_literal else one.char for one in literal.chars)
            re2.compile(regex, options)
        except UnicodeEncodeError:
            written.bag.error(codes.BAD_REGEX, "a variable brings bytes that are not UTF-8", written.at(literal))
        except re2.error as error:
            reason = error.args[0] if error.args else "?"
            text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            help = "the syntax is RE2's: no look-around and no back-references" if "invalid" in text else ""
            message = f"not a regular expression: {text}"
            written.bag.error(codes.BAD_REGEX, message, written.at(literal), help=help)
        else:
            parts.append(Matches(field, regex, written.span))
    return _any(parts) if parts else ALWAYS


def _glob(field: Field, literals: tuple[Literal, ...], written: Written) -> Condition:
    globs: dict[Glob, None] = {}
    for literal in literals:
        text, offsets = _pattern(literal)
        if written.budget.refuses(text, partial(written.at, literal), written.bag):
            break
        try:
            globs |= dict.fromkeys(parse(text))
        except GlobError as error:
            offset = offsets[min(error.offset, len(offsets) - 1)]
            written.bag.error(codes.BAD_GLOB, error.message, written_part(written.scalar, offset, offset + 1))
    return PathIn(field, tuple(globs), written.span)


def _pattern(literal: Literal) -> tuple[str, list[int]]:
    """A text as a pattern in which environment values are quoted, and where each of its characters was written."""
    pieces = [(quote(one.char) if one.is_literal else one.char, one.offset) for one in literal.chars]
    return "".join(piece for piece, _ in pieces), [offset for piece, offset in pieces for _ in piece]


def _exact_globs(literals: tuple[Literal, ...], written: Written) -> tuple[Glob, ...]:
    globs: dict[Glob, None] = {}
    for literal in literals:
        try:
            globs |= dict.fromkeys(exact_globs(str(literal.value)))
        except GlobError as error:
            written.bag.error(codes.BAD_GLOB, error.message, written.at(literal))
    return tuple(globs)


def _cidr(field: Field, literals: tuple[Literal, ...], written: Written) -> Condition:
    networks: list[Network] = []
    for literal in literals:
        try:
            networks.append(ip_network(str(literal.value)))
        except ValueError as error:
            help = "a network is `10.0.0.0/8` or `fd00::/8`"
            if "host bits set" in str(error):
                help = f"the network is `{ip_network(str(literal.value), strict=False)}`"
            return _misfit(f"`{literal.value}` is not a network", written.at(literal), written, help)
    return NetworkIn(field, tuple(dict.fromkeys(networks)), written.span)


_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")


def _host(field: Field, literals: tuple[Literal, ...], written: Written) -> Condition:
    hosts: list[str] = []
    for literal in literals:
        name = _host_name(str(literal.value))
        if name is None:
            help = "a host is `example.org`, or `*.example.org` for all below it; without scheme, port or path"
            return _misfit(f"`{literal.value}` is not a host", written.at(literal), written, help)
        hosts.append(name)
    return HostIn(field, tuple(dict.fromkeys(hosts)), written.span)


def _host_name(text: str) -> str | None:
    """The name in lower case and ASCII, as it stands in a URL; None if it is none."""
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        pass
    front, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    try:
        ascii_name = front + (name if name.isascii() else name.encode("idna").decode("ascii")).lower()
    except UnicodeError:
        return None
    return ascii_name.rstrip(".") if len(ascii_name) < 256 and _HOST.fullmatch(ascii_name) else None


_LOWER: dict[str, Callable[[Field, tuple[Literal, ...], Written], Condition]] = {
    "startswith": _startswith,
    "contains": _contains,
    "matches": _matches,
    "glob": _glob,
    "cidr": _cidr,
    "host": _host,
}
