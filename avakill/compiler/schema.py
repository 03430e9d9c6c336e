"""A tree against a shape: every mistake at its place, several in one run."""
from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import assert_never

from avakill.compiler.scalars import Value, resolve, value_of
from avakill.compiler.shape import Anything, Count, Flag, Key, ListOf, MapOf, Shape, Table, Text, Word
from avakill.compiler.yamltree import Map, Node, Scalar, Seq
from avakill.source import codes
from avakill.source.diagnostic import MANY, Bag


def check(node: Node, shape: Shape, where: str, bag: Bag) -> bool:
    """Whether `node`, the value of `where`, has the shape; each mistake is left in `bag`."""
    match shape:
        case Text():
            return _check_text(node, shape, where, bag)
        case Word():
            return _check_word(node, shape, where, bag)
        case ListOf():
            return _check_list(node, shape, where, bag)
        case MapOf():
            return _check_map(node, shape, where, bag)
        case Table():
            return _check_table(node, shape, where, bag)
        case Count():
            return _check_count(node, shape, where, bag)
        case Flag():
            return _check_flag(node, where, bag)
        case Anything():
            return isinstance(node, Map) or _wrong(node, where, "a mapping", bag)
        case other:
            assert_never(other)


def check_keys(node: Node, table: Table, where: str, bag: Bag) -> bool:
    """As `check` of a table, without looking into the values."""
    if not isinstance(node, Map):
        return _wrong(node, where, "a mapping", bag)
    if table.must_have <= node.entries.keys() <= table.may_have and bag.errors < MANY:
        return True
    fine = True
    for name, (key, _) in node.entries.items():
        if bag.is_full:
            return False
        if name not in table.by_name:
            fine = False
            help = _nearest(name, table.by_name) or f"{table.what} has {_listing(table.by_name)}"
            bag.error(codes.UNKNOWN_KEY, f"unknown key `{name}` in {table.what}", key.span, help=help)
    for name in table.required:
        if name not in node.entries:
            fine = False
            about = table.by_name[name].about.rstrip(".")
            bag.error(codes.MISSING_KEY, f"{table.what} needs `{name}`", node.span, help=f"`{name}`: {about}")
    return fine


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and not node.is_broken and not node.inserts and value_of(node) is None


def _check_table(node: Node, table: Table, where: str, bag: Bag) -> bool:
    fine = check_keys(node, table, where, bag)
    if isinstance(node, Map):
        for name, (_, value) in node.entries.items():
            key = table.by_name.get(name)
            if key is not None:
                fine = check_value(value, key, bag) and fine
    return fine


def check_value(node: Node, key: Key, bag: Bag) -> bool:
    if key.is_nullable and isinstance(node, Scalar) and is_null(node):
        return True
    return check(node, key.shape, key.name, bag)


def _check_list(node: Node, shape: ListOf, where: str, bag: Bag) -> bool:
    if not isinstance(node, Seq):
        help = "put it in a list: `[…]`" if isinstance(node, Scalar) and not is_null(node) else ""
        return _wrong(node, where, "a list", bag, help)
    if not node.items and not shape.may_be_empty:
        help = "leave the key out where nothing is asked" if where != "tools" else 'every tool is `["*"]`'
        bag.error(codes.EMPTY_LIST, f"`{where}` is an empty list: nothing would match", node.span, help=help)
        return False
    fine = True
    item = shape.item
    for child in node.items:
        if bag.errors >= MANY:
            return False
        fine = check(child, item, where, bag) and fine
    return fine


def _check_map(node: Node, shape: MapOf, where: str, bag: Bag) -> bool:
    if not isinstance(node, Map):
        return _wrong(node, where, "a mapping", bag)
    if not node.entries and not shape.may_be_empty:
        bag.error(codes.EMPTY_LIST, f"`{where}` is empty: it asks nothing", node.span, help="leave the key out")
        return False
    fine = True
    for name, (key, value) in node.entries.items():
        if bag.errors >= MANY:
            return False
        if not name:
            bag.error(codes.BAD_VALUE, f"an empty name in `{where}`", key.span)
            fine = False
        fine = check(value, shape.value, name, bag) and fine
    return fine


def _check_text(node: Node, shape: Text, where: str, bag: Bag) -> bool:
    if not isinstance(node, Scalar):
        return _wrong(node, where, "a text", bag)
    if node.is_broken:
        return False
    if node.is_plain and not node.inserts and not isinstance(resolve(node.text), str):
        help = f'quote it: `"{node.text}"`' if node.text else "write a text"
        return _wrong(node, where, "a text", bag, help)
    if not node.text:
        bag.error(codes.BAD_VALUE, f"`{where}` is an empty text", node.span)
        return False
    if shape.pattern and re.fullmatch(shape.pattern, node.text) is None:
        bag.error(codes.BAD_VALUE, f"`{where}` cannot be {_short(node.text)}", node.span, help=f"write {shape.pattern_help}")
        return False
    return True


def _check_word(node: Node, shape: Word, where: str, bag: Bag) -> bool:
    if not isinstance(node, Scalar):
        return _wrong(node, where, f"one of {_listing(shape.words)}", bag)
    if node.is_broken:
        return False
    if node.text in shape.words:
        return True
    help = _nearest(node.text.lower(), shape.words) or f"it is one of {_listing(shape.words)}"
    bag.error(codes.BAD_VALUE, f"`{where}` cannot be {_short(node.text)}", node.span, help=help)
    return False


def _check_count(node: Node, shape: Count, where: str, bag: Bag) -> bool:
    if isinstance(node, Scalar) and node.is_broken:
        return False
    value = value_of(node) if isinstance(node, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool):
        help = "remove the quotes" if isinstance(node, Scalar) and node.text.isdecimal() else ""
        return _wrong(node, where, "a whole number", bag, help)
    if shape.least <= value <= shape.most:
        return True
    bag.error(codes.BAD_VALUE, f"`{where}` is {shape.least} to {shape.most}", node.span)
    return False


def _check_flag(node: Node, where: str, bag: Bag) -> bool:
    if isinstance(node, Scalar) and node.is_broken:
        return False
    if isinstance(node, Scalar) and isinstance(value_of(node), bool):
        return True
    return _wrong(node, where, "`true` or `false`", bag)


def _wrong(node: Node, where: str, wanted: str, bag: Bag, help: str = "") -> bool:
    bag.error(codes.WRONG_TYPE, f"`{where}` is {wanted}, not {_what(node)}", node.span, help=help)
    return False


def _what(node: Node) -> str:
    match node:
        case Map():
            return "a mapping"
        case Seq():
            return "a list"
        case Scalar():
            return _name(value_of(node)) if node.text else "nothing"


def _name(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"the truth value `{str(value).lower()}`"
        case int() | float():
            return "a number"
        case str():
            return f"the text {_short(value)}"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), 1, 0.6)
    return f"did you mean `{near[0]}`?" if near else ""


def _listing(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _short(text: str) -> str:
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}…`"
