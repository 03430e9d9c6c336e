"""The symbolic plan as JSON text, a line for each thing that a rule says."""

from __future__ import annotations

import json
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted

from avakill.backends.contract import Artifact, Line
from avakill.backends.landlock.model import Entry, Model
from avakill.backends.landlock.rights import RIGHTS_OF
from avakill.ir.region import Piece
from avakill.paths.automaton import Pattern
from avakill.paths.glob import CharClass, Glob, Part, Wild, Wildcard, join
from avakill.source.span import NOWHERE, Span

NAME = "landlock.json"
VERSION = 1

_WORDS = {Wildcard.ONE: "one", Wildcard.SOME: "some", Wildcard.DEEP: "deep"}

Value = None | bool | int | str | list["Value"] | dict[str, "Value"]


def emit(model: Model) -> tuple[Artifact, ...]:
    lines = [Line("{"), *_header(model), Line('  "entries": [')]
    for number, entry in enumerate(model.entries):
        lines.extend(_entry(number, entry, number == len(model.entries) - 1))
    lines += [Line("  ],"), Line('  "orders": [')]
    for number, order in enumerate(model.orders):
        value: Value = {
            "effect": str(order.effect),
            "rights": list(RIGHTS_OF[order.effect]),
            "entries": list(order.entries),
        }
        lines.append(Line(f"    {_text(value)}{_comma(number, len(model.orders))}"))
    lines.append(Line("  ],"))
    lines.append(Line(f'  "network": {_text(_network(model))}'))
    lines.append(Line("}"))
    return (Artifact(NAME, tuple(lines)),)


def _header(model: Model) -> list[Line]:
    note = (
        "nothing to lower: applying this plan restricts nothing"
        if model.is_nothing
        else "symbolic: the ruleset is expanded on the host, when it is applied or dry-run"
    )
    fields: dict[str, Value] = {
        "artifact": "avakill landlock plan",
        "version": VERSION,
        "generated": "by avakill; do not edit, change the policy instead",
        "policy": {"path": model.policy_path, "sha256": model.policy_sha256},
        "options": {"scope": model.scope, "strict": model.strict, "floor": model.floor},
        "apply": "avakill enforce landlock --policy POLICY -- COMMAND…",
        "note": note,
        "inodes": "grants follow files: an object keeps what it had at launch under any later name",
    }
    return [Line(f"  {_text(key)}: {_text(value)},") for key, value in fields.items()]


def _entry(number: int, entry: Entry, is_last: bool) -> list[Line]:
    origin = entry.span if entry.span is not NOWHERE and entry.span.line else None
    action = "deny" if entry.denies else "allow"
    head = f'"rule": {entry.index}, "name": {_quoted(entry.name)}, "line": {entry.span.line}, "action": "{action}"'
    opening = f'    {{"id": {number}, {head}, "pieces": ['
    pieces = [_piece(piece) for piece in entry.region.pieces]
    end = "]}" + ("" if is_last else ",")
    if len(pieces) <= 1:
        return [Line(opening + "".join(pieces) + end, origin)]
    inner = [_inner(text, at, len(pieces), origin) for at, text in enumerate(pieces)]
    return [Line(opening, origin), *inner, Line(f"    {end}", origin)]


def _inner(text: str, at: int, count: int, origin: Span | None) -> Line:
    return Line(f"      {text}{_comma(at, count)}", origin)


def _comma(number: int, count: int) -> str:
    return "," if number < count - 1 else ""


def _network(model: Model) -> Value:
    if model.network is None:
        return None
    ports: list[Value] = [[ports.first, ports.last] for ports in model.network.allowed]
    return {"right": "connect_tcp", "allowed_ports": ports, "rows": list(model.network.rows)}


# -- patterns --


def _piece(piece: Piece[Pattern]) -> str:
    if len(piece.within) == 1 and not piece.without:
        return _pattern(piece.within[0])
    within, without = (", ".join(map(_pattern, atoms)) for atoms in (piece.within, piece.without))
    return f'{{"within": [{within}], "without": [{without}]}}'


def _pattern(atom: Pattern) -> str:
    if not isinstance(atom, Glob):
        return f'{{"contains": {_quoted(atom.needle)}}}'
    fold = ', "ignore_case": true' if atom.fold else ""
    below = "true" if atom.below else "false"
    if atom.is_literal:
        return f'{{"{"tree" if atom.below else "path"}": {_quoted(join(atom.literal_prefix))}{fold}}}'
    return f'{{"glob": [{", ".join(map(_part, atom.parts))}], "below": {below}{fold}}}'


@lru_cache(maxsize=65536)
def _part(part: Part) -> str:
    """A literal name is a string, any other component a list of its atoms."""
    if isinstance(part, str):
        return _quoted(part)
    return _text([_WORDS[part]] if isinstance(part, Wildcard) else _atoms(part))


def _atoms(part: Wild) -> Value:
    result: list[Value] = []
    text = ""
    for atom in part.atoms:
        if isinstance(atom, str):
            text += atom
            continue
        if text:
            result.append({"text": text})
            text = ""
        result.append(_class(atom) if isinstance(atom, CharClass) else _WORDS[atom])
    if text:
        result.append({"text": text})
    return result


def _class(klass: CharClass) -> Value:
    ranges: list[Value] = [[low, high] for low, high in klass.ranges]
    return {"class": ranges, "negated": klass.negated}


def _text(value: Value) -> str:
    """ASCII only: names that are not UTF-8 stay as escaped surrogates, and no name can break a line."""
    return json.dumps(value, ensure_ascii=True)
