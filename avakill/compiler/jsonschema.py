"""The JSON Schema of a policy file (draft 2020-12), made from the tables that the checker reads."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from avakill.compiler.shape import Anything, Count, Flag, Key, ListOf, MapOf, Shape, Table, Text, Word
from avakill.compiler.surface import CONDITIONS, POLICY, RATE_LIMIT, RULE

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Names that users of the format know.
_NAMES = {RULE.what: "PolicyRule", CONDITIONS.what: "RuleConditions", RATE_LIMIT.what: "RateLimit"}
_VARIABLE = r"\$\{\w+\}"


def policy_schema() -> dict[str, Json]:
    """What an editor needs: the shape of a policy file, with a description for each key."""
    tables = (RULE, CONDITIONS, RATE_LIMIT)
    schema: dict[str, Json] = {"$schema": DIALECT, "title": "PolicyConfig", "description": "An avakill policy file."}
    schema |= _table(POLICY)
    schema["$defs"] = {_NAMES[table.what]: _table(table) for table in tables}
    schema["examples"] = [_EXAMPLE]
    return schema


_EXAMPLE: Json = {
    "version": "1.0",
    "default_action": "allow",
    "policies": [
        {
            "name": "no-ssh-keys",
            "tools": ["file_read", "file_write", "file_edit", "file_delete"],
            "action": "deny",
            "conditions": {"path_match": {"path": ["~/.ssh/**"]}},
            "message": "SSH keys are not the agent's",
        }
    ],
}


def _shape(shape: Shape) -> dict[str, Json]:
    match shape:
        case Text():
            text: dict[str, Json] = {"type": "string", "minLength": 1}
            return text | ({"pattern": f"^({shape.pattern}|{_VARIABLE})$"} if shape.pattern else {})
        case Word():
            return {"enum": list(shape.words)}
        case Count():
            return {"type": "integer", "minimum": shape.least, "maximum": shape.most}
        case Flag():
            return {"type": "boolean"}
        case ListOf():
            return {"type": "array", "items": _shape(shape.item), "minItems": 0 if shape.may_be_empty else 1}
        case MapOf():
            return {
                "type": "object",
                "additionalProperties": _shape(shape.value),
                "propertyNames": {"minLength": 1},
                "minProperties": 0 if shape.may_be_empty else 1,
            }
        case Anything():
            return {"type": "object"}
        case Table():
            return {"$ref": f"#/$defs/{_NAMES[shape.what]}"}
        case other:
            assert_never(other)


def _table(table: Table) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": {key.name: _key(key) for key in table.keys},
        "required": list(table.required),
        "additionalProperties": False,
    }


def _key(key: Key) -> dict[str, Json]:
    schema: dict[str, Json] = _shape(key.shape)
    if key.is_nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    schema["description"] = key.about
    if key.default is not None:
        schema["default"] = key.default
    return schema
