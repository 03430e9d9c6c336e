"""YAML text to a tree whose every node knows its place."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from avakill.source import codes
from avakill.source.diagnostic import MANY, Bag, Label
from avakill.source.file import SourceFile
from avakill.source.span import Span

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 400_000
MAX_ALIASES = 1_000
MAX_ALIASED_NODES = 20_000
MAX_KEY = 1_024


class Mark(Protocol):
    """A place as the YAML reader counts it, from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Insert(NamedTuple):
    """Where an environment value stands: `text[start:end]`, for `written[from_:to]`, which named `variable`."""

    variable: str
    start: int
    end: int
    from_: int
    to: int


# Named tuples, not frozen dataclasses: a policy of 10,000 rules has 200,000 nodes, and these are made 3 times faster.
# They keep the reader's own marks, since few are ever asked for their place.
class Scalar(NamedTuple):
    """`text` is the value; `written` is the value before variables took their places in it.

    `is_broken` says that there is a complaint about it already.
    """

    text: str
    is_plain: bool
    source: SourceFile
    start: Mark
    end: Mark
    written: str
    inserts: tuple[Insert, ...]
    is_broken: bool

    @property
    def span(self) -> Span:
        return _between(self.source, self.start, self.end)


class Entry(NamedTuple):
    key: Scalar
    value: Node


class Map(NamedTuple):
    entries: Mapping[str, Entry]
    source: SourceFile
    start: Mark
    end: Mark

    @property
    def span(self) -> Span:
        """The first key (what follows it may be a whole page), or the braces of an empty mapping."""
        for entry in self.entries.values():
            return entry.key.span
        return _between(self.source, self.start, self.end)

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return None if entry is None else entry.value


class Seq(NamedTuple):
    items: Sequence[Node]
    source: SourceFile
    start: Mark
    end: Mark

    @property
    def span(self) -> Span:
        """A list on one line whole; of a longer one its first item; the brackets of an empty one."""
        if self.items and self.start.line != self.end.line:
            return self.items[0].span
        return _between(self.source, self.start, self.end)


Node = Scalar | Map | Seq


def read_tree(source: SourceFile, bag: Bag) -> Map | None:
    """The one mapping that the text is; None when it cannot be read at all. Further mistakes are left in `bag`."""
    # The C reader crashes on deep nesting only when it composes; its events are safe, and are counted as they come.
    import yaml

    if len(source.text) > MAX_BYTES:
        bag.error(codes.TOO_LARGE, f"over {MAX_BYTES // 2**20} MB of policy", _at(source, 1, 1))
        return None
    if (odd := _UNPRINTABLE.search(source.text)) is not None:
        _refuse_character(source, odd.start(), bag)
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(source.text)
    try:
        root = _read_document(loader, source, bag)
    except yaml.YAMLError as error:
        _report(error, source, bag)
        return None
    except _Stop:
        return None
    finally:
        loader.dispose()
    if isinstance(root, Map):
        return root
    if root is None:
        bag.error(codes.NOT_A_DOCUMENT, "an empty policy file", _at(source, 1, 1), help=_START)
    else:
        what = "a list" if isinstance(root, Seq) else "a single value"
        bag.error(codes.NOT_A_DOCUMENT, f"a policy is a mapping, this is {what}", root.span, help=_START)
    return None


_START = 'a policy begins with `version: "1.0"` and has a list `policies:`'
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Stop(Exception):
    """The rest is not worth reading; the reason is in the bag."""


class _Loader(Protocol):
    def get_event(self) -> yaml.Event | None: ...


class _Frame(NamedTuple):
    """A collection that is not closed yet, the `number`th node; of a mapping `children` are keys and values in turn."""

    is_map: bool
    start: Mark
    anchor: str | None
    number: int
    children: list[Node]


@dataclass(slots=True)
class _Reader:
    """`top` is what stands in no collection: the root, once it is read."""

    source: SourceFile
    bag: Bag
    stack: list[_Frame]
    anchors: dict[str, tuple[Node | None, int]]
    top: list[Node]
    nodes: int = 0
    aliases: int = 0
    aliased: int = 0


def _read_document(loader: _Loader, source: SourceFile, bag: Bag) -> Node | None:
    import yaml

    reader = _Reader(source, bag, [], {}, [])
    children = reader.top  # of the collection that is open
    get_event = loader.get_event
    while (event := get_event()) is not None:
        if isinstance(event, yaml.ScalarEvent):
            children.append(_scalar(event, reader))
        elif isinstance(event, yaml.CollectionStartEvent):
            children = _open(event, isinstance(event, yaml.MappingStartEvent), reader)
        elif isinstance(event, yaml.CollectionEndEvent):
            node = _close(event, reader)
            children = reader.stack[-1].children if reader.stack else reader.top
            children.append(node)
        elif isinstance(event, yaml.AliasEvent):
            children.append(_alias(event, reader))
        elif isinstance(event, yaml.DocumentStartEvent) and reader.top:
            bag.error(codes.NOT_A_DOCUMENT, "a second document", _span(event, source), help="keep one policy in a file")
            raise _Stop
    return reader.top[-1] if reader.top else None


def _scalar(event: yaml.ScalarEvent, reader: _Reader) -> Scalar:
    reader.nodes += 1
    if reader.nodes > MAX_NODES or reader.bag.errors >= MANY:
        _stop(event, reader)
    text, start, end = event.value, event.start_mark, event.end_mark
    assert start is not None
    assert end is not None
    node = _make(Scalar, (text, not event.style, reader.source, start, end, text, (), False))
    if event.tag is not None:
        _refuse_tag(event, reader)
        node = node._replace(is_broken=True)
    if event.anchor is not None:
        reader.anchors[event.anchor] = (node, 1)
    return node


_make = tuple.__new__
"""What a named tuple's own constructor ends in, at half the price; the fields are all given, in their order."""


def _open(event: yaml.CollectionStartEvent, is_map: bool, reader: _Reader) -> list[Node]:
    reader.nodes += 1
    if reader.nodes > MAX_NODES or reader.bag.errors >= MANY:
        _stop(event, reader)
    if event.tag is not None:
        _refuse_tag(event, reader)
    if len(reader.stack) >= MAX_DEPTH:
        reader.bag.error(codes.TOO_DEEP, f"nested over {MAX_DEPTH} deep", _span(event, reader.source))
        raise _Stop
    if event.anchor is not None:
        reader.anchors[event.anchor] = (None, 0)
    children: list[Node] = []
    start = event.start_mark
    assert start is not None
    reader.stack.append(_make(_Frame, (is_map, start, event.anchor, reader.nodes, children)))
    return children


def _close(event: yaml.CollectionEndEvent, reader: _Reader) -> Map | Seq:
    frame = reader.stack.pop()
    end = event.end_mark
    assert end is not None
    node: Map | Seq
    if frame.is_map:
        node = _make(Map, (_entries(frame.children, reader.bag), reader.source, frame.start, end))
    else:
        node = _make(Seq, (frame.children, reader.source, frame.start, end))
    if frame.anchor is not None:
        reader.anchors[frame.anchor] = (node, reader.nodes - frame.number + 1)
    return node


def _entries(children: Sequence[Node], bag: Bag) -> Mapping[str, Entry]:
    entries: dict[str, Entry] = {}
    for key, value in zip(children[::2], children[1::2], strict=True):
        if bag.errors >= MANY:
            raise _Stop
        if not isinstance(key, Scalar):
            bag.error(codes.WRONG_TYPE, "a key must be a single word", key.span)
        elif key.text not in entries and key.text != "<<" and len(key.text) <= MAX_KEY:
            entries[key.text] = _make(Entry, (key, value))
        elif _is_key(key, entries, bag):
            entries[key.text] = Entry(key, value)
    return entries


def _is_key(key: Scalar, entries: Mapping[str, Entry], bag: Bag) -> bool:
    """Whether a key that looks odd may stand; why not is left in `bag`."""
    if key.text == "<<" and key.is_plain:
        help = "write the keys out: a rule says all of itself"
        bag.error(codes.MERGE_KEY, "a merge key `<<`", key.span, help=help)
        return False
    if len(key.text) > MAX_KEY:
        bag.error(codes.TOO_LARGE, f"a key of over {MAX_KEY} characters", key.span)
        return False
    first = entries.get(key.text)
    if first is None:
        return True
    bag.error(
        codes.DUPLICATE_KEY,
        f"duplicate key `{key.text}`",
        key.span,
        Label(first.key.span, "first given here"),
        help="keep one of them",
    )
    return False


def _alias(event: yaml.AliasEvent, reader: _Reader) -> Node:
    name = event.anchor or ""
    span = _span(event, reader.source)
    reader.aliases += 1
    if name not in reader.anchors:
        help = f'a text that begins with `*` must be quoted: "*{name}"'
        reader.bag.error(codes.BAD_ALIAS, f"the alias `*{name}` has no anchor `&{name}` before it", span, help=help)
        raise _Stop
    node, size = reader.anchors[name]
    if node is None:
        reader.bag.error(codes.BAD_ALIAS, f"the alias `*{name}` stands within its own anchor", span)
        raise _Stop
    reader.aliased += size
    reader.nodes += size  # so that what holds this alias is as large as it would be written out
    if reader.aliases > MAX_ALIASES or reader.aliased > MAX_ALIASED_NODES:
        reader.bag.error(codes.TOO_LARGE, "aliases that repeat too much", span, help="write the values out")
        raise _Stop
    return node


def _stop(event: yaml.Event, reader: _Reader) -> NoReturn:
    if not reader.bag.is_full:
        reader.bag.error(codes.TOO_LARGE, f"over {MAX_NODES} values", _span(event, reader.source))
    raise _Stop


def _refuse_tag(event: yaml.NodeEvent, reader: _Reader) -> None:
    tag = str(getattr(event, "tag", "")).replace("tag:yaml.org,2002:", "!!")
    help = "remove it: quote a value to make it text"
    reader.bag.error(codes.TAG_GIVEN, f"the tag `{tag[:40]}`", _span(event, reader.source), help=help)


def _refuse_character(source: SourceFile, offset: int, bag: Bag) -> None:
    before = SourceFile(source.path, source.text[:offset]).lines
    char = source.text[offset]
    name = "a NUL" if char == "\0" else f"the character U+{ord(char):04X}"
    help = "remove it" if char == "\0" else f'write it as `"\\u{ord(char):04x}"`, or remove it'
    bag.error(codes.NOT_TEXT, f"{name} in the text", _at(source, len(before), len(before[-1]) + 1), help=help)


def _report(error: yaml.YAMLError, source: SourceFile, bag: Bag) -> None:
    """The reader's own complaint, in our words where they tell more."""
    mark: Mark | None = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read")
    context: Mark | None = getattr(error, "context_mark", None)
    if mark is None:
        bag.error(codes.BAD_YAML, f"not valid YAML: {problem}")
        return
    line, column = mark.line + 1, mark.column + 1
    written = source.line(line)
    help = _advice(problem, written, column)
    others: tuple[Label, ...] = ()
    if context is not None and (context.line, context.column) != (mark.line, mark.column):
        doing = str(getattr(error, "context", "") or "this")
        others = (Label(_at(source, context.line + 1, context.column + 1), doing),)
    bag.error(codes.BAD_YAML, f"not valid YAML: {problem}", _at(source, line, column), *others, help=help)


def _advice(problem: str, written: str, column: int) -> str:
    here = written[column - 1 : column]
    if "\t" in written[: column - 1] + here and not written[: column - 1].strip():
        return "indent with spaces: YAML forbids tabs there"
    if "${" in written[:column]:
        return 'a value with `${NAME}` in it must be quoted within `[…]` and `{…}`'
    if "alphabetic or numeric" in problem or here == "*":
        return 'a text that begins with `*` or `&` must be quoted: "*"'
    if "cannot start any token" in problem and here:
        return f"a text that begins with `{here}` must be quoted"
    if "mapping values are not allowed" in problem:
        return "a text with `: ` in it must be quoted; or the indentation is off"
    return ""


def _span(event: yaml.Event, source: SourceFile) -> Span:
    return _between(source, *_marks(event))


def _marks(event: yaml.Event) -> tuple[Mark, Mark]:
    start, end = event.start_mark, event.end_mark
    assert start is not None
    assert end is not None
    return start, end


def _between(source: SourceFile, start: Mark, end: Mark) -> Span:
    return Span(source.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _at(source: SourceFile, line: int, column: int) -> Span:
    return Span(source.path, line, column, line, column + 1)
