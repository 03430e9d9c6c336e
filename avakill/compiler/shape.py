"""Shapes: what a value of the policy file may look like, as data that the checker and the JSON Schema share."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Text:
    """A text, never empty; with `pattern` (a regular expression that must match whole) as `pattern_help` says."""

    pattern: str = ""
    pattern_help: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number, `least` to `most`."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Shape
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping with any keys."""

    value: Shape
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Anything:
    """Any mapping; nobody looks inside."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table. `is_nullable`: `null` says the same as leaving the key out. `about` is for editors."""

    name: str
    shape: Shape
    about: str
    is_required: bool = False
    is_nullable: bool = False
    default: str | bool | None = None


@dataclass(frozen=True)
class Table:
    """A mapping with known keys; `what` is what it describes, for messages."""

    what: str
    keys: tuple[Key, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Key]:
        return {key.name: key for key in self.keys}

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys if key.is_required)

    @cached_property
    def may_have(self) -> frozenset[str]:
        return frozenset(self.by_name)

    @cached_property
    def must_have(self) -> frozenset[str]:
        return frozenset(self.required)


Shape = Text | Word | Count | Flag | ListOf | MapOf | Anything | Table
