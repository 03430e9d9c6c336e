"""A compact statement of what a TracingPolicy may be: the schema's rules, and the limits that are checked when it is loaded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
TYPES = {"file", "path", "dentry", "string", "uint32", "linux_binprm", "sockaddr"}
STRINGS = {"Equal", "NotEqual", "Prefix", "NotPrefix", "Postfix", "NotPostfix"}
SOCKETS = {"SAddr", "NotSAddr", "SPort", "NotSPort", "Family"}
SLOT = {"Prefix": "prefix", "Postfix": "postfix", "Equal": "equal", "SAddr": "addr", "SPort": "value", "Family": "value"}


def complaints_of(text: str) -> Iterator[str]:
    """Of every object in a file."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for document in yaml.load_all(text, loader):
        if document is not None:
            yield from complaints(document)


def complaints(document: dict[str, Any]) -> Iterator[str]:
    kind = document.get("kind")
    if set(document) != {"apiVersion", "kind", "metadata", "spec"} or document["apiVersion"] != "cilium.io/v1alpha1":
        yield "unknown or missing fields in the object"
    if kind not in ("TracingPolicy", "TracingPolicyNamespaced"):
        yield f"kind {kind}"
    if set(document["metadata"]) != ({"name"} if kind == "TracingPolicy" else {"name", "namespace"}):
        yield "metadata"
    if not NAME.fullmatch(document["metadata"]["name"]) or len(document["metadata"]["name"]) > 253:
        yield "the name is no RFC 1123 subdomain"
    if not set(document["spec"]) <= {"podSelector", "lsmhooks"} or not document["spec"].get("lsmhooks"):
        yield "one section, `lsmhooks`, and nothing else"
    for hook in document["spec"]["lsmhooks"]:
        yield from of_hook(hook)


def of_hook(hook: dict[str, Any]) -> Iterator[str]:
    if set(hook) != {"hook", "args", "selectors"}:
        yield f"fields of a hook: {sorted(hook)}"
    if not 1 <= len(hook["args"]) <= 5 or not 1 <= len(hook["selectors"]) <= 5:
        yield f"{len(hook['args'])} arguments, {len(hook['selectors'])} selectors"
    for arg in hook["args"]:
        if not {"index", "type"} <= set(arg) <= {"index", "type", "resolve"} or arg["type"] not in TYPES:
            yield f"argument {arg}"
        if type(arg["index"]) is not int or not 0 <= arg["index"] <= 4:
            yield f"index {arg['index']}"
    used: Counter[str] = Counter()
    for selector in hook["selectors"]:
        yield from of_selector(selector, hook["args"], used)
    yield from (f"{count} {slot} slots" for slot, count in used.items() if count > 8)


def of_selector(selector: dict[str, Any], args: list[dict[str, Any]], used: Counter[str]) -> Iterator[str]:
    if not set(selector) <= {"matchArgs", "matchActions", "matchBinaries"} or len(selector["matchArgs"]) > 5:
        yield f"fields of a selector, or {len(selector['matchArgs'])} matchArgs"
    if selector["matchActions"] != [{"action": "Override", "argError": -1}]:
        yield f"actions {selector['matchActions']}: only `Override` with -1 was seen to prevent"
    for match in selector["matchArgs"]:
        yield from of_match(match, args)
        used[SLOT.get(match["operator"].removeprefix("Not"), "none")] += match["operator"] != "Mask"
    binaries = selector.get("matchBinaries", [])
    if len(binaries) > 1 or any(len(value.encode()) > 255 for b in binaries for value in b["values"]):
        yield "matchBinaries"


def of_match(match: dict[str, Any], args: list[dict[str, Any]]) -> Iterator[str]:
    operator, values = match["operator"], match["values"]
    kind = args[match["args"][0]]["type"]
    allowed = {"sockaddr": SOCKETS, "uint32": {"Mask"}}.get(kind, STRINGS)
    if set(match) != {"args", "operator", "values"} or operator not in allowed:
        yield f"{operator} on {kind}"
    if not values or any(not isinstance(value, str) or not value for value in values):
        yield f"values of {operator}: strings, none of them empty (an empty `Postfix` kills the daemon)"
    longest = max((len(str(value).encode()) for value in values), default=0)
    limit = {"Prefix": 255, "Postfix": 127, "Equal": 4096}.get(operator.removeprefix("Not"), 64)
    if longest > limit:
        yield f"{operator} of {longest} bytes"
