"""The text of a plan read back into the symbolic plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from avakill.backends.landlock.emit import VERSION
from avakill.backends.landlock.model import Entry, Model, Network, Order
from avakill.ir.effect import Effect
from avakill.ir.endpoint import PortRange
from avakill.ir.region import Piece, Region
from avakill.paths.automaton import Pattern
from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard, split
from avakill.paths.substring import Substring
from avakill.source.span import NOWHERE, Span

_WILDCARDS = {"one": Wildcard.ONE, "some": Wildcard.SOME}


class NotAPlan(ValueError):
    """The text is not a plan that this version can read."""


def read_document(text: str) -> Model:
    """Raises NotAPlan."""
    try:
        return _model(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAPlan(f"not a landlock plan: {error}") from error


def _model(value: Mapping[str, Any]) -> Model:
    if value["version"] != VERSION:
        raise NotAPlan(f"a plan of version {value['version']}")
    policy, options = value["policy"], value["options"]
    return Model(
        policy["path"],
        policy["sha256"],
        options["scope"],
        options["strict"],
        options["floor"],
        tuple(_entry(entry, policy["path"]) for entry in value["entries"]),
        tuple(Order(Effect(order["effect"]), tuple(order["entries"])) for order in value["orders"]),
        _network(value["network"]),
    )


def _entry(value: Mapping[str, Any], path: str) -> Entry:
    line = int(value["line"])
    span = Span(path, line, 1, line, 1) if line else NOWHERE
    region = Region(tuple(_piece(piece) for piece in value["pieces"]))
    return Entry(value["rule"], value["name"], value["action"] == "deny", region, span)


def _network(value: Mapping[str, Any] | None) -> Network | None:
    if value is None:
        return None
    return Network(tuple(PortRange(first, last) for first, last in value["allowed_ports"]), tuple(value["rows"]))


def _piece(value: Mapping[str, Any]) -> Piece[Pattern]:
    if "within" in value:
        return Piece(tuple(_pattern(v) for v in value["within"]), tuple(_pattern(v) for v in value["without"]))
    return Piece((_pattern(value),))


def _pattern(value: Mapping[str, Any]) -> Pattern:
    fold = bool(value.get("ignore_case", False))
    if "contains" in value:
        return Substring(value["contains"])
    if "tree" in value:
        return Glob(split(value["tree"]), below=True, fold=fold)
    if "path" in value:
        return Glob(split(value["path"]), fold=fold)
    return Glob(tuple(_part(part) for part in value["glob"]), below=value["below"], fold=fold)


def _part(value: Any) -> Part:
    if isinstance(value, str):
        return value
    if value == ["deep"]:
        return Wildcard.DEEP
    atoms: list[str | Wildcard | CharClass] = []
    for atom in value:
        if isinstance(atom, str):
            atoms.append(_WILDCARDS[atom])
        elif "text" in atom:
            atoms.extend(atom["text"])
        else:
            atoms.append(CharClass(tuple((low, high) for low, high in atom["class"]), atom["negated"]))
    return Wild(tuple(atoms))
