"""One question in the making: an event in its context, with what was already worked out about it."""
from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from avakill.evaluator.arguments import Found, argument_name, index, path_texts
from avakill.evaluator.context import Context
from avakill.evaluator.line import Line
from avakill.evaluator.said import Texts
from avakill.evaluator.shell import parse, parse_argv
from avakill.evaluator.spelling import spell
from avakill.evaluator.walk import Unresolvable, Walker, lexical
from avakill.events.event import Event
from avakill.events.value import Members, Value, as_text, scalars
from avakill.ir.condition import Field
from avakill.ir.effect import TOOL_EFFECTS, Effect
from avakill.ir.names import canonical_tool
from avakill.ir.policy import ToolEffect
from avakill.paths.glob import join, split

if TYPE_CHECKING:
    from avakill.evaluator.protected import Guarded

MAX_PATHS = 1_000
MAX_LINES = 200
MAX_WORK = 3_000_000


class Undecidable(Exception):
    """The call cannot be judged, so it is denied; the text says why."""


Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one path value names. `firm`: all of these have to be in for an allow; `every`: one in is enough for a deny."""

    text: str
    firm: tuple[Names, ...]
    every: tuple[Names, ...]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class CommandText:
    """One command value: its text, and each way in which it may be run. Every reading has to satisfy an allow."""

    text: str
    lines: tuple[Line, ...]


@dataclass(eq=False)
class Call:
    """`own` are the policy's own tools; memos live as long as one decision, so links are looked at anew in the next."""

    event: Event
    context: Context
    own: tuple[ToolEffect, ...] = ()
    work: int = 0
    known: dict[str, str | None] = field(default_factory=dict)
    texts: dict[Field, Texts] = field(default_factory=dict)
    protected: Guarded | None = None
    """Self-protection's objects with links followed, where somebody keeps them; else they are worked out for this call."""
    _real: dict[Names, Names] = field(default_factory=dict)
    _readings: dict[str, tuple[Reading, ...]] = field(default_factory=dict)

    def spend(self, units: int) -> None:
        """Raises Undecidable once the whole question has become too large."""
        self.work += units
        if self.work > MAX_WORK:
            raise Undecidable("the call is too complex to judge")

    @cached_property
    def found(self) -> Mapping[str, tuple[Found, ...]]:
        return index(self.event)

    def values(self, name: str) -> tuple[Value, ...]:
        return tuple(item.value for item in self.found.get(argument_name(name)[0], ()))

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """The canonical name first, then what the tool may be called in a policy besides."""
        event = self.event
        return tuple(dict.fromkeys((event.tool, event.given, canonical_tool(event.given))))

    @cached_property
    def effects(self) -> frozenset[Effect] | None:
        """The effects of the tool; None where nobody says."""
        for own in self.own:
            if own.tool.lower() == self.event.tool.lower():
                return own.effects
        return TOOL_EFFECTS.get(self.event.tool)

    # -- paths --

    @cached_property
    def base(self) -> str:
        """The session's directory."""
        context = self.context
        given = self.event.cwd or context.cwd or context.workspace
        if given == "~" or given.startswith("~/"):
            given = context.home + given[1:]
        return given if given.startswith("/") else f"{context.workspace}/{given}"

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """Where a relative path may start: the session's directory, and each `cwd` argument."""
        bases = {self.base: None}
        for value in self.values("cwd"):
            for text in scalars(value):
                if isinstance(text, str) and text:
                    for path, _ in spell(text, (self.base,), self.context).firm:
                        bases[path] = None
        if len(bases) > 16:
            raise Undecidable("too many working directories")
        return tuple(bases)

    def readings(self, name: str) -> tuple[Reading, ...]:
        """What each path in the argument `name` may be. Raises Undecidable."""
        known = self._readings.get(name)
        if known is None:
            texts = dict.fromkeys(text for value in self.values(name) for text in path_texts(value) if text is not None)
            if len(texts) > MAX_PATHS:
                raise Undecidable(f"over {MAX_PATHS} paths in one call")
            known = tuple(self.read_path(text) for text in texts)
            self._readings[name] = known
        return known

    def read_path(self, text: str, bases: tuple[str, ...] | None = None) -> Reading:
        if "\0" in text:
            raise Undecidable("a NUL in a path")
        spelled = spell(text, bases if bases is not None else self.bases, self.context)
        firm: dict[Names, None] = {}
        every: dict[Names, None] = {}
        doubt = spelled.doubt
        for path, base in (*spelled.firm, *spelled.extra):
            is_firm = (path, base) in spelled.firm
            forms = {split(lexical(path)): None}
            try:
                place = Walker(self.context.resolver, base, self.known).place(path)
            except Unresolvable as why:
                doubt = doubt or str(why)
                place = None
            if place is not None:
                forms |= {split(place.name): None, split(place.object): None}
                if is_firm and self._names_count:
                    firm[split(place.name)] = None
                if is_firm and self._objects_count:
                    firm[split(place.object)] = None
            every |= forms
        every |= {_composed(names): None for names in every}
        return Reading(text, tuple(firm), tuple(every), doubt)

    @property
    def _names_count(self) -> bool:
        """Whether the tool may act on a name itself, and not on what a link of that name points to (semantics §3)."""
        return self.effects is None or Effect.DELETE in self.effects

    @property
    def _objects_count(self) -> bool:
        return self.effects != frozenset({Effect.DELETE})

    def real(self, names: Names) -> Names:
        """The components of an absolute path with the links in it followed; as given where that cannot be told."""
        if not names:
            return ()
        known = self._real.get(names)
        if known is None:
            parent = self.real(names[:-1]) if len(names) <= 64 else names[:-1]
            known = (*parent, names[-1])
            try:
                if self._walker.link(join(known)) is not None:
                    known = split(self._walker.place(join(known)).object)
            except Unresolvable:
                known = names
            self._real[names] = known
        return known

    @cached_property
    def _walker(self) -> Walker:
        return Walker(self.context.resolver, self.base, self.known)

    @cached_property
    def home(self) -> Names:
        return split(lexical(self.context.home))

    @cached_property
    def workspace(self) -> Names:
        return split(lexical(self.context.workspace))

    # -- commands --

    @cached_property
    def commands(self) -> tuple[CommandText, ...]:
        """Each command line of the call, with every way in which a tool may run it. Raises Undecidable."""
        result = [text for item in self.found.get("command", ()) for text in _commands(item.value, item.is_plural)]
        if sum(len(command.lines) for command in result) > MAX_LINES:
            raise Undecidable(f"over {MAX_LINES} command lines in one call")
        return tuple(result)


def _composed(names: Names) -> Names:
    return tuple(name if name.isascii() else unicodedata.normalize("NFC", name) for name in names)


def _commands(value: Value, is_plural: bool) -> list[CommandText]:
    """A list of scalars is an argument vector, or its words joined for a shell; nobody knows which, so it is both."""
    match value:
        case Members(items):
            return [text for _, inner in items for text in _commands(inner, is_plural)]
        case tuple():
            if any(isinstance(item, tuple | Members) for item in value):
                return [text for item in value for text in _commands(item, is_plural)]
            words = tuple(as_text(scalar) for scalar in scalars(value))
            if not words:
                return []
            joined = " ".join(words)
            lines = [parse_argv(words), parse(joined)]
            if is_plural:
                lines.extend(parse(word) for word in words[:MAX_LINES])
            return [CommandText(joined, tuple(lines))]
        case None:
            return []
        case scalar:
            text = as_text(scalar)
            return [CommandText(text, (parse(text),))]
