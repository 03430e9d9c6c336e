"""`when:` expressions to conditions, with every complaint at its place in the YAML file."""
from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from avakill.compiler.operands import Literal, Name, Written, among, compared, worded
from avakill.compiler.patterns import Budget
from avakill.compiler.places import written_part
from avakill.compiler.yamltree import Scalar
from avakill.ir.condition import ALWAYS, And, Condition, Not, Or
from avakill.source import codes
from avakill.source.diagnostic import Bag
from avakill.source.span import Span

if TYPE_CHECKING:
    from lark import Lark, Token, Tree, UnexpectedInput

MAX_LENGTH = 8192
MAX_DEPTH = 32


def read_when(scalar: Scalar, budget: Budget, bag: Bag) -> Condition:
    """The condition that an expression means; `ALWAYS`, with a reason in `bag`, where it means none."""
    from lark import UnexpectedInput

    if len(scalar.written) > MAX_LENGTH:
        bag.error(codes.BAD_EXPRESSION, f"an expression of over {MAX_LENGTH} characters", scalar.span)
        return ALWAYS
    try:
        tree = _parser().parse(scalar.written)
    except UnexpectedInput as error:
        _refuse(error, scalar, bag)
        return ALWAYS
    return _Reader(scalar, budget, bag).either(_child(tree, 0), 0)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark

    grammar = files("avakill.compiler").joinpath("when.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


class _Reader:
    """One expression being read: its text and where its mistakes go."""

    __slots__ = ("bag", "budget", "scalar")

    def __init__(self, scalar: Scalar, budget: Budget, bag: Bag) -> None:
        self.scalar = scalar
        self.budget = budget
        self.bag = bag

    def either(self, tree: Tree[Token], depth: int) -> Condition:
        parts = [self.both(_child(tree, index), depth) for index in range(len(tree.children))]
        return parts[0] if len(parts) == 1 else Or(_flat_or(parts))

    def both(self, tree: Tree[Token], depth: int) -> Condition:
        parts = [self.negation(_child(tree, index), depth) for index in range(len(tree.children))]
        return parts[0] if len(parts) == 1 else And(_flat_and(parts))

    def negation(self, tree: Tree[Token], depth: int) -> Condition:
        if depth > MAX_DEPTH:
            self.bag.error(codes.BAD_EXPRESSION, f"an expression nested over {MAX_DEPTH} deep", self.scalar.span)
            return ALWAYS
        match tree.data:
            case "negated":
                inner = self.negation(_child(tree, 0), depth + 1)
                return inner.inner if isinstance(inner, Not) else Not(inner)
            case "group":
                return self.either(_child(tree, 0), depth + 1)
            case _:
                return self.test(tree)

    def test(self, tree: Tree[Token]) -> Condition:
        words = [child for child in tree.children if isinstance(child, str)]
        kinds = [token.type for token in words]
        name = _name(_child(tree, 0))
        literals = tuple(_literal(token, self.scalar) for token in _leaves(_child(tree, len(tree.children) - 1)))
        first, last = name.first, max(literal.last for literal in literals)
        written = Written(self.scalar, written_part(self.scalar, first, last), self.budget, self.bag)
        test = _test(kinds, str(words[-1]), name, literals, written)
        return Not(test) if "NOT" in kinds else test


def _test(kinds: list[str], word: str, name: Name, literals: tuple[Literal, ...], written: Written) -> Condition:
    match kinds[-1]:
        case "COMPARISON":
            return compared(name, word, literals[0], written)
        case "IN":
            return among(name, literals, written)
        case _:
            return worded(name, word, literals, written)


def _name(tree: Tree[Token]) -> Name:
    first, *rest = _leaves(tree)
    text = str(first)
    for quoted in rest:  # args["an odd name"]
        text += "." + str(quoted)[1:-1] if text == "args" else str(quoted)
    return Name(text, first.start_pos or 0, (rest[-1] if rest else first).end_pos or 0, bool(rest))


def _literal(token: Token, scalar: Scalar) -> Literal:
    first, last = token.start_pos or 0, token.end_pos or 0
    text = str(token)
    match token.type:
        case "TRUE" | "FALSE":
            return Literal(token.type == "TRUE", first, last)
        case "NUMBER":
            return Literal(float(text) if "." in text else int(text[:40]), first, last)
        case _:
            return Literal.of_text(text, first, last, scalar)


def _leaves(tree: Tree[Token]) -> list[Token]:
    leaves: list[Token] = []
    for child in tree.children:
        leaves += [child] if isinstance(child, str) else _leaves(child)
    return leaves


def _child(tree: Tree[Token], index: int) -> Tree[Token]:
    child = tree.children[index]
    assert not isinstance(child, str)
    return child


def _flat_or(parts: list[Condition]) -> tuple[Condition, ...]:
    return tuple(one for part in parts for one in (part.parts if isinstance(part, Or) else (part,)))


def _flat_and(parts: list[Condition]) -> tuple[Condition, ...]:
    return tuple(one for part in parts for one in (part.parts if isinstance(part, And) else (part,)))


_WORDS = {
    "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "COMMA": "`,`", "NAME": "a name", "TEXT": "a quoted text",
    "NUMBER": "a number", "TRUE": "`true`", "FALSE": "`false`", "COMPARISON": "`==`, `!=`, `<`, `<=`, `>`, `>=`",
    "$END": "the end", "AND": "`and`", "OR": "`or`", "NOT": "`not`", "IN": "`in`", "STARTSWITH": "`startswith`",
    "CONTAINS": "`contains`", "MATCHES": "`matches`", "GLOB": "`glob`", "CIDR": "`cidr`", "HOST": "`host`",
}  # fmt: skip


def _refuse(error: UnexpectedInput, scalar: Scalar, bag: Bag) -> None:
    from lark import UnexpectedCharacters, UnexpectedToken

    allowed: set[str] = set()
    offset, last = len(scalar.written), len(scalar.written) + 1
    if isinstance(error, UnexpectedToken):
        allowed = set(error.accepts or error.expected)
        if error.token.type != "$END":
            offset, last = error.token.start_pos or 0, error.token.end_pos or 0
    elif isinstance(error, UnexpectedCharacters):
        allowed = set(error.allowed)
        offset = error.pos_in_stream or 0
        last = offset + 1
    found = scalar.written[offset:last]
    message = f"`{found}` cannot stand here" if found else "the expression ends too early"
    is_stray = found != ")" or "$END" in allowed
    help = _advice(found if is_stray else "") or f"expected {', '.join(_ordered(allowed))}"
    bag.error(codes.BAD_EXPRESSION, message, _at(scalar, offset, last), help=help)


def _at(scalar: Scalar, offset: int, last: int) -> Span:
    if offset < len(scalar.written):
        return written_part(scalar, offset, last)
    return written_part(scalar, len(scalar.written.rstrip()) - 1, len(scalar.written.rstrip()))


def _advice(found: str) -> str:
    match found:
        case "=":
            return "compare with `==`"
        case "&" | "&&":
            return "write `and`"
        case "|" | "||":
            return "write `or`"
        case "!":
            return "write `not`, or `!=`"
        case "$":
            return 'a variable stands within quotes: "${NAME}"'
        case ")":
            return "a `)` without its `(`"
        case '"' | "'":
            return "a text that is not closed"
        case _:
            return ""


def _ordered(allowed: set[str]) -> list[str]:
    """What may stand there, in words, the likeliest first."""
    shown = allowed - {"HOST"} if "NAME" in allowed else allowed
    return [*(word for name, word in _WORDS.items() if name in shown), *sorted(shown - _WORDS.keys())]
