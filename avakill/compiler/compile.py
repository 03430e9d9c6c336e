"""The front door: a policy file's text to a policy, or to what is wrong with it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from avakill.compiler.checks import check_policy
from avakill.compiler.lower import lower_policy
from avakill.compiler.surface import IGNORED
from avakill.compiler.variables import substitute
from avakill.compiler.yamltree import MAX_BYTES, Entry, Map, read_tree
from avakill.ir.policy import Policy
from avakill.source import codes
from avakill.source.collector import collector_paused
from avakill.source.diagnostic import Bag, Diagnostic, Severity
from avakill.source.file import SourceFile
from avakill.source.span import Span


@dataclass(frozen=True, slots=True)
class Compiled:
    """`policy` is None if and only if there is an error among `diagnostics`."""

    policy: Policy | None
    diagnostics: tuple[Diagnostic, ...]


def compile_policy(source: SourceFile, environment: Mapping[str, str]) -> Compiled:
    """The policy that `source` says, its variables taken from `environment`; every mistake is in the answer."""
    bag = Bag()
    policy: Policy | None = None
    with collector_paused():
        root = read_tree(source, bag)
        if root is not None:
            policy = lower_policy(_substituted(root, environment, bag), source, bag)
        if policy is not None and not bag.has_errors:
            check_policy(policy, bag)
    return Compiled(None if bag.has_errors else policy, _in_order(bag))


def read_source(data: bytes, path: str) -> SourceFile | Diagnostic:
    """The bytes of the policy file `path` as text, with their digest; or why they are none."""
    if len(data) > MAX_BYTES:
        message = f"`{path}` is over {MAX_BYTES // 2**20} MB"
        return Diagnostic(codes.TOO_LARGE, Severity.ERROR, message, Span(path, 1, 1, 1, 2))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = SourceFile(path, data[: error.start].decode("utf-8", "replace")).lines
        line, column = len(before), len(before[-1]) + 1
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        help = "save the file as UTF-8"
        return Diagnostic(codes.NOT_TEXT, Severity.ERROR, message, Span(path, line, column, line, column + 1), help=help)
    return SourceFile(path, text, sha256(data).hexdigest())


def _substituted(root: Map, environment: Mapping[str, str], bag: Bag) -> Map:
    if "${" not in root.source.text:
        return root
    filled = {
        name: Entry(key, value if name in IGNORED else substitute(value, environment, bag))
        for name, (key, value) in root.entries.items()
    }
    return root._replace(entries=filled)


def _in_order(bag: Bag) -> tuple[Diagnostic, ...]:
    """As the file reads; what has no place first."""
    items = sorted(bag, key=lambda one: (one.span.line, one.span.column) if one.span else (0, 0))
    if bag.is_full:
        items[-1] = replace(items[-1], notes=(*items[-1].notes, "so many errors that the rest was not looked at"))
    return tuple(items)
