"""`${NAME}` in values: an environment value takes its place, as text and never as YAML, pattern or expression."""
from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from avakill.compiler.places import written_part
from avakill.compiler.yamltree import Entry, Insert, Map, Node, Scalar, Seq
from avakill.source import codes
from avakill.source.diagnostic import Bag

_VARIABLE = re.compile(r"\$?\$\{(\w+)\}")
MAX_VALUE = 65_536
MAX_FILLED = 2**20
"""Characters that one value may have in the end."""


def substitute(node: Node, environment: Mapping[str, str], bag: Bag) -> Node:
    """The tree with every variable replaced; keys are left alone. A variable that is not set is an error."""
    match node:
        case Scalar():
            return _fill(node, environment, bag) if "${" in node.text else node
        case Seq():
            return node._replace(items=[substitute(item, environment, bag) for item in node.items])
        case Map():
            filled = {name: Entry(key, substitute(value, environment, bag)) for name, (key, value) in node.entries.items()}
            return node._replace(entries=filled)


def _fill(scalar: Scalar, environment: Mapping[str, str], bag: Bag) -> Scalar:
    pieces: list[str] = []
    inserts: list[Insert] = []
    length = after = 0
    broken = False
    for found in _VARIABLE.finditer(scalar.written):
        if bag.is_full:
            break
        before = scalar.written[after : found.start()]
        name = found[1]
        value = _value(scalar, found, environment, bag)
        broken = broken or value is None
        start = length + len(before)
        pieces += (before, value or "")
        length = start + len(value or "")
        if length > MAX_FILLED:
            bag.error(codes.TOO_LARGE, f"over {MAX_FILLED} characters, its variables filled in", scalar.span)
            return scalar._replace(is_broken=True)
        inserts.append(Insert(name, start, length, found.start(), found.end()))
        after = found.end()
    pieces.append(scalar.written[after:])
    return scalar._replace(text="".join(pieces), inserts=tuple(inserts), is_broken=broken)


def _value(scalar: Scalar, found: re.Match[str], environment: Mapping[str, str], bag: Bag) -> str | None:
    if found[0].startswith("$$"):
        return found[0][1:]
    name = found[1]
    value = environment.get(name)
    span = written_part(scalar, *found.span())
    if value is None:
        near = get_close_matches(name, environment, 1)
        help = f"set it, or write `$${{{name}}}` for that very text" + (f"; is `{near[0]}` meant?" if near else "")
        bag.error(codes.UNSET_VARIABLE, f"the environment variable `{name}` is not set", span, help=help)
    elif "\0" in value or len(value) > MAX_VALUE:
        bag.error(codes.UNSET_VARIABLE, f"the value of `{name}` is not usable: too long, or with a NUL", span)
        return None
    return value
