"""An interpreter of macOS sandbox profiles, written from what is known of the language and from nothing of the backend.

There is no checker off macOS, so this is a reading: an S-expression reader, the forms that profiles in the wild use, and
the rule that the last clause that matches decides. What it does not know it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation

_OPERATION_NAMES = """
default file* file-chroot file-clone file-ioctl file-issue-extension file-link file-map-executable file-mknod
file-read* file-read-data file-read-metadata file-read-xattr file-revoke file-search file-test-existence file-write*
file-write-create file-write-data file-write-flags file-write-mode file-write-owner file-write-setugid
file-write-times file-write-unlink file-write-xattr file-write-mount file-write-unmount process* process-exec*
process-exec process-exec-interpreter process-fork process-info* signal network* network-outbound network-inbound
network-bind system-socket system* mach* mach-lookup mach-register sysctl* sysctl-read sysctl-write iokit-open
ipc* ipc-posix* ipc-posix-shm
"""
OPERATIONS = frozenset(_OPERATION_NAMES.split())
ATTR = tuple(f"file-write-{what}" for what in ("flags", "mode", "owner", "setugid", "times", "xattr"))
READ = ("file-read-data", "file-read-xattr", "file-clone")
BY_SEVERAL_WAYS = (Operation.READ, Operation.LIST, Operation.ATTR, Operation.EXEC)
LINKED = ("/tmp", "/var", "/etc")


class ProfileError(ValueError):
    """A profile that would not load."""


# -- reading --


@dataclass(frozen=True)
class Symbol:
    name: str


@dataclass(frozen=True)
class Text:
    value: str


Node = Symbol | Text | int | bool | tuple["Node", ...]
DELIMITERS = frozenset(" \t\r\n();\"'")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def read(source: str) -> tuple[Node, ...]:
    """The top-level forms of a profile."""
    stack: list[list[Node]] = [[]]
    at = 0
    while at < len(source):
        char = source[at]
        if char in " \t\r\n":
            at += 1
        elif char == ";":
            end = source.find("\n", at)
            at = len(source) if end < 0 else end + 1
        elif char == "(":
            stack.append([])
            at += 1
        elif char == ")":
            if len(stack) == 1:
                raise ProfileError(f"a `)` without its `(` at {at}")
            done = tuple(stack.pop())
            stack[-1].append(done)
            at += 1
        elif char == '"':
            value, at = _read_string(source, at)
            stack[-1].append(Text(value))
        elif source.startswith('#"', at):
            end = source.find('"', at + 2)
            if end < 0:
                raise ProfileError("a raw string that is not closed")
            stack[-1].append(Text(source[at + 2 : end]))
            at = end + 1
        elif char == "'":
            raise ProfileError("a quoted datum is not known here")
        else:
            end = at
            while end < len(source) and source[end] not in DELIMITERS:
                end += 1
            stack[-1].append(_atom(source[at:end]))
            at = end
    if len(stack) != 1:
        raise ProfileError("a `(` that is not closed")
    return tuple(stack[0])


def _read_string(source: str, start: int) -> tuple[str, int]:
    found: list[str] = []
    at = start + 1
    while at < len(source):
        char = source[at]
        if char == '"':
            return "".join(found), at + 1
        if char == "\\":
            if source[at + 1 : at + 2] not in ESCAPES:
                raise ProfileError(f"an unknown escape at {at}")
            found.append(ESCAPES[source[at + 1]])
            at += 2
        else:
            found.append(char)
            at += 1
    raise ProfileError("a string that is not closed")


def _atom(text: str) -> Node:
    if text in ("#t", "#f"):
        return text == "#t"
    if text.startswith("#"):
        raise ProfileError(f"`{text}` is not known")
    return int(text) if text.lstrip("-").isdigit() else Symbol(text)


# -- what a filter is asked about --


@dataclass(frozen=True)
class Query:
    operation: str
    path: str | None = None
    directory: bool = False
    remote: tuple[str, str, int] | None = None
    """Protocol, host as `localhost` or an address, port."""


Filter = Callable[[Query], bool]


@dataclass(frozen=True)
class Rule:
    denies: bool
    operations: frozenset[str]
    filters: tuple[Filter, ...]

    def holds(self, query: Query) -> bool:
        if not any(_covers(operation, query.operation) for operation in self.operations):
            return False
        return not self.filters or any(found(query) for found in self.filters)


def _covers(operation: str, asked: str) -> bool:
    if operation == "default" or operation == asked:
        return True
    return operation.endswith("*") and asked.startswith(operation[:-1])


@dataclass
class Profile:
    """A loaded profile: what the kernel would answer."""

    rules: tuple[Rule, ...]
    answers: dict[Query, bool] = field(default_factory=dict)

    def permits(self, query: Query) -> bool:
        """The last rule that matches decides."""
        known = self.answers.get(query)
        if known is None:
            last = next((rule for rule in reversed(self.rules) if rule.holds(query)), None)
            known = self.answers[query] = last is None or not last.denies
        return known

    def allows(self, probe: Probe) -> bool:
        return all(self.permits(query) for query in queries(probe))

    def admits(self, probe: Probe) -> bool:
        """Whether one of several ways is left: `open` or `clonefile`, `chmod` or `utimes`, a binary or a script."""
        if probe.operation in BY_SEVERAL_WAYS:
            return any(self.permits(query) for query in queries(probe))
        return self.allows(probe)


def _on(operation: str, path: str, directory: bool = False) -> Query:
    return Query(operation, resolved(path, operation), directory)


def resolved(path: str, operation: str) -> str:
    """As the kernel sees it: `/tmp`, `/var` and `/etc` are links into `/private`; a name itself is not followed."""
    for link in LINKED:
        names_it = path == link and operation in ("file-write-unlink", "file-write-create", "file-link")
        if (path == link or path.startswith(link + "/")) and not names_it:
            return "/private" + path
    return path


def queries(probe: Probe) -> Iterator[Query]:
    """What the kernel asks for one operation."""
    thing, directory = probe.object, probe.directory
    match probe.operation:
        case Operation.READ | Operation.LIST:
            yield from (_on(operation, thing, directory) for operation in READ)
        case Operation.WRITE | Operation.TRUNCATE:
            yield _on("file-write-data", thing, directory)
        case Operation.ATTR:
            yield from (_on(operation, thing, directory) for operation in ATTR)
        case Operation.CREATE | Operation.SYMLINK:
            yield _on("file-write-create", thing)
        case Operation.MKDIR:
            yield _on("file-write-create", thing, True)
        case Operation.UNLINK:
            yield _on("file-write-unlink", thing, directory)
        case Operation.RMDIR:
            yield _on("file-write-unlink", thing, True)
        case Operation.EXEC:
            yield _on("process-exec", thing)
            yield _on("process-exec-interpreter", thing)
        case Operation.LINK:
            assert probe.to is not None
            yield _on("file-link", thing)
            yield _on("file-write-create", probe.to)
        case Operation.RENAME:
            assert probe.to is not None
            yield _on("file-write-unlink", thing, directory)
            yield _on("file-write-create", probe.to, directory)
            if probe.replaces or probe.exchange:
                yield _on("file-write-unlink", probe.to, directory)
            if probe.exchange:
                yield _on("file-write-create", thing, directory)
        case Operation.CONNECT:
            protocol, _, rest = thing.rpartition("://")
            host, _, port = rest.rpartition(":")
            yield Query("network-outbound", remote=(protocol or "tcp", host, int(port)))


# -- evaluating --


def load(source: str, parameters: Mapping[str, str] | None = None) -> Profile:
    """A profile from its text. Raises ProfileError for what would not load."""
    forms = read(source)
    if not forms or forms[0] != (Symbol("version"), 1):
        raise ProfileError("a profile begins with `(version 1)`")
    scope = _Scope(dict(parameters or {}))
    for form in forms[1:]:
        scope.run(form)
    if not scope.rules or not any("default" in rule.operations for rule in scope.rules):
        raise ProfileError("a profile says what its default is")
    return Profile(tuple(scope.rules))


def argument(form: str, parameters: Mapping[str, str]) -> str:
    """The text that the first argument of a filter stands for."""
    (node,) = read(form)
    if not isinstance(node, tuple) or len(node) < 2:
        raise ProfileError(f"not a filter: {form}")
    return _Scope(dict(parameters)).text(node[1])


class _Scope:
    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters
        self.names: dict[str, object] = {}
        self.rules: list[Rule] = []

    def run(self, form: Node) -> None:
        if not isinstance(form, tuple) or not form or not isinstance(form[0], Symbol):
            raise ProfileError(f"not a form: {form!r}")
        head, rest = form[0], list(form[1:])
        if head.name in ("allow", "deny"):
            self.rules.append(self._rule(head.name == "deny", rest))
        elif head.name == "define":
            if len(rest) != 2 or not isinstance(rest[0], Symbol):
                raise ProfileError("only `(define NAME VALUE)` is known")
            self.names[rest[0].name] = self.value(rest[1])
        elif head.name == "debug":
            return
        else:
            raise ProfileError(f"`{head.name}` is not known at the top")

    def _rule(self, denies: bool, rest: list[Node]) -> Rule:
        operations: list[str] = []
        filters: list[Filter] = []
        for node in rest:
            if isinstance(node, Symbol) and not filters and node.name not in self.names:
                if node.name not in OPERATIONS:
                    raise ProfileError(f"`{node.name}` is not an operation")
                operations.append(node.name)
            elif isinstance(node, tuple) and node and node[0] == Symbol("with"):
                continue
            else:
                filters.append(self.filter(node))
        if not operations:
            raise ProfileError("a rule without an operation")
        return Rule(denies, frozenset(operations), tuple(filters))

    def value(self, node: Node) -> object:
        """A string, a boolean, or a filter."""
        if isinstance(node, Text):
            return node.value
        if isinstance(node, bool | int):
            return node
        if isinstance(node, Symbol):
            if node.name not in self.names:
                raise ProfileError(f"unbound variable: {node.name}")
            return self.names[node.name]
        if node and isinstance(node[0], Symbol):
            name, arguments = node[0].name, node[1:]
            if name == "param":
                key = self.text(arguments[0])
                if key not in self.parameters:
                    return False
                return self.parameters[key]
            if name == "string-append":
                return "".join(self.text(argument) for argument in arguments)
            if name == "regex-quote":
                return "".join(f"\\{c}" if c in ".^$*+?()[]{}|\\" else c for c in self.text(arguments[0]))
        return self.filter(node)

    def text(self, node: Node) -> str:
        value = self.value(node)
        if not isinstance(value, str):
            raise ProfileError(f"not a string: {node!r}")
        return value

    def filter(self, node: Node) -> Filter:
        if isinstance(node, Symbol):
            value = self.value(node)
            if not callable(value):
                raise ProfileError(f"`{node.name}` is not a filter")
            return value
        if not isinstance(node, tuple) or not node or not isinstance(node[0], Symbol):
            raise ProfileError(f"not a filter: {node!r}")
        name, arguments = node[0].name, node[1:]
        make = _FILTERS.get(name)
        if make is None:
            raise ProfileError(f"`{name}` is not a filter")
        if not arguments:
            raise ProfileError(f"`{name}` needs an argument")
        return make(self, arguments)


def _each(make: Callable[[str], Filter]) -> Callable[[_Scope, tuple[Node, ...]], Filter]:
    """`(literal A B)` holds where one of its arguments does."""

    def build(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
        found = tuple(make(scope.text(argument)) for argument in arguments)
        return lambda query: query.path is not None and any(one(query) for one in found)

    return build


def _literal(path: str) -> Filter:
    _must_be_absolute(path)
    return lambda query: query.path == path


def _prefix(path: str) -> Filter:
    _must_be_absolute(path)
    return lambda query: str(query.path).startswith(path)


def _subpath(path: str) -> Filter:
    _must_be_absolute(path)
    if path != "/" and path.endswith("/"):
        raise ProfileError("a subpath ends without a slash")
    start = path.rstrip("/") + "/"
    return lambda query: query.path == path or str(query.path).startswith(start)


def _must_be_absolute(path: str) -> None:
    if not path.startswith("/"):
        raise ProfileError(f"a path must be absolute: {path!r}")


def _regex(text: str) -> Filter:
    compiled = re.compile(translated(text), re.DOTALL)
    return lambda query: compiled.search(_bytes(str(query.path))) is not None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _require_any(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    found = tuple(scope.filter(argument) for argument in arguments)
    return lambda query: any(one(query) for one in found)


def _require_all(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    found = tuple(scope.filter(argument) for argument in arguments)
    return lambda query: all(one(query) for one in found)


def _require_not(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    if len(arguments) != 1:
        raise ProfileError("`require-not` takes one filter")
    found = scope.filter(arguments[0])
    return lambda query: not found(query)


VNODE_TYPES = ("REGULAR-FILE", "DIRECTORY", "SYMLINK", "SOCKET", "FIFO", "BLOCK-DEVICE", "CHARACTER-DEVICE", "TTY")


def _vnode_type(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    wanted = {argument.name for argument in arguments if isinstance(argument, Symbol)}
    if len(wanted) != len(arguments) or not wanted <= set(VNODE_TYPES):
        raise ProfileError("an unknown vnode type")
    return lambda query: query.path is not None and ("DIRECTORY" in wanted if query.directory else "REGULAR-FILE" in wanted)


def _remote(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    kind = arguments[0]
    if not isinstance(kind, Symbol):
        raise ProfileError("`remote` needs a protocol")
    if kind.name == "unix-socket":
        return lambda query: False
    if kind.name not in ("ip", "ip4", "ip6", "tcp", "udp"):
        raise ProfileError(f"`{kind.name}` is not a protocol")
    host, port = _address(scope.text(arguments[1])) if len(arguments) > 1 else ("*", "*")
    protocol = kind.name

    def holds(query: Query) -> bool:
        if query.remote is None:
            return False
        used, there, number = query.remote
        return (
            (protocol not in ("tcp", "udp") or used == protocol)
            and (host == "*" or there in ("localhost", "[::1]") or there.startswith("127."))
            and port in ("*", str(number))
        )

    return holds


def _local(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    if len(arguments) > 1:
        _address(scope.text(arguments[1]))
    return lambda query: False


def _address(text: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    if not colon or host not in ("*", "localhost"):
        raise ProfileError(f"host must be * or localhost in network address: {text!r}")
    if port != "*" and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ProfileError(f"a port is a number or `*`: {text!r}")
    return host, port


def _target(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    return lambda query: True


def _named(scope: _Scope, arguments: tuple[Node, ...]) -> Filter:
    for argument in arguments:
        scope.text(argument)
    return lambda query: False


_FILTERS: dict[str, Callable[[_Scope, tuple[Node, ...]], Filter]] = {
    "literal": _each(_literal),
    "path": _each(_literal),
    "subpath": _each(_subpath),
    "prefix": _each(_prefix),
    "regex": _each(_regex),
    "require-any": _require_any,
    "require-all": _require_all,
    "require-not": _require_not,
    "vnode-type": _vnode_type,
    "remote": _remote,
    "local": _local,
    "target": _target,
    "global-name": _named,
    "path-literal": _named,
}


# -- regular expressions: extended, over bytes, unanchored --


def translated(text: str) -> bytes:
    """An extended regular expression as one of this language's; what is not extended is refused."""
    source = _bytes(text)
    result = bytearray()
    at = depth = 0
    can_repeat = False
    while at < len(source):
        char = source[at : at + 1]
        if char == b"\\":
            quoted = source[at + 1 : at + 2]
            if not quoted or quoted not in b'.^$*+?()[]{}|\\/-"':
                raise ProfileError(f"an unknown escape in the regex {text!r}")
            result += re.escape(quoted)
            at, can_repeat = at + 2, True
        elif char == b"[":
            klass, at = _class(source, at, text)
            result += klass
            can_repeat = True
        elif char in b"*+?":
            if not can_repeat:
                raise ProfileError(f"nothing to repeat in the regex {text!r}")
            result += char
            at, can_repeat = at + 1, False
        elif char in b"{}":
            raise ProfileError(f"a bound in the regex {text!r} is not known here")
        else:
            depth += (char == b"(") - (char == b")")
            if depth < 0:
                raise ProfileError(f"a `)` too many in the regex {text!r}")
            if char in b"().|^":
                result += b"(?:" if char == b"(" else char
            else:
                result += b"\\Z" if char == b"$" else re.escape(char)
            at, can_repeat = at + 1, char not in b"(|^$"
    if depth:
        raise ProfileError(f"a `(` too many in the regex {text!r}")
    return bytes(result)


def _class(source: bytes, start: int, text: str) -> tuple[bytes, int]:
    """A bracket expression: a backslash in it is an ordinary character."""
    at = start + 1
    negated = source[at : at + 1] == b"^"
    at += negated
    members: list[tuple[int, int]] = []
    first = True
    while True:
        if at >= len(source):
            raise ProfileError(f"a class that is not closed in the regex {text!r}")
        if source[at : at + 1] == b"]" and not first:
            break
        if source[at : at + 2] in (b"[:", b"[.", b"[="):
            raise ProfileError(f"a named class in the regex {text!r}")
        low = source[at]
        if source[at + 1 : at + 2] == b"-" and source[at + 2 : at + 3] not in (b"]", b""):
            high = source[at + 2]
            if high < low:
                raise ProfileError(f"a range upside down in the regex {text!r}")
            members.append((low, high))
            at += 3
        else:
            members.append((low, low))
            at += 1
        first = False
    inside = b"".join(b"\\x%02x-\\x%02x" % pair for pair in members)
    return b"[" + (b"^" if negated else b"") + inside + b"]", at + 1
